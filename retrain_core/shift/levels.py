"""From effects and p-values to levels: a movement counts if it is real and large enough to matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.types import Level

ORDER: dict[Level, int] = {"none": 0, "minor": 1, "major": 2}


@dataclass(frozen=True)
class Thresholds:
    """What counts as a shift.

    Args:
        alpha: Share of chance findings that is tolerated.
        minor: Effect from which a movement matters, in d (standard deviations).
        major: Effect from which it matters much, in d.
    """

    alpha: float = 0.05
    minor: float = 0.1
    major: float = 0.5

    def level(self, effect: float, p_adjusted: float) -> Level:
        """Return the level of an effect in d whose adjusted p-value is known.

        >>> Thresholds().level(effect=0.01, p_adjusted=1e-9)
        'none'
        >>> Thresholds().level(effect=0.3, p_adjusted=0.2)
        'none'
        >>> Thresholds().level(effect=0.3, p_adjusted=0.01)
        'minor'
        """
        if not p_adjusted < self.alpha or effect < self.minor:
            return "none"
        return "major" if effect >= self.major else "minor"


def highest(levels: Sequence[Level | None]) -> Level:
    """Return the most severe level; what could not be told does not count.

    >>> highest(["none", None, "minor"])
    'minor'
    """
    return max((level for level in levels if level is not None), key=ORDER.__getitem__, default="none")


def benjamini_hochberg(p: Sequence[float]) -> NDArray[np.float64]:
    """Return p-values adjusted so that a threshold on them bounds the share of false findings.

    Source: Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57(1).

    >>> benjamini_hochberg([0.01, 0.02, 0.9]).tolist()
    [0.03, 0.03, 0.9]
    """
    if not len(p):
        return np.zeros(0)
    return np.asarray(stats.false_discovery_control(p), dtype=np.float64)


def detectable_effect(old_rows: int, new_rows: int, tests: int, alpha: float) -> float:
    """Return the d that a column must move by to be found with a chance of 80 % by KS.

    Args:
        old_rows: Old sample size.
        new_rows: New sample size.
        tests: How many tests share ``alpha`` (as if no other found anything).
        alpha: As in :class:`Thresholds`.

    Source: Hodges (1958), Arkiv för Matematik 3; normal approximation at the widest gap.

    >>> round(detectable_effect(1_000, 1_000, 1, 0.05), 2)
    0.2
    """
    scale = np.sqrt(1 / old_rows + 1 / new_rows)
    gap = scale * (np.sqrt(np.log(2 * max(tests, 1) / alpha) / 2) + stats.norm.ppf(0.8) / 2)
    return float(2 * stats.norm.ppf((1 + min(gap, 0.866)) / 2))

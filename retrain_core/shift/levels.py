"""From effects and p-values to levels: a movement counts if it is real and large enough to matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.types import Level, Thresholds

LARGEST_D = 3.0  # two normals 3 apart share 13 %; their overlap says little about a longer way
OR_MORE = f"{LARGEST_D:g} or more"
ORDER: dict[Level, int] = {"none": 0, "minor": 1, "major": 2}


def is_largest(effect: float) -> bool:
    """Return whether an effect in d stands for itself and all that are larger.

    >>> is_largest(2.99), is_largest(2.9999999999), is_largest(5.0)
    (False, True, False)
    """
    return abs(effect - LARGEST_D) < 1e-6


def level_of(effect: float, p_adjusted: float, thresholds: Thresholds = Thresholds()) -> Level:
    """Return the level of an effect in d whose adjusted p-value is known.

    Args:
        effect: In d.
        p_adjusted: Adjusted over all tests of a report.
        thresholds: From when on a movement counts.

    >>> level_of(effect=0.01, p_adjusted=1e-9)
    'none'
    >>> level_of(effect=0.3, p_adjusted=0.2)
    'none'
    >>> level_of(effect=0.3, p_adjusted=0.01)
    'minor'
    >>> level_of(effect=0.3, p_adjusted=0.01, thresholds=Thresholds(major=0.2))
    'major'
    """
    if not p_adjusted < thresholds.alpha or effect < thresholds.minor:
        return "none"
    return "major" if effect >= thresholds.major else "minor"


def highest(levels: Iterable[Level]) -> Level:
    """Return the most severe level.

    >>> highest(["none", "minor"])
    'minor'
    """
    return max(levels, key=ORDER.__getitem__, default="none")


def benjamini_hochberg(p: Sequence[float]) -> NDArray[np.float64]:
    """Return p-values adjusted so that a threshold on them bounds the share of false findings.

    Source: Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57(1).

    >>> benjamini_hochberg([0.01, 0.02, 0.9]).tolist()
    [0.03, 0.03, 0.9]
    """
    return np.asarray(stats.false_discovery_control(p), dtype=np.float64) if len(p) else np.zeros(0)

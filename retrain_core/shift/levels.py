"""From effects and p-values to levels: a movement counts if it is real and large enough to matter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.types import Level

ALPHA = 0.05  # share of chance findings that is tolerated
MINOR = 0.1  # effect from which a movement matters, in d (standard deviations)
MAJOR = 0.5  # effect from which it matters much, in d
LARGEST_D = 3.0  # two normals 3 apart share 13 %; their overlap says little about a longer way
ORDER: dict[Level, int] = {"none": 0, "minor": 1, "major": 2}


def level_of(effect: float, p_adjusted: float) -> Level:
    """Return the level of an effect in d whose adjusted p-value is known.

    >>> level_of(effect=0.01, p_adjusted=1e-9)
    'none'
    >>> level_of(effect=0.3, p_adjusted=0.2)
    'none'
    >>> level_of(effect=0.3, p_adjusted=0.01)
    'minor'
    """
    if not p_adjusted < ALPHA or effect < MINOR:
        return "none"
    return "major" if effect >= MAJOR else "minor"


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

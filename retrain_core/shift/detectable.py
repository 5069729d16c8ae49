"""What so many rows can show: the smallest true movement that would be found with a chance of about 80 %."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special, stats

from retrain_core.shift.equivalence import d_from_overlap, overlap_at
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.levels import LARGEST_D
from retrain_core.types import Thresholds

POWER = 0.8
LARGEST_GAP = overlap_at(LARGEST_D)
ALPHA = Thresholds().alpha


def detectable_d(rows: tuple[int, int], categories: int = 0, tests: int = 1, alpha: float = ALPHA) -> float:
    """Return the effect that a column must have to be found with a chance of about 80 %, in d, at most 3.

    Args:
        rows: Old and new values, at least one each.
        categories: How many there are; 0 for numbers.
        tests: How many tests share ``alpha``, as if none of the others found anything.
        alpha: Share of chance findings that is tolerated.

    Returns:
        For numbers by the Kolmogorov-Smirnov test: noise lifts the largest gap of a moved normal as much above the
        true one as a chance of 80 % takes (simulated: to 0.05 of its standard error for up to 1,000 tests), so the
        true one may be as large as the test's threshold. For categories by the chi-squared test, if the movement
        is spread over them in the way that is hardest to find.

    Source: Hodges (1958), Arkiv för Matematik 3; Cohen (1988), Statistical Power Analysis, chapter 7.

    >>> round(detectable_d((1_000, 1_000)), 2), round(detectable_d((1_000, 1_000), categories=4), 2)
    (0.16, 0.19)
    """
    if categories:
        return d_from_overlap(min(chi_squared_d(rows, categories, tests, alpha) / 2, LARGEST_GAP))
    gap = float(np.sqrt((1 / rows[0] + 1 / rows[1]) * np.log(2 * max(tests, 1) / alpha) / 2))
    return d_from_overlap(min(gap, LARGEST_GAP))


def chi_squared_d(rows: tuple[int, int], categories: int, tests: int = 1, alpha: float = ALPHA) -> float:
    """Return the distance of two normals whose chi-squared, in so many categories, would be found with 80 %.

    >>> round(chi_squared_d((1_000, 1_000), 4), 2)
    0.15
    """
    freedom = max(categories - 1, 1)
    threshold = stats.chi2.isf(alpha / max(tests, 1), freedom)
    return float(np.sqrt(special.chndtrinc(threshold, freedom, 1 - POWER) * (1 / rows[0] + 1 / rows[1])))


def detectable_value(
    estimate: Estimate,
    at_d: Callable[[float, tuple[int, int], int], float] | None,
    rows: tuple[int, int],
    categories: int = 0,
    tests: int = 1,
    alpha: float = ALPHA,
) -> float | None:
    """Return the smallest true value of a measure that would be found with a chance of about 80 %.

    Args:
        estimate: What was measured; the standard error of a rate is told from its interval.
        at_d: The measure of two normals d apart; ``None`` for a difference, whose error is normal.
        rows: Old and new values that were compared.
        categories: How many there are; 0 for numbers.
        tests: How many tests share ``alpha``.
        alpha: Share of chance findings that is tolerated.

    Returns:
        ``None`` if it cannot be told.
    """
    if at_d is not None:
        if min(rows) <= 0:
            return None
        found = chi_squared_d if categories else detectable_d
        return at_d(found(rows, categories, tests, alpha), rows, categories)
    if estimate.interval is None or estimate.p is None:
        return None
    error = (estimate.interval[1] - estimate.interval[0]) / (2 * stats.norm.ppf(0.975))
    return float(error * (stats.norm.isf(alpha / max(tests, 1) / 2) + stats.norm.ppf(POWER)))

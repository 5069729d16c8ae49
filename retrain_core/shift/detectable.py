"""What so many rows can show: the smallest true movement that would be found with a chance of about 80 %."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special, stats

from retrain_core.shift.equivalence import d_from_cramers_v, d_from_overlap
from retrain_core.shift.estimate import Estimate
from retrain_core.types import Thresholds

POWER = 0.8
LARGEST_GAP = 0.866  # of two normals 3 apart
ALPHA = Thresholds().alpha


def detectable_d(rows: tuple[int, int], categories: int = 0, tests: int = 1, alpha: float = ALPHA) -> float:
    """Return the d that a column must move by to be found with a chance of about 80 %, at most 3.

    Args:
        rows: Old and new values, at least one each.
        categories: How many there are; 0 for numbers.
        tests: How many tests share ``alpha``, as if none of the others found anything.
        alpha: Share of chance findings that is tolerated.

    Returns:
        For numbers by the Kolmogorov-Smirnov test: normal approximation at the widest gap. For categories by the
        chi-squared test: a noncentral chi-squared.

    Source: Hodges (1958), Arkiv för Matematik 3; Cohen (1988), Statistical Power Analysis, chapter 7.

    >>> round(detectable_d((1_000, 1_000)), 2), round(detectable_d((1_000, 1_000), categories=4), 2)
    (0.2, 0.15)
    """
    each = alpha / max(tests, 1)
    if categories:
        freedom = max(categories - 1, 1)
        enough = float(special.chndtrinc(stats.chi2.isf(each, freedom), freedom, 1 - POWER))
        return d_from_cramers_v(min(1.0, float(np.sqrt(enough / sum(rows)))), rows)
    scale = np.sqrt(1 / rows[0] + 1 / rows[1])
    gap = float(scale * (np.sqrt(np.log(2 / each) / 2) + stats.norm.ppf(POWER) / 2))
    return d_from_overlap(min(gap, LARGEST_GAP))


def detectable_value(
    estimate: Estimate,
    at_d: Callable[[float, tuple[int, int]], float] | None,
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
        return at_d(detectable_d(rows, categories, tests, alpha), rows) if min(rows) > 0 else None
    if estimate.interval is None or estimate.p is None:
        return None
    error = (estimate.interval[1] - estimate.interval[0]) / (2 * stats.norm.ppf(0.975))
    return float(error * (stats.norm.isf(alpha / max(tests, 1) / 2) + stats.norm.ppf(POWER)))

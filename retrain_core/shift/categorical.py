"""Measures of how one categorical column moved. They take counts over the same categories."""

from __future__ import annotations

import numpy as np
from scipy import stats

from retrain_core.shift.divergence import delta_error, divergence_interval, noncentrality_interval
from retrain_core.shift.equivalence import d_from_cramers_v, d_from_overlap
from retrain_core.shift.estimate import Z95, Counts, Estimate, require_counts, without_noise


def chi2(old: Counts, new: Counts) -> Estimate:
    """Test whether the shares of the categories are the same on both sides.

    Args:
        old: Counts of each category, shape ``(categories,)``.
        new: Counts of the same categories. Pool rare ones first: the p-value needs a few rows in each.

    Returns:
        The statistic, which grows with the number of rows and is no effect size, and its p-value.

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Pearson (1900), Philosophical Magazine 50(302).

    >>> round(chi2(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    10.909091
    """
    require_counts(old, new)
    statistic, freedom = _chi2(old, new)
    return Estimate(statistic, None, float(stats.chi2.sf(statistic, freedom)) if freedom else 1.0)


def cramers_v(old: Counts, new: Counts) -> Estimate:
    """Return the strength of association between side and category, corrected for bias.

    Args:
        old: Counts of each category, shape ``(categories,)``.
        new: Counts of the same categories.

    Returns:
        Value from 0 (same shares) to 1 (no overlap).

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Bergsma (2013), Journal of the Korean Statistical Society 42(3).

    >>> round(cramers_v(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    0.211471
    """
    require_counts(old, new)
    rows = float(old.sum() + new.sum())
    statistic, freedom = _chi2(old, new)
    if not freedom or rows <= 2:
        return Estimate(0.0, (0.0, 0.0), None, 0.0, 0.0)
    columns = freedom + 1
    phi2 = max(0.0, statistic / rows - freedom / (rows - 1))
    corrected = min(columns - freedom**2 / (rows - 1), 2 - 1 / (rows - 1)) - 1
    value = min(1.0, float(np.sqrt(phi2 / corrected))) if corrected > 0 else 0.0
    weight = float(old.sum()) / rows
    p, q = old / old.sum(), new / new.sum()
    mixed = weight * p + (1 - weight) * q
    gap = np.divide(p - q, mixed, out=np.zeros(len(p)), where=mixed > 0)
    slopes = 2 * gap - weight * gap**2, -2 * gap - (1 - weight) * gap**2
    low, high = divergence_interval(
        statistic / rows,
        (statistic - freedom) / rows,
        unit=1 / rows,
        freedom=freedom,
        error=weight * (1 - weight) * delta_error(old, new, slopes),
    )
    ends = min(float(np.sqrt(low)), value), max(min(1.0, float(np.sqrt(high))), value)
    return Estimate(value, ends, None, value, d_from_cramers_v(value, (float(old.sum()), float(new.sum()))))


def total_variation(old: Counts, new: Counts) -> Estimate:
    """Return the share of rows that would have to change category: half the summed differences.

    Args:
        old: Counts of each category, shape ``(categories,)``.
        new: Counts of the same categories.

    Returns:
        Value from 0 (same shares) to 1 (no overlap). Sampling alone makes it larger than 0, which is taken off
        each category's difference for the corrected value. The upper end of the interval is the smaller of two: the
        plain value with its standard error; and what the chi-squared statistic allows (Cauchy-Schwarz inequality).

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Levin, Peres and Wilmer (2017), Markov Chains and Mixing Times, chapter 4.

    >>> round(total_variation(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    0.1
    """
    require_counts(old, new)
    value = float(np.abs(old / old.sum() - new / new.sum()).sum() / 2)
    corrected, (low, high) = corrected_variation(old, new)
    return Estimate(value, (low, max(high, value)), None, corrected, d_from_overlap(corrected))


def corrected_variation(old: Counts, new: Counts) -> tuple[float, tuple[float, float]]:
    """Return the total variation distance without what sampling adds to it, and its 95 % interval."""
    n, m = float(old.sum()), float(new.sum())
    p, q = old / n, new / m
    value = float(np.abs(p - q).sum() / 2)
    sign = np.sign(q - p)
    margin = Z95 * delta_error(old, new, (-sign / 2, sign / 2))
    pooled = (old + new) / (n + m)
    errors = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    corrected = float(np.clip(without_noise(np.abs(p - q), errors).sum() / 2, 0.0, value))
    statistic, freedom = _chi2(old, new)
    most = np.sqrt(noncentrality_interval(statistic, freedom)[1] * (1 / n + 1 / m)) / 2 if freedom else 0.0
    return corrected, (max(0.0, corrected - margin), max(corrected, min(value + margin, float(most), 1.0)))


def _chi2(old: Counts, new: Counts) -> tuple[float, int]:
    used = (old + new) > 0
    table = np.array([old[used], new[used]], dtype=float)
    freedom = table.shape[1] - 1
    if not freedom:
        return 0.0, 0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(np.sum((table - expected) ** 2 / expected)), freedom

"""Measures of how one categorical column moved. They take counts over the same categories."""

from __future__ import annotations

import numpy as np
from scipy import stats

from retrain_core.shift.estimate import Counts, Estimate, Values, divergence_interval, require_counts


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
        return Estimate(0.0, (0.0, 0.0))
    columns = freedom + 1
    phi2 = max(0.0, statistic / rows - freedom / (rows - 1))
    corrected = min(columns - freedom**2 / (rows - 1), 2 - 1 / (rows - 1)) - 1
    value = min(1.0, float(np.sqrt(phi2 / corrected))) if corrected > 0 else 0.0
    weight = float(old.sum()) / rows

    def squared(p: Values, q: Values) -> Values:
        mixed = weight * p + (1 - weight) * q
        gap = (p - q) ** 2 / np.where(mixed > 0, mixed, 1)
        return np.asarray(weight * (1 - weight) * np.sum(gap, axis=-1))

    low, high = np.sqrt(divergence_interval(squared, old, new))
    return Estimate(value, (float(min(low, value)), float(min(1.0, max(high, value)))))


def total_variation(old: Counts, new: Counts) -> Estimate:
    """Return the share of rows that would have to change category: half the summed differences.

    Args:
        old: Counts of each category, shape ``(categories,)``.
        new: Counts of the same categories.

    Returns:
        Value from 0 (same shares) to 1 (no overlap). The lower end of its interval is taken from
        :func:`unbiased_total_variation`, since sampling alone makes the plain value larger than 0.

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Levin, Peres and Wilmer (2017), Markov Chains and Mixing Times, chapter 4.

    >>> round(total_variation(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    0.1
    """
    require_counts(old, new)
    p, q = old / old.sum(), new / new.sum()
    value = float(np.abs(p - q).sum() / 2)
    sign = np.sign(q - p)
    variance = sum(
        (np.sum(sign**2 * s) - np.sum(sign * s) ** 2) / side.sum() for s, side in ((p, old), (q, new))
    )
    margin = 1.96 * np.sqrt(variance) / 2
    low = unbiased_total_variation(old, new) - margin
    return Estimate(value, (float(max(0.0, low)), float(min(1.0, value + margin))))


def unbiased_total_variation(old: Counts, new: Counts) -> float:
    """Return the total variation distance without what sampling adds to it.

    Each difference is split into two independent noisy copies, one to tell its sign and one to tell its
    size, and averaged over all such splits, which has a closed form. On average the result is 0 without
    a shift, however many categories there are, and never larger than the truth (before it is cut at 0).

    Args:
        old: Counts of each category, shape ``(categories,)``.
        new: Counts of the same categories.

    Source: Leiner, Duan, Wasserman and Ramdas (2023), Data Fission, arXiv 2112.11079.

    >>> unbiased_total_variation(np.array([52, 48]), np.array([48, 52]))
    0.0
    """
    n, m = float(old.sum()), float(new.sum())
    p, q = old / n, new / m
    pooled = (old + new) / (n + m)
    noise = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = np.abs(p - q) / np.where(noise > 0, noise, 1)
    sizes = noise * (z * (2 * stats.norm.cdf(z) - 1) - 2 * stats.norm.pdf(z))
    return float(np.clip(sizes.sum() / 2, 0.0, 1.0))


def _chi2(old: Counts, new: Counts) -> tuple[float, int]:
    used = (old + new) > 0
    table = np.array([old[used], new[used]], dtype=float)
    freedom = table.shape[1] - 1
    if not freedom:
        return 0.0, 0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(np.sum((table - expected) ** 2 / expected)), freedom

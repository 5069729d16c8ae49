"""Intervals of divergences between two sets of shares: exact where they are small, wider where they vary more."""

from __future__ import annotations

import numpy as np
from scipy import special

from retrain_core.shift.estimate import Counts, Values

SIDES = (0.025, 0.975)  # left out beyond each end


def divergence_interval(
    value: float, corrected: float, *, unit: float, freedom: int, error: float
) -> tuple[float, float]:
    """Return the 95 % interval of a divergence between two sets of shares.

    For shares that differ little, a divergence is a multiple of a noncentral chi-squared, whose noncentrality is the
    true divergence in the same unit; its interval is exact. Where shares differ much, the divergence varies more or
    less than that, by the delta method: the ends move away from the estimate, or towards it, by as much.

    Args:
        value: The divergence of the observed shares.
        corrected: Without what sampling adds; may be negative.
        unit: What a chi-squared of 1 is in terms of the divergence.
        freedom: Degrees of freedom: categories less one.
        error: Standard error of the divergence by the delta method.

    Source: Kent and Hainsworth (1995), Statistics and Computing 5 (intervals for a noncentrality); Oehlert (1992),
    The American Statistician 46(1) (delta method).

    >>> low, high = divergence_interval(0.02, 0.01, unit=0.001, freedom=10, error=0.009)
    >>> low == 0 and 0.02 < high < 0.05
    True
    """
    if not freedom:
        return 0.0, 0.0
    root = np.sqrt(max(0.0, corrected))
    low, high = np.sqrt(
        unit * np.array(noncentrality_interval(max(0.0, corrected / unit + freedom), freedom))
    )
    noise = (
        2 * freedom * unit**2
    )  # that of the chi-squared itself, beside that which grows with the divergence
    stretch = float(np.sqrt((error**2 + noise) / (4 * unit * value + noise)))
    if (
        stretch < 1 and root > 0
    ):  # only as far as the divergence is clear of 0, where the chi-squared is right
        stretch = 1 - (1 - stretch) * float(low / root)
    ends = max(0.0, root - stretch * (root - low)), root + stretch * (high - root)
    return float(ends[0] ** 2), float(ends[1] ** 2)


def noncentrality_interval(statistic: float, freedom: int) -> tuple[float, float]:
    """Return the 95 % interval of the noncentrality of a chi-squared.

    >>> [round(end, 1) for end in noncentrality_interval(100.0, 9)]
    [57.5, 134.3]
    """
    plain = special.chndtr(statistic, freedom, 0.0)
    low, high = (
        float(special.chndtrinc(statistic, freedom, side)) if plain > side else 0.0 for side in SIDES[::-1]
    )
    return low, high


def delta_error(old: Counts, new: Counts, slopes: tuple[Values, Values]) -> float:
    """Return the standard error of a function of two sets of shares, from its slopes in each of them.

    Args:
        old: Counts, shape ``(bins,)``.
        new: Counts, shape ``(bins,)``.
        slopes: Derivatives by the old shares and by the new ones, each of shape ``(bins,)``.
    """
    variance = 0.0
    for counts, slope in zip((old, new), slopes, strict=True):
        rows = float(counts.sum())
        shares = counts / rows
        variance += float(np.sum(shares * slope**2) - np.sum(shares * slope) ** 2) / rows
    return float(np.sqrt(max(0.0, variance)))

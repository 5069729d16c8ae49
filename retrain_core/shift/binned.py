"""Divergences between two sets of counts: of categories, or of numbers in bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.divergence import delta_error, divergence_interval
from retrain_core.shift.equivalence import d_from_js, d_from_psi
from retrain_core.shift.estimate import Counts, Estimate, Values, require_counts, sorted_quantiles

PSI_FLOOR = 1e-4  # the share that stands for an empty bin, as in Evidently; deepchecks takes 0.01


def quantile_cuts(old: Values, bins: int = 10) -> Values:
    """Return cut points that give each bin about the same number of old values, which are sorted.

    A value so frequent that several quantiles fall on it gets a bin of its own.

    >>> quantile_cuts(np.arange(101.0), bins=4).tolist()
    [25.0, 50.0, 75.0]
    """
    quantiles = sorted_quantiles(old, np.arange(1, bins) / bins)
    cuts, times = np.unique(quantiles, return_counts=True)
    return np.sort(np.concatenate([cuts, np.nextafter(cuts[times > 1], np.inf)]))


def bin_counts(values: Values, cuts: Values) -> NDArray[np.integer[Any]]:
    """Return how many values lie in each bin; a value on a cut counts to its right.

    Args:
        values: Shape ``(n,)``, sorted: then a search a cut is enough.
        cuts: Shape ``(bins - 1,)``, ascending; the first and the last bin are open.

    >>> bin_counts(np.array([1.0, 2.0, 9.0]), np.array([2.0])).tolist()
    [1, 2]
    """
    below = np.searchsorted(values, cuts, "left")
    return np.diff(below, prepend=0, append=len(values))


def psi(old: Counts, new: Counts, *, floor: float = PSI_FLOOR) -> Estimate:
    """Return the population stability index: the symmetric Kullback-Leibler divergence.

    Args:
        old: Counts in each bin, shape ``(bins,)``.
        new: Counts in the same bins.
        floor: The share that stands for an empty bin.

    Returns:
        0 means the same shares. There is no upper end; 0.1 and 0.25 are customary marks, but under no
        shift it is about ``(1/n + 1/m) (bins - 1)``, which is taken off for the corrected value. That and the
        interval are of shares with half a row added to each bin, since a floor makes empty bins weigh too much.

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Yurdakul and Naranjo (2020), Journal of Risk Model Validation 14(4); Krichevsky and Trofimov (1981), IEEE
    Transactions on Information Theory 27(2) (half a row).

    >>> round(psi(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    0.708317
    """
    require_counts(old, new)
    old, new = _used(old, new)
    p, q = (np.where(side == 0, floor, side / side.sum()) for side in (old, new))
    value = float(np.sum((q - p) * np.log(q / p)))
    n, m = float(old.sum()), float(new.sum())
    old, new = old + 0.5, new + 0.5
    p, q = old / old.sum(), new / new.sum()
    smooth = float(np.sum((q - p) * np.log(q / p)))
    bias = float(np.sum((1 + q / p) * (1 - p) / n + (1 + p / q) * (1 - q) / m)) / 2  # second order
    slopes = np.log(p / q) + 1 - q / p, np.log(q / p) + 1 - p / q
    low, high = divergence_interval(
        smooth,
        smooth - bias,
        unit=1 / n + 1 / m,
        freedom=len(p) - 1,
        error=delta_error(old, new, slopes),
    )
    corrected = min(value, max(0.0, smooth - bias))
    return Estimate(value, (min(low, value), max(high, value)), None, corrected, d_from_psi(corrected))


def js(old: Counts, new: Counts) -> Estimate:
    """Return the Jensen-Shannon distance (base 2), the root of the divergence.

    Args:
        old: Counts of each category or bin, shape ``(bins,)``.
        new: Counts of the same ones.

    Returns:
        Value from 0 (same shares) to 1 (no overlap). Under no shift its square is about
        ``(1/n + 1/m) (bins - 1) / (8 ln 2)``, which is taken off for the corrected value. That and the interval are
        of shares with half a row added to each, since bins of a few rows add more.

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Endres and Schindelin (2003), IEEE Transactions on Information Theory 49(7).

    >>> round(js(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    0.230832
    """
    require_counts(old, new)
    old, new = _used(old, new)
    value = float(np.sqrt(_js_divergence(old / old.sum(), new / new.sum())[0]))
    n, m = float(old.sum()), float(new.sum())
    old, new = old + 0.5, new + 0.5
    p, q = old / old.sum(), new / new.sum()
    divergence, slopes = _js_divergence(p, q)
    nats = 4 * np.log(2)
    bias = float(np.sum((q * (1 - p) / n + p * (1 - q) / m) / (p + q)) / nats)  # second order
    low, high = divergence_interval(
        divergence,
        divergence - bias,
        unit=(1 / n + 1 / m) / (2 * nats),
        freedom=len(p) - 1,
        error=delta_error(old, new, slopes),
    )
    corrected = min(value, float(np.sqrt(max(0.0, divergence - bias))))
    ends = min(float(np.sqrt(low)), value), max(min(float(np.sqrt(high)), 1.0), value)
    return Estimate(value, ends, None, corrected, d_from_js(corrected))


def _js_divergence(p: Values, q: Values) -> tuple[float, tuple[Values, Values]]:
    """Return the divergence (base 2) and its slopes in both sets of shares."""
    slopes = [np.log2(np.where(side > 0, 2 * side / (p + q), 1)) / 2 for side in (p, q)]
    return float(np.clip(np.sum(p * slopes[0] + q * slopes[1]), 0, 1)), (slopes[0], slopes[1])


def _used(old: Counts, new: Counts) -> tuple[Counts, Counts]:
    """Return the counts without bins that neither side uses."""
    used = (old + new) > 0
    return old[used], new[used]

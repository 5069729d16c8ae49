"""Divergences between two sets of counts: of categories, or of numbers in bins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import (
    Counts,
    Estimate,
    Values,
    divergence_interval,
    in_order,
    require_counts,
    sorted_quantiles,
)

PSI_FLOOR = 1e-4  # the share that stands for an empty bin, as in Evidently; deepchecks takes 0.01


def quantile_cuts(old: Values, bins: int = 10) -> Values:
    """Return cut points that give each bin about the same number of old values.

    A value so frequent that several quantiles fall on it gets a bin of its own.

    >>> quantile_cuts(np.arange(101.0), bins=4).tolist()
    [25.0, 50.0, 75.0]
    """
    quantiles = sorted_quantiles(in_order(old), np.arange(1, bins) / bins)
    cuts, times = np.unique(quantiles, return_counts=True)
    return np.sort(np.concatenate([cuts, np.nextafter(cuts[times > 1], np.inf)]))


def bin_counts(values: Values, cuts: Values) -> NDArray[np.integer[Any]]:
    """Return how many values lie in each bin; a value on a cut counts to its right.

    Args:
        values: Shape ``(n,)``, finite.
        cuts: Shape ``(bins - 1,)``, ascending; the first and the last bin are open.

    >>> bin_counts(np.array([1.0, 2.0, 9.0]), np.array([2.0])).tolist()
    [1, 2]
    """
    return np.bincount(np.searchsorted(cuts, values, "right"), minlength=len(cuts) + 1)


def psi(old: Counts, new: Counts, *, floor: float = PSI_FLOOR) -> Estimate:
    """Return the population stability index: the symmetric Kullback-Leibler divergence.

    Args:
        old: Counts in each bin, shape ``(bins,)``.
        new: Counts in the same bins.
        floor: The share that stands for an empty bin.

    Returns:
        0 means the same shares. There is no upper end; 0.1 and 0.25 are customary marks, but under no
        shift it is about ``(1/n + 1/m) (bins - 1)``, so read the interval.

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Yurdakul and Naranjo (2020), Journal of Risk Model Validation 14(4).

    >>> round(psi(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    0.708317
    """
    require_counts(old, new)

    def divergence(p: Values, q: Values) -> Values:
        p, q = np.where(p == 0, floor, p), np.where(q == 0, floor, q)
        return np.asarray(np.sum((q - p) * np.log(q / p), axis=-1))

    used = (old + new) > 0
    old, new = old[used], new[used]
    value = float(divergence(old / old.sum(), new / new.sum()))
    return Estimate(value, divergence_interval(divergence, old, new))


def js(old: Counts, new: Counts) -> Estimate:
    """Return the Jensen-Shannon distance (base 2), the root of the divergence.

    Args:
        old: Counts of each category or bin, shape ``(bins,)``.
        new: Counts of the same ones.

    Returns:
        Value from 0 (same shares) to 1 (no overlap).

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Endres and Schindelin (2003), IEEE Transactions on Information Theory 49(7).

    >>> round(js(np.array([60, 40, 0]), np.array([50, 40, 10])).value, 6)
    0.230832
    """
    require_counts(old, new)
    value = float(_js_divergence(old / old.sum(), new / new.sum()))
    low, high = divergence_interval(_js_divergence, old, new)
    return Estimate(np.sqrt(value).item(), (np.sqrt(low).item(), np.sqrt(min(high, 1.0)).item()))


def _js_divergence(p: Values, q: Values) -> Values:
    middle = (p + q) / 2
    terms = np.zeros(np.broadcast_shapes(p.shape, q.shape))
    for side in (p, q):
        terms += side * np.log2(np.where(side > 0, side, 1) / np.where(side > 0, middle, 1)) / 2
    return np.asarray(np.clip(np.sum(terms, axis=-1), 0, 1))

"""Measures of how one numeric column moved. They take values in any order; sorted ones are quicker."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import stats

from retrain_core.shift.estimate import Estimate, Values, in_order, require_rows, sorted_quantiles

EXACT_ROWS = 1_000  # above, the exact distribution of KS costs seconds and changes nothing
KOLMOGOROV_95 = 1.3581015157406195  # 95 % point of the Kolmogorov distribution
GRID, REPLICATES = 128, 200  # quantile bins and draws to simulate the noise of the Wasserstein distance


def ks(old: Values, new: Values) -> Estimate:
    """Return the largest gap between the two cumulative distributions, and its p-value.

    The interval adds and subtracts the 95 % point of the sampling noise, which by the triangle
    inequality covers whatever the true gap is.

    Args:
        old: Values the model was trained on, shape ``(n,)``, finite.
        new: Values seen now, shape ``(m,)``, in the same units.

    Returns:
        Value from 0 (same distribution) to 1 (no overlap).

    Raises:
        ValueError: If a side is empty or not finite.

    Source: Hodges (1958), Arkiv för Matematik 3, 469-486.

    >>> ks(np.arange(100.0), np.arange(100.0) + 10).value
    0.1
    """
    value, interval = largest_gap(old, new)
    n, m = len(old), len(new)
    if max(n, m) > EXACT_ROWS:
        return Estimate(value, interval, float(stats.kstwobign.sf(value * np.sqrt(n * m / (n + m)))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # falls back from exact to asymptotic by itself
        return Estimate(value, interval, float(stats.ks_2samp(old, new, method="exact").pvalue))


def largest_gap(old: Values, new: Values) -> tuple[float, tuple[float, float]]:
    """Return the value and the interval of :func:`ks`, without its p-value."""
    require_rows(old, new)
    old, new = in_order(old), in_order(new)
    n, m = len(old), len(new)
    old_above = np.arange(1, n + 1) * m - np.searchsorted(new, old, "right") * n
    new_above = np.arange(1, m + 1) * n - np.searchsorted(old, new, "right") * m
    value = int(max(old_above.max(), new_above.max(), 0)) / (n * m)  # whole numbers until this division
    noise = KOLMOGOROV_95 * float(np.sqrt(1 / n + 1 / m))
    return value, (max(0.0, value - noise), min(1.0, value + noise))


def wasserstein(old: Values, new: Values) -> Estimate:
    """Return how far the values moved on average, in old standard deviations (ddof 0).

    Args:
        old: Values the model was trained on, shape ``(n,)``, finite.
        new: Values seen now, shape ``(m,)``, in the same units.

    Returns:
        0 means no movement; infinite if the old values are constant and the new ones differ.

    Raises:
        ValueError: If a side is empty or not finite.

    Source: Ramdas, Trillos and Cuturi (2017), Entropy 19(2), 47.

    >>> wasserstein(np.array([0.0, 2.0]), np.array([3.0, 5.0])).value
    3.0
    """
    require_rows(old, new)
    old, new = in_order(old), in_order(new)
    distance = _area_between(old, new)
    value, noise = _in_spreads(distance, old), _in_spreads(_noise(old, new), old)
    if not np.isfinite(value + noise):
        return Estimate(value)
    return Estimate(value, (max(0.0, value - noise), value + noise))


def _in_spreads(distance: float, old: Values) -> float:
    spread = float(np.std(old)) if old[0] != old[-1] else 0.0
    return distance / spread if spread > 0 else 0.0 if distance == 0 else float("inf")


def _area_between(old: Values, new: Values) -> float:
    """Return the area between two cumulative distributions; both samples sorted."""
    if len(old) == len(new):
        return float(np.mean(np.abs(old - new)))
    points = np.sort(np.concatenate([old, new]), kind="stable")  # merges two sorted runs
    gaps = np.searchsorted(old, points[:-1], "right") / len(old)
    gaps = gaps - np.searchsorted(new, points[:-1], "right") / len(new)
    return float(np.sum(np.abs(gaps) * np.diff(points)))


def _noise(old: Values, new: Values) -> float:
    """Return the 95 % point of the distance that sampling alone makes, in the column's units.

    The error of each cumulative distribution is a Brownian bridge.
    """
    shares = np.linspace(0, 1, GRID // 2 + 1)
    edges = np.unique([sorted_quantiles(old, shares), sorted_quantiles(new, shares)])
    if len(edges) < 2:
        return 0.0
    rng = np.random.default_rng(0)
    noise = np.zeros((REPLICATES, len(edges) - 1))
    for sample in (old, new):
        below = np.searchsorted(sample, edges, "right") / len(sample)
        steps = rng.standard_normal((REPLICATES, len(edges))) * np.sqrt(np.diff(below, prepend=0))
        walk = np.cumsum(steps, axis=1)
        noise += ((walk - below * walk[:, -1:]) / np.sqrt(len(sample)))[:, :-1]
    return float(np.quantile(np.abs(noise) @ np.diff(edges), 0.95))

"""Measures of how one numeric column moved: KS and Wasserstein.

Each takes values in any order. Whoever takes several measures of a column sorts once and passes the
:class:`SortedPair`, which keeps what they share.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import stats

from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Z95, Estimate, Values, without_noise
from retrain_core.shift.sorted_pair import SortedPair, spread_of

EXACT_ROWS = (
    1_000  # above, the exact distribution of KS (of two samples, of one) costs seconds and changes little
)
KOLMOGOROV_95 = float(stats.kstwobign.isf(0.05))


def ks(old: Values, new: Values, shared: SortedPair | None = None) -> Estimate:
    """Return the largest gap between the two cumulative distributions, and its p-value.

    The interval adds and subtracts the 95 % point of the sampling noise, which by the triangle
    inequality covers whatever the true gap is. The corrected value splits the gap into two independent noisy
    copies, one to choose the place and the sign and one to tell the size, on average over simulated noise.

    Args:
        old: Values the model was trained on, shape ``(n,)``, finite.
        new: Values seen now, shape ``(m,)``, in the same units.
        shared: Both sides sorted, if several measures of them are taken.

    Returns:
        Value from 0 (same distribution) to 1 (no overlap).

    Raises:
        ValueError: If a side is empty or not finite.

    Source: Hodges (1958), Arkiv för Matematik 3, 469-486; Leiner, Duan, Wasserman and Ramdas (2023), Data Fission,
    arXiv 2112.11079, for the correction.

    >>> ks(np.arange(100.0), np.arange(100.0) + 10).value
    0.1
    """
    pair = shared or SortedPair.of(old, new)
    value, interval = pair.largest_gap, gap_interval(pair)
    corrected = pair.corrected_gap
    return Estimate(value, interval, _ks_p(pair), corrected, d_from_overlap(corrected))


def gap_interval(pair: SortedPair, wider: float = 1.0) -> tuple[float, float]:
    """Return the 95 % interval of the largest gap between the two cumulative distributions, or a wider one."""
    n, m = pair.rows
    noise = wider * KOLMOGOROV_95 * float(np.sqrt(1 / n + 1 / m))
    return max(0.0, pair.largest_gap - noise), min(1.0, pair.largest_gap + noise)


def _ks_p(pair: SortedPair) -> float:
    n, m = pair.rows
    effective = n * m / (n + m)
    if effective > EXACT_ROWS:
        return float(stats.kstwobign.sf(pair.largest_gap * np.sqrt(effective)))
    if max(n, m) > EXACT_ROWS:
        return float(np.clip(stats.kstwo.sf(pair.largest_gap, round(effective)), 0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # falls back from exact to asymptotic by itself
        return float(stats.ks_2samp(pair.old, pair.new, method="exact").pvalue)


def wasserstein(old: Values, new: Values, shared: SortedPair | None = None) -> Estimate:
    """Return how far the values moved on average, in old standard deviations (ddof 0).

    The interval adds and subtracts the 95 % point of the distance that sampling alone makes (triangle inequality),
    together with the error of the old standard deviation.

    Args:
        old: Values the model was trained on, shape ``(n,)``, finite.
        new: Values seen now, shape ``(m,)``, in the same units.
        shared: Both sides sorted, if several measures of them are taken.

    Returns:
        0 means no movement; infinite if the old values are constant and the new ones differ.

    Raises:
        ValueError: If a side is empty or not finite.

    Source: Ramdas, Trillos and Cuturi (2017), Entropy 19(2), 47.

    >>> wasserstein(np.array([0.0, 2.0]), np.array([3.0, 5.0])).value
    3.0
    """
    pair = shared or SortedPair.of(old, new)
    return in_spreads(pair, pair.distances[0])


def in_spreads(pair: SortedPair, distance: float, low: float = -np.inf, high: float = np.inf) -> Estimate:
    """Return a Wasserstein distance of values clipped to a range in old standard deviations, with its interval."""
    spread, error = spread_of(pair.old, low, high)
    if not spread > 0:
        return Estimate(0.0 if distance == 0 else float("inf"))
    value = distance / spread
    widths = np.diff(pair.edges.clip(low, high)) / spread
    gap = np.abs(pair.below[0] - pair.below[1])
    excess = float(np.dot((gap - without_noise(gap, pair.error))[:-1], widths))
    noise = float(np.quantile(pair.noise_size[:, :-1] @ widths, 0.95))
    if not np.isfinite(value + noise):
        return Estimate(value)
    margin = float(np.hypot(noise, Z95 * error * value))
    corrected = float(np.clip(value - excess, 0.0, value))
    return Estimate(value, (max(0.0, value - margin), value + margin), None, corrected, corrected)

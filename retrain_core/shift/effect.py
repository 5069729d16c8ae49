"""One size for all columns: the shift of a normal's mean, in standard deviations (d), that would look the same."""

from __future__ import annotations

import numpy as np

from retrain_core.shift.categorical import corrected_variation
from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Counts, Estimate, Values, require_counts
from retrain_core.shift.numeric import gap_interval, in_spreads
from retrain_core.shift.sorted_pair import SortedPair


def numeric_effect(old: Values, new: Values, shared: SortedPair | None = None) -> Estimate:
    """Return how far a numeric column moved, in d, corrected for what sampling adds.

    The larger of two: the Wasserstein distance in old standard deviations, both sides clipped to the
    middle 99 % so that no outlier decides; and the d that gives the same KS, which sees movements that long tails
    hide.

    Args:
        old: Values the model was trained on, shape ``(n,)``, finite.
        new: Values seen now, shape ``(m,)``, in the same units.
        shared: Both sides sorted, if several measures of them are taken.

    Raises:
        ValueError: If a side is empty or not finite.

    Source: Cohen (1988), Statistical Power Analysis, section 2.2 (overlap of two normals).

    >>> round(numeric_effect(np.arange(1_000.0), np.arange(1_000.0) + 100).value, 2)
    0.35
    """
    pair = shared or SortedPair.of(old, new)
    way = in_spreads(pair, pair.distances[1], *pair.middle)
    gap = d_from_overlap(pair.corrected_gap)
    if way.interval is None or way.corrected is None:  # constant old values have no spread to count in
        low, high = (d_from_overlap(end) for end in gap_interval(pair))
        return Estimate(gap, (low, high), None, gap, gap)
    value = max(gap, way.corrected)
    return Estimate(value, _joint_interval(pair, way), None, value, value)


def _joint_interval(pair: SortedPair, way: Estimate) -> tuple[float, float]:
    """Return the larger ends of both intervals, each widened so that both hold at once in 95 % of draws."""
    assert way.interval is not None
    gaps = np.max(pair.noise_size, axis=1)
    ways = pair.noise_size[:, :-1] @ np.diff(pair.edges.clip(*pair.middle))
    scaled = [draws / end for draws in (gaps, ways) if (end := np.quantile(draws, 0.95)) > 0]
    wider = float(np.quantile(np.max(scaled, axis=0), 0.95)) if scaled else 1.0
    low, high = (d_from_overlap(end) for end in gap_interval(pair, wider))
    margin = wider * (way.interval[1] - way.value)
    return max(low, way.value - margin), max(high, way.value + margin)


def categorical_effect(old: Counts, new: Counts) -> Estimate:
    """Return how far a categorical column moved, in d: the one with the same total variation distance.

    Args:
        old: Counts of each category, shape ``(categories,)``.
        new: Counts of the same categories.

    Returns:
        Corrected for what sampling adds, so that many categories or few rows do not look like a shift.

    Raises:
        ValueError: If the counts differ in length or a side has no rows.

    Source: Cohen (1988), Statistical Power Analysis, section 2.2 (overlap of two normals).

    >>> round(categorical_effect(np.array([600, 400]), np.array([400, 600])).value, 2)
    0.51
    """
    require_counts(old, new)
    corrected, ends = corrected_variation(old, new)
    value, low, high = (d_from_overlap(share) for share in (corrected, *ends))
    return Estimate(value, (low, high), None, value, value)

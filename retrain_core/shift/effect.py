"""One size for all columns: the shift of a normal's mean, in standard deviations (d), that would look the same."""

from __future__ import annotations

from retrain_core.shift.categorical import total_variation
from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Counts, Estimate, Values
from retrain_core.shift.numeric import corrected_gap, gap_interval, in_spreads
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

    >>> import numpy as np
    >>> round(numeric_effect(np.arange(1_000.0), np.arange(1_000.0) + 100).value, 2)
    0.35
    """
    pair = shared or SortedPair.of(old, new)
    gap = d_from_overlap(corrected_gap(pair))
    low, high = (d_from_overlap(end) for end in gap_interval(pair))
    way = in_spreads(pair, pair.distances[1], *pair.middle)
    if way.interval is None or way.corrected is None:  # constant old values have no spread to count in
        return Estimate(gap, (low, high), None, gap, gap)
    value = max(gap, way.corrected)
    return Estimate(value, (max(low, way.interval[0]), max(high, way.interval[1])), None, value, value)


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

    >>> import numpy as np
    >>> round(categorical_effect(np.array([600, 400]), np.array([400, 600])).value, 2)
    0.51
    """
    moved = total_variation(old, new)
    assert moved.interval is not None and moved.d is not None
    low, high = (d_from_overlap(end) for end in moved.interval)
    return Estimate(moved.d, (low, high), None, moved.d, moved.d)

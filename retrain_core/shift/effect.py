"""One size for all columns: the shift of a normal's mean, in standard deviations (d), that would look the same."""

from __future__ import annotations

import numpy as np
from scipy import stats

from retrain_core.shift.categorical import total_variation, unbiased_total_variation
from retrain_core.shift.estimate import (
    Counts,
    Estimate,
    Values,
    in_order,
    require_counts,
    require_rows,
    sorted_quantiles,
)
from retrain_core.shift.levels import LARGEST_D
from retrain_core.shift.numeric import largest_gap, wasserstein

TAIL = 0.005  # share of each end that cannot pull the distance


def d_from_overlap(distance: float) -> float:
    """Return the d at which two normals have this KS or total variation distance, at most 3.

    >>> round(d_from_overlap(0.1), 4)
    0.2513
    """
    return min(LARGEST_D, float(2 * stats.norm.ppf((1 + distance) / 2))) if distance > 0 else 0.0


def d_from_auc(auc: float) -> float:
    """Return the d at which a random new value exceeds a random old one with this probability.

    >>> round(d_from_auc(0.638), 2)
    0.5
    """
    return float(np.clip(np.sqrt(2) * stats.norm.ppf(auc), -LARGEST_D, LARGEST_D))


def numeric_effect(old: Values, new: Values) -> Estimate:
    """Return how far a numeric column moved, in d.

    The larger of two: the Wasserstein distance in old standard deviations, both sides clipped to the
    middle 99 % of the pooled values so that no outlier decides; and the d that gives the same KS, which sees
    movements that long tails hide.

    Args:
        old: Values the model was trained on, shape ``(n,)``, finite.
        new: Values seen now, shape ``(m,)``, in the same units.

    Raises:
        ValueError: If a side is empty or not finite.

    Source: Cohen (1988), Statistical Power Analysis, section 2.2 (overlap of two normals).

    >>> round(numeric_effect(np.arange(100.0), np.arange(100.0) + 10).value, 2)
    0.35
    """
    require_rows(old, new)
    old, new = in_order(old), in_order(new)
    gap, ends = largest_gap(old, new)
    overlap = [d_from_overlap(share) for share in (gap, *ends)]
    low, high = _middle(old, new)
    way = wasserstein(np.clip(old, low, high), np.clip(new, low, high))
    if way.interval is None:  # constant old values have no spread to count in
        return Estimate(overlap[0], (overlap[1], overlap[2]))
    value, lower, upper = (max(pair) for pair in zip(overlap, (way.value, *way.interval), strict=True))
    return Estimate(value, (lower, upper))


def _middle(old: Values, new: Values) -> tuple[float, float]:
    """Return the ends of the middle 99 % when both sides weigh the same."""
    ends = [sorted_quantiles(side, np.array([TAIL, 1 - TAIL])) for side in (old, new)]
    return float(min(ends[0][0], ends[1][0])), float(max(ends[0][1], ends[1][1]))


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
    interval = total_variation(old, new).interval
    assert interval is not None
    value = d_from_overlap(unbiased_total_variation(old, new))
    return Estimate(value, (d_from_overlap(interval[0]), d_from_overlap(interval[1])))

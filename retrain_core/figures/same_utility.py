"""The line of points that have the same weighted score."""

from __future__ import annotations


def same_utility(
    point: tuple[float, float], old_weight: float, x_range: tuple[float, float], y_range: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the two ends, inside the box, of the line of points with the weighted score of ``point``.

    Args:
        point: Score on the old part and on the new part, inside the box.
        old_weight: Weight of the old part, 0 to 1.
        x_range: The box's ends on the axis of the old part.
        y_range: The box's ends on the axis of the new part.

    >>> same_utility((2.0, 2.0), 0.5, (0.0, 3.0), (0.0, 10.0))
    ((0.0, 4.0), (3.0, 1.0))
    """
    x, y = point
    if old_weight >= 1:
        return (x, y_range[0]), (x, y_range[1])
    slope = -old_weight / (1 - old_weight)
    ends = []
    for edge in x_range:
        at = y + slope * (edge - x)
        inside = min(max(at, y_range[0]), y_range[1])
        ends.append((edge if inside == at else x + (inside - y) / slope, inside))
    return ends[0], ends[1]

"""Fewer points that draw the same line."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.predicted import Floats

PIXEL = 1 / 500  # of a square chart


def thin(points: Floats, most: int = 200, apart: float = PIXEL / 2) -> NDArray[np.intp]:
    """Return the places of the points to keep, in order: at most ``most``, the ends always.

    The point that lies farthest from the line drawn so far is added, until none lies farther than ``apart``.

    Args:
        points: Shape ``(n, 2)``, in the unit of ``apart``.
        most: How many points are kept at most, at least 2.
        apart: Distance that cannot be seen.

    Source: Douglas and Peucker (1973), Cartographica 10.

    >>> thin(np.array([[0, 0], [0, 0.5], [0, 1], [0.5, 1], [1, 1]])).tolist()
    [0, 2, 4]
    """
    kept = {0, len(points) - 1}
    waiting = [_farthest(points, 0, len(points) - 1)]
    while waiting and len(kept) < most:
        distance, place, start, end = heapq.heappop(waiting)
        if -distance <= apart:
            break
        kept.add(place)
        heapq.heappush(waiting, _farthest(points, start, place))
        heapq.heappush(waiting, _farthest(points, place, end))
    return np.array(sorted(kept), np.intp)


def _farthest(points: Floats, start: int, end: int) -> tuple[float, int, int, int]:
    """Return minus the distance and the place of the point farthest from the line between two points, and these."""
    if end - start < 2:
        return 0.0, start, start, end
    from_start = points[start + 1 : end] - points[start]
    line = points[end] - points[start]
    along = np.clip(from_start @ line / (line @ line or 1.0), 0, 1)
    distances = np.linalg.norm(from_start - along[:, None] * line, axis=1)
    at = int(distances.argmax())
    return -float(distances[at]), start + 1 + at, start, end

"""Where to write the names of points so that they do not lie on each other."""

from __future__ import annotations

from collections.abc import Sequence

# Plotly's text positions, most readable first, with the corner of the text that touches the point.
POSITIONS: dict[str, tuple[float, float]] = {
    "top right": (0, 0),
    "bottom right": (0, -1),
    "top left": (-1, 0),
    "bottom left": (-1, -1),
    "top center": (-0.5, 0),
    "bottom center": (-0.5, -1),
}
PLOT = (240.0, 330.0)  # width and height in pixels on a narrow screen
LETTER, LINE, GAP, STROKE = 7.5, 18.0, 8.0, 2.0  # pixels

Point = tuple[float, float]
Line = tuple[Point, Point]
Box = tuple[float, float, float, float]


def place_names(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    lines: Sequence[Line] = (),
) -> list[str]:
    """Return a text position for each point, chosen greedily against all points and the texts before it.

    Args:
        points: In the units of the axes.
        texts: What is written at each.
        x_range: What the x axis shows.
        y_range: What the y axis shows.
        lines: Lines along an axis that are better not written on, such as interval bars.

    >>> place_names([(0.5, 0.5), (0.5, 0.51)], ["Keep", "Fine-tune"], (0, 1), (0, 1))
    ['top right', 'bottom right']
    """

    def pixel(point: Point) -> Point:
        return (
            PLOT[0] * (point[0] - x_range[0]) / (x_range[1] - x_range[0]),
            PLOT[1] * (point[1] - y_range[0]) / (y_range[1] - y_range[0]),
        )

    pixels = [pixel(point) for point in points]
    strokes = [_around(pixel(start), pixel(end)) for start, end in lines]
    marks = [(x - GAP, y - GAP, x + GAP, y + GAP) for x, y in pixels]
    written: list[Box] = []
    chosen = []
    for number, ((x, y), text) in enumerate(zip(pixels, texts, strict=True)):
        others = [mark for other, mark in enumerate(marks) if other != number] + written + strokes
        boxes = {name: _box(x, y, text, corner) for name, corner in POSITIONS.items()}
        best = min(boxes, key=lambda name: _cost(boxes[name], others))
        written.append(boxes[best])
        chosen.append(best)
    return chosen


def _around(start: Point, end: Point) -> Box:
    """Return the box of a line along one of the axes, a little wider than it is drawn."""
    (x, right), (y, top) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return x - STROKE, y - STROKE, right + STROKE, top + STROKE


def _box(x: float, y: float, text: str, corner: tuple[float, float]) -> Box:
    width = LETTER * len(text)
    left = x + corner[0] * width + (GAP if corner[0] == 0 else -GAP if corner[0] == -1 else 0)
    bottom = y + corner[1] * LINE + (GAP if corner[1] == 0 else -GAP)
    return left, bottom, left + width, bottom + LINE


def _cost(box: Box, taken: Sequence[Box]) -> float:
    """Return how much of ``box`` lies on others or outside the plot, in square pixels."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    inside = _overlap(box, (0.0, 0.0, *PLOT))
    return sum(_overlap(box, other) for other in taken) + 3 * (area - inside)


def _overlap(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)

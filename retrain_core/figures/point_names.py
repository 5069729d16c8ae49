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
PLOT = (300.0, 330.0)  # width and height in pixels on a narrow screen
LETTER, LINE, GAP = 7.5, 18.0, 8.0  # pixels

Box = tuple[float, float, float, float]


def place_names(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> list[str]:
    """Return a text position for each point, chosen greedily against the texts and points before it.

    Args:
        points: In the units of the axes.
        texts: What is written at each.
        x_range: What the x axis shows.
        y_range: What the y axis shows.

    >>> place_names([(0.5, 0.5), (0.5, 0.51)], ["Keep", "Fine-tune"], (0, 1), (0, 1))
    ['top right', 'bottom right']
    """
    pixels = [
        (
            PLOT[0] * (x - x_range[0]) / (x_range[1] - x_range[0]),
            PLOT[1] * (y - y_range[0]) / (y_range[1] - y_range[0]),
        )
        for x, y in points
    ]
    taken: list[Box] = [(x - GAP, y - GAP, x + GAP, y + GAP) for x, y in pixels]
    chosen = []
    for (x, y), text in zip(pixels, texts, strict=True):
        own = (x - GAP, y - GAP, x + GAP, y + GAP)
        boxes = {name: _box(x, y, text, corner) for name, corner in POSITIONS.items()}
        cost = {name: _cost(box, [other for other in taken if other != own]) for name, box in boxes.items()}
        best = min(cost, key=lambda name: cost[name])
        taken.append(boxes[best])
        chosen.append(best)
    return chosen


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

"""A picture of how time and memory grow, as SVG: two panels, both axes logarithmic."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from retrain_core.figures.style import look_of
from tests.benchmarks.scale import Growth

WIDTH, HEIGHT, LEFT, TOP = 360, 240, 60, 30


def draw(rows: Sequence[Growth]) -> str:
    """Return the picture."""
    panels = [
        _panel(0, "training time (s)", rows, lambda row: row.seconds),
        _panel(WIDTH + LEFT, "worker's own memory (MB)", rows, lambda row: row.private_mb),
    ]
    width, height = 2 * (WIDTH + LEFT), HEIGHT + TOP + 50
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">'
    return f'{head}<rect width="100%" height="100%" fill="white"/>{"".join(panels)}</svg>\n'


def _panel(x: int, title: str, rows: Sequence[Growth], value: Callable[[Growth], float]) -> str:
    sizes = sorted({row.rows for row in rows})
    top = math.ceil(math.log10(max(map(value, rows))))
    low = math.floor(math.log10(min(map(value, rows))))

    def place(row: Growth) -> tuple[float, float]:
        span = math.log10(sizes[-1] / sizes[0])
        across = x + LEFT + (WIDTH - LEFT) * math.log10(row.rows / sizes[0]) / span
        return across, TOP + HEIGHT * (top - math.log10(value(row))) / (top - low)

    parts = [f'<text x="{x + LEFT}" y="18">{title}</text>']
    for power in range(low, top + 1):
        y = TOP + HEIGHT * (top - power) / (top - low)
        parts += [
            f'<line x1="{x + LEFT}" x2="{x + WIDTH}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>',
            f'<text x="{x + LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{10**power:g}</text>',
        ]
    for number, strategy in enumerate(dict.fromkeys(row.strategy for row in rows)):
        look, mine = look_of(strategy), [row for row in rows if row.strategy == strategy]
        path = " ".join(f"{a:.0f},{b:.0f}" for a, b in map(place, mine))
        parts += [
            f'<polyline points="{path}" fill="none" stroke="{look.colour}" stroke-width="2"/>',
            f'<text x="{x + LEFT + 8}" y="{TOP + 14 + 15 * number}" fill="{look.colour}">{look.title}</text>',
        ]
    for size in sizes:
        across = x + LEFT + (WIDTH - LEFT) * math.log10(size / sizes[0]) / math.log10(sizes[-1] / sizes[0])
        parts.append(f'<text x="{across:.0f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{size:,}</text>')
    parts.append(
        f'<text x="{x + (LEFT + WIDTH) / 2:.0f}" y="{TOP + HEIGHT + 38}" text-anchor="middle">rows of the file</text>'
    )
    return "".join(parts)

"""Charts of the shift as the old model sees it. Only summaries leave this file, and the few images asked for."""

from __future__ import annotations

import base64
import struct
import textwrap
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from retrain_core.figures.style import (
    FAINT,
    NOTE_SIZE,
    base_layout,
    different,
    empty_figure,
    lay_out,
    look_of,
    plain,
    room_beside,
    whiskers,
)
from retrain_core.shift.chances import LEAST_OVERLAP
from retrain_core.shift.loss_change import signed
from retrain_core.shift.wording import number, percent, short
from retrain_core.types import Driver, LossChange, LossStep, Region

OLD, NEW = look_of("keep"), look_of("fine_tune")
WORSE, BETTER = "#D55E00", "#009E73"
ROW_HEIGHT = 48  # pixels a bar with two lines beside it
FRAME = 110  # pixels around the bars
MOST_DRIVERS = 10
LABEL = 24  # letters of a line beside the plot
LINES = "line: 95 % interval"
ACROSS = 4  # images in a row
MOST_IMAGES = 24
LARGEST_SIDES = (48, 40, 32, 24, 16, 8)  # pixels of an image: the first that keeps the picture small enough
LARGEST_PICTURE = 60_000  # bytes; as text it takes a third more
NARROW_WIDTH = 330  # pixels of the plot on a narrow screen
TITLE, TITLE_ROOM = 14, 0.3  # letters; part of an image's width that stays free above it


def loss_waterfall(change: LossChange) -> go.Figure:
    """Return the way from the loss on old rows to that on new rows, a bar a step with its 95 % interval.

    Args:
        change: The steps; they add up to the difference. Where they cannot be told apart, the difference is one bar.
    """
    steps = _steps(change)
    starts = change.old + np.cumsum([0.0, *(step.value for step in steps)])[:-1]
    names = [
        f"old rows<br>{number(change.old)}",
        *(f"{step.name}<br>{signed(step.value)}" for step in steps),
        f"new rows<br>{number(change.new)}",
    ]
    figure = go.Figure()
    figure.add_bar(
        y=names,
        x=[change.old, *(step.value for step in steps), change.new],
        base=[0.0, *starts.tolist(), 0.0],
        orientation="h",
        marker={
            "color": [
                OLD.colour,
                *(WORSE if step.value > 0 else BETTER for step in steps),
                NEW.colour,
            ],
            "pattern": {"shape": ["", *("" if step.value > 0 else "/" for step in steps), ""]},
        },
        customdata=[
            f"loss {number(change.old)}",
            *(_with_interval(step) for step in steps),
            f"loss {number(change.new)}",
        ],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
        name="loss",
    )
    figure.add_scatter(
        y=names[1:-1],
        x=[start + step.value for start, step in zip(starts.tolist(), steps, strict=True)],
        mode="markers",
        marker={"size": 1, "color": FAINT},
        error_x=whiskers([(step.value, *step.interval) for step in steps]),
        hoverinfo="skip",
        name="95 % interval",
    )
    layout = base_layout(
        x="loss (mean over rows)<br>thin lines: 95 % intervals", height=FRAME + ROW_HEIGHT * len(names)
    )
    lay_out(figure, **layout, showlegend=False, bargap=0.4)
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=names[::-1], showgrid=False)
    figure.update_xaxes(rangemode="tozero", nticks=6)
    return figure


def _steps(change: LossChange) -> Sequence[LossStep]:
    if change.overlap < LEAST_OVERLAP:
        return [LossStep("difference", change.new - change.old, change.interval)]
    return change.steps


def regions_chart(regions: Sequence[Region], *, shares: bool = True) -> go.Figure:
    """Return the old model's error in each region, old rows against new rows; the worst on top.

    Args:
        regions: Worst first.
        shares: Whether errors are shares of wrong answers, rather than distances in units of the label.
    """
    if not regions:
        return empty_figure("No region was found in which the model has become worse than elsewhere.")
    scale, show = (100.0, percent) if shares else (1.0, number)
    names = different([_broken(region.rule) for region in regions])
    sides = [
        ("old", OLD, [r.old_error for r in regions]),
        ("new", NEW, [r.new_error for r in regions]),
    ]
    figure = go.Figure()
    for title, look, errors in sides:
        error_x = None
        if title == "new":
            ends = [(r.new_error - r.old_error, *r.interval) for r in regions]
            error_x = whiskers([(scale * value, scale * low, scale * high) for value, low, high in ends])
        figure.add_scatter(
            x=[scale * error for error in errors],
            y=names,
            mode="markers",
            name=title,
            marker={"color": look.colour, "symbol": look.marker, "size": 12},
            error_x=error_x,
            customdata=[
                f"{show(error)}, {percent(r.share)} of the new rows"
                for error, r in zip(errors, regions, strict=True)
            ],
            hovertemplate="%{y}: %{customdata}<extra>" + title + "</extra>",
        )
    lines = max(name.count("<br>") + 1 for name in names)
    x_title = f"error (% of answers)<br>{LINES}" if shares else f"mean abs. error (label's units)<br>{LINES}"
    height = FRAME + max(ROW_HEIGHT, 18 * lines + 10) * len(regions)
    lay_out(figure, **base_layout(x=x_title, height=height))
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=names[::-1], range=(-0.6, len(names) - 0.4)
    )
    figure.update_xaxes(rangemode="tozero", nticks=6)
    return figure


def drivers_chart(drivers: Sequence[Driver]) -> go.Figure:
    """Return which columns, or pairs of them, tell new rows from old ones; the strongest on top.

    Args:
        drivers: Largest share first.
    """
    shown = list(drivers[:MOST_DRIVERS])
    if not shown:
        return empty_figure("No column tells new rows from old ones.")
    names = different([_broken(short(driver.name)) for driver in shown])
    figure = go.Figure()
    figure.add_bar(
        x=[100 * driver.share for driver in shown],
        y=names,
        orientation="h",
        marker={"color": NEW.colour},
        text=[percent(driver.share) for driver in shown],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{text}<extra></extra>",
    )
    height = FRAME + 34 * len(shown)
    lay_out(figure, **base_layout(x="share of the separation (%)", height=height), bargap=0.35)
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=names[::-1], showgrid=False)
    room = room_beside(percent(driver.share) for driver in shown)
    figure.update_xaxes(range=(0, 100 * max(driver.share for driver in shown) / (1 - room) or 1), nticks=6)
    return figure


def image_grid(images: NDArray[Any], titles: Sequence[str]) -> go.Figure:
    """Return some images side by side as one small picture, each with a title above it.

    Args:
        images: Shape ``(n, height, width)`` or ``(n, height, width, channels)`` with 1, 3 or 4 channels; at most 24 are
            shown. Whole numbers up to 255 and numbers from 0 to 1 are taken as they are, others from the smallest to
            the largest.
        titles: One an image.

    Raises:
        ValueError: If there is not a title for each image, or it is not images.
    """
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 2, 3, 4)):
        raise ValueError("Expected images of shape (n, height, width) or (n, height, width, channels).")
    if len(images) != len(titles):
        raise ValueError(f"There are {len(images)} images and {len(titles)} titles.")
    if not images.size:
        return empty_figure("There is no image to show.")
    shades, titles = _shades(images[:MOST_IMAGES]), titles[:MOST_IMAGES]
    for side in LARGEST_SIDES:
        tiles = _shrunk(shades, side)
        canvas, corners = _mosaic(tiles)
        picture = _png(canvas)
        if len(picture) <= LARGEST_PICTURE:
            break
    source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    figure = go.Figure(go.Image(source=source, hoverinfo="skip"))
    for (top, left), title in zip(corners, titles, strict=True):
        figure.add_annotation(
            text=plain(textwrap.shorten(title, TITLE, placeholder="…")), x=left + tiles.shape[2] / 2 - 0.5, y=top - 0.5,
            yanchor="bottom", showarrow=False, font={"size": NOTE_SIZE},
        )  # fmt: skip
    lay_out(figure, **base_layout(height=60 + round(NARROW_WIDTH * canvas.shape[0] / canvas.shape[1])))
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, constrain="domain", scaleanchor="x")
    return figure


def _shades(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as red, green, blue and opacity, shape ``(n, height, width, 4)``."""
    pixels = images[..., None] if images.ndim == 3 else images
    values = np.nan_to_num(pixels.astype(np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        values = (values - low) * (255 / (high - low))
    elif high <= 1 and images.dtype.kind != "u":
        values = values * 255
    channels = values.shape[3]
    if channels < 3:  # a grey image; what a second channel means is not known
        values = np.repeat(values[..., :1], 3, axis=3)
    opacity = values[..., 3:] if channels == 4 else np.full((*values.shape[:3], 1), 255.0)
    return np.round(np.concatenate([values[..., :3], opacity], axis=3)).astype(np.uint8)


def _shrunk(shades: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return images at most ``side`` pixels high and wide; each pixel is the mean of a block of the old ones."""
    height, width = shades.shape[1:3]
    scale = max(1.0, max(height, width) / side)
    if scale == 1:
        return shades
    table = shades.astype(np.float64)
    for axis, size in ((1, height), (2, width)):
        edges = np.linspace(0, size, max(1, round(size / scale)) + 1).astype(int)
        sums = np.add.reduceat(table, edges[:-1], axis=axis)
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        table = sums / np.diff(edges).reshape(shape)
    return np.round(table).astype(np.uint8)


def _mosaic(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], list[tuple[int, int]]]:
    """Return images in rows, clear between them with room for a title above, and where each begins."""
    count, height, width = tiles.shape[:3]
    across, down = min(ACROSS, count), -(-count // ACROSS)
    room = max(2, round(TITLE_ROOM * width))
    gap = max(1, round(width / 24))
    canvas = np.zeros((down * (room + height), across * (width + gap) - gap, 4), dtype=np.uint8)
    corners = []
    for number_, tile in enumerate(tiles):
        top, left = number_ // across * (room + height) + room, number_ % across * (width + gap)
        canvas[top : top + height, left : left + width] = tile
        corners.append((top, left))
    return canvas, corners


def _png(canvas: NDArray[np.uint8]) -> bytes:
    """Return a picture as a PNG file.

    Source: Portable Network Graphics (ISO/IEC 15948), sections 10 and 11.
    """
    height, width = canvas.shape[:2]

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = np.concatenate([np.zeros((height, 1), dtype=np.uint8), canvas.reshape(height, -1)], axis=1)
    head = struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0)  # 8 bits each of red, green, blue and opacity
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _with_interval(step: LossStep) -> str:
    low, high = (signed(end) for end in step.interval)
    return f"{signed(step.value)} (95 %: {low} to {high})"


def _broken(text: str) -> str:
    """Return a rule or a name on short lines, each condition on lines of its own.

    >>> _broken("LIMIT_BAL <= 30,000 and PAY_0 >= 2")
    'LIMIT_BAL &lt;= 30,000<br>and PAY_0 &gt;= 2'
    """
    parts = text.replace(" and ", "\nand ").split("\n")
    return "<br>".join(plain(line) for part in parts for line in textwrap.wrap(part, LABEL) or [part])

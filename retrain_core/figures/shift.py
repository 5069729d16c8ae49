"""Charts of how new data differs from old. Only binned data leaves this file, never rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from retrain_core.figures.style import (
    FAINT,
    base_layout,
    empty_figure,
    look_of,
    plain,
)
from retrain_core.shift.columns import ColumnPair, number_first, pair_columns
from retrain_core.shift.estimate import Values
from retrain_core.shift.labels import pair_labels
from retrain_core.shift.levels import MAJOR, MINOR
from retrain_core.shift.wording import percent
from retrain_core.types import ColumnShift, Level, ShiftReport, Task

OLD, NEW = look_of("keep").colour, look_of("fine_tune").colour
LEVELS: dict[Level, tuple[str, str]] = {
    "major": ("#D55E00", "diamond"),
    "minor": ("#E69F00", "square"),
    "none": ("#808080", "circle-open"),
}
BINS = 40
HEIGHT = 320
MOST_CATEGORIES = 12
LONGEST_NAME = 24
ENDS = (0.005, 0.995)  # quantiles of either side that the axis reaches
SHARE = "share of values (%)"
NOTHING = "Neither side has a usable value."


def column_distribution(old: pd.Series[Any], new: pd.Series[Any], shift: ColumnShift) -> go.Figure:
    """Return how one column is distributed in the old and in the new data.

    Args:
        old: The column in the old data.
        new: The column in the new data.
        shift: What the report says about it; decides how the column is read.
    """
    return _distribution(pair_columns(old, new, shift.kind), shift.name)


def label_distribution(
    old: pd.Series[Any], new: pd.Series[Any], label: str, task: Task | None = None
) -> go.Figure:
    """Return how the label is distributed in the old and in the new data.

    Args:
        old: The label in the old data.
        new: The label in the new data.
        label: Its name.
        task: Kind of problem; told from the label by default.
    """
    return _distribution(pair_labels(old, new, task), label)


def column_effects(report: ShiftReport, top: int = 20) -> go.Figure:
    """Return how far each column moved, with its interval; the most important ones on top.

    Args:
        report: The report.
        top: How many columns to show.
    """
    columns = [column for column in report.columns if column.measures][:top]
    if not columns:
        return empty_figure("There is no column to compare.")
    names = _unique_labels([column.name for column in columns])
    figure = go.Figure()
    for level, (colour, symbol) in LEVELS.items():
        own = [(name, column) for name, column in zip(names, columns, strict=True) if column.level == level]
        if not own:
            continue
        sizes = [column.effect for _, column in own]
        ends = [_interval(column) for _, column in own]
        figure.add_scatter(
            x=sizes,
            y=[name for name, _ in own],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [max(0.0, high - size) for size, (_, high) in zip(sizes, ends, strict=True)],
                "arrayminus": [max(0.0, size - low) for size, (low, _) in zip(sizes, ends, strict=True)],
                "thickness": 1.5,
                "width": 3,
            },
            mode="markers",
            name=level,
            marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 1.5, "color": colour}},
            customdata=[[low, high] for low, high in ends],
            hovertemplate="%{y}: d = %{x:.2f} (95 %: %{customdata[0]:.2f} to %{customdata[1]:.2f})<extra>"
            + level
            + "</extra>",
        )
    for value in (MINOR, MAJOR):
        figure.add_vline(x=value, line={"color": FAINT, "dash": "dot", "width": 1.5})
    x_title = f"effect (standard deviations)<br>dotted: minor {MINOR:g}, major {MAJOR:g}"
    figure.update_layout(
        **base_layout(x=x_title, y="column", height=150 + 26 * len(columns)),
        showlegend=True,  # though there may be one level only
    )
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], type="category")
    figure.update_xaxes(rangemode="tozero")
    return figure


def _interval(column: ColumnShift) -> tuple[float, float]:
    measure = column.measures.get("effect_size")
    if measure is None or measure.interval is None or measure.value < column.effect:
        return column.effect, column.effect
    return measure.interval


def _distribution(pair: ColumnPair, name: str) -> go.Figure:
    return _histograms(pair, name) if pair.kind == "numeric" else _bars(pair, name)


def _histograms(pair: ColumnPair, name: str) -> go.Figure:
    figure = go.Figure()
    sides = pair.values()
    held = [side for side in sides if len(side)]
    if not held:
        return empty_figure(NOTHING)
    edges = _edges(held)
    inside = []
    for side, title, colour in zip(sides, ("old", "new"), (OLD, NEW), strict=True):
        counts = np.histogram(side, edges)[0]
        inside.append(int(counts.sum()))
        figure.add_bar(
            x=_axis_values((edges[:-1] + edges[1:]) / 2, pair.dates),
            y=100 * counts / max(len(side), 1),
            width=_widths(edges, pair.dates),
            name=f"{title} ({len(side):,})",
            marker={**_fill(title, colour), "opacity": 0.65},
            hovertemplate="%{x}: %{y:.1f} %<extra>" + title + "</extra>",
        )
    x_title = _label(name) + (" (date)" if pair.dates else " (value)")
    outside = [len(side) - count for side, count in zip(sides, inside, strict=True)]
    if any(outside):
        shares = [percent(count / max(len(side), 1)) for count, side in zip(outside, sides, strict=True)]
        x_title += f"<br>not shown: {shares[0]} old, {shares[1]} new"
    figure.update_layout(**base_layout(x=x_title, y=SHARE, height=HEIGHT), barmode="overlay", bargap=0)
    return figure


def _fill(side: str, colour: str) -> dict[str, Any]:
    """Return a bar's look; the old side is hatched, so that colour is not all that tells them apart."""
    look: dict[str, Any] = {"color": colour, "line": {"width": 0}}
    if side == "old":
        look["pattern"] = {
            "shape": "/",
            "fillmode": "replace",
            "bgcolor": colour,
            "fgcolor": "#b8b8b8",
            "solidity": 0.2,
        }
    return look


def _edges(sides: Sequence[Values]) -> Values:
    """Return shared bin edges over the range of all but the most extreme values of each side."""
    ends = np.array([np.quantile(side, ENDS) for side in sides])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    if not low < high:
        width = max(abs(low), 1.0) / 2
        return np.linspace(low - width, high + width, 4)
    inner = [side[(side >= low) & (side <= high)] for side in sides]
    if all(np.array_equal(side, np.round(side)) for side in inner):
        step = np.ceil((high - low + 1) / BINS)  # as many whole numbers in one bin as in another
        return np.arange(np.floor(low) - 0.5, high + step + 0.5, step)
    return np.linspace(low, high, BINS + 1)


def _axis_values(days: Values, dates: bool) -> Any:
    if not dates:
        return days
    return (days * 86_400_000).astype("datetime64[ms]")


def _widths(edges: Values, dates: bool) -> Values:
    return np.diff(edges) * (86_400_000 if dates else 1)


def _bars(pair: ColumnPair, name: str) -> go.Figure:
    old, new = pair.counts()
    if not old.sum() and not new.sum():
        return empty_figure(NOTHING)
    shares = [side / max(side.sum(), 1) for side in (old, new)]
    size = len(pair.categories)
    order = np.argsort(-np.maximum(*shares), kind="stable")[
        : size if size <= MOST_CATEGORIES + 1 else MOST_CATEGORIES
    ]
    order = np.array(sorted(order, key=lambda i: number_first(pair.categories[i])), dtype=np.intp)
    names = _unique_labels([pair.categories[i] for i in order])
    rest = size - len(order)
    figure = go.Figure()
    for share, side, title, colour in zip(shares, (old, new), ("old", "new"), (OLD, NEW), strict=True):
        heights = [100 * share[i] for i in order] + ([100 * max(0.0, 1 - share[order].sum())] if rest else [])
        figure.add_bar(
            x=[*names, f"{rest:,} other"] if rest else names,
            y=heights,
            name=f"{title} ({int(side.sum()):,})",
            marker=_fill(title, colour),
            hovertemplate="%{x}: %{y:.1f} %<extra>" + title + "</extra>",
        )
    figure.update_layout(
        **base_layout(x=f"{_label(name)} (category)", y=SHARE, height=HEIGHT), barmode="group", bargap=0.2
    )
    figure.update_xaxes(type="category")
    return figure


def _label(name: str) -> str:
    """Return a user's name as text that Plotly cannot take for markup."""
    text = " ".join(name.split()) or "(blank)"
    text = text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
    return plain(text)


def _unique_labels(names: Sequence[str]) -> list[str]:
    """Return labels of which no two are the same, though names may be cut short."""
    seen: dict[str, int] = {}
    labels = []
    for name in names:
        label = _label(name)
        seen[label] = seen.get(label, 0) + 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels

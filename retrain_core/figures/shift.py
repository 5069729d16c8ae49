"""Charts of how new data differs from old. Only binned data leaves this file, never rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from retrain_core.figures.style import (
    FAINT,
    base_layout,
    different,
    empty_figure,
    lay_out,
    look_of,
    plain,
    whiskers,
)
from retrain_core.shift.deciding import deciding
from retrain_core.shift.levels import OR_MORE, is_largest
from retrain_core.shift.wording import percent
from retrain_core.types import ColumnShift, Distribution, Level, ShiftReport

OLD, NEW = look_of("keep").colour, look_of("fine_tune").colour
LEVELS: dict[
    Level, tuple[str, str, str]
] = {  # colour, symbol, and symbol of an effect that is open to the right
    "major": ("#D55E00", "diamond", "triangle-right"),
    "minor": ("#E69F00", "square", "triangle-right-dot"),
    "none": ("#808080", "circle-open", "triangle-right-open"),
}
HEIGHT = 320
LONGEST_NAME = 24
MILLISECONDS_PER_DAY = 86_400_000
SHARE = "share of values (%)"
NAMES = "Record numbers and names are not drawn."


def column_distribution(shift: ColumnShift) -> go.Figure:
    """Return how one column or label is distributed in the old and in the new data.

    Args:
        shift: What the report says about it.
    """
    found = shift.distribution
    if found is None:
        return empty_figure(NAMES if shift.reading == "id" else shift.summary)
    if found.edges:
        unit = "date" if found.dates else "words" if shift.reading == "free text" else "value"
        return _histograms(found, shift.name, unit)
    return _bars(found, shift.name)


def column_effects(report: ShiftReport, top: int = 20) -> go.Figure:
    """Return how far each column moved, with its interval; the most important ones on top.

    Args:
        report: The report.
        top: How many columns to show.
    """
    measured = [column for column in report.columns if column.measures]
    columns = measured[:top]
    if not columns:
        return empty_figure("There is no column to compare.")
    names = different(_label(column.name) for column in columns)
    figure = go.Figure()
    for level, (colour, symbol, open_ended) in LEVELS.items():
        own = [(name, column) for name, column in zip(names, columns, strict=True) if column.level == level]
        exact = [pair for pair in own if not is_largest(pair[1].effect)]
        rest = [pair for pair in own if is_largest(pair[1].effect)]
        for pairs, look, title in ((exact, symbol, level), (rest, open_ended, f"{level}, {OR_MORE}")):
            if pairs:
                _add_effects(figure, pairs, colour, look, title)
    minor, major = report.settings.thresholds.minor, report.settings.thresholds.major
    for value in (minor, major):
        figure.add_vline(x=value, line={"color": FAINT, "dash": "dot", "width": 1.5})
    x_title = f"effect (standard deviations)<br>dotted: minor {minor:g}, major {major:g}"
    if len(measured) > top:
        x_title += f"<br>shown: the {top} that moved most, of {len(measured):,}"
    lay_out(
        figure,
        **base_layout(x=x_title, y="column", height=150 + 26 * len(columns)),
        showlegend=True,  # though there may be one level only
    )
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], type="category")
    figure.update_xaxes(rangemode="tozero")
    return figure


def _add_effects(
    figure: go.Figure, own: Sequence[tuple[str, ColumnShift]], colour: str, symbol: str, title: str
) -> None:
    ends = [(column.effect, *_interval(column)) for _, column in own]
    figure.add_scatter(
        x=[effect for effect, _, _ in ends],
        y=[name for name, _ in own],
        error_x=whiskers(ends),
        mode="markers",
        name=title,
        marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 1.5, "color": colour}},
        customdata=[
            f"d {_shown(effect)} (95 %: {low:.2f} to {_shown(high).removeprefix('= ')})"
            for effect, low, high in ends
        ],
        hovertemplate="%{y}: %{customdata}<extra>" + title + "</extra>",
    )


def _shown(effect: float) -> str:
    return f"≥ {effect:.0f}" if is_largest(effect) else f"= {effect:.2f}"


def _interval(column: ColumnShift) -> tuple[float, float]:
    return deciding(column).interval or (column.effect, column.effect)


def _histograms(found: Distribution, name: str, unit: str) -> go.Figure:
    figure = go.Figure()
    edges = np.array(found.edges)
    for title, colour, shares, values in _sides(found):
        figure.add_bar(
            x=_axis_values((edges[:-1] + edges[1:]) / 2, found.dates),
            y=[100 * share for share in shares],
            width=np.diff(edges) * (MILLISECONDS_PER_DAY if found.dates else 1),
            name=f"{title} ({values:,})",
            marker={**_fill(title, colour), "opacity": 0.65},
            hovertemplate="%{x}: %{y:.1f} %<extra>" + title + "</extra>",
        )
    x_title = f"{_label(name)} ({unit})"
    if any(found.outside):
        x_title += f"<br>not shown: {percent(found.outside[0])} old, {percent(found.outside[1])} new"
    lay_out(figure, **base_layout(x=x_title, y=SHARE, height=HEIGHT), barmode="overlay", bargap=0)
    return figure


def _bars(found: Distribution, name: str) -> go.Figure:
    figure = go.Figure()
    names = different(_label(name) for name in found.categories)
    for title, colour, shares, values in _sides(found):
        figure.add_bar(
            x=names,
            y=[100 * share for share in shares],
            name=f"{title} ({values:,})",
            marker=_fill(title, colour),
            hovertemplate="%{x}: %{y:.1f} %<extra>" + title + "</extra>",
        )
    lay_out(
        figure,
        **base_layout(x=f"{_label(name)} (category)", y=SHARE, height=HEIGHT),
        barmode="group",
        bargap=0.2,
    )
    figure.update_xaxes(type="category")
    return figure


def _sides(found: Distribution) -> tuple[tuple[str, str, tuple[float, ...], int], ...]:
    return ("old", OLD, found.old, found.old_values), ("new", NEW, found.new, found.new_values)


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


def _axis_values(days: NDArray[np.float64], dates: bool) -> Any:
    return (days * MILLISECONDS_PER_DAY).astype("datetime64[ms]") if dates else days


def _label(name: str) -> str:
    """Return a user's name as text that Plotly cannot take for markup."""
    text = " ".join(name.split()) or "(blank)"
    text = text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
    return plain(text)

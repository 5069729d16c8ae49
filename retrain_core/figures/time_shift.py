"""How far each column was from the old data, chunk by chunk in time."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from retrain_core.data.time_order import ROW_ORDER
from retrain_core.figures.style import (
    FAINT,
    axis_title,
    base_layout,
    empty_figure,
    lay_out,
    look_of,
    plain,
)
from retrain_core.shift.wording import short
from retrain_core.types import TimeLine, TimeShift

LINE, BAND = look_of("fine_tune").colour, "rgba(128, 128, 128, 0.25)"
OUT = ("#D55E00", "diamond")  # colour and symbol of a chunk out of its band
INSIDE = (LINE, "circle")
PANEL, REST = 130, 160  # pixels of a panel, and of all that is around them
TOP, LEGEND = 70, 24  # pixels above the first panel, and from it to the legend
TICKS = 6  # starts of chunks that fit below a narrow screen


def time_lines(shift: TimeShift, names: Sequence[str]) -> go.Figure:
    """Return the effect of each chunk with its band, a panel a line; old and new chunks are divided by a line.

    Args:
        shift: What was measured.
        names: Which of its lines to draw, in this order; those that it does not have are left out.
    """
    known = {line.name: line for line in shift.lines}
    lines = [known[name] for name in names if name in known]
    if not lines or not shift.chunks:
        return empty_figure(shift.summary or "There is nothing to draw.")
    titles = [plain(short(line.name)) for line in lines]
    figure = make_subplots(
        rows=len(lines), shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.3 / len(lines)
    )
    for row, line in enumerate(lines, start=1):
        _add_panel(figure, row, line, shift)
    layout = base_layout(height=REST + PANEL * len(lines))
    axes = {key: layout.pop(key) for key in ("xaxis", "yaxis")}
    layout["margin"]["t"] = TOP
    layout["legend"]["y"] = 1 + LEGEND / (PANEL * len(lines))  # above the title of the first panel
    lay_out(figure, **layout, showlegend=True)
    figure.update_xaxes(**{**axes["xaxis"], "title": None})
    figure.update_yaxes(
        **{**axes["yaxis"], "title": axis_title("effect (d)", upright=True), "rangemode": "tozero"}
    )
    starts = [plain(chunk.start) for chunk in shift.chunks]
    step = -(-len(starts) // TICKS)
    places = list(range(0, len(starts), step))
    figure.update_xaxes(tickvals=places, ticktext=[starts[place] for place in places])
    by_rows = shift.column == ROW_ORDER
    first = (
        "first row of the chunk in its file"
        if by_rows
        else f"start of the chunk ({plain(short(shift.column))})"
    )
    x_title = f"{first}<br>dotted: old ends, new begins"
    figure.update_xaxes(title=axis_title(x_title), row=len(lines), col=1)
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    return figure


def _add_panel(figure: go.Figure, row: int, line: TimeLine, shift: TimeShift) -> None:
    places = list(range(len(shift.chunks)))
    figure.add_scatter(
        x=places, y=list(line.band), mode="lines", line={"width": 0, "shape": "hvh"}, fill="tozeroy", fillcolor=BAND,
        name="band", legendgroup="band", showlegend=row == 1, hoverinfo="skip", row=row, col=1,
    )  # fmt: skip
    out = [value is not None and value > band for value, band in zip(line.values, line.band, strict=True)]
    unit = "rows " if shift.column == ROW_ORDER else ""
    told = [
        f"{chunk.side}, {unit}{plain(chunk.start)} to {plain(chunk.end)}, {chunk.rows:,} rows"
        for chunk in shift.chunks
    ]
    figure.add_scatter(
        x=places, y=list(line.values), mode="lines+markers", line={"color": LINE, "width": 1.5},
        marker={
            "color": [(OUT if left else INSIDE)[0] for left in out],
            "symbol": [(OUT if left else INSIDE)[1] for left in out],
            "size": [10 if left else 6 for left in out],
        },
        customdata=[[text, band] for text, band in zip(told, line.band, strict=True)],
        hovertemplate="%{customdata[0]}<br>d = %{y:.2f}, band to %{customdata[1]:.2f}<extra></extra>",
        name="effect", legendgroup="effect", showlegend=row == 1, row=row, col=1,
    )  # fmt: skip
    if row == 1:
        figure.add_scatter(
            x=[None], y=[None], mode="markers", marker={"color": OUT[0], "symbol": OUT[1], "size": 10},
            name="out of the band", row=row, col=1,
        )  # fmt: skip
    old = sum(chunk.side == "old" for chunk in shift.chunks)
    figure.add_vline(x=old - 0.5, line={"color": FAINT, "dash": "dot", "width": 1.5}, row=row, col=1)

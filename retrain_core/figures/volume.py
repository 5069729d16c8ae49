"""What more rows would bring: the learning curve, as measured and as fitted."""

from __future__ import annotations

from statistics import mean

import plotly.graph_objects as go

from retrain_core.compare.score_words import score_text
from retrain_core.figures.style import (
    FAINT,
    SCORE_TITLES,
    axis_format,
    base_layout,
    empty_figure,
    lay_out,
    look_of,
)
from retrain_core.types import CurvePoint, LearningCurve

BAND = "rgba(128, 128, 128, 0.25)"
APART = 1.05  # factor between seeds of a size on the log axis


def learning_curve_chart(curve: LearningCurve) -> go.Figure:
    """Return the score against the new training rows: runs as points, the fitted curve with its 95 % band.

    Without a fit, the mean of each size is a faint line. Seeds of a size stand side by side, so none hides another.

    Args:
        curve: What was measured and fitted.
    """
    if not curve.points:
        return empty_figure(curve.summary)
    look = look_of(curve.strategy)
    figure, marked = go.Figure(), ""
    sizes: dict[int, list[CurvePoint]] = {}
    for point in curve.points:
        sizes.setdefault(point.rows, []).append(point)
    if curve.band:
        rows = [place.rows for place in curve.band]
        figure.add_scatter(
            x=rows + rows[::-1],
            y=[place.high for place in curve.band] + [place.low for place in curve.band[::-1]],
            mode="lines", line={"width": 0}, fill="toself", fillcolor=BAND, name="95 % interval", hoverinfo="skip",
        )  # fmt: skip
        figure.add_scatter(
            x=rows, y=[place.middle for place in curve.band], mode="lines", name="fitted",
            line={"color": look.colour, "dash": look.dash, "width": 2},
            customdata=[[score_text(curve.metric, end) for end in (p.middle, p.low, p.high)] for p in curve.band],
            hovertemplate="%{x:,} rows: %{customdata[0]} (95 %: %{customdata[1]} to %{customdata[2]})<extra></extra>",
        )  # fmt: skip
        if rows[-1] > curve.rows_now:
            marked = "<br>dotted: all that there are for training"
            figure.add_vline(x=curve.rows_now, line={"color": FAINT, "dash": "dot", "width": 1.5})
    else:
        means = {rows: mean(point.metric for point in runs) for rows, runs in sizes.items()}
        figure.add_scatter(
            x=list(means), y=list(means.values()), mode="lines", name="mean", line={"color": FAINT, "width": 1},
            customdata=[score_text(curve.metric, value) for value in means.values()],
            hovertemplate="%{x:,} rows: %{customdata} on average<extra></extra>",
        )  # fmt: skip
    beside = [
        (rows * APART ** (place - (len(runs) - 1) / 2), point)
        for rows, runs in sizes.items()
        for place, point in enumerate(runs)
    ]
    figure.add_scatter(
        x=[x for x, _ in beside], y=[point.metric for _, point in beside], mode="markers",
        name=look.title, marker={"color": look.colour, "symbol": look.marker, "size": 9},
        customdata=[[score_text(curve.metric, point.metric), point.seed, point.rows] for _, point in beside],
        hovertemplate="%{customdata[2]:,} rows, seed %{customdata[1]}: %{customdata[0]}<extra></extra>",
    )  # fmt: skip
    lay_out(
        figure,
        **base_layout(x=f"new rows trained on (log scale){marked}", y=SCORE_TITLES[curve.metric]),
        showlegend=True,
    )
    figure.update_xaxes(type="log", dtick="D2", tickformat=",")
    figure.update_yaxes(tickformat=axis_format(curve.metric))
    return figure

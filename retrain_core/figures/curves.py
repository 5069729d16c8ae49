"""How training went: the scores of every run on the same axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from retrain_core.figures.scored import legend_height
from retrain_core.figures.style import (
    FAINT,
    SCORE_TITLES,
    axis_format,
    base_layout,
    empty_figure,
    keep_first,
    lay_out,
    look_of,
    plain,
)

Curve = tuple[Mapping[str, Any], ...]
Points = list[tuple[float, float]]

MOST_POINTS = 1000  # a trace; more cannot be seen and slow every redraw
SMOOTHING = 0.6  # share of the past in a smoothed point
MARKERS = 10  # a line shows about this many, to be told apart without colour
X_TITLES = {"rows_seen": "training rows seen", "seconds": "seconds of training"}
FROM_OLD_MODEL = ("fine_tune", "incremental")  # their first point is the old model


def training_curves(
    curves: Mapping[str, Curve],
    strategies: Mapping[str, str],
    *,
    value: Literal["loss", "accuracy", "mae"],
    x: Literal["rows_seen", "seconds"],
    keep: float | None,
    smooth: bool = False,
) -> go.Figure:
    """Return validation (solid), training (dotted) and prequential (dash-dot) scores along the training.

    Args:
        curves: By run id, the values of its ``epoch`` events so far; a run may have few or none.
        strategies: By run id, its strategy. Runs of one strategy share a colour and a legend entry.
        value: Which score to draw.
        x: What to draw it against.
        keep: The old model's score on the validation rows, drawn as a dashed line.
        smooth: Draw an exponential moving average over the faint raw values.
    """
    drawn = {run: curve for run, curve in curves.items() if run in strategies and curve}
    if not drawn:
        return empty_figure("No points yet: a curve begins when its run has scored the validation rows.")
    figure = go.Figure()
    kinds = []
    for strategy in keep_first(dict.fromkeys(strategies.values())):
        runs = [run for run in drawn if strategies[run] == strategy]
        for number, run in enumerate(runs):
            thin = len(runs) > 1
            kinds += _add_run(figure, run, drawn[run], strategy, value, x, smooth, thin, legend=number == 0)
    if keep is not None:
        _add_keep(figure, keep, value, max(_most(curve, x) for curve in drawn.values()))
    if set(kinds) != {"validation"}:
        _add_kinds(figure, kinds)
    lay_out(figure, **base_layout(x=X_TITLES[x], y=SCORE_TITLES[value], height=_height(figure)))
    lay_out(
        figure,
        yaxis={"tickformat": axis_format(value)},
        xaxis={"rangemode": "tozero"},
        legend={"tracegroupgap": 0},
    )
    return figure


def keep_on_validation(
    curves: Mapping[str, Curve], strategies: Mapping[str, str], value: str
) -> float | None:
    """Return the old model's score on the validation rows: where the runs that start from it begin.

    Args:
        curves: By run id, the values of its ``epoch`` events.
        strategies: By run id, its strategy.
        value: ``loss``, ``accuracy`` or ``mae``.
    """
    for run, curve in curves.items():
        if strategies.get(run) in FROM_OLD_MODEL and curve and curve[0].get("rows_seen") == 0:
            start = curve[0].get(f"validation_{value}")
            return None if start is None else float(start)
    return None


def _add_run(
    figure: go.Figure,
    run: str,
    curve: Curve,
    strategy: str,
    value: str,
    x: str,
    smooth: bool,
    thin: bool,
    *,
    legend: bool,
) -> list[str]:
    """Add the lines of one run and return which kinds it has."""
    look = look_of(strategy)
    width = 1.3 if thin else 2.4
    kinds = {"training": value, "prequential": f"prequential_{value}", "validation": f"validation_{value}"}
    found = []
    for kind, key in kinds.items():
        points = thinned(_points(curve, x, key))
        if not points:
            continue
        found.append(kind)
        main = kind == "validation"
        style: dict[str, Any] = {
            "legendgroup": strategy,
            "name": plain(look.title),
            "hovertemplate": _hover(kind, value, x, look.title, run),
        }
        if smooth and len(points) > 2:
            figure.add_scatter(
                x=[at for at, _ in points], y=[score for _, score in points], mode="lines", opacity=0.3,
                line={"color": look.colour, "width": 1, "dash": DASHES[kind]}, showlegend=False, **style,
            )  # fmt: skip
            points = _smoothed(points)
        figure.add_scatter(
            x=[at for at, _ in points],
            y=[score for _, score in points],
            mode="lines+markers" if main else "lines",
            opacity=1.0 if main else 0.75,
            line={"color": look.colour, "width": width if main else 1.2, "dash": DASHES[kind]},
            marker={
                "symbol": look.marker,
                "size": 6 if thin else 8,
                "color": look.colour,
                "maxdisplayed": MARKERS,
            },
            showlegend=main and legend,
            **style,
        )
    return found


DASHES = {"validation": "solid", "training": "dot", "prequential": "dashdot"}


def _add_kinds(figure: go.Figure, kinds: Sequence[str]) -> None:
    """Explain the line patterns in the legend."""
    for kind, dash in DASHES.items():
        if kind in kinds:
            figure.add_scatter(
                x=[None], y=[None], mode="lines", name=kind, hoverinfo="skip",
                line={"color": FAINT, "dash": dash, "width": 1.8},
            )  # fmt: skip


def _height(figure: go.Figure) -> int:
    """Return a height that leaves the plot its room below a long legend."""
    return max(380, 300 + legend_height(sum(trace.showlegend is not False for trace in figure.data)))


def _hover(kind: str, value: str, x: str, title: str, run: str) -> str:
    shown = "%{y:.1%}" if value == "accuracy" else "%{y:.4~g}"
    place = "%{x:,} rows" if x == "rows_seen" else "%{x:.1f} s"
    return f"{kind} {value} {shown}<br>after {place}<extra>{plain(title)}<br>{plain(run)}</extra>"


def _add_keep(figure: go.Figure, keep: float, value: str, end: float) -> None:
    look = look_of("keep")
    figure.add_scatter(
        x=[0, end or 1],
        y=[keep, keep],
        mode="lines",
        name=look.title,
        legendgroup="keep",
        line={"color": look.colour, "width": 2, "dash": look.dash},
        hovertemplate=f"validation {value} {'%{y:.1%}' if value == 'accuracy' else '%{y:.4~g}'}<extra>Keep</extra>",
    )


def _points(curve: Curve, x: str, key: str) -> Points:
    found = [(values.get(x), values.get(key)) for values in curve]
    return [(float(at), float(score)) for at, score in found if at is not None and score is not None]


def _most(curve: Curve, x: str) -> float:
    return max((float(values[x]) for values in curve if values.get(x) is not None), default=0.0)


def thinned(points: Sequence[tuple[float, float]], most: int = MOST_POINTS) -> Points:
    """Return at most ``most`` points, evenly chosen, the first and the last among them.

    >>> thinned([(0, 1), (1, 1), (2, 1), (3, 1), (4, 1)], most=3)
    [(0, 1), (2, 1), (4, 1)]
    """
    if len(points) <= most:
        return list(points)
    return [points[i] for i in np.linspace(0, len(points) - 1, most).round().astype(int)]


def _smoothed(points: Points) -> Points:
    """Return the exponential moving average, corrected for its start (as Adam does)."""
    average, weight, result = 0.0, 0.0, []
    for at, score in points:
        average = SMOOTHING * average + (1 - SMOOTHING) * score
        weight = SMOOTHING * weight + (1 - SMOOTHING)
        result.append((at, average / weight))
    return result

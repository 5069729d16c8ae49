"""What disturbed inputs cost the models: the old one and its candidates on one chart."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from retrain_core.compare.score_words import score_text
from retrain_core.diagnosis.disturb import DISTURBANCES
from retrain_core.diagnosis.sensitivity import importance, size
from retrain_core.figures.style import (
    FAINT,
    SCORE_TITLES,
    axis_format,
    axis_title,
    base_layout,
    empty_figure,
    lay_out,
    look_of,
    plain,
    whiskers,
)
from retrain_core.types import Sensitivity

MOST_COLUMNS = 12
BAR_HEIGHT = 13  # pixels a model
LONGEST_NAME = 24
PATTERNS = ("", "/", "\\", "x", "-", "|", "+", ".")  # of bars, so that colour is never alone
LEAST_SPAN = (
    0.05  # of a score axis: of the accuracy, or as a share of the error; less makes chance look large
)
CHANGE = {
    "accuracy": "change of the accuracy (points)<br>below 0: worse",
    "mae": "change of the mean abs. error<br>(label's units), above 0: worse",
}


def robustness_lines(sensitivities: Sequence[Sensitivity], what: str) -> go.Figure:
    """Return each model's score against the severity of one disturbance; the undisturbed rows stand at 0.

    Args:
        sensitivities: One a model.
        what: Name of the disturbance in ``DISTURBANCES``.
    """
    disturbance = DISTURBANCES[what]
    figure = go.Figure()
    name, reach = "", list[float]()
    for sensitivity in _keep_first(sensitivities):
        clean = sensitivity.metric
        measured = [p for p in sensitivity.points if p.what == what and not p.column]
        if not measured:
            continue
        points = sorted([(0.0, clean), *((p.severity, p.metric) for p in measured)])
        ends = {p.severity: _ends(p.metric, p.interval, clean) for p in measured}
        bars = [ends.get(severity, (score, score, score)) for severity, score in points]
        reach += [end for bar in bars for end in bar]
        look, name = look_of(sensitivity.model), sensitivity.metric_name
        figure.add_scatter(
            x=[severity for severity, _ in points],
            y=[score for _, score in points],
            mode="lines+markers",
            line={"color": look.colour, "dash": look.dash, "width": 2.2},
            marker={"symbol": look.marker, "size": 9, "color": look.colour},
            error_y=whiskers(bars, color=look.colour),
            name=plain(look.title),
            customdata=[score_text(name, score) for _, score in points],
            hovertemplate=f"{name} %{{customdata}} at %{{x:~g}} ({disturbance.unit})<extra>{plain(look.title)}</extra>",
        )
    if not figure.data:
        return empty_figure(f"No model was measured with {disturbance.title}.")
    title = f"{disturbance.title}<br>({disturbance.unit})"
    lay_out(figure, **base_layout(x=title, y=SCORE_TITLES[name], height=380), showlegend=True)
    figure.update_yaxes(tickformat=axis_format(name))
    if name == "mae":
        figure.update_yaxes(rangemode="tozero")
    else:
        figure.update_yaxes(range=_wide(reach, LEAST_SPAN))
    if min(disturbance.severities) < 0:
        figure.add_vline(x=0, line={"color": FAINT, "dash": "dot", "width": 1.5})
    return figure


def importance_bars(sensitivities: Sequence[Sensitivity], what: str = "permuted") -> go.Figure:
    """Return how each model's score changes once a single column is disturbed; the largest changes on top.

    Args:
        sensitivities: One a model, on the same rows.
        what: Name of a disturbance of single columns in ``DISTURBANCES``.
    """
    models = _keep_first(sensitivities)
    found = [importance(sensitivity, what) for sensitivity in models]
    names = list(dict.fromkeys(name for own in found for name in own))
    if not names:
        return empty_figure("These inputs have no columns that could be disturbed one by one.")
    names.sort(key=lambda name: max(size(own[name]) for own in found if name in own), reverse=True)
    shown = names[:MOST_COLUMNS]
    metric = models[0].metric_name
    factor = 100.0 if metric == "accuracy" else 1.0
    figure, reach = go.Figure(), [0.0]
    for number, (sensitivity, own) in enumerate(zip(models, found, strict=True)):
        look = look_of(sensitivity.model)
        those = [(place, own[name]) for place, name in enumerate(shown) if name in own]
        bars = [_ends(change.metric, change.interval, factor=factor) for _, change in those]
        reach += [end for bar in bars for end in bar]
        figure.add_bar(
            x=[middle for middle, _, _ in bars],
            y=[place for place, _ in those],
            error_x=whiskers(bars),
            orientation="h",
            name=plain(look.title),
            marker={"color": look.colour, "pattern": {"shape": PATTERNS[number % len(PATTERNS)]}},
            customdata=[
                [
                    plain(shown[place]),
                    f" (95 %: {low:+.3g} to {high:+.3g})" if change.interval else "",
                    change.loss,
                ]
                for (place, change), (_, low, high) in zip(those, bars, strict=True)
            ],
            hovertemplate=f"%{{customdata[0]}}: {metric} %{{x:+.3~g}}%{{customdata[1]}}, loss %{{customdata[2]:+.3~g}}"
            f"<extra>{plain(look.title)}</extra>",
        )
    height = 170 + len(shown) * max(26, BAR_HEIGHT * len(models) + 8)
    lay_out(figure, **base_layout(x=CHANGE[metric], y="column", height=height), showlegend=True, bargap=0.25)
    figure.update_yaxes(
        tickvals=list(range(len(shown))),
        ticktext=[plain(_short(name)) for name in shown],
        range=[len(shown) - 0.5, -0.5],
        showgrid=False,
        title=axis_title("column", upright=True),
    )
    least = LEAST_SPAN * (factor if metric == "accuracy" else max(one.metric for one in models))
    figure.update_xaxes(range=_wide(reach, least))
    figure.add_vline(x=0, line={"color": FAINT, "width": 1})
    return figure


def _ends(
    value: float, interval: tuple[float, float] | None, base: float = 0.0, factor: float = 1.0
) -> tuple[float, float, float]:
    """Return a value with the ends of its interval, which is one of changes from ``base``, times a factor."""
    low, high = interval or (value - base, value - base)
    return factor * value, factor * (base + low), factor * (base + high)


def _wide(reach: Sequence[float], least: float) -> list[float]:
    """Return a range that holds all values with some room, and spans at least ``least``."""
    low, high = min(reach), max(reach)
    middle, half = (low + high) / 2, max(1.08 * (high - low), least) / 2
    return [middle - half, middle + half]


def _keep_first(sensitivities: Sequence[Sensitivity]) -> list[Sensitivity]:
    return sorted(sensitivities, key=lambda sensitivity: sensitivity.model != "keep")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"

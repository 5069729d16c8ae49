"""How the candidates compare: scores with intervals, new against old, and what each costs."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from retrain_core.compare.cost import main_score
from retrain_core.compare.measures import sign_of
from retrain_core.compare.score_words import IN_UNITS, name_of, score_text
from retrain_core.figures.same_utility import same_utility
from retrain_core.figures.scored import (
    Score,
    in_legend,
    interval_bar,
    legend_height,
    row_label,
    rows_on,
    score_on,
    score_words,
    strategy_axis,
)
from retrain_core.figures.style import (
    FAINT,
    add_caption,
    axis_format,
    base_layout,
    empty_figure,
    keep_first,
    lay_out,
    look_of,
    plain,
    score_title,
)
from retrain_core.types import CandidateScores, Comparison

ROW_HEIGHT = 42  # pixels a strategy
PANEL_GAP = 68  # pixels between two panels: the ticks of the upper, the title of the lower
SEED_OFFSET = 0.28  # seeds lie this far below their mean, in rows


def score_dots(comparison: Comparison, name: str) -> go.Figure:
    """Return each candidate's score on the new and the old part, with its 95 % interval and its seeds.

    Each part has an axis of its own: differences within it are what is to be seen.

    Args:
        comparison: The candidates.
        name: Which score to draw, a name in ``SCORES``.
    """
    names = keep_first(comparison.strategies)
    parts = [part for part in ("new", "old") if rows_on(comparison, part)]
    scored = [part for part in parts if any(score_on(comparison.strategies[n], part, name) for n in names)]
    if not scored:
        return empty_figure("No candidate has a score.")
    figure = go.Figure()
    inside = len(scored) * ROW_HEIGHT * len(names) + (len(scored) - 1) * PANEL_GAP  # pixels
    layout = base_layout(x=score_title(name), height=inside + 110)
    x_axis = layout.pop("xaxis") | {"tickformat": axis_format(name), "nticks": 6, "tickangle": 0}
    lay_out(figure, **layout, showlegend=False)
    panel, gap = ROW_HEIGHT * len(names) / inside, PANEL_GAP / inside
    for number, part in enumerate(scored):
        axis = "" if number == 0 else "2"
        top = 1 - number * (panel + gap)
        bottom = max(top - panel, 0.0)
        labels = [row_label(comparison.strategies[strategy], strategy, part, name) for strategy in names]
        lay_out(figure, **{
            f"yaxis{axis}": strategy_axis(labels, (bottom, top)) | {"anchor": f"x{axis}"},
            f"xaxis{axis}": x_axis | {"anchor": f"y{axis}"},
        })  # fmt: skip
        for place, strategy in enumerate(names):
            _add_candidate(figure, comparison.strategies[strategy], strategy, place, part, name, axis)
        keep = score_on(comparison.strategies["keep"], part, name) if "keep" in names else None
        if keep:
            _add_line(figure, x=(keep.value, keep.value), y=(-0.5, len(names) - 0.5), axis=axis)
        figure.add_annotation(
            text=f"<b>{part} part</b> ({rows_on(comparison, part):,} rows)",
            x=0, xref="paper", xanchor="left", y=top, yref="paper", yanchor="bottom", showarrow=False,
        )  # fmt: skip
    if len(scored) > 1:
        lay_out(figure, xaxis={"title": None})  # the lower panel's stands for both
    return figure


def tradeoff(comparison: Comparison, old_weight: float) -> go.Figure:
    """Return the score that candidates are weighed by on the new part against the old; up and to the right is always better.

    Points on the line through the recommended candidate have the same weighted score as it; points above
    the line have a better one. Where candidates are weighed by more than one score, no line can tell that, and there is none.
    Without old data, the scores on the new part alone.

    Args:
        comparison: The candidates.
        old_weight: Weight of the old part in the weighted score, 0 to 1.
    """
    name = main_score(comparison)
    points = {
        strategy: (old, new)
        for strategy in keep_first(comparison.strategies)
        if (old := score_on(comparison.strategies[strategy], "old", name))
        and (new := score_on(comparison.strategies[strategy], "new", name))
    }
    if not points:
        figure = score_dots(comparison, name)
        if rows_on(comparison, "new"):
            text = "Without old rows there is no trade-off: only the new part counts."
            add_caption(figure, text)
        return figure
    upwards = sign_of(name) > 0
    old_range = _range([old for old, _ in points.values()])
    new_range = _range([new for _, new in points.values()])
    figure = go.Figure()
    if "keep" in points:
        old_keep, new_keep = (score.value for score in points["keep"])
        _add_line(figure, x=old_range, y=(new_keep, new_keep))
        _add_line(figure, x=(old_keep, old_keep), y=new_range)
    chosen = _chosen(comparison, points, old_weight, upwards)
    named = in_legend(comparison, list(points))
    for strategy, (old, new) in points.items():
        _add_point(figure, strategy, old, new, name, chosen=strategy == chosen, named=strategy in named)
    if comparison.recommendation is None or len(comparison.recommendation.scores) == 1:
        _add_same_utility(figure, points[chosen], chosen, old_weight, old_range, new_range)
    x_range, y_range = _upwards(old_range, upwards), _upwards(new_range, upwards)
    unit = "label's units, " if name in IN_UNITS else ""
    kind, better = name_of(name).replace("absolute", "abs."), f"({unit}better →)"
    layout = base_layout(
        x=f"{kind} on the old part<br>{better}",
        y=f"{kind} on the new part<br>{better}",
        height=380 + legend_height(len(named)),
    )
    layout["xaxis"] |= {"range": x_range, "tickformat": axis_format(name), "nticks": 7}
    layout["yaxis"] |= {"range": y_range, "tickformat": axis_format(name)}
    lay_out(figure, **layout)
    return figure


# --- the parts ------------------------------------------------------------------------------------


def _add_candidate(
    figure: go.Figure, candidate: CandidateScores, strategy: str, place: int, part: str, name: str, axis: str
) -> None:
    look, score = look_of(strategy), score_on(candidate, part, name)
    if score is None:
        return
    seeds = [
        (seed["seed"], float(seed[part][name]))
        for seed in candidate.per_seed
        if name in (seed.get(part) or {})
    ]
    if len(seeds) > 1:
        figure.add_scatter(
            x=[value for _, value in seeds],
            y=[place + SEED_OFFSET] * len(seeds),
            mode="markers",
            marker={"symbol": f"{look.marker}-open", "size": 6, "color": look.colour},
            cliponaxis=False,
            customdata=[f"seed {seed}: {score_text(name, value)}" for seed, value in seeds],
            hovertemplate="%{customdata}<extra>" + plain(look.title) + "</extra>",
            xaxis=f"x{axis}",
            yaxis=f"y{axis}",
        )
    figure.add_scatter(
        x=[score.value],
        y=[place],
        error_x=interval_bar(score, color=look.colour, thickness=1.8, width=5),
        mode="markers",
        marker={"symbol": look.marker, "size": 12, "color": look.colour},
        cliponaxis=False,
        customdata=[score_words(score, name)],
        hovertemplate="%{customdata}<extra>" + plain(look.title) + "</extra>",
        name=plain(look.title),
        xaxis=f"x{axis}",
        yaxis=f"y{axis}",
    )


def _add_line(figure: go.Figure, x: tuple[float, float], y: tuple[float, float], axis: str = "") -> None:
    """Add keep's reference line."""
    look = look_of("keep")
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": look.colour, "dash": look.dash, "width": 1.5},
        hoverinfo="skip", showlegend=False, xaxis=f"x{axis}", yaxis=f"y{axis}", name="Keep",
    )  # fmt: skip


def _add_point(
    figure: go.Figure, strategy: str, old: Score, new: Score, name: str, *, chosen: bool, named: bool
) -> None:
    """Add a candidate; its name stands in the legend, where no interval crosses it."""
    look = look_of(strategy)
    title = plain(look.title)
    figure.add_scatter(
        x=[old.value],
        y=[new.value],
        error_x=interval_bar(old, color=look.colour, thickness=1.8, width=5),
        error_y=interval_bar(new, color=look.colour, thickness=1.8, width=5),
        mode="markers",
        marker={"symbol": look.marker, "size": 17 if chosen else 12, "color": look.colour},
        cliponaxis=False,
        name=f"<b>{title}</b>" if chosen else title,
        showlegend=named,
        customdata=[[score_words(new, name), score_words(old, name)]],
        hovertemplate=f"new part: %{{customdata[0]}}<br>old part: %{{customdata[1]}}<extra>{title}</extra>",
    )


def _chosen(
    comparison: Comparison, points: dict[str, tuple[Score, Score]], old_weight: float, upwards: bool
) -> str:
    """Return the recommended candidate, or the one with the best weighted score."""
    recommendation = comparison.recommendation
    if recommendation is not None and recommendation.choice in points:
        return recommendation.choice
    sign = 1 if upwards else -1
    return max(
        points, key=lambda s: sign * (old_weight * points[s][0].value + (1 - old_weight) * points[s][1].value)
    )


def _range(scores: Sequence[Score]) -> tuple[float, float]:
    """Return a range that shows every interval with room around it."""
    low, high = min(score.ends[0] for score in scores), max(score.ends[1] for score in scores)
    room = 0.12 * (high - low) or 0.05 * abs(high) or 0.05
    return low - room, high + room


def _upwards(ends: tuple[float, float], upwards: bool) -> tuple[float, float]:
    """Return a range in which better is further up or to the right."""
    return ends if upwards else (ends[1], ends[0])


def _add_same_utility(
    figure: go.Figure,
    point: tuple[Score, Score],
    chosen: str,
    old_weight: float,
    old_range: tuple[float, float],
    new_range: tuple[float, float],
) -> None:
    """Add the line of candidates as good as the chosen one."""
    ends = same_utility((point[0].value, point[1].value), old_weight, old_range, new_range)
    figure.add_scatter(
        x=[x for x, _ in ends],
        y=[y for _, y in ends],
        mode="lines",
        line={"color": FAINT, "width": 1.5, "dash": "dot"},
        name=f"as good as {plain(look_of(chosen).title)} if old rows count {old_weight:.0%}".replace(
            "%", " %"
        ),
        hoverinfo="skip",
    )

"""One part's panel of the score against time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import plotly.graph_objects as go

from retrain_core.compare.cost import scored_by, undominated
from retrain_core.compare.measures import sign_of
from retrain_core.compare.score_words import IN_UNITS, name_of
from retrain_core.figures.scored import interval_bar, rows_on, score_on, score_words
from retrain_core.figures.style import (
    FAINT,
    axis_format,
    axis_title,
    base_layout,
    lay_out,
    look_of,
    plain,
)
from retrain_core.types import Comparison


def add_panel(
    figure: go.Figure,
    comparison: Comparison,
    side: str,
    score: str,
    places: Mapping[str, float],
    best: Sequence[str],
    named: Collection[str],
    axis: str,
) -> None:
    """Add the candidates' marks on one part, and the line of those with the best score for their time.

    Args:
        figure: To add to.
        comparison: The candidates.
        side: The part.
        score: Name in ``SCORES``.
        places: Where each candidate stands on the time axis.
        best: Candidates that no other beats.
        named: Candidates that the legend names.
        axis: Number of the part's y axis, empty for the first.
    """
    found = {name: one for name in places if (one := score_on(comparison.strategies[name], side, score))}
    line = undominated({name: (sign_of(score) * one.value, -places[name]) for name, one in found.items()})
    line = tuple(sorted(line, key=lambda name: places[name]))
    figure.add_scatter(
        x=[places[name] for name in line], y=[found[name].value for name in line], mode="lines", yaxis=f"y{axis}",
        line={"color": FAINT, "width": 2, "shape": "hv"}, hoverinfo="skip", showlegend=not axis,
        name="best for its time", legendgroup="line",
    )  # fmt: skip
    for name, one in found.items():
        look, stands_out = look_of(name), name in best
        title, seconds = plain(look.title), 0.0 if name == "keep" else comparison.strategies[name].own_seconds
        figure.add_scatter(
            x=[places[name]], y=[one.value], mode="markers", yaxis=f"y{axis}", cliponaxis=False,
            error_y=interval_bar(one, color=look.colour, thickness=1.4 if stands_out else 0.8),
            marker={
                "symbol": look.marker if stands_out else f"{look.marker}-open",
                "size": 14 if stands_out else 9, "color": look.colour,
            },
            name=f"<b>{title}</b>" if stands_out else title, legendgroup=name, showlegend=not axis and name in named,
            customdata=[f"{score_words(one, score)}, {seconds:,.3g} s"],
            hovertemplate="%{customdata}<extra>" + title + "</extra>",
        )  # fmt: skip


def place_panel(
    figure: go.Figure,
    comparison: Comparison,
    side: str,
    score: str,
    domain: tuple[float, float],
    number: int,
) -> None:
    """Give a part its axis, on which up is better, and its title."""
    names = scored_by(comparison, score)
    found = [one for name in names if (one := score_on(comparison.strategies[name], side, score))]
    ends = [end for one in found for end in one.ends]
    low, high = min(ends), max(ends)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 0.05
    spread = [low - room, high + room]
    unit = "label's units, " if score in IN_UNITS else ""
    lay_out(figure, **{
        f"yaxis{'' if number == 0 else 2}": {
            **base_layout()["yaxis"], "domain": domain, "anchor": "x", "tickformat": axis_format(score), "nticks": 5,
            "range": spread if sign_of(score) > 0 else spread[::-1],
            "title": axis_title(f"{_short(score)}<br>({unit}better →)", upright=True),
        }
    })  # fmt: skip
    figure.add_annotation(
        text=f"<b>{side} part</b> ({rows_on(comparison, side):,} rows)", showarrow=False,
        x=0, xref="paper", xanchor="left", y=domain[1], yref="paper", yanchor="bottom",
    )  # fmt: skip


def _short(score: str) -> str:
    return name_of(score).replace("absolute", "abs.")

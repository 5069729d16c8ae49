"""What a better model costs and brings: score against time, the break-even, and what it hangs on most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import plotly.graph_objects as go

from retrain_core.compare.cost import Factor, Payoff, Swing, front, scored_by
from retrain_core.compare.cost_words import days_text, money
from retrain_core.compare.decision import effort
from retrain_core.figures.pareto_panel import add_panel, place_panel
from retrain_core.figures.scored import in_legend, legend_height, score_on
from retrain_core.figures.style import (
    FAINT,
    NOTE_SIZE,
    base_layout,
    empty_figure,
    keep_first,
    lay_out,
    look_of,
    plain,
    room_beside,
)
from retrain_core.figures.time_axis import time_axis
from retrain_core.types import Comparison
from retrain_core.types.text import counted, spanned

PANEL = 210  # pixels of one part's panel
PANEL_GAP = 34
MOST_BANDS = 4  # bands that can be told apart
LESS, MORE = "#A3ABB5", "#5F7388"  # neither is a strategy's
FACTOR_TITLES: Mapping[Factor, str] = {
    "gain": "Gain<br>(95 % interval)",
    "value": "Value",
    "a_day": "Predictions<br>a day",
    "days": "Days",
    "an_hour": "Price<br>of an hour",
}


# --- score against time ---------------------------------------------------------------------------


def pareto(comparison: Comparison, score: str) -> go.Figure:
    """Return the score on each part against the seconds of training; up and to the left is better.

    Filled are candidates that no other beats on all of both scores and time; a line joins those with the best score for
    their time on one part.

    Args:
        comparison: The candidates.
        score: Name in ``SCORES``.
    """
    names = keep_first(scored_by(comparison, score))
    if not names:
        return empty_figure("No candidate has a score.")
    sides = [
        side for side in ("new", "old") if any(score_on(comparison.strategies[n], side, score) for n in names)
    ]
    seconds = dict(zip(names, effort(comparison.strategies, names), strict=True))
    places, axis = time_axis(seconds)
    figure, best = go.Figure(), front(comparison, score)
    inside = len(sides) * PANEL + (len(sides) - 1) * PANEL_GAP
    named = in_legend(comparison, names)
    legend = legend_height(len(named) + 1)
    lay_out(figure, **base_layout(x=axis.pop("words"), height=inside + 110 + legend))
    lay_out(figure, legend={"y": 1 + 22 / inside})  # above the title of the first panel
    for number, side in enumerate(sides):
        add_panel(figure, comparison, side, score, places, best, named, "" if number == 0 else "2")
        top = 1 - number * (PANEL + PANEL_GAP) / inside
        place_panel(figure, comparison, side, score, (max(0.0, top - PANEL / inside), top), number)
    if "tickvals" in axis:  # between keep and the others the axis is broken
        at = axis["range"][0] + 0.45
        figure.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", line={"color": FAINT, "width": 1, "dash": "dot"}
        )  # fmt: skip
    lay_out(figure, xaxis=axis | {"anchor": "free", "position": 0, "tickangle": 0}, showlegend=True)
    return figure


# --- when it pays ---------------------------------------------------------------------------------


def net_lines(payoffs: Mapping[str, Payoff], marked: str | None) -> go.Figure:
    """Return what is left of each candidate's gain over the days, from minus its cost on; it pays where it crosses 0.

    Args:
        payoffs: By candidate.
        marked: Whose line is bold; with many candidates, it alone has the band of its 95 % interval.
    """
    if not payoffs:
        return empty_figure("No candidate but keep has a score.")
    figure = go.Figure()
    layout = base_layout(x="days in use", y="net benefit over keep<br>(in your currency)", height=400)
    lay_out(figure, **layout, showlegend=True)
    days = next(iter(payoffs.values())).stakes.days
    lay_out(figure, xaxis={"range": [-0.03 * days, 1.03 * days]}, yaxis={"tickformat": ",~r"})
    figure.add_hline(y=0, line={"color": FAINT, "width": 1.5})
    for name, payoff in payoffs.items():
        if name == marked or len(payoffs) <= MOST_BANDS:
            _add_band(figure, name, payoff)
    for name, payoff in payoffs.items():
        _add_net(figure, name, payoff, bold=name == marked)
    return figure


def _add_band(figure: go.Figure, name: str, payoff: Payoff) -> None:
    (low, high), days = payoff.interval, payoff.stakes.days
    figure.add_scatter(
        x=[0, days, days], y=[-payoff.cost, high, low], fill="toself", fillcolor=look_of(name).colour, opacity=0.16,
        mode="lines", line={"width": 0}, hoverinfo="skip", showlegend=False, legendgroup=name,
    )  # fmt: skip


def _add_net(figure: go.Figure, name: str, payoff: Payoff, *, bold: bool) -> None:
    look, days = look_of(name), payoff.stakes.days
    title = plain(look.title)
    figure.add_scatter(
        x=[0, days], y=[-payoff.cost, payoff.net], mode="lines", legendgroup=name,
        name=f"<b>{title}</b>" if bold else title,
        line={"color": look.colour, "dash": look.dash, "width": 3.2 if bold else 1.6},
        customdata=[money(-payoff.cost), f"{money(payoff.net)} (95 %: {spanned(*map(money, payoff.interval))})"],
        hovertemplate="day %{x:,.4~g}: %{customdata}<extra>" + title + "</extra>",
    )  # fmt: skip
    if payoff.days is not None and payoff.days <= days:
        figure.add_scatter(
            x=[payoff.days], y=[0], mode="markers", legendgroup=name, showlegend=False, cliponaxis=False,
            marker={"symbol": look.marker, "size": 13 if bold else 9, "color": look.colour},
            customdata=[days_text(payoff.days)],
            hovertemplate="paid after %{customdata}<extra>" + title + "</extra>",
        )  # fmt: skip


# --- what it hangs on most ------------------------------------------------------------------------


def tornado(swings: Sequence[Swing], payoff: Payoff) -> go.Figure:
    """Return what is left after all days with each factor halved and doubled, the widest bar on top.

    Args:
        swings: What ``retrain_core.compare.cost.sensitivity`` found, the widest first.
        payoff: What they were found from.
    """
    net, figure = payoff.net, go.Figure()
    for words, colour, pattern, ends in (
        ("half of it (gain: lower end)", LESS, "/", [swing.less for swing in swings]),
        ("twice of it (gain: upper end)", MORE, "", [swing.more for swing in swings]),
    ):
        figure.add_bar(
            x=[end - net for end in ends], base=net, y=list(range(len(swings))), orientation="h", width=0.6, name=words,
            marker={"color": colour, "pattern": {"shape": pattern, "fgcolor": FAINT}},
            customdata=[money(end) for end in ends], hovertemplate="%{customdata}<extra>" + words + "</extra>",
        )  # fmt: skip
    spread = [0.0, net, *(end for swing in swings for end in (swing.less, swing.more))]
    lower, upper = ([money(end(swing.less, swing.more)) for swing in swings] for end in (min, max))
    share = room_beside((*lower, *upper))
    room = share / (1 - 2 * share) * (max(spread) - min(spread)) or 1.0
    _add_amounts(figure, lower, min(spread) - room / 20, "left")
    _add_amounts(figure, upper, max(spread) + room / 20, "right")
    title = f"net benefit after {counted(payoff.stakes.days, 'day')}<br>(in your currency)"
    layout = base_layout(x=title, height=170 + 46 * len(swings))
    layout["xaxis"] |= {
        "range": [min(spread) - room, max(spread) + room],
        "nticks": 4,
        "tickangle": 0,
        "tickformat": ",~r",
        "showgrid": False,
    }
    layout["yaxis"] |= {
        "range": [len(swings) - 0.5, -0.5],
        "tickvals": list(range(len(swings))),
        "ticktext": [FACTOR_TITLES[swing.factor] for swing in swings],
        "ticklabelstandoff": 6,
        "showgrid": False,
        "fixedrange": True,
    }
    lay_out(figure, **layout, barmode="overlay", showlegend=True)
    figure.add_vline(x=0, line={"color": FAINT, "width": 2}, layer="below")
    figure.add_vline(
        x=net, line={"color": FAINT, "width": 1.5, "dash": "dot"}, name="as entered", showlegend=True
    )
    return figure


def _add_amounts(figure: go.Figure, texts: Sequence[str], x: float, side: Literal["left", "right"]) -> None:
    """Write amounts below each other, beyond all bars and lines."""
    figure.add_scatter(
        x=[x] * len(texts), y=list(range(len(texts))), mode="text", text=list(texts),
        textposition=f"middle {side}", textfont={"size": NOTE_SIZE}, cliponaxis=False, hoverinfo="skip", showlegend=False,
    )  # fmt: skip

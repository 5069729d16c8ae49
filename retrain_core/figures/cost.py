"""What a better model costs and brings: score against time, the break-even, and what it hangs on most."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from retrain_core.compare.cost import Factor, Payoff, Swing, front, scored_by, undominated
from retrain_core.compare.cost_words import days_text, money
from retrain_core.compare.decision import effort
from retrain_core.compare.measures import sign_of
from retrain_core.compare.score_words import IN_UNITS, name_of
from retrain_core.figures.compare import interval_bar, score_on, score_words
from retrain_core.figures.style import (
    FAINT,
    NOTE_SIZE,
    axis_format,
    axis_title,
    base_layout,
    empty_figure,
    keep_first,
    look_of,
    plain,
    room_beside,
)
from retrain_core.types import Comparison
from retrain_core.types.text import counted, spanned

WIDE = 12  # times as long as the shortest: then seconds are drawn on a logarithmic axis
PANEL = 210  # pixels of one part's panel
PANEL_GAP = 34
LEGEND_ROW = 20
MOST_BANDS = 4  # bands that can be told apart
MOST_TICKS = 5
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
    places, axis = _time_axis(seconds)
    figure, best = go.Figure(), front(comparison, score)
    inside = len(sides) * PANEL + (len(sides) - 1) * PANEL_GAP
    legend = LEGEND_ROW * math.ceil((len(names) + 1) / 2)  # two beside each other on a narrow screen
    figure.update_layout(**base_layout(x=axis.pop("words"), height=inside + 110 + legend))
    figure.update_layout(legend={"y": 1 + 22 / inside})  # above the title of the first panel
    for number, side in enumerate(sides):
        _add_panel(figure, comparison, side, score, places, best, "" if number == 0 else "2")
        top = 1 - number * (PANEL + PANEL_GAP) / inside
        _place_panel(figure, comparison, side, score, (max(0.0, top - PANEL / inside), top), number)
    if "tickvals" in axis:  # between keep and the others the axis is broken
        at = axis["range"][0] + 0.45
        figure.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=1, yref="paper", line={"color": FAINT, "width": 1, "dash": "dot"}
        )  # fmt: skip
    figure.update_layout(xaxis=axis | {"anchor": "free", "position": 0, "tickangle": 0}, showlegend=True)
    return figure


def _time_axis(seconds: Mapping[str, float]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return where each candidate stands on the time axis, and the axis; keep's 0 stands apart on a logarithmic one."""
    taken = [value for value in seconds.values() if value > 0]
    if not taken or max(taken) <= WIDE * min(taken):
        most = max(taken, default=1.0)
        words = "training (seconds, mean over seeds)"
        return dict(seconds), {"range": [-0.05 * most, 1.08 * most], "nticks": 6, "words": words}
    low, high = math.log10(min(taken)), math.log10(max(taken))
    zero = low - 0.6
    places = {name: math.log10(value) if value > 0 else zero for name, value in seconds.items()}
    ticks = _log_ticks(min(taken), max(taken))
    return places, {
        "tickvals": [zero, *(math.log10(tick) for tick in ticks)],
        "ticktext": ["0", *(f"{tick:,g}" for tick in ticks)],
        "range": [zero - 0.15, high + 0.15],
        "words": "training (seconds, mean over seeds)<br>log scale, 0 apart",
    }


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers from ``low`` to ``high``, not more than can be read.

    >>> _log_ticks(3, 40), _log_ticks(0.5, 5000)
    ([5, 10, 20], [1, 10, 100, 1000])
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10**power for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= MOST_TICKS:
            break
    return ticks


def _add_panel(
    figure: go.Figure,
    comparison: Comparison,
    side: str,
    score: str,
    places: Mapping[str, float],
    best: Sequence[str],
    axis: str,
) -> None:
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
        title, seconds = plain(look.title), 0.0 if name == "keep" else comparison.strategies[name].seconds
        figure.add_scatter(
            x=[places[name]], y=[one.value], mode="markers", yaxis=f"y{axis}", cliponaxis=False,
            error_y=interval_bar(one, color=look.colour, thickness=1.4 if stands_out else 0.8),
            marker={
                "symbol": look.marker if stands_out else f"{look.marker}-open",
                "size": 14 if stands_out else 9, "color": look.colour,
            },
            name=f"<b>{title}</b>" if stands_out else title, legendgroup=name, showlegend=not axis,
            customdata=[f"{score_words(one, score)}, {seconds:,.3g} s"],
            hovertemplate="%{customdata}<extra>" + title + "</extra>",
        )  # fmt: skip


def _place_panel(
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
    figure.update_layout({
        f"yaxis{'' if number == 0 else 2}": {
            **base_layout()["yaxis"], "domain": domain, "anchor": "x", "tickformat": axis_format(score), "nticks": 5,
            "range": spread if sign_of(score) > 0 else spread[::-1],
            "title": axis_title(f"{_short(score)}<br>({unit}better →)", upright=True),
        }
    })  # fmt: skip
    rows = comparison.holdout.new_rows if side == "new" else comparison.holdout.old_rows
    figure.add_annotation(
        text=f"<b>{side} part</b> ({rows:,} rows)", showarrow=False,
        x=0, xref="paper", xanchor="left", y=domain[1], yref="paper", yanchor="bottom",
    )  # fmt: skip


def _short(score: str) -> str:
    return name_of(score).replace("absolute", "abs.")


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
    figure.update_layout(**layout, showlegend=True)
    days = next(iter(payoffs.values())).stakes.days
    figure.update_layout(xaxis={"range": [-0.03 * days, 1.03 * days]}, yaxis={"tickformat": ",~r"})
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
    figure.update_layout(**layout, barmode="overlay", showlegend=True)
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

"""What the recommendation rests on: each candidate's worth against keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from retrain_core.figures.style import (
    FAINT,
    base_layout,
    lay_out,
    look_of,
    plain,
    whiskers,
)
from retrain_core.types import Recommendation, Weighed
from retrain_core.types.text import spanned

ROW_HEIGHT = 34  # pixels a candidate
LEAST, NEAR, FAR = 1.5, 5.0, 4.0  # ends of the axis: margins at least, at most, and times a usual candidate
BAND = "rgba(128, 128, 128, 0.16)"


def worth_dots(recommendation: Recommendation) -> go.Figure:
    """Return what each candidate is worth against keep in margins, the best that is to be expected on top.

    A mark is what was measured, with its 95 % interval; a bar what is expected on other rows; grey is within the smallest difference that matters.
    What lies far beyond the others stands at the edge with its number, so that the others can be told apart.

    Args:
        recommendation: What candidates were weighed by.
    """
    weighed = sorted(recommendation.weighed.items(), key=lambda item: -item[1].expected)
    low, high = _reach([one for name, one in weighed if name != "keep"])
    figure = go.Figure()
    lay_out(figure, 
        **base_layout(x="better than keep, in margins", height=84 + ROW_HEIGHT * len(weighed)), showlegend=False
    )  # fmt: skip
    lay_out(figure, margin={"t": 8})
    figure.add_vrect(x0=-1, x1=1, fillcolor=BAND, line_width=0, layer="below")
    figure.add_vline(x=0, line={"color": FAINT, "width": 1.5, "dash": look_of("keep").dash})
    for place, (name, one) in enumerate(weighed):
        _add_worth(figure, name, one, place, (low, high))
    room = 0.04 * (high - low)
    figure.update_xaxes(range=[low - room, high + room], nticks=7, tickangle=0)
    figure.update_yaxes(
        tickvals=list(range(len(weighed))),
        ticktext=[_label(name, one, recommendation.choice) for name, one in weighed],
        range=[len(weighed) - 0.5, -0.5], showgrid=False, fixedrange=True, ticklabelstandoff=6,
    )  # fmt: skip
    return figure


def _reach(weighed: Sequence[Weighed]) -> tuple[float, float]:
    """Return the ends of the axis: all intervals, but at most a few times as far as that of a usual candidate."""
    extents = sorted(max(abs(end) for end in (*(one.interval or ()), one.worth)) for one in weighed)
    most = max(NEAR, FAR * extents[(len(extents) - 1) // 2]) if extents else NEAR
    low = min([-LEAST, *(min(_ends(one)) for one in weighed)])
    high = max([LEAST, *(max(_ends(one)) for one in weighed)])
    return max(low, -most), min(high, most)


def _ends(one: Weighed) -> tuple[float, float]:
    """Return the ends of its interval; with none, where it lies."""
    return one.interval or (one.worth, one.worth)


def _label(name: str, one: Weighed, choice: str) -> str:
    title = plain(look_of(name).title)
    if name == choice:
        return f"<b>{title}</b>"
    return f"{title} (out)" if one.excluded else title


def _add_worth(figure: go.Figure, name: str, one: Weighed, place: int, ends: tuple[float, float]) -> None:
    look = look_of(name)
    worth, low, high = (float(np.clip(value, *ends)) for value in (one.worth, *_ends(one)))
    if name != "keep":
        figure.add_scatter(
            x=[float(np.clip(one.expected, *ends))], y=[place], mode="markers", hoverinfo="skip",
            marker={"symbol": "line-ns-open", "size": 22, "color": look.colour, "line": {"width": 2.5}},
        )  # fmt: skip
    figure.add_scatter(
        x=[worth],
        y=[place],
        error_x=whiskers([(worth, low, high)], color=look.colour, thickness=1.8, width=5),
        mode="markers+text",
        marker={"symbol": look.marker, "size": 11, "color": look.colour},
        opacity=0.5 if one.excluded else 1.0,
        cliponaxis=False,
        text=["" if worth == one.worth else f"{one.worth:+,.0f}"],
        textposition="top right" if one.worth < 0 else "top left",
        customdata=["nothing changes" if name == "keep" else _words(one)],
        hovertemplate="%{customdata}<extra>" + plain(look.title) + "</extra>",
        name=plain(look.title),
    )


def _words(one: Weighed) -> str:
    reach = "too few rows for an interval"
    if one.interval:
        reach = f"95 %: {spanned(*(f'{end:+.1f}' for end in one.interval))}"
    text = f"{one.worth:+.1f} margins ({reach})<br>expected {one.expected:+.1f}"
    return text + (f"<br>out: {plain(one.excluded)}" if one.excluded else "")

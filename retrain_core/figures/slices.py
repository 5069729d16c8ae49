"""Where candidates are better or worse than keep: slices of the rows, and rows that have flipped."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from retrain_core.compare.differences import ends_of
from retrain_core.compare.flips import Flips
from retrain_core.compare.score_words import gain_text, range_text, score_text
from retrain_core.compare.slice_scores import SliceRow, SliceScore, SliceScores
from retrain_core.figures.style import (
    FAINT,
    axis_format,
    base_layout,
    empty_figure,
    keep_first,
    lay_out,
    look_of,
    plain,
    room_beside,
    score_title,
    whiskers,
)
from retrain_core.types.text import spanned

DOT_HEIGHT = 15  # pixels a candidate
LETTERS = 17  # of a slice's title on a line
LINES = 3
TOLD = ("better", "worse")


def slice_dots(scores: SliceScores, strategies: Sequence[str] | None = None) -> go.Figure:
    """Return each candidate's score on each slice with its 95 % interval; a filled mark can be told from keep.

    Args:
        scores: Of the slices.
        strategies: Which candidates; all by default.
    """
    names = [
        name
        for name in keep_first(dict.fromkeys(name for row in scores.rows for name in row.candidates))
        if strategies is None or name in strategies
    ]
    if not names:
        return empty_figure("No group has enough rows.")
    figure, title = go.Figure(), score_title(scores.score)
    height = 130 + len(scores.rows) * max(16 * LINES, DOT_HEIGHT * len(names) + 14)
    lay_out(
        figure,
        **base_layout(x=f"{title}<br>filled: differs from keep beyond chance", y="", height=height),
        showlegend=True,
    )
    _add_keep(figure, scores.rows, names)
    for number, name in enumerate(names):
        place = (number - (len(names) - 1) / 2) / (len(names) + 1)
        _add_dots(figure, scores, name, place)
    figure.update_xaxes(tickformat=axis_format(scores.score), nticks=6, tickangle=0)
    figure.update_yaxes(
        title={"text": "group (rows)"},
        tickvals=list(range(len(scores.rows))), ticktext=[_row_title(row) for row in scores.rows],
        range=[len(scores.rows) - 0.5, -0.5], showgrid=False, fixedrange=True, ticklabelstandoff=6,
    )  # fmt: skip
    return figure


def _add_keep(figure: go.Figure, rows: Sequence[SliceRow], names: Sequence[str]) -> None:
    """Add keep's score as a line through each slice."""
    if "keep" not in names:
        return
    look, x, y = look_of("keep"), list[float | None](), list[float | None]()
    for place, row in enumerate(rows):
        if "keep" in row.candidates:
            x += [row.candidates["keep"].value] * 2 + [None]
            y += [place - 0.45, place + 0.45, None]
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": look.colour, "dash": look.dash, "width": 1.5},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _add_dots(figure: go.Figure, scores: SliceScores, name: str, place: float) -> None:
    """Add a candidate's marks; those of groups with too few rows for an interval have no bar."""
    found = [(at, row, row.candidates[name]) for at, row in enumerate(scores.rows) if name in row.candidates]
    with_bar = [each for each in found if each[2].interval is not None]
    without = [each for each in found if each[2].interval is None]
    look = look_of(name)
    for number, group in enumerate(group for group in (with_bar, without) if group):
        told = [name == "keep" or one.verdict in TOLD for _, _, one in group]
        bars = [(one.value, *one.interval) for _, _, one in group if one.interval is not None]
        figure.add_scatter(
            x=[one.value for _, _, one in group],
            y=[at + place for at, _, _ in group],
            error_x=whiskers(bars, color=look.colour) if bars else None,
            mode="markers", cliponaxis=False, name=plain(look.title), legendgroup=name, showlegend=number == 0,
            marker={
                "symbol": [look.marker if one else f"{look.marker}-open" for one in told],
                "size": 10, "color": look.colour,
            },
            customdata=[[plain(row.title), _words(scores.score, one)] for _, row, one in group],
            hovertemplate="%{customdata[0]}: %{customdata[1]}<extra>" + plain(look.title) + "</extra>",
        )  # fmt: skip


def _words(score: str, one: SliceScore) -> str:
    words = score_text(score, one.value)
    if one.interval is None:
        return f"{words}, of too few rows for an interval"
    low, high = (score_text(score, end) for end in one.interval)
    words = f"{words} (95 %: {spanned(low, high)})"
    if one.gap is None:
        return words
    ends = range_text(score, *ends_of(one.gap, score))
    return f"{words}<br>{gain_text(score, one.gap.value)} against keep (95 %: {ends}): {one.verdict}"


def _row_title(row: SliceRow) -> str:
    return f"{_broken(row.title)}<br>({row.rows:,})"


def _broken(title: str) -> str:
    """Return a title on two lines at most, so that it leaves room for the plot on a narrow screen."""
    lines = textwrap.wrap(title, LETTERS, max_lines=LINES - 1, placeholder=" …")
    return "<br>".join(plain(line) for line in lines)


# --- flips ----------------------------------------------------------------------------------------


def flips_bars(flips: Mapping[str, Flips], *, numbers: bool = False) -> go.Figure:
    """Return how many rows each candidate has made worse (left) and better (right), in percent of the rows.

    Args:
        flips: By candidate.
        numbers: Whether numbers are predicted rather than classes.
    """
    if not flips:
        return empty_figure("There is no candidate beside keep.")
    names = list(flips)
    left, right = (
        ("much farther off", "much closer")
        if numbers
        else ("right before, wrong now", "wrong before, right now")
    )
    figure = go.Figure()
    shares = (
        (left, -1, "/", [flips[name].negative for name in names]),
        (right, 1, "", [flips[name].positive for name in names]),
    )
    for title, sign, pattern, counts in shares:
        found = [count / flips[name].rows for name, count in zip(names, counts, strict=True)]
        figure.add_bar(
            x=[sign * 100 * share for share in found], y=list(range(len(names))), orientation="h", width=0.6,
            name=title, text=[score_text("accuracy", share) for share in found], textposition="outside",
            cliponaxis=False,
            marker={"color": [look_of(name).colour for name in names], "pattern": {"shape": pattern}},
            customdata=[
                [plain(look_of(name).title), f"{count:,.6g} of {flips[name].rows:,} rows{_seeds(flips[name])}"]
                for name, count in zip(names, counts, strict=True)
            ],
            hovertemplate=f"%{{customdata[0]}}: %{{customdata[1]}}<extra>{title}</extra>",
        )  # fmt: skip
    lay_out(figure, 
        **base_layout(x="rows of this part (%)<br>← worse than keep | better →", height=150 + 40 * len(names)),
        barmode="overlay", showlegend=True,
    )  # fmt: skip
    most = max(100 * max(one.negative_share, one.positive_share) for one in flips.values()) or 0.1
    room = room_beside(text for bars in figure.data for text in bars.text)
    ends, reach = _ticks(most), most / (1 - 2 * room)
    figure.update_xaxes(
        tickvals=ends, ticktext=[f"{abs(end):g}" for end in ends], range=[-reach, reach], tickangle=0
    )
    figure.update_yaxes(
        title={"text": "candidate"},
        tickvals=list(range(len(names))), ticktext=[_broken(look_of(name).title) for name in names],
        range=[len(names) - 0.5, -0.5], showgrid=False, fixedrange=True, ticklabelstandoff=6,
    )  # fmt: skip
    figure.add_vline(x=0, line={"color": FAINT, "width": 1})
    return figure


def _seeds(one: Flips) -> str:
    return f", mean over {one.seeds} seeds" if one.seeds > 1 else ""


def _ticks(reach: float) -> list[float]:
    """Return round places on both sides of 0 that reach about as far as ``reach``, which is above 0.

    >>> _ticks(7.3), _ticks(41.0)
    ([-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0], [-40.0, -20.0, 0.0, 20.0, 40.0])
    """
    size = 10.0 ** math.floor(math.log10(reach / 2))
    step = max(size * factor for factor in (1, 2, 5) if size * factor <= reach / 2)
    count = int(reach // step)
    return [number * step for number in range(-count, count + 1)]

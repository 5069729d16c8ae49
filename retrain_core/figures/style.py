"""How strategies look, in every figure: colour, dash and marker, so that colour is never alone."""

from __future__ import annotations

import html
import textwrap
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go

from retrain_core.compare.measures import SCORES
from retrain_core.compare.score_words import IN_PERCENT, name_of
from retrain_core.strategies import STRATEGIES


@dataclass(frozen=True)
class Look:
    """How one strategy looks.

    Args:
        colour: On light pages, and on dark ones unless ``on_dark`` says otherwise.
        dash: Plotly's name of its line pattern.
        marker: Plotly's name of its symbol.
        on_dark: A lighter colour for dark pages.
        title: What it is called in charts and tables; filled in by ``look_of``.
    """

    colour: str
    dash: str
    marker: str
    on_dark: str | None = None
    title: str = ""


LOOKS: dict[str, Look] = {
    "keep": Look("#808080", "dash", "diamond"),
    "recalibrate": Look("#9A7D0A", "dot", "cross"),
    "fine_tune": Look("#0072B2", "solid", "circle", on_dark="#56B4E9"),
    "lp_ft": Look("#4C78E8", "8px,2px", "x"),
    "l2_sp": Look("#0E8FA3", "10px,3px,2px,3px", "hexagram"),
    "surgical": Look("#7768E5", "1px,2px", "star-diamond"),
    "blend": Look("#B455C8", "6px,6px", "bowtie"),
    "incremental": Look("#D55E00", "dashdot", "square"),
    "replay": Look("#D93A3A", "12px,4px", "hourglass"),
    "lwf": Look("#D6457F", "3px,3px,9px,3px", "octagon"),
    "ewc": Look("#A8673A", "4px,1px", "triangle-left"),
    "full_retrain": Look("#009E73", "longdash", "triangle-up"),
    "retrain_new": Look("#5B9200", "14px,2px", "triangle-right"),
    "retrain_recent": Look("#2E8B57", "3px,6px", "diamond-tall"),
    "shrink_perturb": Look("#6F8A30", "9px,3px,1px,3px", "diamond-wide"),
}

# For strategies that have no line above; a name always gets the same one.
FALLBACKS: tuple[tuple[str, str, str], ...] = (
    ("#CC79A7", "dot", "pentagon"),
    ("#8E6CC0", "longdashdot", "star"),
    ("#A58A00", "5px,2px", "hexagon"),
    ("#B07D4F", "2px,4px", "triangle-down"),
)

GRID = "rgba(128, 128, 128, 0.25)"
FAINT = "rgba(128, 128, 128, 0.7)"
TEXT_SIZE = 13
NOTE_SIZE = 12
NARROW_PLOT, LETTER = 200, 7  # pixels of a plot beside its names on a screen 375 pixels wide, and of a digit
MOST_ROOM = 0.4  # of a plot for texts on one side of its bars
NARROW = 44  # letters that fit on a line of a screen 375 pixels wide

# Which way is better, and what the number is counted in.
SCORE_TITLES: dict[str, str] = {
    "loss": "loss (lower is better)",
    "accuracy": "accuracy (higher is better)",
    "mae": "mean abs. error, label's units<br>(lower is better)",
    "rmse": "root mean squared error, label's units<br>(lower is better)",
}


def look_of(strategy: str) -> Look:
    """Return how ``strategy`` looks; one that has no entry always gets the same fallback.

    >>> look_of("keep").title, look_of("rehearsal_v2").title
    ('Keep', 'Rehearsal v2')
    """
    known = STRATEGIES.get(strategy)
    title = known.title if known else strategy.replace("_", " ").capitalize()
    if strategy in LOOKS:
        return replace(LOOKS[strategy], title=title)
    colour, dash, marker = FALLBACKS[zlib.crc32(strategy.encode()) % len(FALLBACKS)]
    return Look(colour, dash, marker, title=title)


def keep_first(strategies: Iterable[str]) -> list[str]:
    """Return names in the order of every legend and table: keep, the others as they came.

    >>> keep_first(["fine_tune", "keep"])
    ['keep', 'fine_tune']
    """
    return sorted(strategies, key=lambda name: name != "keep")


def trains(strategy: str) -> bool:
    """Return whether a strategy makes a new model; keep has a time only because its model has to be loaded."""
    return strategy != "keep"


def plain(text: object) -> str:
    """Return ``text`` such that Plotly shows it as it is, though it reads a little HTML.

    >>> plain("<b>")
    '&lt;b&gt;'
    """
    return html.escape(str(text))


def score_title(name: str) -> str:
    """Return the title of an axis with a score of ``SCORES``: what it is and which way is better.

    >>> score_title("accuracy"), score_title("auroc")
    ('accuracy (higher is better)', 'AUROC (higher is better)')
    """
    better = "higher" if SCORES[name].direction == "max" else "lower"
    return SCORE_TITLES.get(name, f"{name_of(name)} ({better} is better)")


def axis_format(name: str) -> str:
    """Return the d3 format of a score on an axis: as many decimals as its ticks have, so that no two read alike."""
    return "~%" if name in IN_PERCENT else ""


def whiskers(
    ends: Sequence[tuple[float, float, float]], *, thickness: float = 1.5, width: int = 4, **look: Any
) -> dict[str, Any]:
    """Return error bars from values with the ends of their intervals."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - value) for value, _, high in ends],
        "arrayminus": [max(0.0, value - low) for value, low, _ in ends],
        "thickness": thickness,
        "width": width,
        **look,
    }


def different(names: Iterable[str]) -> list[str]:
    """Return names of which no two are the same, though they may have been cut short.

    >>> different(["balance of …", "age", "balance of …"])
    ['balance of …', 'age', 'balance of … (2)']
    """
    seen: dict[str, int] = {}
    labels = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        labels.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return labels


def base_layout(*, x: str = "", y: str = "", height: int = 360) -> dict[str, Any]:
    """Return the layout that all figures share: it fits light and dark pages and a screen 375 pixels wide.

    No text colour is set, so that the page decides.

    Args:
        x: Title of the x axis, with its unit.
        y: Title of the y axis, with its unit.
        height: In pixels.
    """
    axis = {"automargin": True, "gridcolor": GRID, "zeroline": False}
    return {
        "template": "none",
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"size": TEXT_SIZE},
        "margin": {"l": 8, "r": 12, "t": 40, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
        "hovermode": "closest",
        "modebar": {  # upright beside the plot, where it hides no legend
            "orientation": "v",
            "bgcolor": "rgba(0,0,0,0)",
            "color": FAINT,
            "activecolor": LOOKS["fine_tune"].colour,
        },
        "uirevision": "keep",  # a redraw leaves zoom and hidden traces as the reader set them
        "xaxis": {"title": axis_title(x), **axis},
        "yaxis": {"title": axis_title(y, upright=True), **axis},
    }


def lay_out(figure: go.Figure, **layout: Any) -> None:
    """Add to the layout of a figure, ten times as fast as its ``update_layout``, which looks up each value by its path."""
    figure.layout = _merged(figure.layout.to_plotly_json(), layout)


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    both = {key for key in new if isinstance(new[key], Mapping) and isinstance(old.get(key), Mapping)}
    return {**old, **new, **{key: _merged(old[key], new[key]) for key in both}}


def axis_title(text: str, *, upright: bool = False) -> dict[str, Any]:
    """Return an axis title that keeps off its labels; on a y axis each line needs more room."""
    return {
        "text": text,
        "font": {"size": TEXT_SIZE},
        "standoff": 16 + 17 * text.count("<br>") if upright else 10,
    }


def room_beside(texts: Iterable[str]) -> float:
    """Return which share of a plot's width the texts beside its bars take on a screen 375 pixels wide.

    >>> room_beside(["9.7 %"]), room_beside(["-1,230,000,000"])
    (0.21, 0.4)
    """
    letters = max(map(len, texts), default=0) + 1
    return min(LETTER * letters / NARROW_PLOT, MOST_ROOM)


def add_caption(figure: go.Figure, text: str) -> None:
    """Write a line of text above the plot and its panel titles, broken for narrow screens."""
    lines = textwrap.wrap(text, NARROW)
    figure.add_annotation(
        text="<br>".join(lines), align="left", showarrow=False, font={"size": NOTE_SIZE},
        x=0, xref="paper", xanchor="left", y=1, yref="paper", yanchor="bottom", yshift=24,
    )  # fmt: skip
    room = 20 * len(lines)
    lay_out(figure, margin={"t": figure.layout.margin.t + room}, height=figure.layout.height + room)


def empty_figure(text: str, *, height: int = 240) -> go.Figure:
    """Return a figure that says why there is nothing to draw."""
    figure = go.Figure()
    lay_out(figure, **base_layout(height=height))
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text="<br>".join(textwrap.wrap(text, NARROW)),
        x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False,
    )  # fmt: skip
    return figure


def on_dark(figure: go.Figure) -> go.Figure:
    """Return a copy of ``figure`` with the colours of dark pages; the figure itself is not changed."""
    return go.Figure(_recoloured(figure.to_dict(), recoloured_on_dark()))


def _recoloured(value: Any, colours: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _recoloured(inner, colours) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_recoloured(inner, colours) for inner in value]
    return colours.get(value, value) if isinstance(value, str) else value


def recoloured_on_dark() -> dict[str, str]:
    """Return the colours that dark pages replace by lighter ones."""
    return {look.colour: look.on_dark for look in LOOKS.values() if look.on_dark}

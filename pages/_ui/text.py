"""Text for the screen. What users typed is shown literally: Streamlit renders Markdown almost everywhere."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from pages._ui.few import FIGURES
from retrain_core.errors import RetrainError
from retrain_core.figures.style import on_dark
from retrain_core.glossary import GLOSSARY
from retrain_core.types import Finding, to_json

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
LINKS = re.compile(r"(://|\bwww(?=\.)|@)", re.IGNORECASE)  # after these Streamlit makes links of plain text
APART = "\u2060"  # a word joiner, which nobody sees
DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
LONGEST_NAME = 80
ICONS = {"ok": ":material/check_circle:", "warning": ":material/warning:", "error": ":material/error:"}
CHART_CONFIG = {
    "displaylogo": False,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage", "zoom2d", "resetScale2d"]],
}
COLOURS = {"ok": "green", "warning": "orange", "error": "red"}


def literal(text: object) -> str:
    r"""Return ``text`` such that Markdown shows it as it is; signs that would turn the direction of what follows are spelt out.

    >>> literal("![x](y)"), literal("http://a") == f"http\\:\\/\\/{APART}a"
    ('\\!\\[x\\]\\(y\\)', True)
    >>> print(literal("\u202evsc.exe"))
    \\u202evsc\.exe
    """
    seen = DIRECTIONS.sub(lambda sign: f"\\u{ord(sign[0]):04x}", str(text))
    apart = LINKS.sub(lambda sign: sign[0] + APART, seen)
    return PUNCTUATION.sub(r"\\\1", apart).replace("\n", " ")


def short_name(name: str) -> str:
    """Return the name of a file such that it fits into a sentence, with its end.

    >>> short_name("rows.csv"), len(short_name("o" * 300 + ".csv")), short_name("o" * 300 + ".csv")[-6:]
    ('rows.csv', 80, 'oo.csv')
    """
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 21]}…{name[-20:]}"


def show_error(error: RetrainError) -> None:
    """Show what happened, why, and what to do next."""
    body = f"**{literal(error.what)}**"
    for part in (error.why, error.next_step):
        if part:
            body += f"  \n{literal(part)}"
    st.error(body, icon=":material/error:")


def show_unreadable(experiments: Mapping[str, RetrainError]) -> None:
    """Say of each experiment that could not be read why, and what to do; nothing vanishes without a word."""
    count = len(experiments)
    lines = [f"**{count} experiment{'s'[: count > 1]} could not be read.** Nothing was changed or removed."]
    for id, error in experiments.items():
        lines.append(f"- **{literal(id)}**: {literal(error.why)} {literal(error.next_step)}")
    st.warning("\n".join(lines), icon=":material/warning:")


def show_findings(findings: Iterable[Finding]) -> None:
    """List what was checked, one line each."""
    for finding in findings:
        icon, colour = ICONS[finding.status], COLOURS[finding.status]
        detail = f" :gray[{literal(finding.detail)}]" if finding.detail else ""
        title = finding.title.removesuffix(".") + "."
        st.markdown(f":{colour}[{icon}] {literal(title)}{detail}")


def help_for(term: str) -> str | None:
    """Return the glossary's sentence for a tooltip."""
    return GLOSSARY.get(term)


def decimals(values: Iterable[float]) -> str:
    """Return the format of a column of numbers: all with as many decimals, so that the largest shows three digits.

    >>> decimals([0.0123, 0.4]), decimals([12.5, -3.0]), decimals([1234.5]), decimals([])
    ('%.3f', '%.1f', '%.0f', '%.3f')
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    whole = len(f"{largest:.0f}") if largest >= 1 else 0
    return f"%.{max(0, 3 - whole)}f"


def seconds(value: float) -> str:
    """Return a duration as people say it.

    >>> seconds(4.2), seconds(75), seconds(7300)
    ('4 s', '1 min 15 s', '2 h 1 min')
    """
    if value < 60:
        return f"{value:.0f} s"
    if value < 3600:
        return f"{value // 60:.0f} min {value % 60:.0f} s"
    return f"{value // 3600:.0f} h {value % 3600 // 60:.0f} min"


def chart(figure: go.Figure, *, key: str, alt: str) -> None:
    """Draw a figure that keeps its zoom, with a sentence for those who cannot see it."""
    if st.context.theme.type == "dark":
        figure = on_dark(figure)
    _show(figure, key, alt)


def chart_of(
    make: Callable[..., go.Figure],
    *values: object,
    key: str,
    alt: str,
    passing: bool = False,
    **options: object,
) -> None:
    """Draw the figure that ``make`` returns for what can be told in JSON; the same values are drawn once for all visitors.

    Figures are pure functions of results, and Plotly takes up to 40 ms to make one. Those that change each second are
    ``passing``: they are kept apart, else they would push out what stays.
    """
    dark = st.context.theme.type == "dark"
    told = hashlib.sha256(to_json((values, options))).hexdigest()
    kept = _passing_figure if passing else _figure
    figure = kept(f"{make.__module__}.{make.__qualname__}", told, dark, partial(make, *values, **options))
    _show(figure, key, alt)


@st.cache_resource(max_entries=384, show_spinner=False)
def _figure(name: str, told: str, dark: bool, _make: Callable[[], go.Figure]) -> go.Figure:
    return _made(_make, dark)


@st.cache_resource(max_entries=32, ttl=60, show_spinner=False)
def _passing_figure(name: str, told: str, dark: bool, _make: Callable[[], go.Figure]) -> go.Figure:
    return _made(_make, dark)


def _made(make: Callable[[], go.Figure], dark: bool) -> go.Figure:
    with FIGURES:
        figure = make()
        return on_dark(figure) if dark else figure


def _show(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, alt=alt, config=CHART_CONFIG)

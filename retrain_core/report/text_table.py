"""Tables of numbers as text: the same that the pages show."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import pandas as pd

from retrain_core.report.tables import ScoreColumn

DECIMALS = re.compile(r"(%\+?)\.(\d+)([fg])")


@dataclass(frozen=True)
class TextTable:
    """A table to write down.

    Args:
        head: Names of the columns.
        rows: Cells.
        numbers: Places of the columns that hold numbers.
        helps: What each column holds, by its name.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    helps: Mapping[str, str]


def text_table(
    frame: pd.DataFrame,
    columns: Mapping[str, ScoreColumn],
    texts: Mapping[str, str] | None = None,
    words: Mapping[str, Callable[[float], str]] | None = None,
) -> TextTable:
    """Return a table as text; what is missing is a dash.

    Args:
        frame: The table.
        columns: How its columns of numbers are shown.
        texts: What its columns of text hold.
        words: How numbers of a column are written where its format is none to read.
    """
    head = tuple(map(str, frame.columns))
    formats = {
        name: five_digits(column.format, frame[name]) for name, column in columns.items() if name in frame
    }
    helps = {**(texts or {}), **{name: column.help for name, column in columns.items()}}
    return TextTable(
        head,
        tuple(
            tuple(
                _cell(value, formats.get(name), (words or {}).get(name))
                for name, value in zip(head, row, strict=True)
            )
            for row in frame.itertuples(index=False, name=None)
        ),
        tuple(place for place, name in enumerate(head) if name in columns),
        {name: helps[name] for name in head if name in helps},
    )


def five_digits(format: str, values: Iterable[float]) -> str:
    """Return a number format with no more decimals than numbers of such a size need to show five digits.

    The middle one of the numbers tells the size: one that has run away hides nothing of the others.

    >>> five_digits("%+.4f", [277301.6875, 310002.5]), five_digits("%.4f", [0.69, 0.71, 1e9]), five_digits("%.4g", [27050.4])
    ('%+.0f', '%.4f', '%.0f')
    """
    found = [abs(value) for value in values if math.isfinite(value)]
    middle = median(found) if found else 0.0
    sign, digits, kind = DECIMALS.fullmatch(format).groups()  # type: ignore[union-attr]
    if middle < 1:
        return format
    most = int(digits) if kind == "g" else 5
    return f"{sign}.{min(int(digits), max(0, most - len(f'{middle:.0f}')))}f"


def _cell(value: Any, format: str | None, words: Callable[[float], str] | None) -> str:
    if format is None:
        return str(value) or "–"
    if math.isnan(value):
        return "–"
    return words(value) if words else number_text(value, format)


def number_text(value: float, printf: str) -> str:
    """Return a number in a printf format, with commas, a true minus and no minus nothing.

    >>> number_text(-1234.56, "%+.1f"), number_text(-0.01, "%+.1f"), number_text(0.00012, "%.2g")
    ('−1,234.6', '+0.0', '0.00012')
    """
    sign = "+" if printf.startswith("%+") else ""
    spec = f"{sign},{printf.lstrip('%+')}"
    text = f"{value:{spec}}"
    return (f"{0.0:{spec}}" if float(text.replace(",", "")) == 0 else text).replace("-", "−")

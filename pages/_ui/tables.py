"""Tables whose columns say what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd
import streamlit as st

from retrain_core.report import verdict_tables as tables
from retrain_core.report.tables import ScoreColumn
from retrain_core.report.text_table import five_digits

WIDTHS = {tables.SAID: 290, tables.WHY_OUT: 290}  # pixels of columns that hold whole sentences
LETTER = 8  # pixels that a letter of a table takes at most, on average


def show_table(
    frame: pd.DataFrame, key: str, numbers: Mapping[str, ScoreColumn], texts: Mapping[str, str]
) -> None:
    """Show a table whose columns say what they hold."""
    first = frame.columns[0]
    shown, formats = as_shown(frame, numbers)
    st.dataframe(
        shown,
        hide_index=True,
        key=key,
        placeholder="–",
        column_config={
            **{
                name: st.column_config.TextColumn(help=text, pinned=name == first, width=WIDTHS.get(name))
                for name, text in texts.items()
            },
            **{
                name: st.column_config.NumberColumn(help=numbers[name].help, format=format)
                for name, format in formats.items()
            },
        },
    )


def as_shown(frame: pd.DataFrame, numbers: Mapping[str, ScoreColumn]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a table with its numbers rounded, and the formats of their columns."""
    formats = {
        name: five_digits(column.format, frame[name]) for name, column in numbers.items() if name in frame
    }
    return frame.assign(**{name: rounded(frame[name], format) for name, format in formats.items()}), formats


def rounded(values: pd.Series, format: str) -> pd.Series:
    """Return numbers rounded as sentences about them are: a browser rounds 82.25 up, Python to the even digit.

    >>> rounded(pd.Series([82.25, None]), "%+.1f").tolist()
    [82.2, nan]
    """
    found = re.search(r"\.(\d+)f", format)
    return values.round(int(found[1])) if found and pd.api.types.is_float_dtype(values) else values


def column_width(texts: Iterable[str]) -> int:
    """Return the width of a column that shows its longest text whole, in pixels."""
    return max(100, LETTER * max(map(len, texts)) + 24)

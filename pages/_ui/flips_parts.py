"""The section of changed rows of the Compare page: how many got worse and better, and which got worse."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pages._ui.choosing import NO_COLUMNS, Columns, choose_side
from pages._ui.downloads import download
from pages._ui.text import chart, decimals, literal
from retrain_core.answer import HeldRows
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.flips import (
    BEFORE,
    CAME,
    ERROR_BEFORE,
    ERROR_NOW,
    FLIP_COLUMNS,
    NOW,
    SURE,
    flipped_rows,
    flips,
    matching,
)
from retrain_core.compare.predicted import Floats
from retrain_core.compare.slices import moved_first
from retrain_core.data.values import text_of
from retrain_core.figures.slices import flips_bars
from retrain_core.figures.style import look_of
from retrain_core.report.tables import csv_text, harmless_table
from retrain_core.types import ShiftReport

MOST_ROWS = 300  # of a table, so that a page stays small; the download has all
MOST_VALUES = 50  # of a filter
FEW_NUMBERS = 8  # different ones of a column, up to which each can be chosen


def show_flips(
    evidence: Evidence,
    places: Mapping[str, HeldRows],
    columns: Columns,
    classes: Sequence[str],
    nearest: Sequence[str] = (),
    shift: ShiftReport | None = None,
) -> None:
    """Show how many rows each candidate made worse and better, and the rows it made worse.

    Args:
        evidence: What all candidates predict.
        places: Where in which file the held-out rows stand, by part.
        columns: The held-out rows as they came, by part; a part without them is not there.
        classes: Names of the classes or labels; empty for numbers.
        nearest: Candidates, the likeliest to be chosen first: the rows of the first one are shown at first.
        shift: How the data moved: rows are filtered by the columns that moved most first.
    """
    side = choose_side(evidence, "flips")
    found = flips(evidence, side)
    numbers = evidence.task == "regression"
    if numbers:
        st.caption("Much: by more than keep's mean absolute error.")
    chart(flips_bars(found, numbers=numbers), key="flips", alt="Rows that got worse and better.")
    if not found:
        return
    candidate = st.selectbox(
        "Rows that were right before and are wrong now, of"
        if not numbers
        else "Rows whose error has grown most, of",
        list(found),
        index=next((list(found).index(name) for name in nearest if name in found), 0),
        format_func=lambda name: look_of(name).title,
        key="flips_candidate",
        persist_state="session",
        width=360,
    )
    if found[candidate].seeds > 1:
        st.caption(
            "The chart is the mean over seeds; these are the rows of the first one's model, which is saved."
        )
    held = places[side]
    rows = flipped_rows(evidence, side, candidate, held.rows, columns.get(side), classes)
    if rows.empty:
        st.caption("There is none: no row has become worse.")
        return
    if side not in columns:
        st.caption(NO_COLUMNS)
    else:
        rows = rows[matching(rows, _wanted(rows, f"flips_filter_{side}_{candidate}", shift))]
    _table(rows, held.file)


def _table(rows: pd.DataFrame, file: str) -> None:
    told = [name for name in (CAME, BEFORE, NOW) if pd.api.types.is_float_dtype(rows[name])]
    formats = {SURE: "%.1f"} | {
        name: decimals(rows[several].to_numpy().ravel())
        for several in (told, [name for name in (ERROR_BEFORE, ERROR_NOW) if name in rows])
        for name in several
    }
    shown = harmless_table(rows.head(MOST_ROWS))
    st.dataframe(
        shown,
        hide_index=True,
        key="flipped_rows",
        placeholder="–",
        column_config={
            name: st.column_config.NumberColumn(format=format) for name, format in formats.items()
        },
    )
    more = f"{len(rows):,} row{'s'[: len(rows) != 1]}."
    if len(rows) > MOST_ROWS:
        more = f"The first {MOST_ROWS} of {more}"
    st.caption(f"{more} Row 1 is the first row of data in {literal(file)}.")
    if len(rows):
        download("All of them as CSV", lambda: csv_text(rows), "rows.csv", "text/csv")


def _wanted(rows: pd.DataFrame, key: str, shift: ShiftReport | None) -> dict[str, Any]:
    """Let the user choose which rows to see: values of a column, or a range of its numbers; at first all."""
    names = [name for name in rows if name not in FLIP_COLUMNS and rows[name].nunique(dropna=False) > 1]
    chosen = st.multiselect("Only rows with", moved_first(shift, names), key=key, persist_state="session")
    wanted = {name: _filter(rows[name], f"{key}_{name}") for name in chosen}
    return {name: values for name, values in wanted.items() if values}


def _filter(column: pd.Series, key: str) -> Any:
    """Return the wanted values of a column, or the ends of the wanted range; nothing if all are wanted."""
    name, count = str(column.name), column.nunique()
    if pd.api.types.is_numeric_dtype(column.dtype) and count > FEW_NUMBERS:
        numbers = column.to_numpy(np.float64, na_value=np.nan)
        return _range(name, numbers[np.isfinite(numbers)], key)
    values = pd.Series(text_of(column)).value_counts().index[:MOST_VALUES].tolist()
    return st.multiselect(
        literal(name)
        + (f" (the {MOST_VALUES} most frequent of {count:,} values)" if count > MOST_VALUES else ""),
        values,
        placeholder="all",
        format_func=lambda value: value or "missing",
        key=key,
        persist_state="session",
    )


def _range(name: str, numbers: Floats, key: str) -> tuple[float, float] | None:
    """Return the ends of the wanted range; an end that was not touched is open, so that infinite values lie within."""
    ends = float(numbers.min()), float(numbers.max())
    step = (ends[1] - ends[0]) / 200
    low, high = st.slider(
        literal(name), *ends, ends, step, format="%.4g", key=key, persist_state="session",
        help="Once it is moved, rows without a number are left out.",
    )  # fmt: skip
    low = -math.inf if low < ends[0] + step / 2 else low
    high = math.inf if high > ends[1] - step / 2 else high
    return None if (low, high) == (-math.inf, math.inf) else (low, high)

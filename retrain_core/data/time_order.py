"""Putting rows in order of time: dates, numbers, and text that reads as either."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.natures import (
    ISO_DATE,
    READABLE,
    Values,
    days,
    nature_of,
    nothing,
    reader_for,
    sample_texts,
    share_of,
)
from retrain_core.types import Table

ROW_ORDER = "(order in the file)"  # stands for a column that says when a row came; rows count from 1
MOST_ORDERS = 200
SECONDS_PER_DAY = 86_400
FIRST = 1_000  # rows a side, which mostly tell that there are enough
DIGITS_ALONE = re.compile(r"\s*[0-9]{1,15}\s*$")
FEWEST_TIMES = 3  # different values of a column that could put rows in order


def times_of(old: pd.Series[Any], new: pd.Series[Any]) -> tuple[list[Values], bool]:
    """Return the times of both sides as numbers, NaN where missing, and whether they are seconds since 1970.

    They are read as any column is, so what is a date on one side and no date on the other is in no order.
    """
    sides = [_plain(old), _plain(new)]
    read = reader_for(sides[0], sides[1], (nature_of(sides[0]), nature_of(sides[1]))) or nothing
    times = [read(side).astype(np.float64) for side in sides]
    dates = read is days
    return [
        np.where(np.isfinite(side), side, np.nan) * (SECONDS_PER_DAY if dates else 1) for side in times
    ], dates


def may_order(old: pd.Series[Any], new: pd.Series[Any]) -> bool:
    """Return whether two columns hold numbers, and enough different ones to put rows in order.

    >>> may_order(pd.Series([0, 1]), pd.Series([1, 0])), may_order(pd.Series([1, 2]), pd.Series([2, 3]))
    (False, True)
    """
    old, new = _plain(old), _plain(new)
    if not all(
        pd.api.types.is_numeric_dtype(side.dtype) and nature_of(side) in ("numbers", "nothing")
        for side in (old, new)
    ):
        return False
    few = pd.concat([old.head(FIRST), new.head(FIRST)])
    return bool(few.nunique() >= FEWEST_TIMES or pd.concat([old, new]).nunique() >= FEWEST_TIMES)


def ascends(column: pd.Series[Any]) -> bool:
    """Return whether the values of a column never fall from row to row, as those of a clock or a counter."""
    return bool(column.dropna().is_monotonic_increasing)


def _plain(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column without categories; texts of digits alone as numbers, as zeros before them change no order."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if nature_of(column) != "text" or share_of(sample_texts(column.iloc[:FIRST]), DIGITS_ALONE) < 1:
        return column
    texts = column.dropna().astype("str")
    return pd.to_numeric(column) if texts.str.fullmatch(DIGITS_ALONE.pattern).all() else column


def in_time(times: Values) -> NDArray[np.intp]:
    """Return the rows that have a time, in order; equal times stay in the order of the file."""
    held = np.flatnonzero(np.isfinite(times))
    if np.all(np.diff(times[held]) >= 0):
        return held
    return held[np.argsort(times[held], kind="stable")]


def moment(time: float, column: str, dates: bool) -> str:
    """Return a time as people read it.

    >>> moment(1372636800.0, "day", True), moment(1372640400.0, "day", True)
    ('2013-07-01', '2013-07-01 01:00')
    >>> moment(2013.0, "year", False), moment(4801.0, ROW_ORDER, False)
    ('2013', '4,801')
    """
    if column == ROW_ORDER:
        return f"{time:,.0f}"
    if not dates:
        return f"{time:.10g}"
    return f"{pd.Timestamp(round(time), unit='s'):%Y-%m-%d %H:%M}".removesuffix(" 00:00")


def orders(old: Table, new: Table, labels: Sequence[str]) -> tuple[str, ...]:
    """Return what could put the rows of both files in order, likely ones first, last the order in the file.

    Dates come first, then numbers that rise from row to row, then other numbers. Labels are left out.
    """
    shared = [name for name in new.columns if name in old.columns and str(name) not in labels]
    dates = [name for name in shared if looks_like_time(new.columns[name])]
    numbers = [
        name for name in shared if name not in dates and may_order(old.columns[name], new.columns[name])
    ]
    numbers.sort(key=lambda name: not (ascends(old.columns[name]) and ascends(new.columns[name])))
    return (*map(str, dates), *map(str, numbers[:MOST_ORDERS]), ROW_ORDER)


def looks_like_time(column: pd.Series[Any]) -> bool:
    """Return whether a column holds dates, or text that reads as dates."""
    nature = nature_of(column)
    return nature == "dates" or (nature == "text" and share_of(sample_texts(column), ISO_DATE) >= READABLE)

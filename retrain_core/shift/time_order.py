"""Putting rows in order of time: dates, numbers, and text that reads as either."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values

READABLE = 0.9  # share of the values that must read as numbers, else they are taken for dates


def times_of(old: pd.Series[Any], new: pd.Series[Any]) -> tuple[list[Values], bool]:
    """Return the times of both sides as numbers, NaN where missing, and whether they are seconds since 1970."""
    numbers = [_as_numbers(side) for side in (old, new)]
    if all(_readable(side, found) for side, found in zip((old, new), numbers, strict=True)):
        return numbers, False
    return [_as_seconds(side) for side in (old, new)], True


def _as_numbers(column: pd.Series[Any]) -> Values:
    kinds = pd.api.types
    if kinds.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.PeriodDtype):
        return np.full(len(column), np.nan)
    if kinds.is_timedelta64_dtype(column.dtype):
        return np.asarray(column.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan))
    if kinds.is_complex_dtype(column.dtype):
        return np.full(len(column), np.nan)
    plain = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _readable(column: pd.Series[Any], numbers: Values) -> bool:
    held = int(column.notna().sum())
    return not held or int(np.isfinite(numbers).sum()) >= READABLE * held


def _as_seconds(column: pd.Series[Any]) -> Values:
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    kinds = pd.api.types
    if kinds.is_numeric_dtype(column.dtype) or kinds.is_timedelta64_dtype(column.dtype):
        return np.full(len(column), np.nan)  # numbers here, dates on the other side: they are in no order
    if kinds.is_datetime64_any_dtype(column.dtype):
        moments = pd.to_datetime(column, utc=True)
    else:
        text = column.map(str, na_action="ignore")  # dates as objects too, and whatever else is among them
        moments = pd.to_datetime(text, errors="coerce", utc=True, format="ISO8601")
    seconds = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return np.asarray(seconds.to_numpy(dtype=np.float64, na_value=np.nan))


def in_time(times: Values) -> NDArray[np.intp]:
    """Return the rows that have a time, in order; equal times stay in the order of the file."""
    held = np.flatnonzero(np.isfinite(times))
    if np.all(np.diff(times[held]) >= 0):
        return held
    return held[np.argsort(times[held], kind="stable")]


def moment(time: float, dates: bool) -> str:
    """Return a time as people read it.

    >>> moment(1372636800.0, True), moment(1372640400.0, True), moment(20.0, False)
    ('2013-07-01', '2013-07-01 01:00', '20')
    """
    if not dates:
        return f"{time:.10g}"
    return f"{pd.Timestamp(round(time), unit='s'):%Y-%m-%d %H:%M}".removesuffix(" 00:00")

"""What a column holds, and how its rows become numbers."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.floating[Any]]
Reader = Callable[["pd.Series[Any]"], Values]

READABLE = 0.9  # share of texts that must read as numbers or dates for a column to be taken so
SAMPLE = 1_000  # rows a side that are looked at first
FIRST = 100  # of them, of which one at least has a digit if the column reads as numbers or dates
DIGITS = re.compile(r".*\d")
MICROSECONDS_PER_DAY = 86_400_000_000
ISO_DATE = re.compile(
    r"\s*\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?)?\s*$"
)
LEADING_ZERO = re.compile(r"\s*[+-]?0\d")  # a code such as a postcode: as a number it would lose a digit
WORDS = {
    "integer": "numbers",
    "floating": "numbers",
    "mixed-integer-float": "numbers",
    "decimal": "numbers",
    "boolean": "yes or no",
    "date": "dates",
    "datetime": "dates",
    "datetime64": "dates",
    "period": "dates",
    "timedelta": "durations",
    "timedelta64": "durations",
}


def nature_of(column: pd.Series[Any]) -> str:
    """Return what a column holds, in a word for people.

    >>> nature_of(pd.Series([1, 2])), nature_of(pd.Series(["a", None])), nature_of(pd.Series([None]))
    ('numbers', 'text', 'nothing')
    """
    kinds, dtype = pd.api.types, column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "nothing" if column.isna().all() else nature_of(pd.Series(column.cat.categories))
    if column.iloc[:1].isna().all() and column.isna().all():
        return "nothing"
    if kinds.is_bool_dtype(dtype):
        return "yes or no"
    if kinds.is_datetime64_any_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        return "dates"
    if kinds.is_timedelta64_dtype(dtype):
        return "durations"
    if kinds.is_complex_dtype(dtype):
        return "text"
    if kinds.is_numeric_dtype(dtype):
        return "numbers"
    return (
        WORDS.get(kinds.infer_dtype(column, skipna=True), "text") if kinds.is_object_dtype(dtype) else "text"
    )


def reader_for(old: pd.Series[Any], new: pd.Series[Any], natures: tuple[str, str]) -> Reader | None:
    """Return how the rows of both sides become numbers; ``None`` if they are something else.

    Args:
        old: The old side.
        new: The new side.
        natures: What each holds.
    """
    held = set(natures) - {"nothing"}
    if not held:
        return nothing
    if held == {"dates"}:
        return days
    if held == {"durations"}:
        return durations
    if any(isinstance(side.dtype, pd.CategoricalDtype) for side in (old, new)):
        return None
    if held == {"numbers"} or held == {"numbers", "yes or no"}:
        return numbers
    if "yes or no" in held or not held <= {"text", "numbers", "dates"}:
        return None
    texts = [sample_texts(side) for side, nature in zip((old, new), natures, strict=True) if nature == "text"]
    if not all(share_of(part[:FIRST], DIGITS) for part in texts):  # words: most text columns end here
        return None
    if "numbers" not in held and all(share_of(part, ISO_DATE) >= READABLE for part in texts):
        return days
    if "dates" in held or (held == {"text"} and any(share_of(part, LEADING_ZERO) for part in texts)):
        return None
    return numbers if all(readable(pd.Series(part), numbers) for part in texts) else None


def readable(rows: pd.Series[Any], read: Reader) -> bool:
    """Return whether nearly all rows, none of them missing, can be read so."""
    return (
        bool(np.isnan(read(rows).astype(np.float64, copy=False)).mean() <= 1 - READABLE)
        if len(rows)
        else True
    )


def sample_of(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return some rows from all over a column that have a value."""
    if len(column) > SAMPLE:
        column = column.iloc[np.linspace(0, len(column) - 1, SAMPLE).astype(np.intp)]
    return column[column.notna()]


def sample_texts(column: pd.Series[Any]) -> list[str]:
    """Return the texts of some rows from all over a column."""
    return [value if type(value) is str else str(value) for value in sample_of(column).tolist()]


def share_of(texts: Sequence[str], pattern: re.Pattern[str]) -> float:
    """Return the share of texts that begin like a pattern."""
    return sum(1 for text in texts if pattern.match(text)) / max(len(texts), 1)


# --- readers --------------------------------------------------------------------------------------


def nothing(rows: pd.Series[Any]) -> Values:
    """Return a gap for each row."""
    return np.full(len(rows), np.nan)


def numbers(rows: pd.Series[Any]) -> Values:
    """Return rows as numbers, in their own type if it is one of NumPy's; what is no number is missing."""
    dtype = rows.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf" and dtype.itemsize <= 8:
        return rows.to_numpy()
    if pd.api.types.is_complex_dtype(dtype):
        return nothing(rows)
    if isinstance(dtype, pd.CategoricalDtype):
        rows = rows.astype(object)
    read = pd.to_numeric(rows, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(read, dtype=np.float64)


def days(rows: pd.Series[Any]) -> Values:
    """Return dates as days since 1970-01-01 (UTC); what is no date is missing."""
    if isinstance(rows.dtype, pd.CategoricalDtype):
        rows = rows.astype(rows.cat.categories.dtype)
    if isinstance(rows.dtype, pd.PeriodDtype):
        rows = rows.dt.to_timestamp()
    elif pd.api.types.is_object_dtype(rows.dtype):
        rows = rows.map(_moment)
    moments = pd.to_datetime(rows, errors="coerce", utc=True, format="ISO8601")
    stamps = moments.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64) / MICROSECONDS_PER_DAY)


def _moment(value: Any) -> Any:
    """Return a value that may be a moment; numbers are none, whatever they could be counted from."""
    if isinstance(value, pd.Period):
        return value.start_time
    return value if isinstance(value, (str, datetime.date, np.datetime64)) else None


def durations(rows: pd.Series[Any]) -> Values:
    """Return durations in days."""
    spans = pd.to_timedelta(rows).dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(spans * 1_000_000 / MICROSECONDS_PER_DAY, dtype=np.float64)

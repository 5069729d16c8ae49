"""Reading one column of two tables the same way: its kind, its values, and what is odd about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values
from retrain_core.types import Kind

MOST_CODES = 15  # whole numbers with at most so many distinct values are codes
ROWS_PER_CODE = 5  # and each occurs on average at least so often
READABLE = 0.9  # share of a text column that must read as numbers if the other side holds numbers
LARGEST = 1e30  # beyond, products overflow single precision: such a value counts as infinite
MISSING = -1
SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class ColumnPair:
    """One column on both sides, row by row.

    Args:
        name: The column.
        kind: How both sides are read.
        old: Numeric: float, NaN where missing. Categorical: position in ``categories``, -1 where missing.
        new: The same for the new side.
        categories: As text; empty for a numeric column.
        dates: Whether the numbers are days since 1970-01-01.
        findings: What the reading brought to light.
    """

    name: str
    kind: Kind
    old: NDArray[Any]
    new: NDArray[Any]
    categories: tuple[str, ...] = ()
    dates: bool = False
    findings: tuple[str, ...] = field(default=())

    @property
    def missing(self) -> tuple[int, int]:
        """Rows without a value, old and new."""
        return int(_is_missing(self.old).sum()), int(_is_missing(self.new).sum())

    @property
    def infinite(self) -> tuple[int, int]:
        """Rows with an infinite value, old and new."""
        return int((np.abs(self.old) > LARGEST).sum()), int((np.abs(self.new) > LARGEST).sum())

    def values(self) -> tuple[Values, Values]:
        """Return the finite values of a numeric column, sorted, old and new."""
        return np.sort(self.old[is_usable(self.old)]), np.sort(self.new[is_usable(self.new)])

    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how often each category occurs, old and new."""
        size = len(self.categories)
        return tuple(np.bincount(side[side >= 0], minlength=size) for side in (self.old, self.new))  # type: ignore[return-value]


def pair_columns(old: pd.Series[Any], new: pd.Series[Any], kind: Kind | None = None) -> ColumnPair:
    """Return one column of both tables, read alike.

    Args:
        old: The old side.
        new: The new side.
        kind: Read it so; by default the kind is inferred from both sides.
    """
    name, natures = str(old.name), (_nature(old), _nature(new))
    findings = _type_change(natures)
    numbers = _numbers(old, new, natures)
    if numbers is not None:
        kind = kind or ("categorical" if _codes(*numbers, natures) else "numeric")
    else:
        kind = "categorical" if kind is None or not _can_parse(old, new) else kind
    if kind == "numeric":
        sides = numbers or (_parse(old), _parse(new))
        findings += _unreadable(old, new, sides)
        return ColumnPair(name, "numeric", *sides, dates="dates" in natures, findings=findings)
    codes = _categories(old, new, numbers)
    return ColumnPair(name, "categorical", *codes[:2], categories=codes[2], findings=findings)


def _nature(column: pd.Series[Any]) -> str:
    """Return what a column holds, in a word for people."""
    kinds = pd.api.types
    if column.isna().all():
        return "nothing"
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _nature(pd.Series(column.cat.categories))
    if kinds.is_bool_dtype(column.dtype):
        return "yes or no"
    if kinds.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.PeriodDtype):
        return "dates"
    if kinds.is_timedelta64_dtype(column.dtype):
        return "durations"
    if kinds.is_complex_dtype(column.dtype):
        return "text"
    if kinds.is_numeric_dtype(column.dtype):
        return "numbers"
    held = kinds.infer_dtype(column, skipna=True)
    words = {
        "integer": "numbers",
        "floating": "numbers",
        "mixed-integer-float": "numbers",
        "decimal": "numbers",
    }
    words |= {"boolean": "yes or no", "date": "dates", "datetime": "dates", "datetime64": "dates"}
    return words.get(held, "text")


def _type_change(natures: tuple[str, str]) -> tuple[str, ...]:
    if natures[0] == natures[1] or "nothing" in natures:
        return ()
    return (f"The type changed: {natures[0]} in the old data, {natures[1]} in the new.",)


def _numbers(
    old: pd.Series[Any], new: pd.Series[Any], natures: tuple[str, str]
) -> tuple[Values, Values] | None:
    """Return both sides as numbers if they are to be read so, with whatever is not a number missing."""
    held = set(natures) - {"nothing"}
    if not held:
        return _as_floats(old, "nothing"), _as_floats(new, "nothing")
    categorical = any(isinstance(side.dtype, pd.CategoricalDtype) for side in (old, new))
    if held <= {"numbers"} and not categorical:
        return _as_floats(old, natures[0]), _as_floats(new, natures[1])
    if held in ({"dates"}, {"durations"}):
        return _as_floats(old, natures[0]), _as_floats(new, natures[1])
    if held == {"numbers", "text"} and not categorical and _can_parse(old, new):
        return _parse(old), _parse(new)
    if held == {"numbers", "yes or no"} and not categorical:
        return _parse(old), _parse(new)
    return None


def _as_floats(column: pd.Series[Any], nature: str) -> Values:
    if nature == "nothing":
        return np.full(len(column), np.nan)
    if nature == "dates":
        return _days(column)
    if nature == "durations":
        seconds: Values = column.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan)
        return seconds / SECONDS_PER_DAY
    return _parse(column)


def _parse(column: pd.Series[Any]) -> Values:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_complex_dtype(column.dtype):
        return np.full(len(column), np.nan)
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def _can_parse(old: pd.Series[Any], new: pd.Series[Any]) -> bool:
    for side in (old, new):
        held = side.notna().sum()
        if held and np.isnan(_parse(side[side.notna()])).mean() > 1 - READABLE:
            return False
    return True


def _days(column: pd.Series[Any]) -> Values:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    moments = pd.to_datetime(column, errors="coerce", utc=True)
    return ((moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(
        dtype=np.float64, na_value=np.nan
    )


def _codes(old: Values, new: Values, natures: tuple[str, str]) -> bool:
    """Return whether numbers are codes: whole, few, and each seen often."""
    if not set(natures) & {"numbers"}:
        return False
    values = np.concatenate([old, new])
    values = values[~np.isnan(values)]
    if not np.isfinite(values).all() or not np.array_equal(values, np.round(values)):
        return False
    distinct = len(pd.unique(values))
    return distinct <= MOST_CODES and len(values) >= ROWS_PER_CODE * distinct


def _unreadable(old: pd.Series[Any], new: pd.Series[Any], sides: tuple[Values, Values]) -> tuple[str, ...]:
    lost = sum(
        int((column.notna().to_numpy() & np.isnan(side)).sum())
        for column, side in zip((old, new), sides, strict=True)
    )
    if not lost:
        return ()
    return (
        "1 value is not a number and counts as missing."
        if lost == 1
        else f"{lost:,} values are not numbers and count as missing.",
    )


def _categories(
    old: pd.Series[Any], new: pd.Series[Any], numbers: tuple[Values, Values] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Return both sides as positions in one list of category names, most frequent first."""
    if numbers is not None:
        codes, held = pd.factorize(np.concatenate(numbers))
    else:
        sides = [side.astype(object).where(side.notna(), None) for side in (old, new)]
        codes, held = _factorize(pd.concat(sides, ignore_index=True))
    names, first = pd.factorize(np.array([_text(value) for value in held], dtype=object))  # 1 and "1" are one
    codes = np.where(codes < 0, MISSING, np.append(names, MISSING)[codes])
    order = np.argsort(-np.bincount(codes[codes >= 0], minlength=len(first)), kind="stable")
    place = np.empty(len(first) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(first)), MISSING
    codes = place[codes]
    return codes[: len(old)], codes[len(old) :], tuple(str(first[i]) for i in order)


def _factorize(values: pd.Series[Any]) -> tuple[NDArray[Any], Any]:
    try:
        return cast("tuple[NDArray[Any], Any]", pd.factorize(values))
    except TypeError:  # lists, dictionaries and the like cannot be told apart but by their text
        return cast("tuple[NDArray[Any], Any]", pd.factorize(values.map(str, na_action="ignore")))


def _text(value: Any) -> str:
    """Return a category's name; whole numbers lose their point.

    >>> _text(1.0), _text(True), _text("a")
    ('1', 'True', 'a')
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def number_first(text: str) -> tuple[int, float, str]:
    """Return a key that sorts categories: numbers by value, then text by letter.

    >>> sorted(["b", "10", "9", "a"], key=number_first)
    ['9', '10', 'a', 'b']
    """
    try:
        number = float(text)
    except ValueError:
        return 1, 0.0, text
    return (0, number, text) if number == number else (1, 0.0, text)


def is_usable(numbers: Values) -> NDArray[np.bool_]:
    """Return which numbers can be computed with: neither missing nor infinite."""
    return np.abs(numbers) <= LARGEST


def _is_missing(side: NDArray[Any]) -> NDArray[np.bool_]:
    return np.isnan(side) if side.dtype.kind == "f" else side < 0

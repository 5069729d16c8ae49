"""One side of a column: counted or sorted once; single rows are read on demand, so that no copy of the rows stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.natures import Reader
from retrain_core.data.values import word
from retrain_core.shift.estimate import Values

LARGEST = 1e30  # beyond, products overflow single precision: such a value counts as infinite
MISSING = -1

Rows = NDArray[np.intp] | slice


@dataclass(frozen=True, eq=False)
class NumberSide:
    """One side of a column that is measured as numbers.

    ``side[rows]`` reads rows as floats, NaN where missing.

    Args:
        source: The rows as they came.
        read: Turns such rows into numbers.
        missing: Rows without a value, or with one that is no number.
        infinite: Rows with an infinite value.
        held: The usable values in ascending order; ``None`` once they are let go.
    """

    source: pd.Series[Any]
    read: Reader
    missing: int
    infinite: int
    held: Values | None

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Rows) -> Values:
        return self.read(self.source.iloc[rows]).astype(np.float64, copy=False)

    def ordered(self) -> Values:
        """Return the usable values in ascending order."""
        return order(self.read(self.source))[0] if self.held is None else self.held

    def released(self) -> NumberSide:
        """Return the same side without its sorted copy of the values."""
        return replace(self, held=None)


@dataclass(frozen=True, eq=False)
class CategorySide:
    """One side of a column that is measured as categories.

    ``side[rows]`` reads rows as positions in the pair's categories, -1 where missing.

    Args:
        source: The rows as they came.
        read: Turns such rows into what ``name_of`` names.
        index: Names of the categories.
        counts: How often each occurs, shape ``(categories,)``.
        missing: Rows without a value.
    """

    source: pd.Series[Any]
    read: Callable[[pd.Series[Any]], Any]
    index: pd.Index[Any]
    counts: NDArray[np.int64]
    missing: int

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, rows: Rows) -> NDArray[np.int64]:
        codes, values = factorize(self.read(self.source.iloc[rows]))
        places = self.index.get_indexer(pd.Index([name_of(value) for value in values], dtype=object))
        return np.append(places, MISSING).astype(np.int64)[codes]

    @property
    def infinite(self) -> int:
        """Categories are never infinite."""
        return 0

    def released(self) -> CategorySide:
        """Return the side as it is: counts are small."""
        return self


def order(values: NDArray[Any]) -> tuple[Values, int, int]:
    """Return the usable values in ascending order, and how many are missing and infinite.

    Sorting brings the missing to the end and the infinite to both ends, so nothing has to be looked at twice.

    >>> order(np.array([2.0, np.nan, np.inf, 1.0]))
    (array([1., 2.]), 1, 1)
    """
    ordered = np.sort(values).astype(np.float64, copy=False)
    held = int(np.searchsorted(ordered, np.nan)) if values.dtype.kind == "f" else len(ordered)
    low = int(np.searchsorted(ordered[:held], -LARGEST, "left"))
    high = int(np.searchsorted(ordered[:held], LARGEST, "right"))
    return ordered[low:high], len(ordered) - held, held - (high - low)


def number_side(column: pd.Series[Any], read: Reader) -> NumberSide:
    """Return a side whose values have been sorted."""
    ordered, missing, infinite = order(read(column))
    return NumberSide(column, read, missing, infinite, ordered)


def runs(ordered: Values) -> tuple[Values, NDArray[np.int64]]:
    """Return the distinct values of an ascending sample and how often each occurs.

    >>> [found.tolist() for found in runs(np.array([1.0, 1.0, 3.0]))]
    [[1.0, 3.0], [2, 1]]
    """
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    return ordered[starts], np.diff(np.append(starts, len(ordered)))


def count_values(column: pd.Series[Any]) -> pd.Series[int]:
    """Return how often each value occurs, by value; missing ones are left out."""
    counts: pd.Series[int] = _hashable(column).value_counts(sort=False)
    return counts[counts > 0] if isinstance(column.dtype, pd.CategoricalDtype) else counts


def factorize(values: Any) -> tuple[NDArray[np.intp], Any]:
    """Return each row's position among the distinct values, -1 where missing, and those values."""
    return cast("tuple[NDArray[np.intp], Any]", pd.factorize(_hashable(values)))


def _hashable(values: Any) -> Any:
    """Return values that can be told apart: objects by their names, for lists have no hash, and 1 has that of True."""
    types = pd.api.types
    if types.is_object_dtype(values.dtype) and types.infer_dtype(values, skipna=True) != "string":
        return values.map(name_of, na_action="ignore")
    return values


def category_sides(
    columns: tuple[pd.Series[Any], pd.Series[Any]],
    tallies: tuple[pd.Series[int], pd.Series[int]],
    read: Callable[[pd.Series[Any]], Any] = lambda rows: rows,
) -> tuple[CategorySide, CategorySide]:
    """Return both sides over one list of categories, the most frequent first.

    Args:
        columns: Old and new rows.
        tallies: How often each value occurs on each side, by value.
        read: Turns rows into such values.
    """
    names = [name_of(value) for tally in tallies for value in tally.index.tolist()]
    places, distinct = pd.factorize(np.array(names, dtype=object))  # 1 and "1" are one
    old, size = len(tallies[0]), len(distinct)
    counts = [
        np.bincount(part, weights=tally.to_numpy(dtype=np.float64), minlength=size).astype(np.int64)
        for part, tally in zip((places[:old], places[old:]), tallies, strict=True)
    ]
    frequent = np.argsort(-(counts[0] + counts[1]), kind="stable")
    index = pd.Index(distinct[frequent], dtype=object)
    first, second = (
        CategorySide(column, read, index, count[frequent], len(column) - int(count.sum()))
        for column, count in zip(columns, counts, strict=True)
    )
    return first, second


def name_of(value: Any) -> str:
    """Return a category's name; whole numbers lose their point.

    >>> name_of(1.0), name_of(True), name_of("a"), name_of(b"a")
    ('1', 'True', 'a', 'a')
    """
    return value if type(value) is str else word(value)


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

"""What the rules of other tools share about one column: sorted numbers, category codes, counts; each computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values

MISSING = -1


@dataclass(frozen=True)
class ColumnTally:
    """One column of both sides; what is derived from it is computed when first asked for."""

    old: pd.Series[Any]
    new: pd.Series[Any]

    @property
    def name(self) -> str:
        """The column's name."""
        return str(self.old.name)

    @cached_property
    def numbers(self) -> tuple[Values, Values]:
        """Both sides as they are, NaN where missing; of numeric columns only."""
        return _floats(self.old), _floats(self.new)

    @cached_property
    def finite(self) -> tuple[Values, Values]:
        """The finite numbers of both sides, sorted."""
        return sorted_finite(self.numbers[0]), self.new_finite

    @cached_property
    def new_finite(self) -> Values:
        """The finite numbers of the new side, sorted, whatever the old side holds."""
        return sorted_finite(_floats(self.new))

    @cached_property
    def moments(self) -> tuple[float, float, float]:
        """Mean, standard deviation (ddof 0) and skewness of the finite old numbers; 0 for a skewness without spread."""
        old = self.finite[0]
        if not len(old) or old[0] == old[-1]:
            return (float(old[0]) if len(old) else 0.0), 0.0, 0.0
        mean = float(np.mean(old))
        way = old - mean
        square = way * way
        spread = float(np.sqrt(np.mean(square)))
        return mean, spread, float(np.dot(square, way)) / len(old) / spread**3

    @cached_property
    def coded(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Any]:
        """Both sides as positions in one list of distinct values, -1 where missing, and that list."""
        both = pd.concat([_as_values(self.old), _as_values(self.new)], ignore_index=True)
        try:
            codes, held = pd.factorize(
                both
            )  # values of several types that are equal are one, such as 1 and 1.0
        except TypeError:  # lists and the like have no hash
            codes, held = pd.factorize(both.map(str, na_action="ignore"))
        return codes[: len(self.old)], codes[len(self.old) :], np.asarray(held, dtype=object)

    @cached_property
    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How often each distinct value occurs, old and new, in the order of ``coded``."""
        old, new, held = self.coded
        return tuple(np.bincount(side[side >= 0], minlength=len(held)) for side in (old, new))  # type: ignore[return-value]


def at_most_distinct(ordered: Values, most: int) -> int:
    """Return how many distinct values there are among sorted ones, counted no further than ``most + 1``.

    >>> at_most_distinct(np.array([1.0, 1.0, 2.0, 3.0]), 5), at_most_distinct(np.arange(99.0), 5)
    (3, 6)
    """
    found, place = 0, 0
    while place < len(ordered) and found <= most:
        place += int(np.searchsorted(ordered[place:], ordered[place], "right"))
        found += 1
    return found


def _floats(column: pd.Series[Any]) -> Values:
    if column.dtype == np.float64:
        return column.to_numpy()  # without a copy
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def is_real(column: pd.Series[Any]) -> bool:
    """Whether a column holds real numbers, or yes and no, by its type."""
    kinds = pd.api.types
    return bool(kinds.is_numeric_dtype(column.dtype) and not kinds.is_complex_dtype(column.dtype))


def sorted_finite(numbers: Values) -> Values:
    """Return the finite numbers in order.

    >>> sorted_finite(np.array([3.0, np.nan, -np.inf, 1.0, np.inf])).tolist()
    [1.0, 3.0]
    """
    ordered = np.sort(numbers)  # infinite values go to the ends, missing ones behind them
    first = int(np.searchsorted(ordered, -np.inf, "right"))
    return ordered[first : int(np.searchsorted(ordered, np.inf, "left"))]


def _as_values(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of categories as a column of what they stand for."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column
    kind = column.cat.categories.dtype
    gaps = kind.kind in "iub" and column.isna().any()  # such a type has no place for a missing value
    return column.astype(object if gaps else kind)

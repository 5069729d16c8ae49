"""One column on both sides, read alike: what every measure and every check of rows is computed from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values
from retrain_core.shift.remarks import Remark
from retrain_core.shift.sides import LARGEST, CategorySide, NumberSide
from retrain_core.types import Kind, Reading


@dataclass(frozen=True)
class ColumnPair:
    """One column on both sides.

    Args:
        name: The column.
        kind: Which measures are taken.
        old: Old rows. ``old[rows]`` reads some of them: floats, NaN where missing; or positions in ``categories``, -1
            where missing; of free text the number of words.
        new: The same of the new side.
        categories: As text; empty for a numeric column.
        reading: What the column is taken for.
        reason: Why, in a sentence.
        dates: Whether the numbers are days since 1970-01-01.
        shared: Of record numbers: how many of the new ones the old side has too.
        findings: What the reading brought to light.
    """

    name: str
    kind: Kind
    old: NumberSide | CategorySide
    new: NumberSide | CategorySide
    categories: tuple[str, ...] = ()
    reading: Reading = "numeric"
    reason: str = ""
    dates: bool = False
    shared: int = 0
    findings: tuple[Remark, ...] = field(default=())

    @property
    def missing(self) -> tuple[int, int]:
        """Rows without a value, old and new."""
        return self.old.missing, self.new.missing

    @property
    def infinite(self) -> tuple[int, int]:
        """Rows with an infinite value, old and new."""
        return self.old.infinite, self.new.infinite

    def values(self) -> tuple[Values, Values]:
        """Return the usable values of a numeric column, sorted, old and new."""
        assert isinstance(self.old, NumberSide) and isinstance(self.new, NumberSide)
        return self.old.ordered(), self.new.ordered()

    def counts(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return how often each category occurs, old and new."""
        assert isinstance(self.old, CategorySide) and isinstance(self.new, CategorySide)
        return self.old.counts, self.new.counts

    def texts(self, rows: tuple[NDArray[np.intp], NDArray[np.intp]]) -> list[str]:
        """Return the given rows of both sides as text, the old ones first; empty where missing."""
        sides = (side.source.iloc[part] for side, part in zip((self.old, self.new), rows, strict=True))
        return [
            "" if gone else str(text) for side in sides for text, gone in zip(side, side.isna(), strict=True)
        ]

    def released(self) -> ColumnPair:
        """Return the same pair without sorted copies of its values, to be kept while others are measured."""
        return replace(self, old=self.old.released(), new=self.new.released())


def is_usable(values: Values) -> NDArray[np.bool_]:
    """Return which numbers can be computed with: neither missing nor infinite."""
    return np.abs(values) <= LARGEST

"""Two datasets as one, without a copy: rows are fetched from whichever has them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from retrain_core.types import Dataset


def join(first: Dataset, second: Dataset) -> Dataset:
    """Return the rows of both, ``first`` before ``second``; the inputs are not copied."""
    inputs = {
        name: cast("NDArray[Any]", Stacked(values, second.inputs[name]))
        for name, values in first.inputs.items()
    }
    targets = np.concatenate([first.targets, second.targets])
    return Dataset(inputs, targets, first.task, first.names, f"{first.fingerprint}+{second.fingerprint}")


class Stacked:
    """The rows of ``first``, then those of ``second``; enough of an array to fetch rows from.

    >>> both = Stacked(np.array([[1], [2]]), np.array([[3]]))
    >>> len(both), both.shape, both[np.array([2, 0])].tolist(), np.asarray(both).tolist()
    (3, (3, 1), [[3], [1]], [[1], [2], [3]])
    """

    def __init__(self, first: NDArray[Any], second: NDArray[Any]) -> None:
        self._first, self._second = first, second
        self.dtype = np.promote_types(first.dtype, second.dtype)
        self.shape: tuple[int, ...] = (len(first) + len(second), *first.shape[1:])
        self.ndim = first.ndim

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.integer]) -> NDArray[Any]:
        """Return the rows that an array of row numbers names."""
        border = len(self._first)
        before = rows < border
        fetched: NDArray[Any] = np.empty((len(rows), *self.shape[1:]), self.dtype)
        fetched[before] = self._first[rows[before]]
        fetched[~before] = self._second[rows[~before] - border]
        return fetched

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all rows, copied."""
        return np.concatenate([self._first, self._second]).astype(dtype or self.dtype, copy=False)

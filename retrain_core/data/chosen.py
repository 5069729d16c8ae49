"""Some rows of a dataset, without a copy: they are fetched as they are asked for."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from retrain_core.types import Dataset


def draw(data: Dataset, count: int, seed: int) -> Dataset:
    """Return ``count`` random rows of ``data`` in the order in which they stand there; all if it has no more.

    With the same seed, fewer rows are always among those of a larger draw: points of a learning curve then differ by the
    rows that are added, and by nothing else.

    Args:
        data: The rows to draw from; its inputs are not copied.
        count: How many rows, at least 1.
        seed: Same seed, same order of drawing.
    """
    return data if count >= data.rows else choose(data, rows_drawn(data.rows, count, seed))


def rows_drawn(rows: int, count: int, seed: int) -> NDArray[np.intp]:
    """Return the numbers of the rows that ``draw`` takes."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:count])


def parted(keys: NDArray[np.uint64], count: int, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the numbers of ``count`` random rows, and of the others that are equal to none of them.

    Equal rows are drawn one behind the other, so neither side has the rarer ones. Where all rows differ, those that
    ``draw`` takes are drawn; with the same seed, fewer are always among more.

    Args:
        keys: Equal for rows that are equal.
        count: How many rows, at least 1.
        seed: Same seed, same order of drawing.

    >>> [part.tolist() for part in parted(np.array([7, 8, 7, 9, 8, 7], np.uint64), 3, 2)]
    [[2, 3, 5], [1, 4]]
    """
    place = np.argsort(np.random.default_rng(seed).permutation(len(keys)))
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    order = np.lexsort((place, place[first[group]]))
    drawn, others = order[:count], order[count:]
    return np.sort(drawn), np.sort(others[group[others] != group[drawn[-1]]])


def choose(data: Dataset, rows: NDArray[np.intp]) -> Dataset:
    """Return the rows of ``data`` with these numbers; its inputs are not copied."""
    inputs = {name: cast("NDArray[Any]", Chosen(values, rows)) for name, values in data.inputs.items()}
    return Dataset(inputs, data.targets[rows], data.task, data.names, f"{data.fingerprint}/{len(rows)}")


class Chosen:
    """The chosen rows of an array, in the order given; enough of an array to fetch rows from.

    >>> some = Chosen(np.array([[1], [2], [3]]), np.array([0, 2]))
    >>> len(some), some.shape, some[np.array([1])].tolist(), np.asarray(some).tolist()
    (2, (2, 1), [[3]], [[1], [3]])
    """

    def __init__(self, values: NDArray[Any], rows: NDArray[np.integer]) -> None:
        self._values, self._rows = values, rows
        self.dtype = values.dtype
        self.shape: tuple[int, ...] = (len(rows), *values.shape[1:])
        self.ndim = values.ndim

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.integer]) -> NDArray[Any]:
        """Return the rows that an array of row numbers names, counted among the chosen ones."""
        return np.asarray(self._values[self._rows[rows]])

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all chosen rows, copied."""
        return np.asarray(self._values[self._rows], dtype or self.dtype)

"""Which rows belong together: those with equal inputs, and those of one id if a column of ids is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from retrain_core.data.encode import row_keys
from retrain_core.types import Dataset

Ties = dict[str, NDArray[np.uint64]]
INPUTS = 0  # the column of ties that says which rows have equal inputs
Keys = NDArray[np.uint64]


def ties_of(data: Mapping[str, Dataset], ids: Mapping[str, NDArray[np.str_]]) -> Ties:
    """Return what ties rows to others, a column each: equal in two rows of any side if they are tied.

    Args:
        data: The rows by side.
        ids: The id of each row by the same sides, empty where it is missing; no side if no column is named.

    Returns:
        By side, shape ``(rows, 1)``: inputs; with ids ``(rows, 2)``: inputs, ids.
    """
    keys = {side: row_keys(rows.inputs) for side, rows in data.items()}
    if not ids:
        return {side: key[:, np.newaxis] for side, key in keys.items()}
    codes = _codes(np.concatenate([ids[side] for side in keys]))
    ends = np.cumsum([len(key) for key in keys.values()])[:-1]
    return {
        side: np.stack([key, code], axis=1)
        for (side, key), code in zip(keys.items(), np.split(codes, ends), strict=True)
    }


def groups_of(ids: NDArray[np.str_]) -> NDArray[np.intp]:
    """Return a number for each id, from 0; a row without one has a number of its own.

    >>> groups_of(np.array(["b", "", "b", "a"])).tolist()
    [0, 2, 0, 1]
    """
    return np.unique(_codes(ids), return_inverse=True)[1]


def _codes(ids: NDArray[np.str_]) -> Keys:
    """Return a number for each id; a row without one has a number of its own."""
    codes, distinct = pd.factorize(ids.astype(object))
    return np.where(ids == "", len(distinct) + np.arange(len(ids)), codes).astype(np.uint64)


def without_inputs(ties: Ties) -> Ties:
    """Return the ties that are left if rows with equal inputs may stand apart."""
    return {side: rows[:, 1:] for side, rows in ties.items()}


def tied(rows: NDArray[Any], others: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows have inputs or an id in common with any of the others.

    >>> tied(np.array([[1, 7], [2, 8], [3, 9]]), np.array([[1, 5], [4, 9]])).tolist()
    [True, False, True]
    """
    found = np.zeros(len(rows), dtype=bool)
    for column in range(rows.shape[1]):
        found |= np.isin(rows[:, column], others[:, column])
    return found


def groups(ties: Ties) -> dict[str, Keys]:
    """Return a key for each row, equal for rows that are tied, if only by way of others; without any tie its own.

    >>> ties = {"new": np.array([[5, 1], [6, 1], [8, 3]], np.uint64), "old": np.array([[6, 2]], np.uint64)}
    >>> [keys.tolist() for keys in groups(ties).values()]
    [[5, 5, 8], [5]]
    """
    every = np.concatenate(list(ties.values()))
    keys = np.arange(len(every), dtype=np.uint64)
    if every.shape[1]:
        keys = every[:, 0] if every.shape[1] == 1 else _closed(every)
    return dict(zip(ties, np.split(keys, np.cumsum([len(rows) for rows in ties.values()])[:-1]), strict=True))


def _closed(ties: NDArray[np.uint64]) -> Keys:
    """Return the least first tie of all rows that are connected by either."""
    first, one = np.unique(ties[:, 0], return_inverse=True)
    second, two = np.unique(ties[:, 1], return_inverse=True)
    nodes = len(first) + len(second)
    edges = coo_array((np.ones(len(ties), np.int8), (one, len(first) + two)), shape=(nodes, nodes))
    count, component = connected_components(edges, directed=False)
    least: Keys = np.full(count, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(least, component[: len(first)], first)
    found: Keys = least[component[one]]
    return found

"""The values of a model's layer as features, for the checks that look at rows as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values
from retrain_core.shift.features import Features

MOST_UNITS = 200
FARTHEST = 5.0  # standard deviations at which a value is clipped, so that no single row decides
DIGITS = 3  # of a standardised value; the same row in another batch differs in the last bits


def layer_features(old: NDArray[Any], new: NDArray[Any]) -> Features:
    """Return a layer's values as standardised features, each unit a column of its own.

    Units that give every row the same value are left out. Of more than ``MOST_UNITS`` a fixed random projection is
    taken: it keeps distances, and whatever moved is still in it.

    Args:
        old: Of the old rows, shape ``(n, units)``.
        new: Of the new rows, shape ``(m, units)``.

    Source: Johnson and Lindenstrauss (1984), Contemporary Mathematics 26, 189-206.

    >>> layer_features(np.array([[0.0, 7.0], [1.0, 7.0]]), np.array([[2.0, 7.0]])).matrix.shape
    (3, 1)
    """
    matrix = projected(standardised(finite(np.vstack([old, new]))))
    matrix = standardised(np.clip(matrix, -FARTHEST, FARTHEST))
    owner = np.arange(matrix.shape[1])
    names = tuple(f"unit {number}" for number in owner.tolist())
    side = np.repeat([0, 1], [len(old), len(new)])
    return Features(matrix, owner, names, side, _groups(matrix))


def finite(matrix: NDArray[Any]) -> Values:
    """Return the matrix in double precision, with 0 for what is not a number and the largest value for infinity."""
    return np.clip(np.nan_to_num(matrix.astype(np.float64)), -1e30, 1e30)


def standardised(matrix: Values) -> Values:
    """Return the columns that vary, with mean 0 and spread 1."""
    spread = matrix.std(axis=0)
    kept = spread > 1e-6 * np.maximum(1e-30, np.abs(matrix).max(axis=0, initial=0.0))
    return np.asarray((matrix[:, kept] - matrix[:, kept].mean(axis=0)) / spread[kept])


def projected(matrix: Values) -> Values:
    """Return at most ``MOST_UNITS`` columns: the matrix itself, or its fixed random projection."""
    units = matrix.shape[1]
    if units <= MOST_UNITS:
        return matrix
    directions = np.random.default_rng(0).standard_normal((units, MOST_UNITS))
    return np.asarray(matrix @ directions / np.sqrt(units))


def _groups(matrix: Values) -> NDArray[np.int64]:
    if not matrix.shape[1]:
        return np.zeros(len(matrix), dtype=np.int64)
    rounded = np.round(matrix, DIGITS) + 0.0  # and no negative zeros
    hashes = pd.util.hash_pandas_object(pd.DataFrame(rounded), index=False)
    codes, distinct = pd.factorize(hashes)
    return np.asarray(np.random.default_rng(0).permutation(len(distinct))[codes], dtype=np.int64)

"""All columns together as one matrix of standardised features, for the checks that look at rows as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift.columns import MISSING, ColumnPair, is_usable
from retrain_core.shift.estimate import Values

MOST_ROWS = 5_000  # a side
MOST_CATEGORIES = 15  # a column
RAREST = 0.005  # share of the rows that a category or a gap needs to become a feature
FENCE = 3.0  # interquartile ranges beyond the quartiles at which values are clipped


@dataclass(frozen=True)
class Features:
    """Rows of both sides, sampled, as numbers.

    Args:
        matrix: Mean 0 and spread 1 over both sides, shape ``(rows, features)``; old rows first.
        owner: The column each feature was made from, shape ``(features,)``; a position in ``names``.
        names: The columns.
        side: 0 for an old row, 1 for a new one, shape ``(rows,)``.
        group: Equal for rows that are exact duplicates, shape ``(rows,)``.
    """

    matrix: Values
    owner: NDArray[np.intp]
    names: tuple[str, ...]
    side: NDArray[np.int64]
    group: NDArray[np.int64]

    def folds(self, count: int) -> NDArray[np.int64]:
        """Return the fold of each row at random, duplicates in the same one."""
        rng = np.random.default_rng(0)
        shuffled = rng.permutation(int(self.group.max()) + 1)
        return shuffled[self.group] % count


def sample_rows(old_rows: int, new_rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which rows of each side to look at: all, or ``MOST_ROWS`` drawn at random."""
    rng = np.random.default_rng(0)

    def some(rows: int) -> NDArray[np.intp]:
        return np.sort(rng.choice(rows, MOST_ROWS, replace=False)) if rows > MOST_ROWS else np.arange(rows)

    return some(old_rows), some(new_rows)


def build_features(pairs: Sequence[ColumnPair], rows: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Features:
    """Return the features of the given rows of each side.

    Args:
        pairs: The columns, label left out.
        rows: Which rows of the old and of the new side.
    """
    side = np.repeat([0, 1], [len(part) for part in rows])
    blocks, owner = [], []
    for position, pair in enumerate(pairs):
        values = np.concatenate([pair.old[rows[0]], pair.new[rows[1]]])
        block = _numeric(values) if pair.kind == "numeric" else _one_hot(values)
        blocks.append(block)
        owner += [position] * block.shape[1]
    matrix = np.hstack(blocks) if blocks else np.empty((len(side), 0))
    spread = matrix.std(axis=0)
    kept = np.flatnonzero(spread > 1e-9)
    matrix = (matrix[:, kept] - matrix[:, kept].mean(axis=0)) / spread[kept]
    names = tuple(pair.name for pair in pairs)
    return Features(matrix, np.array(owner, dtype=np.intp)[kept], names, side, _groups(matrix))


def keep_rows(features: Features, kept: NDArray[np.intp]) -> Features:
    """Return the features of the rows at the given positions."""
    return replace(
        features,
        matrix=features.matrix[kept],
        side=features.side[kept],
        group=np.unique(features.group[kept], return_inverse=True)[1],
    )


def _groups(matrix: Values) -> NDArray[np.int64]:
    if not matrix.shape[1]:
        return np.zeros(len(matrix), dtype=np.int64)
    hashes = pd.util.hash_pandas_object(pd.DataFrame(matrix), index=False)
    return np.asarray(pd.factorize(hashes)[0], dtype=np.int64)


def _numeric(values: NDArray[Any]) -> Values:
    gap = ~is_usable(values)
    if gap.all():
        return np.empty((len(values), 0))
    held = values[~gap]
    low, high = np.quantile(held, [0.25, 0.75])
    reach = FENCE * (high - low)
    ends = (low - reach, high + reach) if reach > 0 else np.quantile(held, [0.005, 0.995])
    clipped = np.clip(np.where(gap, held.mean(), values), *ends)
    centre = float(np.clip(held, *ends).mean())
    scale = max(abs(float(ends[0])), abs(float(ends[1])), 1e-300)
    filled = (np.where(gap, centre, clipped) - centre) / scale
    return np.column_stack([filled, gap]) if gap.mean() >= RAREST else filled[:, None]


def _one_hot(codes: NDArray[Any]) -> Values:
    held, counts = np.unique(codes, return_counts=True)
    frequent = counts >= max(10, RAREST * len(codes))
    keep = held[frequent][np.argsort(-counts[frequent], kind="stable")][:MOST_CATEGORIES]
    if len(keep) == 2 and len(held) == 2 and MISSING not in keep:
        keep = keep[:1]
    return np.asarray(codes[:, None] == keep, dtype=float)

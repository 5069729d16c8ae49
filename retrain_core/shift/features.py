"""All columns together as one matrix of standardised features, for the checks that look at rows as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift.columns import MISSING, ColumnPair, is_usable
from retrain_core.shift.estimate import Values
from retrain_core.shift.words import words_of

MOST_ROWS = 5_000  # a side
MOST_COLUMNS, RANDOM_COLUMNS = 200, 50  # taken of a wide table; so many of them whether they moved or not
MOST_CATEGORIES, MOST_WORDS = 15, 50  # a column
FOLDS = 5
NO_INPUT = ("id", "date", "constant")  # readings of columns that tell rows apart without being like or unlike
COPIES_EXPECTED = (
    0.1  # rows like a given one, were columns independent, from which on equal rows are no copies
)
COLUMNS_COMPARED = 50  # for that
BENDS, FEWEST_TO_BEND = (0.2, 0.5, 0.8), 10  # at which quantiles; how many values it takes
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
        group: A number drawn at random for each row, from 0 without gaps, shape ``(rows,)``; copies of a row share it.
        offered: How many columns there were to choose from, if the table was too wide to take them all.
    """

    matrix: Values
    owner: NDArray[np.intp]
    names: tuple[str, ...]
    side: NDArray[np.int64]
    group: NDArray[np.int64]
    offered: int | None = None

    @property
    def rows(self) -> tuple[int, int]:
        """How many old and new rows there are."""
        new = int(self.side.sum())
        return len(self.side) - new, new

    def title(self, first: int, second: int) -> str:
        """Return the name of a column, or of two joined by ×."""
        names = sorted({int(first), int(second)})
        return " × ".join(self.names[position] for position in names)

    def folds(self, count: int = FOLDS) -> NDArray[np.int64]:
        """Return the fold of each row at random, duplicates in the same one, and each as it was before rows were left out."""
        return self.group % count


def is_input(pair: ColumnPair) -> bool:
    """Return whether a column says what a row is like, rather than which one it is or when it came."""
    return pair.reading not in NO_INPUT


def sample_rows(old_rows: int, new_rows: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which rows of each side to look at: all, or ``MOST_ROWS`` drawn at random."""
    rng = np.random.default_rng(0)

    def some(rows: int) -> NDArray[np.intp]:
        return np.sort(rng.choice(rows, MOST_ROWS, replace=False)) if rows > MOST_ROWS else np.arange(rows)

    return some(old_rows), some(new_rows)


def build_features(
    pairs: Sequence[ColumnPair], rows: tuple[NDArray[np.intp], NDArray[np.intp]], *, inputs: bool = True
) -> Features:
    """Return the features of the given rows of each side.

    Columns that number or date the rows are left out. Of a table of more than 200 columns, 150 are taken that moved most
    and 50 more at random. Which ones moved is looked up in the first fold alone, which no check is ever scored on, so
    that the choice cannot make a shift out of chance.

    Args:
        pairs: The columns, label left out.
        rows: Which rows of the old and of the new side.
        inputs: Whether the columns are inputs; labels are taken whatever they look like.
    """
    if inputs:
        pairs = [pair for pair in pairs if is_input(pair)]
    side = np.repeat([0, 1], [len(part) for part in rows])
    group, offered = _groups(pairs, rows), None
    if len(pairs) > MOST_COLUMNS:
        offered = len(pairs)
        pairs = [pairs[i] for i in _moved_most(pairs, rows, side, group % FOLDS == 0)]
    blocks, owner = [], []
    for position, pair in enumerate(pairs):
        block = _block(pair, rows)
        kept = block.std(axis=0) > 1e-9
        blocks.append(block[:, kept])
        owner += [position] * int(kept.sum())
    matrix = np.hstack(blocks) if blocks else np.empty((len(side), 0))
    matrix -= matrix.mean(axis=0)
    matrix /= matrix.std(axis=0)
    names = tuple(pair.name for pair in pairs)
    return Features(matrix, np.array(owner, dtype=np.intp), names, side, group, offered)


def keep_rows(features: Features, kept: NDArray[np.intp]) -> Features:
    """Return the features of the rows at the given positions, which stay in their folds."""
    return replace(
        features, matrix=features.matrix[kept], side=features.side[kept], group=features.group[kept]
    )


def with_bends(features: Features) -> Features:
    """Return the features with three bends added to each that takes many values, for a model that is to follow curves.

    A bend is 0 up to a quantile and rises from there on.
    """
    many = [i for i, column in enumerate(features.matrix[::7].T) if len(np.unique(column)) > FEWEST_TO_BEND]
    if not many:
        return features
    values = features.matrix[:, many]
    bends = np.hstack([np.maximum(0, values - knot) for knot in np.quantile(values, BENDS, axis=0)])
    bends -= bends.mean(axis=0)
    spread = bends.std(axis=0)
    matrix = np.hstack([features.matrix, bends / np.where(spread > 1e-9, spread, 1)])
    owner = np.concatenate([features.owner, np.tile(features.owner[many], len(BENDS))])
    return replace(features, matrix=matrix, owner=owner)


def join_features(first: Features, second: Features) -> Features:
    """Return the features of both, of the same rows in the same folds."""
    return replace(
        first,
        matrix=np.hstack([first.matrix, second.matrix]),
        owner=np.concatenate([first.owner, second.owner + len(first.names)]),
        names=(*first.names, *second.names),
    )


def sampled(pair: ColumnPair, rows: tuple[NDArray[np.intp], NDArray[np.intp]]) -> NDArray[Any]:
    """Return the values or category codes of a column in the given rows, old ones first."""
    return np.concatenate([pair.old[rows[0]], pair.new[rows[1]]])


def _block(pair: ColumnPair, rows: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Values:
    """Return the features of one column, not yet standardised, shape ``(rows, features)``."""
    values = sampled(pair, rows)
    if pair.reading == "free text":  # how long it is, and which words it holds
        return np.hstack([_numeric(values), word_features(pair.texts(rows))])
    return _numeric(values) if pair.kind == "numeric" else _one_hot(values)


def _groups(
    pairs: Sequence[ColumnPair], rows: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> NDArray[np.int64]:
    """Return a random number for each row, the same for copies.

    Rows that are equal in all columns are copies, unless so many columns hold so common values that equal rows are to be
    expected: of two categories each, three columns make eight rows at most.
    """
    rng = np.random.default_rng(0)
    total = np.zeros(sum(len(part) for part in rows), dtype=np.uint64)
    for pair in pairs:
        hashed = pd.util.hash_array(sampled(pair, rows) + 0, categorize=False)  # -0.0 becomes 0.0
        total = total * np.uint64(0x9E3779B97F4A7C15) + hashed
    codes = pd.factorize(total)[0]
    again = np.flatnonzero(np.bincount(codes)[codes] > 1)
    if len(again):
        expected = np.full(len(again), np.log(len(codes)))
        for pair in pairs[:COLUMNS_COMPARED]:
            values = pd.factorize(sampled(pair, rows), use_na_sentinel=False)[0]
            expected += np.log(np.bincount(values)[values[again]] / len(values))
        chance = again[expected > np.log(COPIES_EXPECTED)]
        codes[chance] = codes.max() + 1 + np.arange(len(chance))
    codes, distinct = pd.factorize(codes)
    return np.asarray(rng.permutation(len(distinct))[codes], dtype=np.int64)


def _moved_most(
    pairs: Sequence[ColumnPair],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    side: NDArray[np.int64],
    looked_at: NDArray[np.bool_],
) -> list[int]:
    """Return the positions of the columns to take, in order, judged by the rows that may be looked at."""
    some = rows[0][looked_at[side == 0]], rows[1][looked_at[side == 1]]
    here = side[looked_at]
    moved = np.zeros(len(pairs))
    if 0 < here.sum() < len(here):
        for position, pair in enumerate(pairs):
            block = _block(pair, some)
            gap = np.abs(block[here == 1].mean(axis=0) - block[here == 0].mean(axis=0))
            spread = block.std(axis=0)
            moved[position] = np.max(gap[spread > 1e-9] / spread[spread > 1e-9], initial=0.0)
    order = np.argsort(-moved, kind="stable")
    most, rest = order[: MOST_COLUMNS - RANDOM_COLUMNS], order[MOST_COLUMNS - RANDOM_COLUMNS :]
    drawn = np.random.default_rng(0).choice(rest, RANDOM_COLUMNS, replace=False)
    return sorted(np.concatenate([most, drawn]).tolist())


def word_features(texts: Sequence[str]) -> Values:
    """Return which of the 50 most frequent words each text holds, shape ``(texts, words)``.

    >>> word_features(["Good food", "bad food"] * 10).tolist()[:2]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    held = [set(words_of(text)) for text in texts]
    counts = Counter(word for words in held for word in sorted(words))
    least = max(10, RAREST * len(texts))
    told = [word for word, count in counts.items() if least <= count < len(texts)]
    chosen = sorted(told, key=lambda word: -counts[word])[:MOST_WORDS]
    place = {word: position for position, word in enumerate(chosen)}
    matrix = np.zeros((len(texts), len(chosen)))
    for row, words in enumerate(held):
        matrix[row, [place[word] for word in words if word in place]] = 1
    return matrix


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

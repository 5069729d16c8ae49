"""How free text changed: how many words a row has, which frequent word moved most, and words never seen before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Estimate, Values
from retrain_core.shift.rates import rate_change

WORD = re.compile(r"\w+")
MOST_ROWS = 10_000  # a side; more would not change what is found
MOST_WORDS = 100
FEWEST_ROWS = 5  # on both sides together, for a word to be compared


@dataclass(frozen=True)
class WordChange:
    """What was found in the words of two sides.

    Args:
        lengths: Words a row, sorted, old and new.
        word: The frequent word whose share of rows moved most for the rows there are; empty if none is frequent.
        rate: Share of rows with it, new minus old; its p-value is corrected for how many words were looked at.
        shares: Share of the old and of the new rows with it.
        size: The change without what the choice of the largest of many adds to it.
        unseen: Share of the words of new rows that no old row has.
        expected: The same of rows like the old ones.
        z: How many standard errors lie between the two.
    """

    lengths: tuple[Values, Values]
    word: str
    rate: Estimate
    shares: tuple[float, float]
    size: float
    unseen: float
    expected: float
    z: float


def compare_words(old: pd.Series[Any], new: pd.Series[Any]) -> WordChange | None:
    """Return how the words of two sides differ; ``None`` if a side has no text.

    Each frequent word is a test of its own, whether a row has it; that words of one row depend on each other does
    not matter then. The one that changed most beside its error is taken, and its exact p-value multiplied by how many there are (Bonferroni),
    which is valid however it was chosen.

    Args:
        old: Texts of the old side, with gaps.
        new: The same of the new side.

    Source: Good (1953), Biometrika 40, 237-264: words that one old row has tell how many a further row brings.
    """
    sides = [[words_of(text) for text in _some(column)] for column in (old, new)]
    if not all(sides):
        return None
    lengths = [np.sort(np.array([len(words) for words in side], dtype=np.float64)) for side in sides]
    rows = [[set(words) for words in side] for side in sides]
    hits = [_rows_with(side) for side in rows]
    word, rate, shares, size = _most_changed(hits[0], hits[1], len(rows[0]), len(rows[1]))
    unseen, error = _share(rows[1], lambda word: word not in hits[0])
    expected, own = _share(rows[0], lambda word: hits[0][word] == 1)
    z = (unseen - expected) / max(float(np.hypot(error, own)), 1e-9)
    return WordChange((lengths[0], lengths[1]), word, rate, shares, size, unseen, expected, z)


def _some(column: pd.Series[Any]) -> Iterable[str]:
    """Return texts of at most ``MOST_ROWS`` rows, drawn at random, always the same ones."""
    if len(column) > MOST_ROWS:
        chosen = np.random.default_rng(0).choice(len(column), MOST_ROWS, replace=False)
        column = column.iloc[np.sort(chosen)]
    return (str(text) for text in column[column.notna()])


def words_of(text: str) -> list[str]:
    """Return the words of a text, capitals aside.

    >>> words_of("Good, good food")
    ['good', 'good', 'food']
    """
    return [word.casefold() for word in WORD.findall(text)]


def _rows_with(rows: Sequence[set[str]]) -> Counter[str]:
    """Return how many rows have each word."""
    return Counter(word for words in rows for word in words)


def _most_changed(
    old: Counter[str], new: Counter[str], old_rows: int, new_rows: int
) -> tuple[str, Estimate, tuple[float, float], float]:
    frequent = [(word, rows) for word, rows in (old + new).most_common(MOST_WORDS) if rows >= FEWEST_ROWS]
    if not frequent:
        return "", Estimate(0.0, (0.0, 0.0), 1.0), (0.0, 0.0), 0.0
    words = sorted(word for word, _ in frequent)
    before = np.array([old[word] for word in words]) / old_rows
    after = np.array([new[word] for word in words]) / new_rows
    share = (before * old_rows + after * new_rows) / (old_rows + new_rows)
    errors = np.sqrt(share * (1 - share) * (1 / old_rows + 1 / new_rows))
    z = np.abs(after - before) / np.where(errors > 0, errors, np.inf)
    most = int(np.argmax(z))
    word = words[most]
    found = rate_change(old[word], old_rows, new[word], new_rows)
    p = min(1.0, (found.p or 0.0) * len(words))
    excess = z[most] ** 2 - 2 * np.log(
        2 * len(words)
    )  # the largest of so many is about this without a change
    size = float(errors[most] * np.sqrt(max(0.0, excess)))
    return (
        word,
        Estimate(found.value, found.interval, p, size, d_from_overlap(size)),
        (float(before[most]), float(after[most])),
        size,
    )


def _share(rows: Sequence[set[str]], counts: Any) -> tuple[float, float]:
    """Return the share of all words of rows that count, and its standard error; rows are drawn, not words."""
    sizes = np.array([len(words) for words in rows], dtype=float)
    hits = np.array([sum(map(counts, words)) for words in rows], dtype=float)
    total = sizes.sum() or 1.0
    share = float(hits.sum() / total)
    return share, float(np.sqrt(np.sum((hits - share * sizes) ** 2)) / total)

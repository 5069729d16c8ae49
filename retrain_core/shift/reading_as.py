"""The ways in which two columns become a pair: as numbers, codes, categories, names or free text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from retrain_core.data.natures import READABLE, Reader, days, nothing
from retrain_core.shift.column_pair import ColumnPair
from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Values
from retrain_core.shift.readings import Guess, guess_numbers
from retrain_core.shift.remarks import Remark
from retrain_core.shift.sides import (
    LARGEST,
    NumberSide,
    category_sides,
    name_of,
    number_side,
    runs,
)
from retrain_core.shift.words import words_of
from retrain_core.types import Level

Columns = tuple["pd.Series[Any]", "pd.Series[Any]"]


def as_numbers(columns: Columns, read: Reader, natures: tuple[str, str]) -> ColumnPair | None:
    """Return the pair of columns that can be read as numbers, dates or durations; ``None`` if few values can."""
    pair = as_measured(columns, read, natures)
    if pair is None:
        return None
    sides = pair.old, pair.new
    assert isinstance(sides[0], NumberSide) and isinstance(sides[1], NumberSide)
    guess = guess_numbers(pair.name, (sides[0], sides[1]), natures, dates=pair.dates)
    if guess.reading == "integer code":
        return as_codes(columns, (sides[0], sides[1]), guess, pair.findings)
    shared = shared_numbers(pair) if guess.reading == "id" else 0
    return replace(pair, reading=guess.reading, reason=guess.reason, shared=shared)


def as_measured(columns: Columns, read: Reader, natures: tuple[str, str]) -> ColumnPair | None:
    """Return a pair that is measured as numbers; ``None`` if too few values can be read."""
    sides = [number_side(column, read) for column in columns]
    lost = [
        0 if read is nothing else side.missing - int(column.isna().sum()) if side.missing else 0
        for column, side in zip(columns, sides, strict=True)
    ]
    held = [len(side) - side.missing for side in sides]
    if any(gone > (1 - READABLE) * (gone + kept) for gone, kept in zip(lost, held, strict=True)):
        return None
    findings = type_change(natures, "minor") + _unreadable(sum(lost), sum(map(len, sides)), read)
    name = str(columns[0].name)
    return ColumnPair(name, "numeric", sides[0], sides[1], dates=read is days, findings=findings)


def as_codes(
    columns: Columns, sides: tuple[NumberSide, NumberSide], guess: Guess, findings: tuple[Remark, ...]
) -> ColumnPair:
    """Return the pair of numbers that stand for categories."""
    read = sides[0].read
    tallies = []
    for side in sides:
        values, counts = runs(side.ordered())
        if side.infinite:
            values, counts = np.append(values, np.inf), np.append(counts, side.infinite)
        tallies.append(pd.Series(counts, index=values))

    def codes(rows: pd.Series[Any]) -> Values:
        found = read(rows).astype(np.float64, copy=False)
        return np.where(np.abs(found) > LARGEST, np.inf, found)

    return as_categories(columns, (tallies[0], tallies[1]), guess, findings, codes)


def as_categories(
    columns: Columns,
    tallies: tuple[pd.Series[int], pd.Series[int]],
    guess: Guess,
    findings: tuple[Remark, ...],
    read: Callable[[pd.Series[Any]], Any] = lambda rows: rows,
) -> ColumnPair:
    """Return the pair of columns whose values are counted.

    Args:
        columns: Old and new rows.
        tallies: How often each value occurs on each side, by value.
        guess: What they are taken for, and why.
        findings: What came to light on the way.
        read: Turns rows into such values.
    """
    old, new = category_sides(columns, tallies, read)
    names = tuple(old.index.tolist())
    name = str(columns[0].name)
    return ColumnPair(name, "categorical", old, new, names, guess.reading, guess.reason, findings=findings)


def as_names(columns: Columns, tallies: tuple[pd.Series[int], pd.Series[int]], reason: str) -> ColumnPair:
    """Return a pair of names, of which only how many both sides have is told."""
    none = pd.Series(dtype=np.int64)
    old, new = category_sides(columns, (none, none))
    old, new = (replace(side, missing=int(side.source.isna().sum())) for side in (old, new))
    known, names = ({name_of(value) for value in tally.index.tolist()} for tally in tallies)
    shared = len(names & known)
    return ColumnPair(
        str(columns[0].name), "categorical", old, new, reading="id", reason=reason, shared=shared
    )


def as_free_text(columns: Columns, reason: str) -> ColumnPair:
    """Return the pair of texts; what their words say is looked up in their rows."""
    old, new = (NumberSide(column, word_counts, int(column.isna().sum()), 0, None) for column in columns)
    return ColumnPair(str(columns[0].name), "numeric", old, new, reading="free text", reason=reason)


def shared_numbers(pair: ColumnPair) -> int:
    """Return how many different numbers both sides have."""
    old, new = (runs(values)[0] for values in pair.values())
    return len(np.intersect1d(old, new, assume_unique=True))


def type_change(natures: tuple[str, str], level: Level) -> tuple[Remark, ...]:
    """Return the finding that both sides do not hold the same, if so."""
    if natures[0] == natures[1] or "nothing" in natures:
        return ()
    text = f"The type changed: {natures[0]} in the old data, {natures[1]} in the new."
    return (Remark("type", text, level=level),)


def _unreadable(lost: int, rows: int, read: Reader) -> tuple[Remark, ...]:
    if not lost:
        return ()
    noun = "date" if read is days else "number"
    said = (
        f"1 value is not a {noun} and counts as missing."
        if lost == 1
        else f"{lost:,} values are not {noun}s and count as missing."
    )
    return (Remark("reading", said, effect=d_from_overlap(lost / rows)),)


def word_counts(rows: pd.Series[Any]) -> Values:
    """Return how many words each row has, NaN where it is missing.

    >>> word_counts(pd.Series(["two words", None])).tolist()
    [2.0, nan]
    """
    missing = rows.isna().to_numpy()
    counts = [
        np.nan if gone else float(len(words_of(str(text)))) for text, gone in zip(rows, missing, strict=True)
    ]
    return np.array(counts, dtype=np.float64)

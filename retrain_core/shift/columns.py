"""Reading one column of two tables the same way: what it is taken for, its values, and what is odd about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift.effect import d_from_overlap
from retrain_core.shift.estimate import Values
from retrain_core.shift.natures import (
    READABLE,
    days,
    nature_of,
    nothing,
    numbers,
    readable,
    reader_for,
    sample_of,
)
from retrain_core.shift.readings import WORD, Guess, guess_free_text, guess_numbers, guess_texts
from retrain_core.shift.remarks import Remark
from retrain_core.shift.sides import (
    LARGEST,
    MISSING,
    CategorySide,
    NumberSide,
    Reader,
    category_sides,
    count_values,
    name_of,
    number_side,
    runs,
)
from retrain_core.types import Kind, Level, Reading

__all__ = ["MISSING", "ColumnPair", "is_usable", "pair_columns"]

Columns = tuple["pd.Series[Any]", "pd.Series[Any]"]
CATEGORIES: tuple[Reading, ...] = ("integer code", "categorical", "high-cardinality")


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


def pair_columns(
    old: pd.Series[Any], new: pd.Series[Any], kind: Kind | None = None, *, reading: Reading | None = None
) -> ColumnPair:
    """Return one column of both tables, read alike.

    Args:
        old: The old side.
        new: The new side.
        kind: Take these measures; by default those of what the column is taken for.
        reading: Take the column for this, if that can be.
    """
    if kind is not None:
        return _of_kind(old, new, kind)
    pair = _inferred(old, new)
    if reading is None or reading == pair.reading:
        return pair
    chosen = _taken_for(reading, old, new)
    if chosen is None:
        refused = f"It cannot be read as {reading}: {_WHY_NOT[reading]}. It is read as {pair.reading}."
        return replace(pair, findings=(*pair.findings, Remark("reading", refused)))
    return replace(
        chosen, reading=reading, reason=f"Chosen by hand. Without that: {pair.reading}. {pair.reason}"
    )


_WHY_NOT: dict[Reading, str] = {
    "numeric": "most of its values are not numbers",
    "date": "most of its values are not dates",
    "free text": "it does not hold text",
    "constant": "its values differ",
}


def _inferred(old: pd.Series[Any], new: pd.Series[Any]) -> ColumnPair:
    natures = nature_of(old), nature_of(new)
    read = reader_for(old, new, natures)
    if read is not None and (pair := _numbers((old, new), read, natures)) is not None:
        return pair
    if _only_text(natures) and (guess := guess_free_text((old, new))):
        return _free_text((old, new), guess.reason)
    tallies = count_values(old), count_values(new)
    guess = guess_texts(tallies, natures)
    if guess.reading == "id":  # no list of names is made that nobody reads
        return _names((old, new), tallies, guess.reason)
    return _categories((old, new), tallies, guess, _type_change(natures, "major"))


def _numbers(columns: Columns, read: Reader, natures: tuple[str, str]) -> ColumnPair | None:
    """Return the pair of columns that can be read as numbers, dates or durations; ``None`` if few values can."""
    pair = _measured(columns, read, natures)
    if pair is None:
        return None
    sides = pair.old, pair.new
    assert isinstance(sides[0], NumberSide) and isinstance(sides[1], NumberSide)
    guess = guess_numbers(pair.name, (sides[0], sides[1]), natures, dates=pair.dates)
    if guess.reading == "integer code":
        return _codes(columns, (sides[0], sides[1]), guess, pair.findings)
    shared = _shared_numbers(pair) if guess.reading == "id" else 0
    return replace(pair, reading=guess.reading, reason=guess.reason, shared=shared)


def _measured(columns: Columns, read: Reader, natures: tuple[str, str]) -> ColumnPair | None:
    """Return a pair that is measured as numbers; ``None`` if too few values can be read."""
    sides = [number_side(column, read) for column in columns]
    lost = [
        0 if read is nothing else side.missing - int(column.isna().sum()) if side.missing else 0
        for column, side in zip(columns, sides, strict=True)
    ]
    held = [len(side) - side.missing for side in sides]
    if any(gone > (1 - READABLE) * (gone + kept) for gone, kept in zip(lost, held, strict=True)):
        return None
    findings = _type_change(natures, "minor") + _unreadable(sum(lost), sum(map(len, sides)), read)
    name = str(columns[0].name)
    return ColumnPair(name, "numeric", sides[0], sides[1], dates=read is days, findings=findings)


def _codes(
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

    return _categories(columns, (tallies[0], tallies[1]), guess, findings, codes)


def _categories(
    columns: Columns,
    tallies: tuple[pd.Series[int], pd.Series[int]],
    guess: Guess,
    findings: tuple[Remark, ...],
    read: Callable[[pd.Series[Any]], Any] = lambda rows: rows,
) -> ColumnPair:
    old, new = category_sides(columns, tallies, read)
    names = tuple(old.index.tolist())
    name = str(columns[0].name)
    return ColumnPair(name, "categorical", old, new, names, guess.reading, guess.reason, findings=findings)


def _names(columns: Columns, tallies: tuple[pd.Series[int], pd.Series[int]], reason: str) -> ColumnPair:
    """Return a pair of names, of which only how many both sides have is told."""
    none = pd.Series(dtype=np.int64)
    old, new = category_sides(columns, (none, none))
    old, new = (replace(side, missing=int(side.source.isna().sum())) for side in (old, new))
    known, names = ({name_of(value) for value in tally.index.tolist()} for tally in tallies)
    shared = len(names & known)
    return ColumnPair(
        str(columns[0].name), "categorical", old, new, reading="id", reason=reason, shared=shared
    )


def _free_text(columns: Columns, reason: str) -> ColumnPair:
    old, new = (NumberSide(column, word_counts, int(column.isna().sum()), 0, None) for column in columns)
    return ColumnPair(str(columns[0].name), "numeric", old, new, reading="free text", reason=reason)


def _of_kind(old: pd.Series[Any], new: pd.Series[Any], kind: Kind) -> ColumnPair:
    if kind == "categorical":
        pair = _inferred(old, new)
        if pair.reading in CATEGORIES:
            return pair
    wanted: Reading = "numeric" if kind == "numeric" else "categorical"
    chosen = _taken_for(wanted, old, new) or _taken_for("categorical", old, new)
    assert chosen is not None  # anything can be taken for categories
    return replace(chosen, reason="As the task takes it.")


def _taken_for(reading: Reading, old: pd.Series[Any], new: pd.Series[Any]) -> ColumnPair | None:
    """Return the pair taken for what it was not inferred to be; ``None`` if that cannot be."""
    natures = nature_of(old), nature_of(new)
    read = reader_for(old, new, natures)
    if reading in CATEGORIES or (reading == "id" and read is None):
        tallies = count_values(old), count_values(new)
        if reading == "id":
            return _names((old, new), tallies, "")
        if read is not None and (pair := _measured((old, new), read, natures)) is not None and not pair.dates:
            assert isinstance(pair.old, NumberSide) and isinstance(pair.new, NumberSide)
            return _codes((old, new), (pair.old, pair.new), Guess(reading, ""), pair.findings)
        return _categories((old, new), tallies, Guess(reading, ""), _type_change(natures, "major"))
    if reading == "free text":
        return _free_text((old, new), "") if _only_text(natures) else None
    if reading == "constant" or (reading == "date" and not set(natures) <= {"dates", "text", "nothing"}):
        return None
    if reading == "date":
        read = days
    elif read is None:
        read = numbers
    if not all(readable(sample_of(side), read) for side in (old, new)):
        return None
    pair = _measured((old, new), read, natures)
    if pair is None:
        return None
    return replace(pair, reading=reading, shared=_shared_numbers(pair) if reading == "id" else 0)


def _only_text(natures: tuple[str, str]) -> bool:
    return set(natures) - {"nothing"} == {"text"}


def _shared_numbers(pair: ColumnPair) -> int:
    old, new = (runs(values)[0] for values in pair.values())
    return len(np.intersect1d(old, new, assume_unique=True))


def _type_change(natures: tuple[str, str], level: Level) -> tuple[Remark, ...]:
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
        np.nan if gone else float(len(WORD.findall(str(text))))
        for text, gone in zip(rows, missing, strict=True)
    ]
    return np.array(counts, dtype=np.float64)


def is_usable(values: Values) -> NDArray[np.bool_]:
    """Return which numbers can be computed with: neither missing nor infinite."""
    return np.abs(values) <= LARGEST

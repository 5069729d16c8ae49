"""Reading one column of two tables the same way: as what it looks like, as the user says, or as the task wants it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from retrain_core.data.natures import days, nature_of, numbers, readable, reader_for, sample_of
from retrain_core.shift.column_pair import ColumnPair, is_usable
from retrain_core.shift.reading_as import (
    as_categories,
    as_codes,
    as_free_text,
    as_measured,
    as_names,
    as_numbers,
    shared_numbers,
    type_change,
)
from retrain_core.shift.readings import Guess, guess_free_text, guess_texts
from retrain_core.shift.remarks import Remark
from retrain_core.shift.sides import MISSING, NumberSide, count_values
from retrain_core.types import Kind, Reading

__all__ = ["MISSING", "ColumnPair", "is_usable", "pair_columns"]

CATEGORIES: tuple[Reading, ...] = ("integer code", "categorical", "high-cardinality")


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
    if read is not None and (pair := as_numbers((old, new), read, natures)) is not None:
        return pair
    if _only_text(natures) and (guess := guess_free_text((old, new))):
        return as_free_text((old, new), guess.reason)
    tallies = count_values(old), count_values(new)
    guess = guess_texts(tallies, natures)
    if guess.reading == "id":  # no list of names is made that nobody reads
        return as_names((old, new), tallies, guess.reason)
    return as_categories((old, new), tallies, guess, type_change(natures, "major"))


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
        if reading == "id":
            return as_names((old, new), (count_values(old), count_values(new)), "")
        if (
            read is not None
            and (pair := as_measured((old, new), read, natures)) is not None
            and not pair.dates
        ):
            assert isinstance(pair.old, NumberSide) and isinstance(pair.new, NumberSide)
            return as_codes((old, new), (pair.old, pair.new), Guess(reading, ""), pair.findings)
        tallies = count_values(old), count_values(new)
        return as_categories((old, new), tallies, Guess(reading, ""), type_change(natures, "major"))
    if reading == "free text":
        return as_free_text((old, new), "") if _only_text(natures) else None
    if reading == "constant" or (reading == "date" and not set(natures) <= {"dates", "text", "nothing"}):
        return None
    if reading == "date":
        read = days
    elif read is None:
        read = numbers
    if not all(readable(sample_of(side), read) for side in (old, new)):
        return None
    pair = as_measured((old, new), read, natures)
    if pair is None:
        return None
    return replace(pair, reading=reading, shared=shared_numbers(pair) if reading == "id" else 0)


def _only_text(natures: tuple[str, str]) -> bool:
    return set(natures) - {"nothing"} == {"text"}

"""What a column is taken for, and why: numbers, codes, categories, text, record numbers, dates, a constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retrain_core.data.natures import sample_texts
from retrain_core.data.record_numbers import FEWEST_RECORDS, record_numbers
from retrain_core.shift.estimate import Values, is_whole
from retrain_core.shift.sides import NumberSide, name_of, runs
from retrain_core.types import Reading

MOST_CODES = 15  # whole numbers with at most so many distinct values are codes
ROWS_PER_CODE = 5  # and each occurs on average at least so often
MOST_CATEGORIES = 50  # distinct texts; more are of high cardinality
WORDS_OF_TEXT = 4.0  # words a row that make text of mostly different rows free text
SAMPLED_TEXTS = 200  # of which words are counted
DIFFERENT = 0.5  # share of different values that is "mostly different"

READINGS: dict[Reading, str] = {
    "numeric": "Numbers that measure something: their distribution is compared.",
    "integer code": "Whole numbers that stand for categories: their shares are compared.",
    "categorical": "A few different values: their shares are compared.",
    "high-cardinality": "Many different values that come again: the shares of the frequent ones are compared.",
    "free text": "Sentences: the number of words and the frequent words are compared.",
    "id": "Record numbers or names, different in every row: they are counted, not tested.",
    "date": "Moments: compared unless the new ones are all later, which is time passing.",
    "constant": "The same value everywhere: there is nothing to compare.",
}
RECORDS = {
    "named": ", in a column that is called an id",
    "dense": " and nearly without gaps, as record numbers are",
    "ascending": " and in ascending order, as record numbers are",
}


@dataclass(frozen=True)
class Guess:
    """What a column looks like, and why, in a sentence."""

    reading: Reading
    reason: str


def guess_numbers(
    name: str, sides: tuple[NumberSide, NumberSide], natures: tuple[str, str], *, dates: bool
) -> Guess:
    """Return what a column of numbers, dates or durations is taken for.

    Args:
        name: The column.
        sides: Both sides, sorted.
        natures: What each side holds.
        dates: Whether the numbers are days.
    """
    held = [side.ordered() for side in sides]
    ends = {float(end) for values in held if len(values) for end in (values[0], values[-1])}
    if not ends:
        return Guess("constant", "Neither side has a usable value.")
    if all(map(len, held)) and len(ends) == 1 and not any(side.infinite for side in sides):
        return Guess("constant", "Every value is the same on both sides.")
    text = "text" in natures
    if dates:
        return Guess("date", "Text that reads as dates." if text else "Dates.")
    if "durations" in natures:
        return Guess("numeric", "Durations, measured in days.")
    stored = "Text that reads as numbers" if text else "Numbers"
    if any(side.infinite for side in sides) or not all(map(is_whole, held)):
        return Guess("numeric", f"{stored}, not all of them whole.")
    if codes := _codes(held):
        return Guess(
            "integer code", f"Whole numbers with {codes:,} different values, each seen often: taken as codes."
        )
    if told := record_numbers(name, held, (side.read(side.source) for side in sides)):
        return Guess("id", f"Whole numbers, each only once on each side{RECORDS[told]}.")
    return Guess(
        "numeric",
        f"{stored} with many different values."
        if not _few(held)
        else f"{stored}, too few to take them for codes.",
    )


def guess_texts(tallies: tuple[pd.Series[int], pd.Series[int]], natures: tuple[str, str]) -> Guess:
    """Return what a column that does not hold numbers is taken for.

    Args:
        tallies: How often each value occurs on each side, by value.
        natures: What each side holds.
    """
    distinct = [len(tally) for tally in tallies]
    rows = [int(tally.sum()) for tally in tallies]
    many = max(distinct) > MOST_CATEGORIES
    union = max(distinct) if many else len({name_of(value) for tally in tallies for value in tally.index})
    if union == 1 and all(rows):
        return Guess("constant", "Every value is the same on both sides.")
    if "yes or no" in natures:
        return Guess("categorical", "Yes or no.")
    one_each = distinct == rows and rows[0] >= FEWEST_RECORDS
    if one_each and rows[1] and set(natures) == {"text"}:
        return Guess("id", "Every value occurs only once on each side, as record numbers and names do.")
    if union > MOST_CATEGORIES:
        least = "At least " if many else ""
        return Guess(
            "high-cardinality", f"{least}{union:,} different values, too many to look at one by one."
        )
    return Guess("categorical", f"{union:,} different value{'s'[: union != 1]}.")


def guess_free_text(sides: tuple[pd.Series[Any], pd.Series[Any]]) -> Guess | None:
    """Return the guess that a column holds sentences, told from a sample; ``None`` if it does not.

    Args:
        sides: The rows as they came, text.
    """
    texts = [text for side in sides for text in sample_texts(side)]
    if len(texts) < FEWEST_RECORDS or len(set(texts)) < DIFFERENT * len(texts):
        return None
    words = float(np.mean([len(text.split()) for text in texts[:: 1 + len(texts) // SAMPLED_TEXTS]]))
    if words < WORDS_OF_TEXT:
        return None
    return Guess("free text", f"Text of {words:.0f} words on average, mostly different from row to row.")


def _few(held: list[Values]) -> bool:
    return sum(map(len, held)) < MOST_CODES * ROWS_PER_CODE


def _codes(held: list[Values]) -> int:
    """Return how many codes whole numbers stand for; 0 if they are numbers."""
    rows = sum(map(len, held))
    some = np.concatenate([values[:: max(1, len(values) // 1_000)] for values in held])
    if len(np.unique(some)) > MOST_CODES:
        return 0
    distinct = len(np.unique(np.concatenate([runs(values)[0] for values in held if len(values)])))
    return distinct if distinct <= MOST_CODES and rows >= ROWS_PER_CODE * distinct else 0

"""Values as JSON, and the words that many of them use."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

Task = Literal["binary", "multiclass", "multilabel", "regression"]
Level = Literal["none", "minor", "major"]
Kind = Literal["numeric", "categorical"]
Part = Literal["new_train", "new_validation", "new_holdout", "old_train", "old_holdout"]
ScoredSide = Literal[
    "new", "old", "validation", "trained"
]  # the holdout's two parts, and rows that tell more
RunStatus = Literal["queued", "running", "finished", "failed", "stopped"]
Scalar = str | int | float | bool
T = TypeVar("T")
CLASS_NUMBER_LOSSES = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")


def counted(number: float, noun: str) -> str:
    """Return how many there are of something.

    >>> counted(1, "new row"), counted(1234.5, "day"), counted(0, "epoch")
    ('1 new row', '1,234.5 days', '0 epochs')
    """
    return f"{number:,.10g} {noun}{'' if number == 1 else 's'}"


def spanned(low: str, high: str) -> str:
    """Return a range by its ends; where they read alike, it is one of them.

    >>> spanned("3 days", "5 days"), spanned("less than a day", "less than a day")
    ('3 days to 5 days', 'less than a day')
    """
    return low if low == high else f"{low} to {high}"


def to_json(value: object) -> bytes:
    """Return ``value`` (a dataclass or plain containers) as indented UTF-8 JSON; NaN becomes null."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1)


def from_json(text: bytes | str, kind: type[T]) -> T:
    """Return the ``kind`` that ``text`` describes.

    Raises:
        msgspec.ValidationError: If a field is missing or of another type.
    """
    return msgspec.json.decode(text, type=kind)


def ordinal(number: int) -> str:
    """Return the place in a row as people say it.

    >>> [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 102, 113)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '102nd', '113th']
    """
    teens = number // 10 % 10 == 1
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"

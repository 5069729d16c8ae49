"""Names of columns: none twice, and those that number the values of one thing."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import count, takewhile

from retrain_core.errors import FileError
from retrain_core.types import Table

SHOWN = 12
# How the values of one input or label are numbered, in the order in which they are looked for.
NUMBERINGS: tuple[Callable[[str, int], str], ...] = (
    lambda name, number: f"{name}_{number}",
    lambda name, number: f"{name}.{number}",
    lambda name, number: f"{name}[{number}]",
    lambda name, number: f"{name}{number}",
)


def refuse_copies(columns: Sequence[str], file: str) -> None:
    """Raise ``FileError`` if two columns have one name."""
    counts = Counter(columns)
    twice = sorted(column or "(no name)" for column, times in counts.items() if times > 1)
    if twice:
        raise FileError(
            f"{file} has columns of the same name: {', '.join(twice[:SHOWN])}.",
            "Columns are matched by name, so each name may stand once.",
            "Rename or drop the copies.",
        )


def numbered(name: str, columns: Collection[str], size: int | None = None) -> tuple[str, ...]:
    """Return the columns that are called ``name`` and a number, without a gap, counted from 0 or from 1.

    Args:
        name: What they have in common.
        columns: All columns.
        size: How many there have to be; any number by default.

    Returns:
        In the order of their numbers; empty if there are none, or not as many.

    >>> numbered("pixel", ["id", "pixel_1", "pixel_0"]), numbered("pixel", ["pixel[1]", "pixel[2]"], 2)
    (('pixel_0', 'pixel_1'), ('pixel[1]', 'pixel[2]'))
    >>> numbered("pixel", ["pixel_0", "pixel_1", "pixel_2"], 2)
    ()
    """
    held = set(columns)
    for called in NUMBERINGS:
        first = 0 if called(name, 0) in held else 1
        found = tuple(takewhile(held.__contains__, (called(name, number) for number in count(first))))
        if found and size in (None, len(found)):
            return found
    return ()


def columns_are(table: Table) -> str:
    """Return which columns a table has, as a sentence.

    >>> import pandas as pd
    >>> columns_are(Table("a.csv", "", pd.DataFrame({"a": [1], "y": [0]})))
    'Its columns are: a, y.'
    """
    names = [str(name) for name in table.columns.columns]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"Its columns are: {', '.join(names[:SHOWN]) or 'none'}{more}."


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return the first names, with dots if there are more.

    >>> listed(["a", "b", "c"], most=2)
    'a, b ...'
    """
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "")


def label_list(labels: tuple[str, ...]) -> str:
    """Return labels as one line; those with commas, quotes or spaces at an end stand in quotes.

    >>> label_list((" <=50K", "no, late", "yes"))
    '" <=50K", "no, late", yes'
    """
    plain = [label == label.strip() and not set(label) & {",", '"'} for label in labels]
    quoted = [label.replace('"', '""') for label in labels]
    return ", ".join(
        label if bare else f'"{doubled}"' for label, bare, doubled in zip(labels, plain, quoted, strict=True)
    )


def split_labels(text: str) -> tuple[str, ...]:
    """Return the labels that the user typed; quotes keep commas and spaces.

    >>> split_labels('" <=50K", "no, late", yes')
    (' <=50K', 'no, late', 'yes')
    """
    found = next(csv.reader([text], skipinitialspace=True), [])
    return tuple(label for label in found if label)

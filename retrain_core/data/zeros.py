"""Leading zeros: where one file of a question writes 01 and another 1, they are the same, and written as 01."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.values import label_text, word
from retrain_core.types import Finding, Schema, SplitSettings, Table

FIRST = 20  # values that are looked at first: they rule nearly every column out
MOST_DIGITS = 60  # longer ones are no numbers that somebody writes
Texts = NDArray[np.str_]


def digits_of(*sides: Collection[str]) -> int:
    """Return to how many digits numbers are filled up with zeros; 0 if nowhere, or not in one way.

    Args:
        sides: What each file holds, each value once.

    >>> digits_of({"01", "12"}, {"1", "12"}), digits_of({"1", "12"}, {"3"}), digits_of({"01", "1"}, {"3"})
    (2, 0, 0)
    """
    if not all(_is_digits(text) for side in sides for text in side):
        return 0
    widths = []
    for side in sides:
        if any(len(text) > 1 and text.startswith("0") for text in side):
            width = min(map(len, side))
            if any(text != str(int(text)).zfill(width) for text in side):
                return 0  # 1 and 01 may be two things
            widths.append(width)
    return max(widths, default=0)


def filled(texts: Texts, digits: int) -> Texts:
    """Return texts with as many zeros before each as it takes; gaps, which are empty, stay empty.

    >>> filled(np.array(["1", "12", ""]), 2).tolist()
    ['01', '12', '']
    """
    return np.where(texts == "", texts, np.strings.zfill(texts, digits)) if digits else texts


def as_classes(texts: Texts, classes: Sequence[str]) -> Texts:
    """Return labels as the classes are written; those that are none of them stay as they are.

    >>> as_classes(np.array(["1", "2", "x"]), ("01", "02")).tolist()
    ['01', '02', 'x']
    >>> as_classes(np.array(["1", "01"]), ("1", "01")).tolist()
    ['1', '01']
    """
    by_number = {int(name): name for name in classes if _is_digits(name)}
    if len(by_number) < len(classes):  # names; or 1 and 01 are two classes
        return texts
    distinct, places = np.unique(texts, return_inverse=True)
    found = [by_number.get(int(text), text) if _is_digits(text) else text for text in distinct.tolist()]
    return np.array(found, dtype=np.str_)[places]


def column_digits(*columns: pd.Series) -> int:
    """Return to how many digits the numbers of a column have to be filled up, so that they are alike in all files; 0 if none.

    >>> column_digits(pd.Series(["01", "12"]), pd.Series([1, 2])), column_digits(pd.Series([1]), pd.Series([2]))
    (2, 0)
    """
    numeric = [pd.api.types.is_numeric_dtype(column.dtype) for column in columns]
    if all(numeric) or not all(_is_digits(word(value)) for column in columns for value in column.iloc[:FIRST].dropna()):  # fmt: skip
        return 0
    return digits_of(*(set(label_text(column.dropna().drop_duplicates()).tolist()) for column in columns))


def written_alike(old: Table, new: Table) -> tuple[Table, Table, tuple[str, ...]]:
    """Return both files with leading zeros wherever one has them, and the columns in which they were lacking."""
    changed: list[dict[str, pd.Series]] = [{}, {}]
    lacking = []
    names = [table.columns.columns for table in (old, new)]
    if not all(side.is_unique for side in names):  # refused elsewhere
        return old, new, ()
    for name in names[0].intersection(names[1]):
        columns = [table.columns[name] for table in (old, new)]
        if digits := column_digits(*columns):
            texts = [label_text(column) for column in columns]
            full = [filled(side, digits) for side in texts]
            if any((before != after).any() for before, after in zip(texts, full, strict=True)):
                lacking.append(str(name))
            for side, column, values in zip(changed, columns, full, strict=True):
                side[name] = pd.Series(values, index=column.index, dtype="str").where(column.notna())
    old, new = (
        replace(table, columns=table.columns.assign(**side)) if side else table
        for table, side in zip((old, new), changed, strict=True)
    )
    return old, new, tuple(lacking)


def _is_digits(text: str) -> bool:
    return len(text) <= MOST_DIGITS and text.isascii() and text.isdecimal()


def zeros_found(schema: Schema, tables: Mapping[str, Table], settings: SplitSettings) -> list[Finding]:
    """Return in which columns that are compared by their text one file lacks leading zeros that another has.

    Args:
        schema: Names the label, and the inputs that take text.
        tables: By role.
        settings: Names the column of ids.
    """
    classes = schema.labels if schema.task in ("binary", "multiclass") and len(schema.labels) == 1 else ()
    ids = () if settings.id is None else (settings.id,)
    texts = [name for binding in schema.bindings if binding.dtype == "string" for name in binding.columns]
    found = []
    for name in dict.fromkeys((*classes, *ids, *texts)):
        columns = {table.name: table.columns[name] for table in tables.values() if name in table.columns}
        if digits := column_digits(*columns.values()):
            for file, column in columns.items():
                held = label_text(column.dropna().drop_duplicates())
                short = held[held != filled(held, digits)]
                if len(short):
                    found.append(_lacking(file, name, short[0], digits, as_text=name in texts))
    return found


def _lacking(file: str, name: str, value: str, digits: int, *, as_text: bool) -> Finding:
    full = value.zfill(digits)
    if as_text:
        why = f"The model takes {name} as text, so '{value}' and '{full}' differ to it. Write them alike in all files."
        return Finding("warning", f"{file}: {name} lacks the leading zeros of the other file", why)
    why = f"'{value}' counts as '{full}', as it is written in the other file."
    return Finding("warning", f"{file}: {name} lacks leading zeros", why)

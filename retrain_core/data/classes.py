"""What each output unit stands for, and which labels of the data are new to the model."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from retrain_core.data.names import listed
from retrain_core.data.targets import counts_from_zero
from retrain_core.data.values import label_text
from retrain_core.data.zeros import as_classes, digits_of
from retrain_core.errors import DataError
from retrain_core.types import Table, Task

MOST_NEW = 50  # more labels that the model does not know are a wrong column rather than new classes
NUMBER_AT_END = re.compile(r"[_.\[]?(\d+)\]?$")


def find_classes(
    task: Task,
    units: int,
    labels: tuple[str, ...],
    new: Table,
    old: Table | None = None,
    chosen: Sequence[str] | None = None,
) -> tuple[str, ...]:
    """Return what each output unit stands for, and behind them the labels that are new to the model.

    Args:
        task: Kind of problem.
        units: Output units of the model.
        labels: The label columns.
        new: The new data.
        old: The old data, whose labels the model knows.
        chosen: What the user says, in unit order.

    Raises:
        DataError: If it cannot be told which labels the units stand for, or the model cannot learn the others.
    """
    if task == "regression":
        return ()
    outcomes = units if task == "multilabel" else max(units, 2)
    may_grow = task != "multilabel" and units > 1
    if chosen is not None:
        _check_chosen(chosen, outcomes, may_grow)
    if task == "multilabel":
        return tuple(chosen or _names(labels, new))
    if len(labels) > 1:
        return (*(chosen or ()), *_one_hot_names(labels, new)[len(chosen or ()) :])
    label = labels[0]
    after = _texts(new, label)
    before = _texts(old, label) if old is not None and label in old.columns else set()
    digits = digits_of(after, before)
    after, before = ({text.zfill(digits) for text in side} for side in (after, before))
    if chosen is not None:
        known = tuple(chosen)
        after, before = (
            set(as_classes(np.array(sorted(side), dtype=np.str_), known).tolist()) for side in (after, before)
        )
        after, before = (set() if counts_from_zero(side, known) else side for side in (after, before))
        if (after or before) and not (after | before) & set(known):
            raise _none_occurs(label, after | before)
    else:
        known = _known(outcomes, after, before, label, may_grow=may_grow)
    added = sorted((after | before) - set(known), key=number_first)
    if added and not may_grow:
        if chosen is None and not before:
            raise _too_many(outcomes, after, known, label)
        return known  # encode() names the rows with the other labels
    if len(added) > MOST_NEW:
        raise DataError(
            f"'{label}' has {len(added):,} values that the model does not know.",
            f"New classes can be learnt, but so many are rather no classes; for example: {listed(_quoted(added), 5)}.",
            "Choose another label column.",
        )
    return known + tuple(added)


def _known(
    outcomes: int, after: set[str], before: set[str], label: str, *, may_grow: bool
) -> tuple[str, ...]:
    """Return the labels that the model knows, in unit order.

    Args:
        outcomes: How many it knows.
        after: The labels of the new data.
        before: Those of the old data; empty if there are none.
        label: The column, for messages.
        may_grow: Whether there may be others.
    """
    counted = tuple(str(number) for number in range(outcomes))
    if (before or after) <= set(counted):
        return counted
    for found in (before, before | after):
        if len(found) == outcomes:
            return tuple(sorted(found, key=number_first))
    # Numbers that begin at 0 count the units, so those beyond the last unit are new to the model.
    if may_grow and not before and "0" in after and all(text.isdecimal() for text in after):
        return counted
    found = before | after
    if len(found) < outcomes:
        raise DataError(
            f"Only {len(found)} of the model's {outcomes} labels occur in '{label}': {listed(sorted(found), 5)}.",
            "So the label of each output unit cannot be told.",
            "Name all labels in the order of the output units.",
        )
    raise _too_many(outcomes, found, counted, label)


def _too_many(outcomes: int, found: set[str], known: tuple[str, ...], label: str) -> DataError:
    others = sorted(found - set(known), key=number_first)
    return DataError(
        f"The labels in '{label}' do not fit the model: it has {outcomes} outcomes, the column has {len(found)} values.",
        f"Which of them the model knows cannot be told, or they are no classes; for example: {listed(_quoted(others), 5)}.",
        f"Name the {outcomes} labels that the model knows in the order of its output units, or choose another label column.",
    )


def _none_occurs(label: str, found: set[str]) -> DataError:
    return DataError(
        f"None of the named labels occurs in '{label}'.",
        f"It holds: {listed(_quoted(sorted(found, key=number_first)), 5)}.",
        "Name them as they are written there; or if they count the output units from 0, one name for each number.",
    )


def _quoted(texts: Sequence[str]) -> list[str]:
    return [f"'{text[:40]}'" for text in texts]


def _check_chosen(chosen: Sequence[str], outcomes: int, may_grow: bool) -> None:
    enough = len(chosen) == outcomes or (may_grow and len(chosen) > outcomes)
    if not enough or len(set(chosen)) != len(chosen):
        raise DataError(
            f"{len(chosen)} labels are named, {len(set(chosen))} of them different; the model has {outcomes} outcomes.",
            "Each outcome stands for one label.",
            f"Name {outcomes} different labels in the order of the output units.",
        )


def _texts(table: Table, label: str) -> set[str]:
    return set(label_text(table.columns[label].dropna().drop_duplicates()).tolist())


def _names(labels: tuple[str, ...], table: Table) -> tuple[str, ...]:
    """Return what label columns are called; those of an array have numbers only."""
    in_array = any(labels == columns for columns in table.flattened.values())
    return tuple(str(number) for number in range(len(labels))) if in_array else labels


def _one_hot_names(labels: tuple[str, ...], table: Table) -> tuple[str, ...]:
    """Return what classes in one column each are called: the number behind a common name, else the column's name.

    >>> import pandas as pd
    >>> table = Table("a.csv", "", pd.DataFrame())
    >>> _one_hot_names(("y_0", "y_1"), table), _one_hot_names(("cat", "dog"), table)
    (('0', '1'), ('cat', 'dog'))
    """
    ends = [NUMBER_AT_END.search(name) for name in labels]
    starts = {name[: end.start()] for name, end in zip(labels, ends, strict=True) if end}
    if all(ends) and len(starts) == 1:
        return tuple(end[1] for end in ends if end)
    return _names(labels, table)


def number_first(text: str) -> tuple[int, float, str]:
    """Return a key that sorts labels: numbers by value, then text by letter.

    >>> sorted(["b", "10", "9", "a"], key=number_first)
    ['9', '10', 'a', 'b']
    """
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)

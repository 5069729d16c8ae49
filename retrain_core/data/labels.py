"""Which columns hold the labels, and the task that follows from them where the model does not say."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np
import pandas as pd

from retrain_core.data.marks import looks_like_id
from retrain_core.data.names import columns_are, listed, numbered
from retrain_core.data.targets import is_one_hot
from retrain_core.errors import DataError
from retrain_core.types import ModelCard, Table, Task

LABEL_NAMES = ("label", "target", "y", "class", "outcome", "result")
SEVERAL_NAMES = (*LABEL_NAMES, "labels", "targets", "classes", "outcomes", "results")


def units_of(card: ModelCard) -> int:
    """Return how many output units the model has."""
    shape = card.outputs[0].shape
    return int(shape[-1] or 1) if shape else 1


def labels_wanted(card: ModelCard, task: Task | None = None) -> int:
    """Return how many label columns the model needs: one a unit if each unit has a label of its own, else one.

    Args:
        card: The old model.
        task: The kind of problem, if the user says so.
    """
    return units_of(card) if (task or card.task) in ("multilabel", "regression") else 1


def infer_labels(
    card: ModelCard, table: Table, task: Task | None = None, old: Table | None = None
) -> tuple[str, ...]:
    """Return the columns that most likely hold the labels.

    Args:
        card: The old model.
        table: The new data.
        task: The kind of problem, if the user says so.
        old: The old data, if there is any: a column that both have is the likelier label.

    Raises:
        DataError: If the table has no column left for one, or which of them it is cannot be told.
    """
    if "y" in table.flattened:
        return table.flattened["y"]
    left = _left(card, table)
    if old is not None:
        _check_label_is_there(card, table, left, old, task)
    if not left:
        raise DataError(
            f"{table.name} has no label.",
            "The file has no array `y`."
            if table.flattened or table.arrays
            else "Every column is an input of the model.",
            "Add the column that the model should predict.",
        )
    units, wanted = units_of(card), labels_wanted(card, task)
    plain = next((name for name in left if name.lower() in LABEL_NAMES), None)
    several = _numbered_labels(left)
    if wanted == 1:
        if plain is None and _may_be_one_hot(units, len(several)):
            return several
        return (plain or _last(left, old),)
    if len(several) == wanted:
        return several
    if plain is not None:
        return (plain,)
    if len(left) == wanted or len(left) == wanted + (_flat_size(card) or 0):
        return tuple(left[-wanted:])
    raise DataError(
        f"Which {wanted} columns of {table.name} hold the labels cannot be told.",
        f"The model gives {wanted} values a row, each with a label column of its own. {columns_are(table)}",
        f"Name the {wanted} label columns in the order of the output units.",
    )


def _last(left: Sequence[str], old: Table | None) -> str:
    """Return the last column, of those that the old data has too if there are such; one called as ids are only if need be."""
    shared = [] if old is None else [name for name in left if name in old.columns]
    likely = [name for name in shared or left if not looks_like_id(name)]
    return (likely or shared or left)[-1]


def _check_label_is_there(
    card: ModelCard, table: Table, left: Sequence[str], old: Table, task: Task | None
) -> None:
    """Raise ``DataError`` if what the old data has for labels is lacking, and all else is taken by the input."""
    shared = [name for name in left if name in old.columns]
    known = any(name.lower() in LABEL_NAMES for name in left)
    if known or old.flattened or len(shared) > (_flat_size(card) or 0):
        return
    try:
        before = infer_labels(card, old, task)
    except DataError:
        return
    lacking = [name for name in before if name not in table.columns]
    if lacking:
        raise DataError(
            f"{table.name} has no column {listed([repr(name) for name in lacking])}.",
            f"It is needed as the label: {old.name} has it, and the model takes the others. {columns_are(table)}",
            "Add the label column, or choose another one.",
        )


def guessed_because(card: ModelCard, table: Table, labels: tuple[str, ...]) -> str:
    """Return that labels were guessed, and why these, in a sentence."""
    are = "was taken for the label" if len(labels) == 1 else "were taken for the labels"
    if len(labels) == 1:
        named = labels[0].lower() in LABEL_NAMES
    else:
        named = any(name.lower().rstrip("0123456789_.") in SEVERAL_NAMES for name in labels)
    left = _left(card, table)
    if named:
        why = "because of the name"
    elif len(labels) > 1 or labels[0] == left[-1]:
        why = "because it comes last" if len(labels) == 1 else "because they come last"
    elif labels[0] == next((name for name in reversed(left) if not looks_like_id(name)), None):
        why = "because it is the last column that does not look like an id"
    else:
        why = "because it comes last of those that old and new data have"
    return f"{listed([repr(name) for name in labels])} {are} {why}; that is a guess."


def chosen_labels(table: Table, chosen: str | Sequence[str]) -> tuple[str, ...]:
    """Return the label columns that the user names.

    Args:
        table: The new data.
        chosen: A column; what numbered columns have in common; or several, as a sequence or separated by commas.

    Raises:
        DataError: If one of them is not there.
    """
    if isinstance(chosen, str):
        if chosen in table.columns:
            return (chosen,)
        parts = next(csv.reader([chosen], skipinitialspace=True), [])
        names = [name.strip() for name in parts if name.strip()] or [chosen]
    else:
        names = list(chosen)
    columns = [str(name) for name in table.columns.columns]
    found: list[str] = []
    for name in names:
        own = (name,) if name in columns else table.flattened.get(name) or numbered(name, columns)
        if not own:
            raise DataError(
                f"{table.name} has no column '{name}'.",
                " ".join([f"It is needed as the label. {columns_are(table)}", *table.notes]),
                "Choose another label column.",
            )
        found += [column for column in own if column not in found]
    return tuple(found)


def infer_task(card: ModelCard, table: Table, labels: tuple[str, ...]) -> Task:
    """Return the kind of problem: the model's, or where it leaves that open, the one that the labels show."""
    units = units_of(card)
    classes: Task = "multiclass" if units > 2 else "binary"
    if card.task == "multilabel" and len(labels) == 1:
        return classes  # a unit a class, each against all others
    if card.task is not None:
        return card.task
    if len(labels) == 1:
        held = table.columns[labels[0]].dropna().nunique()
        return classes if units > 1 or held <= 2 else "regression"
    values = _numbers(table, labels)
    if values is None or not (np.isin(values, (0, 1)).all() or np.isin(values, (-1, 1)).all()):
        return "regression"
    if card.output_activation != "sigmoid" and len(values) and is_one_hot(values).all():
        return classes
    return "multilabel"


def check_labels(card: ModelCard, task: Task, labels: tuple[str, ...]) -> None:
    """Raise ``DataError`` unless the task fits the output units, and the label columns both."""
    units, count = units_of(card), len(labels)
    if units == 1 and task in ("multiclass", "multilabel"):
        raise DataError(
            f"The model has one output unit, which cannot stand for several {'classes' if task == 'multiclass' else 'labels'}.",
            "Several classes or labels need one output unit each; one unit tells two classes apart, or is a number.",
            "Say that the model predicts two classes or a number, or choose another model.",
        )
    if task == "binary" and units > 2:
        raise DataError(
            f"The model has {units} output units, too many for two classes.",
            "Two classes need one or two output units.",
            "Say that the model predicts several classes, or choose another model.",
        )
    if task in ("binary", "multiclass"):
        if count == 1 or _may_be_one_hot(units, count):
            return
        why = "Classes stand in one column, or in one column a class (one-hot)."
        what = f"The model has {units} output unit{'s'[: units > 1]}, {count} label columns are chosen: {listed(labels)}."
        raise DataError(what, why, "Choose the one column that holds the class.")
    if count != units:
        what = f"{units} {'number' if task == 'regression' else 'label'}{'s'[: units > 1]}"
        raise DataError(
            f"The model predicts {what} a row; {count} label column{'s are' if count > 1 else ' is'} chosen: {listed(labels)}.",
            "Each output unit is compared with a label column of its own.",
            f"Choose {units} label column{'s in the order of the output units' if units > 1 else ''}, or say that the model predicts something else.",
        )


def _may_be_one_hot(units: int, columns: int) -> bool:
    """Whether so many label columns can be one a class; more classes than units may be new to the model."""
    return columns == 2 if units == 1 else columns >= units


def _left(card: ModelCard, table: Table) -> list[str]:
    """Return the columns that are no input of the model by their name."""
    columns = [str(name) for name in table.columns.columns]
    inputs = {spec.name for spec in card.inputs}
    taken = {name for key in {*inputs, "x"} for name in table.flattened.get(key, ())}
    if len(card.inputs) > 1:
        taken |= {name for key in inputs for name in numbered(key, columns)}
    return [name for name in columns if name not in inputs | taken]


def _numbered_labels(left: Sequence[str]) -> tuple[str, ...]:
    """Return columns such as ``y_0``, ``y_1``; empty if there are fewer than two."""
    by_lower = {name.lower(): name for name in left}
    found = next((names for key in SEVERAL_NAMES if len(names := numbered(key, by_lower)) > 1), ())
    return tuple(by_lower[name] for name in found)


def _flat_size(card: ModelCard) -> int | None:
    """Return how many columns a single flat input takes, if that is fixed."""
    (first, *others) = card.inputs
    return first.shape[0] if not others and len(first.shape) == 1 else None


def _numbers(table: Table, labels: tuple[str, ...]) -> np.ndarray | None:
    """Return the rows of the label columns that have all labels, as numbers; ``None`` if they are none."""
    held = table.columns[list(labels)].dropna()
    try:
        numbers = [pd.to_numeric(held[name]).to_numpy(dtype=np.float64) for name in labels]
    except (TypeError, ValueError):
        return None
    return np.column_stack(numbers)

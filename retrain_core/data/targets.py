"""From label columns to targets: class numbers, zeros and ones, or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.names import listed
from retrain_core.data.values import column_of, float32, label_text, numbers_of
from retrain_core.data.zeros import as_classes
from retrain_core.errors import DataError
from retrain_core.types import Schema, Table
from retrain_core.types.text import counted

Rows = NDArray[np.intp]


def labelled(schema: Schema, table: Table) -> NDArray[np.bool_]:
    """Return which rows have every label; a number has to be finite."""
    columns = [column_of(table, name) for name in label_columns(schema, table)]
    usable: NDArray[np.bool_] = np.logical_and.reduce(
        [column.notna().to_numpy(dtype=bool, copy=True) for column in columns]
    )
    if schema.task == "regression":
        for column in columns:
            usable &= np.isfinite(float32(numbers_of(column, table.name, "The model predicts a number.")))
    return usable


def targets(schema: Schema, table: Table, rows: Rows) -> NDArray[Any]:
    """Return the targets of the given rows, in the form that ``Dataset`` describes.

    Args:
        schema: How labels are read.
        table: What the file holds.
        rows: Rows that have every label.

    Raises:
        DataError: If a label does not fit the task, or is none of the schema's.
    """
    columns = [column_of(table, name).iloc[rows] for name in label_columns(schema, table)]
    if schema.task == "regression":
        why = "The model predicts a number."
        values = np.column_stack([float32(numbers_of(column, table.name, why)) for column in columns])
        return values[:, 0] if len(columns) == 1 else values
    if schema.task == "multilabel":
        return zeros_and_ones(columns, table.name)
    if schema.one_hot_columns:
        return _from_one_hot(columns, table.name)
    return _class_numbers(schema, columns[0], table.name)


def label_columns(schema: Schema, table: Table) -> tuple[str, ...]:
    """Return the label columns; one-hot ones of classes that are new to the model may be missing, as in old data."""
    if not schema.one_hot_columns:
        return schema.labels
    known = len(schema.classes) - len(schema.new_classes)
    return schema.labels[:known] + tuple(name for name in schema.labels[known:] if name in table.columns)


def label_counts(targets: NDArray[Any], labels: int) -> NDArray[np.int64]:
    """Return how many rows have each label, in the order of the classes.

    Args:
        targets: Class numbers, shape ``(rows,)``, or 0 and 1 for each label, shape ``(rows, labels)``.
        labels: How many there are.

    >>> label_counts(np.array([2, 2, 0]), 4).tolist(), label_counts(np.array([[1, 0], [1, 1]]), 2).tolist()
    ([1, 0, 2, 0], [2, 1])
    """
    counts = targets.sum(axis=0) if targets.ndim > 1 else np.bincount(targets, minlength=labels)
    return np.asarray(counts, dtype=np.int64)


def label_frame(schema: Schema, table: Table) -> pd.DataFrame:
    """Return the label columns as people read them: the class by its name, even if the file holds one-hot labels.

    Columns that the table lacks are left out.
    """
    wanted = label_columns(schema, table)
    held = [name for name in wanted if name in table.columns]
    if not schema.one_hot_columns or len(held) < len(wanted):
        return table.columns[held]
    numbers = np.column_stack(
        [
            pd.to_numeric(table.columns[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
            for name in held
        ]
    )
    classes = np.array([schema.classes[schema.labels.index(name)] for name in held], dtype=object)
    labels = np.where(is_one_hot(numbers), classes[np.nan_to_num(numbers).argmax(axis=1)], None)
    return pd.DataFrame({schema.label: labels}, index=table.columns.index)


def is_one_hot(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows hold a single 1 among zeros.

    >>> is_one_hot(np.array([[0, 1], [1, 1], [0, 0], [0.5, 0.5]])).tolist()
    [True, False, False, False]
    """
    return np.asarray(((numbers == 1) | (numbers == 0)).all(axis=1) & (numbers.sum(axis=1) == 1))


def zeros_and_ones(columns: list[pd.Series], file: str) -> NDArray[np.int8]:
    """Return label columns as 0 and 1, shape ``(rows, columns)``; -1 and 1, as hinge losses have them, are read alike.

    Raises:
        DataError: If a column holds anything else.
    """
    numbers = np.column_stack([_yes_or_no(column, file) for column in columns])
    if np.isin(numbers, (-1, 1)).all():
        numbers = (numbers + 1) / 2
    for column, values in zip(columns, numbers.T, strict=True):
        other = values[~np.isin(values, (0, 1))]
        if len(other):
            raise DataError(
                f"{file}: the label column '{column.name}' holds {other[0]:g}.",
                "The model gives several labels a row, so each of its label columns says no (0) or yes (1).",
                "Choose other label columns, or say that the model predicts something else.",
            )
    return numbers.astype(np.int8)


def _yes_or_no(column: pd.Series, file: str) -> NDArray[np.float64]:
    why = "The model gives several labels a row, so each of its label columns says no (0) or yes (1)."
    return numbers_of(column, file, why).to_numpy(dtype=np.float64)


def _from_one_hot(columns: list[pd.Series], file: str) -> NDArray[np.int32]:
    why = "Several label columns of a model for classes are one-hot: a single 1 among zeros in each row."
    numbers = np.column_stack([numbers_of(column, file, why).to_numpy(np.float64) for column in columns])
    wrong = np.flatnonzero(~is_one_hot(numbers))
    if len(wrong):
        raise DataError(
            f"{file}: the label columns are not one-hot in {len(wrong):,} of {len(numbers):,} rows, such as row {columns[0].index[wrong[0]] + 1}.",
            why,
            "Correct those rows, or say that the model predicts several labels a row.",
        )
    return np.asarray(numbers.argmax(axis=1), dtype=np.int32)


def _class_numbers(schema: Schema, labels: pd.Series, file: str) -> NDArray[np.int32]:
    text = as_classes(label_text(labels), schema.classes)
    classes = np.asarray(schema.classes)
    if numbers := counts_from_zero(set(text.tolist()), schema.classes):
        classes = np.asarray(numbers)
    order = np.argsort(classes)
    position = np.searchsorted(classes, text, sorter=order).clip(max=len(classes) - 1)
    index = order[position]
    unknown = classes[index] != text
    if unknown.any():
        values, counts = np.unique(text[unknown], return_counts=True)
        shown = ", ".join(
            f"'{value[:40]}' ({counted(count, 'row')})"
            for value, count in zip(values[:5], counts, strict=False)
        )
        raise DataError(
            f"{file} has labels that the model cannot output: {shown}{' and more' if len(values) > 5 else ''}.",
            f"The model has {schema.units} output unit{'s'[: schema.units > 1]}, for: {listed(schema.classes, 12)}.",
            "Leave those rows out, correct the labels, or use a model that knows them.",
        )
    return np.asarray(index, dtype=np.int32)


def counts_from_zero(labels: set[str], classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the numbers of the classes if labels are numbers and classes their names, else nothing.

    >>> counts_from_zero({"0", "1"}, ("cat", "dog")), counts_from_zero({"0", "1"}, ("1", "0"))
    (('0', '1'), ())
    """
    numbers = tuple(str(number) for number in range(len(classes)))
    return numbers if labels <= set(numbers) and not labels & set(classes) else ()

"""From a table to the arrays that a model takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.errors import DataError
from retrain_core.types import Binding, Dataset, Schema, Table


def encode(schema: Schema, table: Table) -> tuple[Dataset, NDArray[np.intp]]:
    """Return the examples of ``table`` as ``schema`` reads them, and which rows were usable.

    A row is left out if its label is missing or a numeric input is missing or infinite.

    Raises:
        DataError: If a column is missing or of the wrong kind, or a label is none of the model's.
    """
    inputs = {binding.input: _input(binding, table) for binding in schema.bindings}
    labels = _column(table, schema.label)
    usable = labels.notna().to_numpy(copy=True)
    for values in inputs.values():
        if values.dtype.kind == "f":
            usable &= np.isfinite(values).reshape(len(values), -1).all(axis=1)
    rows = np.flatnonzero(usable)
    if not len(rows):
        raise DataError(
            f"{table.name} has no usable row.",
            "In every row the label or a numeric input is missing or infinite.",
            "Fill the gaps, or choose other columns.",
        )
    inputs = {name: values[rows] if len(rows) < table.rows else values for name, values in inputs.items()}
    targets = _targets(schema, labels.iloc[rows], table.name)
    names = tuple(column for binding in schema.bindings for column in binding.columns)
    return Dataset(inputs, targets, schema.task, names, fingerprint(inputs, targets)), rows


def fingerprint(inputs: Mapping[str, NDArray[Any]], targets: NDArray[Any]) -> str:
    """Return the SHA-256 over all arrays, in the order of the inputs, in hex."""
    digest = hashlib.sha256()
    for name, values in [*inputs.items(), ("", targets)]:
        digest.update(f"{name}|{values.dtype.str}|{values.shape}|".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def row_keys(inputs: Mapping[str, NDArray[Any]]) -> NDArray[np.uint64]:
    """Return a hash for each row, equal for rows whose inputs are equal; shape ``(rows,)``."""
    rows = len(next(iter(inputs.values())))
    keys: NDArray[np.uint64] = np.zeros(rows, dtype=np.uint64)
    for values in inputs.values():
        keys = keys * np.uint64(1_000_003) ^ _hash_rows(values)
    return keys


def _hash_rows(values: NDArray[Any]) -> NDArray[np.uint64]:
    if values.ndim <= 2:
        hashed = pd.util.hash_pandas_object(pd.DataFrame(values.reshape(len(values), -1)), index=False)
        return np.asarray(hashed, dtype=np.uint64)
    digests = b"".join(hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in values)
    return np.frombuffer(digests, dtype=np.uint64)


def label_text(labels: pd.Series) -> NDArray[np.str_]:
    """Return labels as text, alike for ``1``, ``1.0``, ``"1"`` and ``True``.

    >>> label_text(pd.Series([1.0, 0.0])).tolist(), label_text(pd.Series([True, False])).tolist()
    (['1', '0'], ['1', '0'])
    >>> label_text(pd.Series(["yes", "no"])).tolist()
    ['yes', 'no']
    """
    if labels.dtype == bool or str(labels.dtype) == "boolean":
        labels = labels.astype(int)
    if pd.api.types.is_float_dtype(labels.dtype):
        values = labels.to_numpy(dtype=float)
        if np.all(values == np.round(values)) and np.all(np.abs(values) < 2**53):
            labels = pd.Series(values.astype(np.int64))
    return labels.astype(str).to_numpy(dtype=np.str_)


def _column(table: Table, name: str) -> pd.Series:
    if name not in table.columns:
        shown = ", ".join(map(str, table.columns.columns[:12])) or "none"
        raise DataError(
            f"{table.name} has no column '{name}'.",
            f"Its columns are: {shown}.",
            "Choose another column, or correct its name.",
        )
    return table.columns[name]


def _input(binding: Binding, table: Table) -> NDArray[Any]:
    if not binding.columns:
        return _array_input(binding, table)
    columns = [_values(_column(table, name), binding, table.name) for name in binding.columns]
    if binding.shape == ():
        return columns[0]
    return np.stack(columns, axis=1)


def _values(column: pd.Series, binding: Binding, file: str) -> NDArray[Any]:
    if binding.dtype == "string":
        return column.fillna("").astype(str).to_numpy(dtype=np.str_)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise DataError(
            f"{file}: column '{column.name}' holds dates.",
            f"The model's input '{binding.input}' takes numbers.",
            "Turn the dates into numbers as it was done for the old model.",
        )
    numbers = pd.to_numeric(column, errors="coerce")
    broken = column[numbers.isna() & column.notna()]
    if len(broken):
        raise DataError(
            f"{file}: column '{column.name}' is not numeric.",
            f"{len(broken)} values are text, such as '{str(broken.iloc[0])[:40]}' in row {int(broken.index[0]) + 1}.",
            "Correct them, or choose another column for this input.",
        )
    values = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    if binding.dtype.startswith(("int", "uint")):
        if not np.isfinite(values).all():
            raise DataError(
                f"{file}: column '{column.name}' has missing values.",
                f"The model's input '{binding.input}' takes whole numbers, which cannot be missing.",
                "Fill the gaps.",
            )
        return values.astype(binding.dtype)
    return values.astype(np.float32)


def _array_input(binding: Binding, table: Table) -> NDArray[Any]:
    if table.array is None:
        raise DataError(
            f"{table.name} holds columns.",
            f"The model's input '{binding.input}' takes arrays of shape {_shape(binding.shape)}.",
            "Use an NPZ file with `x` and `y`.",
        )
    array, wanted = table.array, binding.shape
    if array.ndim == len(wanted) and wanted and wanted[-1] == 1:
        array = array[..., np.newaxis]
    found = array.shape[1:]
    fits = len(found) == len(wanted) and all(w is None or w == f for w, f in zip(wanted, found, strict=True))
    if not fits:
        raise DataError(
            f"{table.name} does not fit the model.",
            f"Its examples have shape {_shape(table.array.shape[1:])}; the input '{binding.input}' takes {_shape(wanted)}.",
            "Resize the examples, or choose the model they were made for.",
        )
    return array


def _shape(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape) or "single values"


def _targets(schema: Schema, labels: pd.Series, file: str) -> NDArray[Any]:
    if schema.task == "regression":
        numbers = pd.to_numeric(labels, errors="coerce")
        if numbers.isna().any():
            example = str(labels[numbers.isna()].iloc[0])[:40]
            raise DataError(
                f"{file}: the label '{schema.label}' is not numeric.",
                f"The model predicts a number; one label is '{example}'.",
                "Choose another label column, or another task.",
            )
        return numbers.to_numpy(dtype=np.float32)
    text = label_text(labels)
    classes = np.asarray(schema.classes)
    order = np.argsort(classes)
    position = np.searchsorted(classes, text, sorter=order).clip(max=len(classes) - 1)
    index = order[position]
    unknown = classes[index] != text
    if unknown.any():
        values, counts = np.unique(text[unknown], return_counts=True)
        shown = ", ".join(
            f"'{value[:40]}' ({count} rows)" for value, count in zip(values[:5], counts, strict=False)
        )
        raise DataError(
            f"{file} has labels that the model cannot output: {shown}{' and more' if len(values) > 5 else ''}.",
            f"The model has {schema.units} output unit{'s'[: schema.units > 1]}, for: {', '.join(schema.classes[:12])}.",
            "Leave those rows out, correct the labels, or use a model that knows them.",
        )
    targets: NDArray[np.int32] = index.astype(np.int32)
    return targets

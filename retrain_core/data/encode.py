"""From a table to the arrays that a model takes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.errors import DataError
from retrain_core.types import Binding, Dataset, Schema, Table


def encode(schema: Schema, table: Table) -> tuple[Dataset, NDArray[np.intp]]:
    """Return the examples of ``table`` as ``schema`` reads them, and which rows were usable.

    A row is left out if its label is missing, or if a number, be it label or input, is missing or infinite.

    Raises:
        DataError: If a column is missing or of the wrong kind, or a label is none of the model's.
    """
    inputs = {binding.input: _input(binding, table) for binding in schema.bindings}
    labels = _column(table, schema.label)
    usable = labels.notna().to_numpy(dtype=bool, copy=True)
    if schema.task == "regression":
        numbers = _float32(_numbers(labels, table.name, "The model predicts a number."))
        usable &= np.isfinite(numbers)
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
    targets = (
        numbers[rows]
        if schema.task == "regression"
        else _class_indices(schema, labels.iloc[rows], table.name)
    )
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
        if values.dtype.kind == "f":
            values = values + values.dtype.type(0)  # turns -0.0 into 0.0, which it equals
        hashed = pd.util.hash_pandas_object(pd.DataFrame(values.reshape(len(values), -1)), index=False)
        return np.asarray(hashed, dtype=np.uint64)
    # Old and new files may keep the same images as bytes or as floats; the model sees floats.
    digests = b"".join(
        hashlib.blake2b(row.astype(np.float32).tobytes(), digest_size=8).digest() for row in values
    )
    return np.frombuffer(digests, dtype=np.uint64)


def label_text(labels: pd.Series) -> NDArray[np.str_]:
    """Return labels as text, alike for ``1``, ``1.0``, ``"1"`` and ``True``, each on its own; gaps are empty.

    >>> label_text(pd.Series([1.0, 0.5])).tolist(), label_text(pd.Series([True, False, None])).tolist()
    (['1', '0.5'], ['1', '0', ''])
    >>> label_text(pd.Series(["yes", "no"])).tolist()
    ['yes', 'no']
    """
    return _text(labels, lambda label: _word(int(label) if isinstance(label, (bool, np.bool_)) else label))


def _text(values: pd.Series, word: Callable[[Any], str]) -> NDArray[np.str_]:
    """Return the word for each value, which does not depend on the other values; gaps are empty."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        values = values.astype(str)
    places, distinct = pd.factorize(values)  # a gap has place -1, the last
    return np.array([*map(word, distinct), ""], dtype=np.str_)[places]


def _word(value: Any) -> str:
    """Return a value as text; a column of whole numbers with one gap is read as floats, so ``10.0`` is ``10``.

    >>> _word(10.0), _word(0.5), _word("10.0"), _word(True), _word(b"u")
    ('10', '0.5', '10.0', 'True', 'u')
    """
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) < 2**53:
        value = int(value)
    return str(value)


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
        return _text(column, _word)
    numbers = _numbers(column, file, f"The model's input '{binding.input}' takes numbers.")
    if binding.dtype.startswith(("int", "uint")):
        return _integers(numbers, binding, file)
    return _float32(numbers)


def _numbers(column: pd.Series, file: str, why: str) -> pd.Series:
    """Return a column as numbers, with its gaps; refuse everything else."""
    if column.dtype.kind in "mM" or isinstance(column.dtype, pd.PeriodDtype):
        raise DataError(
            f"{file}: column '{column.name}' holds dates or times.",
            why,
            "Turn them into numbers as it was done for the old model.",
        )
    if column.dtype.kind == "c":
        raise DataError(
            f"{file}: column '{column.name}' holds complex numbers.", why, "Give their parts as columns."
        )
    numbers = pd.to_numeric(column, errors="coerce")
    broken = np.flatnonzero((numbers.isna() & column.notna()).to_numpy(dtype=bool))
    if len(broken):
        example = f"'{str(column.iloc[broken[0]])[:40]}' in row {broken[0] + 1}"
        raise DataError(
            f"{file}: column '{column.name}' is not numeric.",
            f"{why} {len(broken):,} of {len(column):,} values are no numbers, such as {example}.",
            "Correct them, or choose another column.",
        )
    return numbers


def _float32(numbers: pd.Series) -> NDArray[np.float32]:
    """Return numbers as the model computes with them: gaps are NaN, what is too large is infinite."""
    with np.errstate(over="ignore"):
        return numbers.to_numpy(dtype=np.float64, na_value=np.nan).astype(np.float32)


def _integers(numbers: pd.Series, binding: Binding, file: str) -> NDArray[Any]:
    """Return whole numbers of the input's type, exactly: float64 would change those above 2**53."""
    column, needs = f"column '{numbers.name}'", f"The model's input '{binding.input}' takes whole numbers"
    if numbers.isna().any() or np.isinf(_float32(numbers)).any():
        raise DataError(
            f"{file}: {column} has missing or infinite values.",
            f"{needs}, which cannot be.",
            "Fill the gaps.",
        )
    values = numbers.to_numpy()
    if values.dtype.kind == "f" and (values != np.floor(values)).any():
        example = values[values != np.floor(values)][0]
        raise DataError(
            f"{file}: {column} holds fractions, such as {example}.",
            f"{needs}.",
            "Round them as it was done for the old model, or choose another column.",
        )
    limits, lowest, highest = np.iinfo(binding.dtype), int(values.min()), int(values.max())
    if lowest < limits.min or highest > limits.max:
        raise DataError(
            f"{file}: {column} does not fit into {binding.dtype}.",
            f"{needs} from {limits.min} to {limits.max}; the column's go from {lowest} to {highest}.",
            "Correct the values, or choose another column.",
        )
    return values.astype(binding.dtype)


def _array_input(binding: Binding, table: Table) -> NDArray[Any]:
    if table.array is None:
        raise DataError(
            f"{table.name} holds columns.",
            f"The model's input '{binding.input}' takes arrays of shape {_shape(binding.shape)}.",
            "Use an NPZ file with `x` and `y`.",
        )
    array, wanted = table.array, binding.shape
    if array.dtype.kind not in ("U" if binding.dtype == "string" else "fiub"):
        raise DataError(
            f"{table.name}: `x` holds values of type {array.dtype}.",
            f"The model's input '{binding.input}' takes {'text' if binding.dtype == 'string' else 'numbers'}.",
            "Save them as the model takes them.",
        )
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


def _class_indices(schema: Schema, labels: pd.Series, file: str) -> NDArray[np.int32]:
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

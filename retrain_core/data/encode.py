"""From a table to the arrays that a model takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.gaps import filled
from retrain_core.data.number_marks import refuse_unclear
from retrain_core.data.targets import labelled, targets
from retrain_core.data.values import column_of, float32, numbers_of, text_of
from retrain_core.errors import DataError
from retrain_core.types import Binding, Dataset, Schema, Table


def encode(schema: Schema, table: Table) -> tuple[Dataset, NDArray[np.intp]]:
    """Return the examples of ``table`` as ``schema`` reads them, and which rows were usable.

    A row is left out if a label is missing, or if a number, be it label or input, is missing or infinite and the schema has
    no value to fill it in with.

    Raises:
        DataError: If a column is missing, of the wrong kind or can be read in two ways, or a label is none of the model's.
    """
    refuse_unclear(table, [*schema.labels, *numeric_columns(schema.bindings)])
    alone = sum(not binding.columns for binding in schema.bindings) == 1
    inputs = {
        binding.input: _columns_input(binding, table, schema.fill)
        if binding.columns
        else _array_input(binding, table, alone=alone)
        for binding in schema.bindings
    }
    usable = labelled(schema, table)
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
    found = targets(schema, table, rows)
    names = tuple(column for binding in schema.bindings for column in binding.columns)
    return Dataset(inputs, found, schema.task, names, fingerprint(inputs, found)), rows


def numeric_columns(bindings: Iterable[Binding]) -> list[str]:
    """Return the columns that the model takes as numbers."""
    return [name for binding in bindings if binding.dtype != "string" for name in binding.columns]


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


def _columns_input(binding: Binding, table: Table, fill: Mapping[str, float]) -> NDArray[Any]:
    columns = [
        _values(column_of(table, name), binding, table.name, fill.get(name)) for name in binding.columns
    ]
    if binding.shape == ():
        return columns[0]
    values = np.stack(columns, axis=1)
    return (
        values
        if len(binding.shape) == 1
        else values.reshape(-1, *(size or len(columns) for size in binding.shape))
    )


def _values(column: pd.Series, binding: Binding, file: str, fill: float | None) -> NDArray[Any]:
    if binding.dtype == "string":
        return text_of(column)
    numbers = numbers_of(column, file, f"The model's input '{binding.input}' takes numbers.")
    if fill is not None:
        numbers = filled(numbers, fill)
    if binding.dtype.startswith(("int", "uint")):
        return _integers(numbers, binding, file)
    return float32(numbers)


def _integers(numbers: pd.Series, binding: Binding, file: str) -> NDArray[Any]:
    """Return whole numbers of the input's type, exactly: float64 would change those above 2**53."""
    column, needs = f"column '{numbers.name}'", f"The model's input '{binding.input}' takes whole numbers"
    if numbers.isna().any() or np.isinf(float32(numbers)).any():
        raise DataError(
            f"{file}: {column} has missing or infinite values.",
            f"{needs}, which cannot be.",
            "Fill the gaps, or have them filled in when the file is read.",
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


def array_for(input: str, table: Table, *, alone: bool) -> str | None:
    """Return the name of the array that feeds an input: its own; or if no other input takes one, ``x`` or the only one."""
    for name in (input, "x")[: 1 + alone]:
        if name in table.arrays:
            return name
    return next(iter(table.arrays)) if alone and len(table.arrays) == 1 else None


def _array_input(binding: Binding, table: Table, *, alone: bool) -> NDArray[Any]:
    name = array_for(binding.input, table, alone=alone)
    if name is None:
        arrays = ", ".join(f"`{name}`" for name in table.arrays)
        raise DataError(
            f"{table.name} has no array '{binding.input}'." if arrays else f"{table.name} holds columns.",
            f"The model's input '{binding.input}' takes arrays of shape {shape_text(binding.shape)}."
            + (f" The arrays are: {arrays}." if arrays else ""),
            f"Use an NPZ file with `x` (or `{binding.input}`) and `y`.",
        )
    array, wanted = table.arrays[name], binding.shape
    if array.dtype.kind not in ("U" if binding.dtype == "string" else "fiub"):
        raise DataError(
            f"{table.name}: `{name}` holds values of type {array.dtype}.",
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
            f"The examples in `{name}` have shape {shape_text(table.arrays[name].shape[1:])}; "
            f"the input '{binding.input}' takes {shape_text(wanted)}.",
            "Resize the examples, or choose the model they were made for.",
        )
    return array


def shape_text(shape: tuple[int | None, ...]) -> str:
    """Return a shape for a reader.

    >>> shape_text((28, None)), shape_text(())
    ('28 x any', 'single values')
    """
    return " x ".join("any" if size is None else str(size) for size in shape) or "single values"

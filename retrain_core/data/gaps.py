"""Gaps, which are missing or infinite numbers: what the user chooses to do with the rows that have some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.names import listed
from retrain_core.data.values import WHOLE_IN_FLOAT, float32, numbers_of
from retrain_core.errors import DataError
from retrain_core.types import Binding, Schema, Table
from retrain_core.types.text import counted

Gaps = Literal["leave_out", "fill"]
EXACT = ("int64", "uint64")  # types that hold more than float64 does


def middle_values(bindings: Iterable[Binding], table: Table) -> dict[str, float]:
    """Return what fills a gap, by column that the model takes as numbers: the middle one (median) of those there.

    Of an even number it is the lower of the two, so that it always is a value that occurs. Columns without a number are
    not among them, nor are whole numbers so large that they cannot be kept exactly.

    Args:
        bindings: Which columns feed the inputs.
        table: Where the values are from: the old data, if there is any.

    Raises:
        DataError: If the model takes no columns of numbers.
    """
    columns = _columns(bindings, table)
    if not columns:
        raise DataError(
            "Gaps cannot be filled in here.",
            "The model takes no columns of numbers, and only these have a middle value.",
            "Fill the gaps in the file, or leave these rows out.",
        )
    found: dict[str, float] = {}
    for name, whole in columns.items():
        try:
            numbers = numbers_of(table.columns[name], table.name, "")
        except DataError:  # told when the rows are encoded
            continue
        there = numbers[~gaps_in(numbers)].to_numpy(dtype=np.float64)
        if len(there):
            middle = float(np.quantile(there, 0.5, method="lower"))
            if not whole or abs(middle) < WHOLE_IN_FLOAT:
                found[name] = middle
    return found


def filled(numbers: pd.Series, value: float) -> pd.Series:
    """Return numbers with ``value`` in their gaps, as numbers that can hold it.

    >>> filled(pd.Series([1.0, np.nan, np.inf]), 2.0).tolist(), filled(pd.Series([True, None], dtype="boolean"), 0.5).tolist()
    ([1.0, 2.0, 2.0], [1.0, 0.5])
    """
    gaps = gaps_in(numbers)
    if not gaps.any():
        return numbers
    if (
        str(numbers.dtype).lower() in EXACT
        and value.is_integer()
        and (value >= 0 or numbers.dtype.kind == "i")
    ):
        return numbers.mask(gaps, int(value))  # as float64 large whole numbers would not be what they are
    floats = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(np.where(gaps, value, floats), index=numbers.index, name=numbers.name)


def gaps_in(numbers: pd.Series) -> NDArray[np.bool_]:
    """Return where numbers are missing, or too large for the model."""
    return ~np.isfinite(float32(numbers))


def gaps_found(bindings: Iterable[Binding], table: Table) -> dict[str, int]:
    """Return how many gaps there are, by column that the model takes as numbers; columns without any are not named."""
    found: dict[str, int] = {}
    for name in _columns(bindings, table):
        try:
            number = int(gaps_in(numbers_of(table.columns[name], table.name, "")).sum())
        except DataError:
            continue
        if number:
            found[name] = number
    return found


def fill_notes(schema: Schema, table: Table) -> list[str]:
    """Return, for each column of ``table`` with gaps that are filled in, how many and with what."""
    if not schema.fill:
        return []
    counts = gaps_found(schema.bindings, table)
    return [
        f"{name}: {number:,} filled in with {schema.fill[name]:.10g}"
        for name, number in counts.items()
        if name in schema.fill
    ]


def row_notes(schema: Schema, side: str, table: Table, used: int) -> list[str]:
    """Return in sentences what became of the rows of a side that have gaps."""
    side = f"{side.capitalize()} data"
    notes = fill_notes(schema, table)
    filled_in = [f"{side}, inputs that were missing or infinite: {listed(notes)}."] if notes else []
    left_out = table.rows - used
    if not left_out:
        return filled_in
    was = "was" if left_out == 1 else "were"
    return [
        *filled_in,
        f"{side}: {left_out:,} of {counted(table.rows, 'row')} {was} left out, as the label or an input is missing or "
        "infinite.",
    ]


def _columns(bindings: Iterable[Binding], table: Table) -> dict[str, bool]:
    """Return the columns of ``table`` that the model takes as numbers, and whether as whole ones."""
    return {
        name: binding.dtype.startswith(("int", "uint"))
        for binding in bindings
        if binding.dtype != "string"
        for name in binding.columns
        if name in table.columns
    }

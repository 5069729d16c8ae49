"""The values of a column as text, as numbers, or as the model computes with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.names import columns_are
from retrain_core.errors import DataError
from retrain_core.types import Table

WHOLE_IN_FLOAT = 2**53  # whole numbers beyond it are not exact as floats


def label_text(labels: pd.Series) -> NDArray[np.str_]:
    """Return labels as text, alike for ``1``, ``1.0``, ``"1"`` and ``True``, each on its own; gaps are empty.

    >>> label_text(pd.Series([1.0, 0.5])).tolist(), label_text(pd.Series([True, False, None])).tolist()
    (['1', '0.5'], ['1', '0', ''])
    >>> label_text(pd.Series(["yes", "no"])).tolist()
    ['yes', 'no']
    """
    return text_of(labels, lambda label: word(int(label) if isinstance(label, (bool, np.bool_)) else label))


def text_of(values: pd.Series, name: Callable[[Any], str] | None = None) -> NDArray[np.str_]:
    """Return the name of each value, which does not depend on the other values; gaps are empty."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        values = values.astype(str)
    places, distinct = pd.factorize(values)  # a gap has place -1, the last
    return np.array([*map(name or word, distinct), ""], dtype=np.str_)[places]


def word(value: Any) -> str:
    """Return a value as text; a column of whole numbers with one gap is read as floats, so ``10.0`` is ``10``.

    >>> word(10.0), word(0.5), word("10.0"), word(True), word(b"u")
    ('10', '0.5', '10.0', 'True', 'u')
    """
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if (
        isinstance(value, (float, np.floating))
        and float(value).is_integer()
        and abs(float(value)) < WHOLE_IN_FLOAT
    ):
        value = int(value)
    return str(value)


def column_of(table: Table, name: str) -> pd.Series:
    """Return a column of a table.

    Raises:
        DataError: If it is not there.
    """
    if name not in table.columns:
        raise DataError(
            f"{table.name} has no column '{name}'.",
            columns_are(table),
            "Choose another column, or correct its name.",
        )
    return table.columns[name]


def numbers_of(column: pd.Series, file: str, why: str) -> pd.Series:
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
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return column
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


def float32(numbers: pd.Series) -> NDArray[np.float32]:
    """Return numbers as the model computes with them: gaps are NaN, what is too large is infinite."""
    with np.errstate(over="ignore"):
        return numbers.to_numpy(dtype=np.float64, na_value=np.nan).astype(np.float32)

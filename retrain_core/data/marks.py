"""When each row came and whose it is, by the columns that the user named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.natures import READABLE, Values
from retrain_core.data.time_order import ROW_ORDER, times_of
from retrain_core.data.values import column_of, label_text
from retrain_core.data.zeros import column_digits, filled
from retrain_core.errors import DataError
from retrain_core.types import SplitSettings, Table

Rows = NDArray[np.intp]
ID_NAME = re.compile(
    r"(?i:(.*[_ .-])?(id|uuid|guid)|(customer|client|user|patient|account|member)s?)|.*[a-z]I[Dd]"
)


@dataclass(frozen=True)
class Marks:
    """What the named columns say of the usable rows, by side; a mapping is empty if its column is not named.

    Args:
        times: When each row came, NaN where that cannot be read; of the new and the old side.
        ids: Whose it is, empty where that is missing; of all sides.
    """

    times: Mapping[str, Values] = field(default_factory=dict)
    ids: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)


def marks_of(settings: SplitSettings, tables: Mapping[str, Table], rows: Mapping[str, Rows]) -> Marks:
    """Return what the named columns say.

    Args:
        settings: Names the columns.
        tables: By side: ``new``, and if there are any ``old`` and ``holdout``.
        rows: Which of their rows are usable.

    Raises:
        DataError: If a file lacks a column, or its times cannot be read.
    """
    times = _times(settings.time, tables, rows) if settings.time is not None else {}
    ids = {}
    if settings.id is not None:
        columns = {side: column_of(table, settings.id) for side, table in tables.items()}
        digits = column_digits(*columns.values())
        ids = {side: filled(label_text(column.iloc[rows[side]]), digits) for side, column in columns.items()}
    return Marks(times, ids)


def _times(name: str, tables: Mapping[str, Table], rows: Mapping[str, Rows]) -> dict[str, Values]:
    sides = [side for side in ("old", "new") if side in tables]
    if name == ROW_ORDER:
        return {side: rows[side].astype(np.float64) for side in sides}
    columns = {side: column_of(tables[side], name) for side in sides}
    both, _ = times_of(columns.get("old", columns["new"].iloc[:0]), columns["new"])
    found = {
        side: times[rows[side]] for side, times in zip(("old", "new"), both, strict=True) if side in sides
    }
    for side, times in found.items():
        lost = int(np.isnan(times).sum())
        if lost > (1 - READABLE) * len(times):
            raise _no_order(tables[side].name, columns[side], lost, len(times))
    return found


def looks_like_id(name: str) -> bool:
    """Return whether a column is called as ids are.

    >>> [looks_like_id(name) for name in ("customer_id", "userId", "ID", "Customer", "paid", "AREA")]
    [True, True, True, True, False, False]
    """
    return ID_NAME.fullmatch(name) is not None


def _no_order(file: str, column: pd.Series, lost: int, rows: int) -> DataError:
    return DataError(
        f"{file}: column '{column.name}' does not put the rows in order of time.",
        f"In {lost:,} of {rows:,} rows it has no date or number, or not of the kind that the other file has.",
        "Correct it, or name another time column, or none.",
    )

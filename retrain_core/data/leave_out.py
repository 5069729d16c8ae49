"""A file with more columns than the model takes: which of them are ids, and can be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retrain_core.data.marks import looks_like_id
from retrain_core.data.names import listed
from retrain_core.data.natures import nature_of, numbers
from retrain_core.data.record_numbers import FEWEST_RECORDS, record_numbers
from retrain_core.data.time_order import ascends, looks_like_time
from retrain_core.types import Table

UNIQUE = 0.95  # share of different texts from which they name rows rather than describe them


@dataclass(frozen=True)
class LeftOut:
    """Columns to leave out, as a proposal.

    Args:
        ids: What looks like an id.
        columns: What is left, in the model's order as far as it can be told.
        why: How the ids were told, a sentence.
    """

    ids: tuple[str, ...]
    columns: tuple[str, ...]
    why: str


def leave_out_ids(new: Table, columns: Sequence[str], before: Sequence[str], size: int) -> LeftOut | None:
    """Return which columns to leave out so that as many are left as the model takes; ``None`` if that cannot be told.

    Args:
        new: The new data.
        columns: Its columns beside the label.
        before: Those of the old data, in the order that the model was trained with; empty without old data.
        size: How many the model takes.

    >>> frame = pd.DataFrame({"id": range(40), "a": [1.5, 2.5] * 20, "b": [0, 1] * 20})
    >>> leave_out_ids(Table("a.csv", "", frame), ["id", "a", "b"], [], 2)
    LeftOut(ids=('id',), columns=('a', 'b'), why='id looks like an id: nearly every row has a value of its own.')
    """
    surplus = len(columns) - size
    likely = {name: rank for name in columns if any(rank := _rank(name, new.columns[name]))}
    found = sorted(likely, key=likely.__getitem__, reverse=True)
    if not 0 < surplus <= len(found):
        return None
    if surplus < len(found) and likely[found[surplus - 1]] == likely[found[surplus]]:
        return None  # which of them cannot be told
    ids = tuple(name for name in columns if name in found[:surplus])
    left = [name for name in columns if name not in ids]
    ordered = [name for name in before if name in left]
    return LeftOut(ids, tuple(ordered if len(ordered) == size else left), _why(ids, likely))


def _rank(name: str, column: pd.Series[Any]) -> tuple[bool, ...]:
    """Return what speaks for an id, the strongest first; nothing if it is none."""
    held = column.dropna()
    nature = nature_of(column)
    counts = nature == "numbers" and (
        column.dtype.kind in "iu" or len(held) < len(column)
    )  # a gap makes floats
    whole = counts and bool((pd.to_numeric(held) % 1 == 0).all())
    may_name = (whole or nature == "text") and not looks_like_time(column)
    unique = may_name and (_counted(name, held) if whole else _names_rows(held))
    return looks_like_id(name) and may_name, unique and nature == "text", unique and ascends(column), unique


def _counted(name: str, held: pd.Series[Any]) -> bool:
    rows = numbers(held).astype(np.float64)
    return record_numbers(name, [np.sort(rows)], [rows]) is not None


def _names_rows(held: pd.Series[Any]) -> bool:
    return len(held) >= FEWEST_RECORDS and held.nunique() >= UNIQUE * len(held)


def _why(ids: Sequence[str], likely: Mapping[str, tuple[bool, ...]]) -> str:
    unique = all(likely[name][-1] for name in ids)
    what = f"{ids[0]} looks like an id" if len(ids) == 1 else f"{listed(ids)} look like ids"
    return f"{what}: {'nearly every row has a value of its own' if unique else 'the name says so'}."

"""Parts of the held-out rows that a column picks out, with titles that people can read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.compare.predicted import Floats
from retrain_core.data.values import text_of
from retrain_core.types import Reading, ShiftReport

FEWEST_ROWS = 5  # of a slice; with fewer nothing can be told of it
MOST_CATEGORIES = 8
MOST_BINS = 5
SHOWN_COLUMNS = 3
OFF = 0.1  # share of a bin's rows that may move to another bin, so that its ends are round numbers
CODES: tuple[Reading, ...] = ("categorical", "integer code")
SLICED: tuple[Reading, ...] = ("numeric", "date", *CODES)
LEVELS = ("none", "minor", "major")


@dataclass(frozen=True)
class Slice:
    """Some rows of one part of the holdout.

    Args:
        title: Which, as people read it.
        mask: Shape ``(rows,)`` of the part.
    """

    title: str
    mask: NDArray[np.bool_]

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.mask.sum())


def default_columns(
    shift: ShiftReport | None, columns: pd.DataFrame, left_out: Collection[str] = ()
) -> tuple[str, ...]:
    """Return the columns to look at first, at most three; names, record numbers and free text give no slices.

    Args:
        shift: How the data moved: those that moved most come first. ``None`` if nobody knows: the first ones do.
        columns: The held-out rows as they came.
        left_out: Columns that are no inputs, such as the label.
    """
    if shift is None:
        found = (str(name) for name in columns if name not in left_out and _gives_slices(columns[name]))
        return tuple(islice(found, SHOWN_COLUMNS))
    sliced = {one.name for one in (*shift.columns, *shift.others) if one.reading in SLICED}
    moved = moved_first(shift, (name for name in columns if name in sliced))
    return tuple(islice((name for name in moved if columns[name].nunique() > 1), SHOWN_COLUMNS))


def moved_first(shift: ShiftReport | None, names: Iterable[str]) -> list[str]:
    """Return columns, those that moved most first; where nobody knows, as they came."""
    columns = (*shift.columns, *shift.others) if shift else ()
    moved = {one.name: (LEVELS.index(one.level), one.effect) for one in columns}
    return sorted(names, key=lambda name: moved.get(name, (-1, 0.0)), reverse=True)


def _gives_slices(values: pd.Series) -> bool:
    """Tell whether a column has slices worth a look, by its values alone."""
    different, rows = values.nunique(), int(values.count())
    if different < 2:
        return False
    if pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_float_dtype(values.dtype):
        return True
    return different < rows if _are_numbers(values) else different * FEWEST_ROWS <= rows


def slices_of(columns: pd.DataFrame, name: str, reading: Reading | None = None) -> tuple[Slice, ...]:
    """Return slices that together are all rows: categories, or bins of about equally many rows, and missing values.

    The most frequent categories stand for themselves, all others are one slice. Ends of bins are round numbers where that
    moves few rows.

    Args:
        columns: The held-out rows as they came.
        name: One of the columns.
        reading: What it was taken for where that is known: numbers may be codes of categories.
    """
    values = columns[name]
    there = values.notna().to_numpy(bool)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        found = _days(name, values[there])
    elif _are_numbers(values) and reading not in CODES and values.nunique() > MOST_CATEGORIES:
        found = _bins(name, values[there].to_numpy(np.float64))
    else:
        found = _categories(name, values[there])
    slices = [Slice(title, _spread(mask, there)) for title, mask in found]
    return (*slices, *([Slice(f"{name} missing", ~there)] if not there.all() else []))


def _are_numbers(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def _spread(mask: NDArray[np.bool_], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of all rows from one of those that have a value."""
    whole = np.zeros(len(there), bool)
    whole[there] = mask
    return whole


Found = list[tuple[str, NDArray[np.bool_]]]


def _categories(name: str, values: pd.Series) -> Found:
    text = pd.Series(text_of(values), index=values.index, dtype=object)
    counts = text.value_counts()
    frequent = [str(name) for name in counts.index[counts >= FEWEST_ROWS][:MOST_CATEGORIES]]
    if _are_numbers(values):
        frequent.sort(key=float)
    found = [(f"{name} = {category}", (text == category).to_numpy(bool)) for category in frequent]
    others = ~text.isin(frequent).to_numpy(bool)
    return [*found, (f"{name} other", others)] if others.any() else found


# --- numbers and days -----------------------------------------------------------------------------


def _bins(name: str, values: Floats) -> Found:
    whole = bool((values == np.floor(values)).all())
    edges = _rounded(values, _quantiles(values))
    return _between(name, values, edges, _whole_number if whole else _number, 1.0 if whole else 0.0)


def _days(name: str, values: pd.Series) -> Found:
    days = values.dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.float64)
    return _between(name, days, _quantiles(days), _day, 1.0)


def _quantiles(values: Floats) -> Floats:
    """Return inner ends of bins of about equally many values; a value at an end belongs to the bin above."""
    bins = int(np.clip(len(values) // FEWEST_ROWS, 1, MOST_BINS))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1], method="higher"))
    return np.asarray(edges[np.isfinite(edges) & (edges > values.min(initial=np.inf))])


def _rounded(values: Floats, exact: Floats) -> Floats:
    """Return ends as round as they can be without moving many values to another bin."""
    counts = _counts(values, exact)
    for digits in range(1, 7):
        edges = np.array([float(f"{edge:.{digits}g}") for edge in exact])
        if (np.abs(_counts(values, edges) - counts) <= OFF * counts).all():
            return edges
    return exact


def _counts(values: Floats, edges: Floats) -> NDArray[np.intp]:
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)


def _number(value: float) -> str:
    return f"{value:,.6g}"


def _whole_number(value: float) -> str:
    return f"{value:,.0f}"


def _day(value: float) -> str:
    return str(np.datetime64(int(value), "D"))


def _between(name: str, values: Floats, edges: Floats, words: Callable[[float], str], step: float) -> Found:
    """Return a title and a mask for each bin.

    Args:
        name: The column.
        values: Its values.
        edges: Inner ends.
        words: Writes an end.
        step: How far the last value of a bin lies below its upper end; 0 if values lie anywhere.
    """
    if not len(edges):
        return [(f"{name} any value", np.ones(len(values), bool))] if len(values) else []
    place = np.searchsorted(edges, values, side="right")
    inner = [
        f"{words(low)} to {words(high - step) if step else f'under {words(high)}'}"
        if high - low > step
        else words(low)
        for low, high in pairwise(edges)
    ]
    titles = [f"below {words(edges[0])}", *inner, f"from {words(edges[-1])}"]
    return [(f"{name} {title}", place == number) for number, title in enumerate(titles)]

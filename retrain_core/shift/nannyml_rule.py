"""NannyML's default rule for one column, as version 0.13.1 applies it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from retrain_core.shift.estimate import Values
from retrain_core.shift.tallies import MISSING, ColumnTally, is_real
from retrain_core.types import PeerVerdict

PEER = "NannyML"
CHUNKS = 10  # rows left over make one chunk more
SIGMAS = 3

TYPE = "it leaves this type of column out"
FEW = f"it stops with an error at fewer than {CHUNKS} rows"
INFINITE = "it stops with an error at infinite old values"
MIXED = "it stops with an error at old values of several types"
EMPTY = "it has no distance for a column without values on one side"
CHANGED = "it has no distance for numbers on the old side and none on the new"


def verdict(tally: ColumnTally) -> PeerVerdict:
    """Return whether any new chunk alarms: further from all old values than the old chunks are.

    The distance is Jensen-Shannon's (base 2), over the old categories or over Doane's bins of the old numbers, all
    other values put together. A chunk alarms above the mean of the old chunks plus three of their standard
    deviations. Chunks are a tenth of the rows, in the order of the file; rows left over make a small one more.

    Source: NannyML 0.13.1, ``drift.univariate`` and ``chunk``; Doane (1976), The American Statistician 30(4).
    """
    old, new = tally.old, tally.new
    if min(len(old), len(new)) < CHUNKS:
        return _not_judged(tally, FEW)
    numeric = _is_continuous(old)
    if not numeric and not _is_categorical(old):
        return _not_judged(tally, TYPE)
    if not old.notna().any() or not new.notna().any():
        return _not_judged(tally, EMPTY)
    if numeric:
        if not is_real(new):
            return _not_judged(tally, CHANGED)
        if np.isinf(tally.numbers[0]).any():
            return _not_judged(tally, INFINITE)
        edges = _doane_edges(tally)
        counts = [_counts_in_bins(side, edges) for side in tally.numbers]
    else:
        if old.dtype == object and not _sortable(old):
            return _not_judged(tally, MIXED)
        counts = _counts_of_categories(tally)
    return _judged(tally, *counts)


def _is_continuous(column: pd.Series[Any]) -> bool:
    return isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf"


def _is_categorical(column: pd.Series[Any]) -> bool:
    if isinstance(column.dtype, pd.CategoricalDtype | pd.StringDtype):
        return True
    return bool(column.dtype == object or column.dtype == bool)


def _sortable(column: pd.Series[Any]) -> bool:
    try:
        sorted(column.dropna().unique())
    except TypeError:
        return False
    return True


# --- counts of each chunk, shape (chunks, bins + 1): the last are those in no bin ------------------


def _doane_edges(tally: ColumnTally) -> Values:
    """Return the edges of as many equal bins as Doane's rule takes for the old numbers."""
    old = tally.finite[0]
    _, spread, skewness = tally.moments
    n = len(old)
    if n > 2 and spread:
        error = np.sqrt(6.0 * (n - 2) / ((n + 1.0) * (n + 3)))
        wanted = 1.0 + np.log2(n) + np.log2(1.0 + abs(skewness) / error)
        if abs(wanted - round(wanted)) > 1e-6:  # else rounding decides, and it has to be theirs
            return np.linspace(old[0], old[-1], int(np.ceil(wanted)) + 1)
    held = tally.numbers[0]
    return np.histogram_bin_edges(held[~np.isnan(held)], bins="doane")


def _counts_in_bins(numbers: Values, edges: Values) -> NDArray[np.int64]:
    size = len(numbers) // CHUNKS
    whole = len(numbers) // size * size
    ordered = [*np.sort(numbers[:whole].reshape(-1, size), axis=1)]
    if whole < len(numbers):
        ordered.append(np.sort(numbers[whole:]))
    return np.array([_counts_of_ordered(chunk, edges) for chunk in ordered])


def _counts_of_ordered(chunk: Values, edges: Values) -> NDArray[np.int64]:
    below = np.searchsorted(chunk, edges)
    below[-1] = np.searchsorted(chunk, edges[-1], "right")  # the last bin holds its upper end as well
    held = np.searchsorted(chunk, np.nan)  # missing values come last
    inside = np.diff(below)
    return np.append(inside, held - inside.sum())


def _counts_of_categories(tally: ColumnTally) -> list[NDArray[np.int64]]:
    """Return counts of the old categories; all that are new are in none of them."""
    *sides, held = tally.coded
    known = np.flatnonzero(tally.counts[0])
    place = np.full(len(held) + 1, len(known), dtype=np.intp)
    place[known], place[MISSING] = np.arange(len(known)), MISSING
    bins, counts = len(known) + 1, []
    for side in sides:
        codes = place[side]
        size = len(codes) // CHUNKS
        chunks = [codes[first : first + size] for first in range(0, len(codes), size)]
        counts.append(np.array([np.bincount(chunk[chunk >= 0], minlength=bins) for chunk in chunks]))
    return counts


# --- distances ------------------------------------------------------------------------------------


def _judged(tally: ColumnTally, old: NDArray[np.int64], new: NDArray[np.int64]) -> PeerVerdict:
    all_old = old.sum(axis=0)[:-1]
    shares = all_old / all_old.sum()
    before, after = _distances(old, shares), _distances(new, shares)
    threshold = float(np.nanmean(before) + SIGMAS * np.nanstd(before))
    alarms = int(np.sum(after > threshold))
    rule = (
        f"Jensen-Shannon distance (base 2) above mean + {SIGMAS} standard deviations of the old chunks in "
        f"{alarms} of {len(after)} new chunks"
    )
    return PeerVerdict(PEER, tally.name, alarms > 0, float(np.nanmax(after)), threshold, rule)


def _distances(counts: NDArray[np.int64], shares: Values) -> Values:
    """Return each chunk's distance from the old shares; NaN for a chunk without values."""
    held = counts.sum(axis=1, keepdims=True)
    own = counts[:, :-1] / np.maximum(held, 1)
    rest = np.maximum(0, 1 - own.sum(axis=1, keepdims=True))
    known = np.broadcast_to(np.append(shares, 0), counts.shape)
    with np.errstate(invalid="ignore"):  # rounding may leave a negative root
        found = np.nan_to_num(jensenshannon(known, np.hstack([own, rest]), base=2, axis=1))
    return np.where(held[:, 0] > 0, found, np.nan)


def _not_judged(tally: ColumnTally, why: str) -> PeerVerdict:
    return PeerVerdict(PEER, tally.name, None, None, None, why)

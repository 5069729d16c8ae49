"""Drift in time: how far each chunk of rows is from the old data, and how far it would be without a shift.

The band of a chunk is left by chance about once in twenty tables, over all lines and chunks together. It is the larger of
two: what chunks of old rows drawn at random reach (sampling alone), and how much the old chunks differ in order of
time (ordinary variation, such as seasons).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from retrain_core.data.time_order import ROW_ORDER, in_time, moment, times_of
from retrain_core.errors import DataError
from retrain_core.shift import wording
from retrain_core.shift.chunk_effects import Effects, chunk_effects, mean_effects
from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.estimate import Values
from retrain_core.shift.features import is_input
from retrain_core.shift.threads import for_each
from retrain_core.types import Chunk, Reading, ShiftSettings, TimeLine, TimeShift

ALL_COLUMNS = "all columns"
FEWEST_ROWS = 30  # of a chunk
ALARMS = 0.02  # chance of any chunk out of its band; the tails are a little heavier, so it is about 5 % as measured
MOST_LINES = 12
FEWEST_OLD = 4  # old chunks that tell how much they vary
SHOWN = 3  # columns named in the summary


def time_shift(
    old: pd.DataFrame,
    new: pd.DataFrame,
    column: str,
    *,
    settings: ShiftSettings | None = None,
    chunks: int = 10,
) -> TimeShift:
    """Return how far each column was from the old data, chunk by chunk, in the order of a column of times.

    A new chunk is compared with all old rows, an old one with the other old chunks. The effect is that of the report
    (KS and Wasserstein, or total variation, in d), for numbers from counts in 66 bins at most, without what sampling
    alone adds to it.

    Args:
        old: Rows the model was trained on.
        new: Rows that arrived.
        column: Puts the rows in order: dates, numbers, or text that reads as either; not compared itself.
        settings: How columns are read.
        chunks: Into how many of equally many rows each side is cut; fewer if a chunk had under 30 rows.

    Returns:
        The lines that left their band most, at most 12, and that of all columns together: the mean over them.

    Raises:
        DataError: If a side does not have the column.

    Source: Gama et al. (2014), ACM Computing Surveys 46(4), section 3.2.3 (a reference window against later ones).

    >>> rows = pd.DataFrame({"day": range(400), "x": np.tile(np.arange(20.0), 20)})
    >>> later = rows.assign(day=rows["day"] + 400, x=rows["x"] + 9 * (rows["day"] >= 200))
    >>> time_shift(rows, later, "day").summary.split(";")[0]
    'From 600 on, x left its band'
    """
    settings = settings or ShiftSettings()
    for frame, side in ((old, "old"), (new, "new")):
        if column not in frame.columns:
            raise DataError(
                f"The {side} data has no column '{wording.short(column)}'.",
                "It is needed to put the rows in order of time.",
                "Choose another column.",
            )
    times, dates = times_of(old[column], new[column])
    orders = [in_time(side) for side in times]
    gaps = _gaps([len(side) - len(order) for side, order in zip(times, orders, strict=True)])
    if not all(map(len, orders)):
        where = " and ".join(
            side for side, order in zip(("old", "new"), orders, strict=True) if not len(order)
        )
        text = (
            f"There is no order of time: {wording.short(column)} has no readable value in the {where} data."
        )
        return TimeShift(column, (), (), text)
    cuts = [np.array_split(order, max(1, min(chunks, len(order) // FEWEST_ROWS))) for order in orders]
    shown = tuple(
        _chunk(side, times[i][rows], column, dates)
        for i, side in enumerate(("old", "new"))
        for rows in cuts[i]
    )
    names = [name for name in old.columns if name in new.columns and name != column]

    def measure(name: str) -> Effects | None:
        pair = _pair(old[name], new[name], settings.readings.get(name))
        return chunk_effects(pair, cuts) if pair else None

    measured = zip(names, for_each(measure, names, len(old) + len(new)), strict=True)
    effects = {name: found for name, found in measured if found}
    if len(effects) > 1:
        effects[ALL_COLUMNS] = mean_effects(list(effects.values()))
    lines = [_line(name, found, tests=len(effects) * len(shown)) for name, found in effects.items()]
    lines.sort(key=lambda line: -_beyond(line))
    most = [line for line in lines[:MOST_LINES] if line.name != ALL_COLUMNS][: MOST_LINES - 1]
    kept = tuple(line for line in lines if line in most or line.name == ALL_COLUMNS)
    same = all(side[order[0]] == side[order[-1]] for side, order in zip(times, orders, strict=True))
    note = " All times of a side are the same, so the order of the file counts." if same else ""
    return TimeShift(column, shown, kept, _summary(column, shown, lines) + note + gaps)


def _chunk(side: Any, times: Values, column: str, dates: bool) -> Chunk:
    return Chunk(side, moment(times[0], column, dates), moment(times[-1], column, dates), len(times))


def _pair(old: pd.Series[Any], new: pd.Series[Any], reading: Reading | None) -> ColumnPair | None:
    """Return a column read alike on both sides; ``None`` if it is read as one that has no distribution."""
    pair = pair_columns(old, new, reading=reading)
    return pair if is_input(pair) else None


# --- bands ----------------------------------------------------------------------------------------


def _line(name: str, effects: Effects, tests: int) -> TimeLine:
    """Return a line with its band, both without what sampling adds on average (its mean square is taken off)."""
    chance = ALARMS / tests
    values = np.concatenate([effects.old, effects.new])
    drawn = np.concatenate([effects.drawn_old, effects.drawn_new], axis=1)
    added = np.mean(drawn**2, axis=0)
    limits = np.maximum(_sampling_limit(drawn, chance), _variation_limit(effects, chance))
    corrected, band = (np.sqrt(np.maximum(0, side**2 - added)) for side in (values, limits))
    return TimeLine(
        name, tuple(None if np.isnan(value) else float(value) for value in corrected), tuple(map(float, band))
    )


def _sampling_limit(drawn: Values, chance: float) -> Values:
    """Return what sampling alone exceeds with this chance, for each chunk.

    So far out there are no draws; squares of such distances are about gamma distributed.
    """
    squares = drawn**2
    mean, variance = squares.mean(axis=0), squares.var(axis=0)
    shape = np.divide(mean**2, variance, out=np.ones_like(mean), where=variance > 0)
    scale = np.divide(variance, mean, out=np.zeros_like(mean), where=mean > 0)
    return np.asarray(np.sqrt(special.gammainccinv(shape, chance) * scale))


def _variation_limit(effects: Effects, chance: float) -> Values:
    """Return what one more chunk like the old ones exceeds with this chance; an old one is held against the others."""
    chunks = len(effects.old) + len(effects.new)
    limits = np.zeros(chunks)
    for place in range(chunks):
        others = np.delete(effects.old, place) if place < len(effects.old) else effects.old
        others = others[np.isfinite(others)]
        if len(others) >= FEWEST_OLD:
            wide = -special.stdtrit(len(others) - 1, chance) * np.sqrt(1 + 1 / len(others))
            limits[place] = others.mean() + wide * others.std(ddof=1)
    return limits


# --- words ----------------------------------------------------------------------------------------


def _out(line: TimeLine) -> NDArray[np.bool_]:
    """Return which chunks left the band."""
    return np.array(
        [value is not None and value > band for value, band in zip(line.values, line.band, strict=True)]
    )


def _beyond(line: TimeLine) -> float:
    """Return by how much the line leaves its band at most, in d; below 0 if it does not."""
    pairs = zip(line.values, line.band, strict=True)
    return max((value - band for value, band in pairs if value is not None), default=-np.inf)


def _summary(column: str, chunks: Sequence[Chunk], lines: Sequence[TimeLine]) -> str:
    """Return what left its band and when; ``lines`` in order of importance."""
    if not lines:
        return "There is no column to compare."
    new = np.array([chunk.side == "new" for chunk in chunks])
    left = [line for line in lines if (_out(line) & new).any()]
    moved = _single(left)
    if not moved:
        return _old_only(column, lines, chunks)
    out = np.array([_out(line) & new for line in moved])
    when = np.asarray(out.any(axis=0))
    first = int(np.flatnonzero(when)[0])
    start = _start(column, chunks[first])
    lasting = when[first:].all()
    told = f"From {start} on" if lasting else f"In {when.sum()} of {new.sum()} new chunks, first from {start}"
    most = moved[0]
    peak = max(
        map(int, np.flatnonzero(out[0])), key=lambda place: (most.values[place] or 0.0) - most.band[place]
    )
    value, band = wording.alike(most.values[peak] or 0.0, most.band[peak])
    together = sum(int((_out(line) & new).sum()) for line in left if line.name == ALL_COLUMNS)
    also = together > out.sum(axis=1).max()
    return (
        f"{told}, {_left(moved)}; most: {wording.short(most.name)} {_span(column, chunks[peak])}, {value} standard "
        f"deviations where {band} are to be expected at most."
        + (
            f" All columns taken together left their band in {together} of {new.sum()} new chunks."
            if also
            else ""
        )
    )


def _left(moved: Sequence[TimeLine]) -> str:
    """Return which lines left their band."""
    one = len(moved) == 1 and moved[0].name != ALL_COLUMNS
    return f"{wording.listed([line.name for line in moved], SHOWN)} left {'its' if one else 'their'} band"


def _start(column: str, chunk: Chunk) -> str:
    return f"row {chunk.start} of the {chunk.side} file" if column == ROW_ORDER else chunk.start


def _span(column: str, chunk: Chunk) -> str:
    if column == ROW_ORDER:
        return f"in rows {chunk.start} to {chunk.end}"
    return f"from {chunk.start} to {chunk.end}"


def _single(moved: Sequence[TimeLine]) -> Sequence[TimeLine]:
    """Return the lines of single columns, if there is any: that of all columns mostly follows from them."""
    return [line for line in moved if line.name != ALL_COLUMNS] or moved


def _old_only(column: str, lines: Sequence[TimeLine], chunks: Sequence[Chunk]) -> str:
    moved = _single([line for line in lines if _out(line).any()])
    if not moved:
        return "No chunk left its band."
    first = chunks[int(np.flatnonzero(_out(moved[0]))[0])]
    names = wording.listed([line.name for line in moved], SHOWN)
    return f"No new chunk left its band; among the old ones {names} did, first from {_start(column, first)}."


def _gaps(missing: Sequence[int]) -> str:
    """Return how many rows have no time, in a sentence with a blank before it; empty if all have one."""
    told = [f"{count:,} {side}" for count, side in zip(missing, ("old", "new"), strict=True) if count]
    if not told:
        return ""
    rows = "row" if sum(missing) == 1 else "rows"
    return f" {' and '.join(told)} {rows} without a time {'is' if sum(missing) == 1 else 'are'} left out."

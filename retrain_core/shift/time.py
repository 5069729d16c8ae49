"""Drift in time: how far each chunk of rows is from the old data, and how far it would be without a shift.

The band of a chunk is left by chance about once in twenty tables, over all lines and chunks together. It is the larger of
two: what chunks of old rows drawn at random reach (sampling alone), and how much the old chunks differ in order of
time (ordinary variation, such as seasons).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from retrain_core.errors import DataError
from retrain_core.shift import wording
from retrain_core.shift.columns import MISSING, ColumnPair, is_usable, pair_columns
from retrain_core.shift.estimate import Values
from retrain_core.shift.levels import LARGEST_D
from retrain_core.types import Chunk, Kind, Reading, ShiftSettings, TimeLine, TimeShift

ALL_COLUMNS = "all columns"
FEWEST_ROWS = 30  # of a chunk
ALARMS = 0.02  # chance of any chunk out of its band; the tails are a little heavier, so it is about 5 % as measured
MOST_LINES = 12
READABLE = 0.9  # share of the values that must read as numbers, else they are taken for dates
DRAWS = 300  # chunks of old rows drawn at random, of each side's size
MOST_DRAWN = 250  # rows of each: noise falls with the root of the rows, so larger chunks follow
EDGES = 33  # of the bins of a numeric column, from each side
SAMPLE = 20_000  # rows of a side that place them
MOST_CATEGORIES = 50  # the others count as one
FEWEST_OLD = 4  # old chunks that tell how much they vary
SHOWN = 3  # columns named in the summary
KINDS: dict[Reading, Kind | None] = {
    "numeric": "numeric", "date": "numeric", "integer code": "categorical", "categorical": "categorical",
    "high-cardinality": "categorical", "free text": None, "id": None, "constant": None,
}  # fmt: skip


@dataclass(frozen=True)
class _Binned:
    """One column as counts; the last axis is bins or categories.

    Args:
        old: Of each old chunk, shape ``(old chunks, bins)``.
        new: Of each new chunk.
        drawn: Of chunks drawn from the old rows, as large as the old and as large as the new, shape ``(DRAWS, bins)``.
        edges: Between the bins of a numeric column, shape ``(bins - 1,)``; ``None`` for categories.
        spread: Standard deviation of the old numbers.
    """

    old: NDArray[np.int64]
    new: NDArray[np.int64]
    drawn: tuple[NDArray[np.int64], NDArray[np.int64]]
    edges: Values | None = None
    spread: float = 0.0


@dataclass(frozen=True)
class _Effects:
    """Effects in d, one a chunk: NaN without a usable value. ``drawn`` has what sampling alone gives, by draw and chunk."""

    old: Values
    new: Values
    drawn_old: Values
    drawn_new: Values


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
    times, dates = _times(old[column], new[column])
    orders = [_order(side) for side in times]
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
        _chunk(side, times[i][rows], dates) for i, side in enumerate(("old", "new")) for rows in cuts[i]
    )
    names = [name for name in old.columns if name in new.columns and name != column]
    read = {name: _pair(old[name], new[name], settings.readings.get(name)) for name in names}
    measured = {name: _effects(_binned(pair, cuts)) for name, pair in read.items() if pair}
    effects = {name: found for name, found in measured.items() if found}
    if len(effects) > 1:
        effects[ALL_COLUMNS] = _mean(list(effects.values()))
    lines = [_line(name, found, tests=len(effects) * len(shown)) for name, found in effects.items()]
    lines.sort(key=lambda line: -_beyond(line))
    most = [line for line in lines[:MOST_LINES] if line.name != ALL_COLUMNS][: MOST_LINES - 1]
    kept = tuple(line for line in lines if line in most or line.name == ALL_COLUMNS)
    same = all(side[order[0]] == side[order[-1]] for side, order in zip(times, orders, strict=True))
    note = " All times of a side are the same, so the order of the file counts." if same else ""
    return TimeShift(column, shown, kept, _summary(shown, lines) + note + gaps)


# --- order ----------------------------------------------------------------------------------------


def _times(old: pd.Series[Any], new: pd.Series[Any]) -> tuple[list[Values], bool]:
    """Return the times of both sides as numbers, NaN where missing, and whether they are seconds since 1970."""
    numbers = [_as_numbers(side) for side in (old, new)]
    if all(_readable(side, found) for side, found in zip((old, new), numbers, strict=True)):
        return numbers, False
    return [_as_seconds(side) for side in (old, new)], True


def _as_numbers(column: pd.Series[Any]) -> Values:
    kinds = pd.api.types
    if kinds.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.PeriodDtype):
        return np.full(len(column), np.nan)
    if kinds.is_timedelta64_dtype(column.dtype):
        return np.asarray(column.dt.total_seconds().to_numpy(dtype=np.float64, na_value=np.nan))
    if kinds.is_complex_dtype(column.dtype):
        return np.full(len(column), np.nan)
    plain = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _readable(column: pd.Series[Any], numbers: Values) -> bool:
    held = int(column.notna().sum())
    return not held or int(np.isfinite(numbers).sum()) >= READABLE * held


def _as_seconds(column: pd.Series[Any]) -> Values:
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return np.full(len(column), np.nan)  # numbers here, dates on the other side: they are in no order
    text = {} if pd.api.types.is_datetime64_any_dtype(column.dtype) else {"format": "ISO8601"}
    moments = pd.to_datetime(column, errors="coerce", utc=True, **text)  # type: ignore[call-overload]
    seconds = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return np.asarray(seconds.to_numpy(dtype=np.float64, na_value=np.nan))


def _order(times: Values) -> NDArray[np.intp]:
    """Return the rows that have a time, in order; equal times stay in the order of the file."""
    held = np.flatnonzero(np.isfinite(times))
    if np.all(np.diff(times[held]) >= 0):
        return held
    return held[np.argsort(times[held], kind="stable")]


def _chunk(side: Any, times: Values, dates: bool) -> Chunk:
    return Chunk(side, _moment(times[0], dates), _moment(times[-1], dates), len(times))


def _moment(time: float, dates: bool) -> str:
    """Return a time as people read it.

    >>> _moment(1372636800.0, True), _moment(1372640400.0, True), _moment(20.0, False)
    ('2013-07-01', '2013-07-01 01:00', '20')
    """
    if not dates:
        return f"{time:.10g}"
    return f"{pd.Timestamp(round(time), unit='s'):%Y-%m-%d %H:%M}".removesuffix(" 00:00")


# --- counts ---------------------------------------------------------------------------------------


def _pair(old: pd.Series[Any], new: pd.Series[Any], reading: Reading | None) -> ColumnPair | None:
    """Return a column read alike on both sides; ``None`` if it is read as one that has no distribution."""
    if reading is None:
        return pair_columns(old, new)
    kind = KINDS[reading]
    return pair_columns(old, new, kind) if kind else None


def _binned(pair: ColumnPair, cuts: Sequence[Sequence[NDArray[np.intp]]]) -> _Binned | None:
    """Return a column's counts; ``None`` if a side has no usable value."""
    rng = np.random.default_rng(0)  # the same rows for each column, so that all columns can be taken together
    rows = [np.concatenate(side) for side in cuts]
    sizes = [min(MOST_DRAWN, len(side[-1])) for side in cuts]
    drawn = [rng.integers(0, len(rows[0]), (DRAWS, size)) for size in sizes]
    old, new = pair.old[rows[0]], pair.new[rows[1]]  # in order of time, so that a chunk is a slice
    if pair.kind == "categorical":
        found = _binned_codes((old, new), cuts, drawn)
    else:
        numbers = np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)
        found = _binned_numbers(numbers, cuts, drawn, rng)
    return found if found and found.old.sum() and found.new.sum() else None


def _chunked(values: NDArray[Any], cuts: Sequence[NDArray[np.intp]]) -> list[NDArray[Any]]:
    return np.split(values, np.cumsum([len(rows) for rows in cuts])[:-1])


def _binned_codes(
    sides: tuple[NDArray[Any], NDArray[Any]],
    cuts: Sequence[Sequence[NDArray[np.intp]]],
    drawn: Sequence[NDArray[np.intp]],
) -> _Binned | None:
    frequent = np.argsort(-np.bincount(np.concatenate(sides) + 1)[1:], kind="stable")
    if not len(frequent):
        return None
    bins = min(len(frequent), MOST_CATEGORIES + 1)  # the last for all others, if there are some
    place = np.full(len(frequent) + 1, bins - 1)
    place[frequent[: bins - 1]], place[MISSING] = np.arange(bins - 1), MISSING
    old, new = (place[side] for side in sides)
    counts = [
        np.array([_count(chunk[None, :], bins)[0] for chunk in _chunked(side, cut)])
        for side, cut in zip((old, new), cuts, strict=True)
    ]
    return _Binned(counts[0], counts[1], (_count(old[drawn[0]], bins), _count(old[drawn[1]], bins)))


def _binned_numbers(
    sides: tuple[Values, Values],
    cuts: Sequence[Sequence[NDArray[np.intp]]],
    drawn: Sequence[NDArray[np.intp]],
    rng: np.random.Generator,
) -> _Binned | None:
    edges = _edges(sides, rng)
    if not len(edges):
        return None
    counts = [
        np.array([_count_in(chunk, edges) for chunk in _chunked(side, cut)])
        for side, cut in zip(sides, cuts, strict=True)
    ]
    old = sides[0]
    held = old[is_usable(old)]
    spread = float(np.std(held)) if len(held) and held.min() != held.max() else 0.0
    random = (_count_drawn(old[drawn[0]], edges), _count_drawn(old[drawn[1]], edges))
    return _Binned(counts[0], counts[1], random, edges, spread)


def _count(codes: NDArray[Any], bins: int) -> NDArray[np.int64]:
    """Return how often each code occurs in each row of ``codes``, -1 left out."""
    place = codes + bins * np.arange(len(codes))[:, None]
    return np.bincount(place[codes >= 0], minlength=bins * len(codes)).reshape(len(codes), bins)


def _count_in(values: Values, edges: Values) -> NDArray[np.int64]:
    """Return how many usable values lie below the first edge, between two, and from the last one on."""
    ordered = np.sort(values[is_usable(values)])
    return np.diff(np.searchsorted(ordered, edges), prepend=0, append=len(ordered))


def _count_drawn(values: Values, edges: Values) -> NDArray[np.int64]:
    """Return the same for each row of ``values``."""
    places = np.searchsorted(edges, values, "right")
    places[~is_usable(values)] = MISSING
    return _count(places, len(edges) + 1)


def _edges(sides: Sequence[Values], rng: np.random.Generator) -> Values:
    """Return quantiles of both sides, the outer 0.5 % of each left out so that no outlier decides."""
    shares, found = np.linspace(0.005, 0.995, EDGES), []
    for side in sides:
        some = side if len(side) <= SAMPLE else side[rng.integers(0, len(side), SAMPLE)]
        some = some[is_usable(some)]
        if len(some):
            found.append(np.quantile(some, shares))
    return np.unique(np.concatenate(found)) if found else np.empty(0)


# --- effects --------------------------------------------------------------------------------------


def _effects(binned: _Binned | None) -> _Effects | None:
    if binned is None:
        return None
    everything = binned.old.sum(axis=0)
    old = _distances(everything - binned.old, binned.old, binned)
    new = _distances(np.broadcast_to(everything, binned.new.shape), binned.new, binned)
    if not np.isfinite(old).any():
        return None
    rests = everything - binned.old, np.broadcast_to(everything, binned.new.shape)
    sampling = []
    for drawn, counts, rest in zip(binned.drawn, (binned.old, binned.new), rests, strict=True):
        noise = _distances(np.broadcast_to(everything, drawn.shape), drawn, binned)
        noise = noise[np.isfinite(noise)]
        if not len(noise):
            return None
        rows = np.maximum(counts.sum(axis=1), 1), np.maximum(rest.sum(axis=1), 1)
        wider = np.sqrt(max(float(np.mean(drawn.sum(axis=1))), 1.0) * (1 / rows[0] + 1 / rows[1]))
        sampling.append(wider * _padded(noise)[:, None])
    return _Effects(old, new, sampling[0], sampling[1])


def _padded(drawn: Values) -> Values:
    """Return exactly ``DRAWS`` of them, the first ones again for those without a usable value."""
    return np.resize(drawn, DRAWS)


def _distances(old: NDArray[np.int64], new: NDArray[np.int64], binned: _Binned) -> Values:
    """Return the effect in d of each row of counts; NaN where either side has none."""
    usable = (old.sum(axis=1) > 0) & (new.sum(axis=1) > 0)
    found = np.full(len(new), np.nan)
    old, new = old[usable], new[usable]
    if binned.edges is None:  # total variation
        shares = [side / side.sum(axis=1, keepdims=True) for side in (old, new)]
        found[usable] = _d(np.abs(shares[1] - shares[0]).sum(axis=1) / 2)
        return found
    below = [side.cumsum(axis=1) for side in (old, new)]
    gaps = np.abs(below[1][:, :-1] / below[1][:, -1:] - below[0][:, :-1] / below[0][:, -1:])
    found[usable] = _d(gaps.max(axis=1))
    if binned.spread:
        area = ((gaps[:, :-1] + gaps[:, 1:]) / 2 * np.diff(binned.edges)).sum(axis=1)
        found[usable] = np.maximum(found[usable], area / binned.spread)
    return found


def _d(overlaps: Any) -> Values:
    """Return :func:`retrain_core.shift.effect.d_from_overlap` of many."""
    return np.asarray(np.minimum(LARGEST_D, 2 * special.ndtri((1 + np.asarray(overlaps, dtype=float)) / 2)))


def _mean(effects: Sequence[_Effects]) -> _Effects:
    """Return the mean over columns, of chunks and of draws alike, leaving out columns without a value."""
    return _Effects(
        _mean_over([found.old for found in effects]),
        _mean_over([found.new for found in effects]),
        np.mean([found.drawn_old for found in effects], axis=0),
        np.mean([found.drawn_new for found in effects], axis=0),
    )


def _mean_over(columns: Sequence[Values]) -> Values:
    stacked = np.array(columns)
    held = np.isfinite(stacked)
    return np.where(
        held.any(axis=0), np.where(held, stacked, 0).sum(axis=0) / np.maximum(held.sum(axis=0), 1), np.nan
    )


# --- bands ----------------------------------------------------------------------------------------


def _line(name: str, effects: _Effects, tests: int) -> TimeLine:
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
    return np.asarray(np.sqrt(stats.gamma.isf(chance, shape) * scale))


def _variation_limit(effects: _Effects, chance: float) -> Values:
    """Return what one more chunk like the old ones exceeds with this chance; an old one is held against the others."""
    chunks = len(effects.old) + len(effects.new)
    limits = np.zeros(chunks)
    for place in range(chunks):
        others = np.delete(effects.old, place) if place < len(effects.old) else effects.old
        others = others[np.isfinite(others)]
        if len(others) >= FEWEST_OLD:
            wide = stats.t.isf(chance, len(others) - 1) * np.sqrt(1 + 1 / len(others))
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


def _summary(chunks: Sequence[Chunk], lines: Sequence[TimeLine]) -> str:
    """Return what left its band and when; ``lines`` in order of importance."""
    if not lines:
        return "There is no column to compare."
    new = np.array([chunk.side == "new" for chunk in chunks])
    moved = _single([line for line in lines if (_out(line) & new).any()])
    if not moved:
        return _old_only(lines, chunks)
    out = np.array([_out(line) & new for line in moved])
    when = np.asarray(out.any(axis=0))
    first = int(np.flatnonzero(when)[0])
    start = chunks[first].start
    lasting = when[first:].all()
    told = f"From {start} on" if lasting else f"In {when.sum()} of {new.sum()} new chunks, first from {start}"
    names = wording.listed([line.name for line in moved], SHOWN)
    most = moved[0]
    peak = max(
        map(int, np.flatnonzero(out[0])), key=lambda place: (most.values[place] or 0.0) - most.band[place]
    )
    return (
        f"{told}, {names} left {'its' if len(moved) == 1 else 'their'} band; most: {wording.short(most.name)} from "
        f"{chunks[peak].start} to {chunks[peak].end}, {wording.deviations(most.values[peak] or 0.0)} where "
        f"{wording.number(most.band[peak])} are to be expected at most."
    )


def _single(moved: Sequence[TimeLine]) -> Sequence[TimeLine]:
    """Return the lines of single columns, if there is any: that of all columns follows from them."""
    return [line for line in moved if line.name != ALL_COLUMNS] or moved


def _old_only(lines: Sequence[TimeLine], chunks: Sequence[Chunk]) -> str:
    moved = _single([line for line in lines if _out(line).any()])
    if not moved:
        return "No chunk left its band."
    first = chunks[int(np.flatnonzero(_out(moved[0]))[0])]
    names = wording.listed([line.name for line in moved], SHOWN)
    return f"No new chunk left its band; among the old ones {names} did, first from {first.start}."


def _gaps(missing: Sequence[int]) -> str:
    """Return how many rows have no time, in a sentence with a blank before it; empty if all have one."""
    told = [f"{count:,} {side}" for count, side in zip(missing, ("old", "new"), strict=True) if count]
    if not told:
        return ""
    rows = "row" if sum(missing) == 1 else "rows"
    return f" {' and '.join(told)} {rows} without a time {'is' if sum(missing) == 1 else 'are'} left out."

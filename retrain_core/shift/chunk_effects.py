"""How far chunks of rows are from the old data, and how far chunks of old rows drawn at random are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.column_pair import ColumnPair, is_usable
from retrain_core.shift.equivalence import d_from_overlaps
from retrain_core.shift.estimate import Values
from retrain_core.shift.sides import MISSING

DRAWS = 300  # chunks of old rows drawn at random, of each side's size
MOST_DRAWN = 250  # rows of each: noise falls with the root of the rows, so larger chunks follow
EDGES = 33  # of the bins of a numeric column, from each side
SAMPLE = 20_000  # rows of a side that place them
MOST_CATEGORIES = 50  # the others count as one
Cuts = Sequence[Sequence[NDArray[np.intp]]]


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
class Effects:
    """Effects in d, one a chunk: NaN without a usable value. ``drawn`` has what sampling alone gives, by draw and chunk."""

    old: Values
    new: Values
    drawn_old: Values
    drawn_new: Values


def chunk_effects(pair: ColumnPair, cuts: Cuts) -> Effects | None:
    """Return a column's effects; ``None`` if a side has no usable value.

    Args:
        pair: The column, read alike on both sides.
        cuts: The rows of each old chunk, and of each new one.
    """
    return _effects(_binned(pair, cuts))


def mean_effects(effects: Sequence[Effects]) -> Effects:
    """Return the mean over columns, of chunks and of draws alike, leaving out columns without a value."""
    return Effects(
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


# --- counts ---------------------------------------------------------------------------------------


def _binned(pair: ColumnPair, cuts: Cuts) -> _Binned | None:
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
    cuts: Cuts,
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
    cuts: Cuts,
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


def _effects(binned: _Binned | None) -> Effects | None:
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
    return Effects(old, new, sampling[0], sampling[1])


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
        found[usable] = d_from_overlaps(np.abs(shares[1] - shares[0]).sum(axis=1) / 2)
        return found
    below = [side.cumsum(axis=1) for side in (old, new)]
    gaps = np.abs(below[1][:, :-1] / below[1][:, -1:] - below[0][:, :-1] / below[0][:, -1:])
    found[usable] = d_from_overlaps(gaps.max(axis=1))
    if binned.spread:
        area = ((gaps[:, :-1] + gaps[:, 1:]) / 2 * np.diff(binned.edges)).sum(axis=1)
        found[usable] = np.maximum(found[usable], area / binned.spread)
    return found

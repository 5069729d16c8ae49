"""Draws of the holdout's rows with replacement: the same draws for every candidate, so that differences are paired.

Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap; by groups: Field and Welsh (2007), JRSS B 69.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.measures import SCORES
from retrain_core.compare.per_draw import mean
from retrain_core.compare.predicted import Floats, Predicted

DRAWS = 1_000
CELLS = 2_000_000  # of a chunk of draws, 16 MB
BLOCK_CELLS = (
    20_000  # of draws that are counted at once: a call for each takes most of the time where rows are few
)
FEWEST_DRAWS = 200
MOST_CELLS = 100_000_000  # draws times rows; with more rows there are fewer draws


def draws_for(rows: int) -> int:
    """Return how many draws are made of so many rows.

    >>> draws_for(1_000), draws_for(1_000_000)
    (1000, 200)
    """
    return int(np.clip(MOST_CELLS // max(rows, 1), FEWEST_DRAWS, DRAWS))


def draw_counts(rows: int, draws: int, seed: int, groups: NDArray[np.intp] | None = None) -> Iterator[Floats]:
    """Yield how often each row is drawn, in chunks of shape ``(some draws, rows)``.

    Args:
        rows: How many there are.
        draws: How many draws in all.
        seed: Same seed, same draws.
        groups: Number of each row's group, from 0; whole groups are drawn, as their rows are not independent.
    """
    rng = np.random.default_rng(seed)
    units = rows if groups is None else int(groups.max()) + 1
    chunk = max(1, CELLS // max(rows, 1))
    block = max(1, BLOCK_CELLS // units)
    for start in range(0, draws, chunk):
        some = min(chunk, draws - start)
        counts = np.empty((some, units))
        for first in range(0, some, block):
            counted = counts[first : first + block]
            drawn = rng.integers(0, units, counted.shape)
            drawn += units * np.arange(len(drawn))[:, None]  # each draw has a range of its own
            counted[:] = np.bincount(drawn.ravel(), minlength=counted.size).reshape(counted.shape)
        yield counts if groups is None else counts[:, groups]


def resample(
    predicted: Mapping[str, Sequence[Predicted]],
    scores: Sequence[str],
    *,
    seed: int = 0,
    draws: int | None = None,
    groups: NDArray[np.intp] | None = None,
) -> dict[str, dict[str, Floats]]:
    """Return the scores of each candidate in each draw, by score and candidate: shape ``(seeds, draws)``.

    Args:
        predicted: By candidate, what it predicts for the same rows with each seed.
        scores: Names in ``SCORES``.
        seed: Of the draws.
        draws: How many; by default as many as :func:`draws_for` says.
        groups: See :func:`draw_counts`.
    """
    rows = next(iter(predicted.values()))[0].rows
    draws = draws or draws_for(rows)
    by_row = [name for name in scores if SCORES[name].by_row is not None]
    table = np.column_stack([
        SCORES[name].by_row(one)  # type: ignore[misc]
        for name in by_row for seeds in predicted.values() for one in seeds
    ]) if by_row else np.empty((rows, 0))  # fmt: skip
    found: dict[str, dict[str, list[Floats]]] = {
        name: {candidate: [] for candidate in predicted} for name in scores
    }
    for counts in draw_counts(rows, draws, seed, groups):
        means = iter(mean(table, counts).T)
        for name in by_row:
            for candidate, seeds in predicted.items():
                found[name][candidate].append(np.stack([next(means) for _ in seeds]))
        for name in scores:
            if SCORES[name].by_row is None:
                for candidate, seeds in predicted.items():
                    found[name][candidate].append(np.stack([SCORES[name].of(one, counts) for one in seeds]))
    return {
        name: {candidate: np.concatenate(chunks, axis=1) for candidate, chunks in each.items()}
        for name, each in found.items()
    }

"""Both sides of a column as a chart shows them: shares of bins or categories, from which no row can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.estimate import Values, is_whole, sorted_quantiles
from retrain_core.shift.sides import number_first
from retrain_core.types import Distribution

BINS = 40
ENDS = (0.005, 0.995)  # quantiles of either side that the bins reach
MOST_CATEGORIES = 12
FEWEST_ROWS = 5  # a category of fewer rows could be one person's, and a report is passed on
RARE = f"(fewer than {FEWEST_ROWS} rows)"


def of_numbers(old: Values, new: Values, *, dates: bool = False) -> Distribution | None:
    """Return the shares of sorted numbers in bins that both sides share; ``None`` if there are none.

    Args:
        old: Ascending, finite.
        new: Ascending, finite.
        dates: Whether they are days since 1970-01-01.

    >>> of_numbers(np.array([1.0, 1.0]), np.array([1.0])).old
    (0.0, 1.0, 0.0)
    """
    sides = [side for side in (old, new) if len(side)]
    if not sides:
        return None
    edges = _edges(sides)
    shares, outside = [], []
    for side in (old, new):
        places = np.append(
            np.searchsorted(side, edges[:-1], "left"), np.searchsorted(side, edges[-1], "right")
        )
        counts = np.diff(places)
        shares.append(_shares(counts, len(side)))
        outside.append((len(side) - int(counts.sum())) / max(len(side), 1))
    return Distribution(
        old=shares[0],
        new=shares[1],
        old_values=len(old),
        new_values=len(new),
        edges=tuple(edges.tolist()),
        outside=(outside[0], outside[1]),
        dates=dates,
    )


def of_categories(
    names: Sequence[str], old: NDArray[np.int64], new: NDArray[np.int64]
) -> Distribution | None:
    """Return the shares of the most frequent categories, in the order of numbers, then of letters.

    Args:
        names: Of the categories.
        old: How often each occurs.
        new: The same of the new side.

    >>> of_categories(["b", "a", "c"], np.array([5, 9, 1]), np.array([5, 9, 0])).categories
    ('a', 'b', '(fewer than 5 rows)')
    """
    totals = int(old.sum()), int(new.sum())
    if not any(totals):
        return None
    common = np.flatnonzero(old + new >= FEWEST_ROWS)
    rare = len(old) - len(common)
    weight = np.maximum(old[common] / max(totals[0], 1), new[common] / max(totals[1], 1))
    size = len(common) + bool(rare)
    shown = common[np.argsort(-weight, kind="stable")]
    if size > MOST_CATEGORIES + 1:
        shown = shown[:MOST_CATEGORIES]
    shown = np.array(sorted(shown, key=lambda i: number_first(names[i])), dtype=np.intp)
    rest = len(old) - len(shown)
    labels = [names[i] for i in shown]
    if rest:
        labels.append(RARE if rest == rare else f"{rest:,} other")
    sides = []
    for counts, total in ((old, totals[0]), (new, totals[1])):
        heights = counts[shown]
        sides.append(_shares(np.append(heights, counts.sum() - heights.sum()) if rest else heights, total))
    return Distribution(sides[0], sides[1], totals[0], totals[1], categories=tuple(labels))


def _shares(counts: NDArray[Any], total: int) -> tuple[float, ...]:
    return tuple(np.round(counts / max(total, 1), 6).tolist())


def _edges(sides: Sequence[Values]) -> Values:
    """Return shared bin edges over the range of all but the most extreme values of each side."""
    ends = np.array([sorted_quantiles(side, np.array(ENDS)) for side in sides])
    low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
    if not low < high:
        width = max(abs(low), 1.0) / 2
        return np.linspace(low - width, high + width, 4)
    if all(_whole_between(side, low, high) for side in sides):
        step = np.ceil((high - low + 1) / BINS)  # as many whole numbers in one bin as in another
        return np.arange(np.floor(low) - 0.5, high + step + 0.5, step)
    return np.linspace(low, high, BINS + 1)


def _whole_between(side: Values, low: float, high: float) -> bool:
    inner = side[np.searchsorted(side, low, "left") : np.searchsorted(side, high, "right")]
    return is_whole(inner)

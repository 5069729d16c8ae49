"""Both sides of a numeric column, sorted once, and what several measures need to know about them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from retrain_core.shift.estimate import Values, in_order, require_rows, sorted_quantiles

CELLS, REPLICATES = 64, 400  # quantile cells a side, and draws, to simulate what sampling does to a gap
SEED = 221  # fixed, so that the same rows give the same report
CHUNK = 1 << 15  # rows at a time: temporary arrays stay in the processor's cache
TAIL = 0.005  # share of each end that is clipped off for the effect


@dataclass(frozen=True, eq=False)
class SortedPair:
    """Both sides of a numeric column; who makes it vouches that they are sorted, finite and not empty.

    Args:
        old: Values the model was trained on, shape ``(n,)``.
        new: Values seen now, shape ``(m,)``, in the same units.
    """

    old: Values
    new: Values

    @classmethod
    def of(cls, old: Values, new: Values) -> SortedPair:
        """Return the pair for values in any order.

        Raises:
            ValueError: If a side is empty or not finite.
        """
        require_rows(old, new)
        return cls(in_order(old), in_order(new))

    @property
    def rows(self) -> tuple[int, int]:
        """Values of the old and the new side."""
        return len(self.old), len(self.new)

    @cached_property
    def largest_gap(self) -> float:
        """Largest distance between the two cumulative distributions, exact."""
        n, m = self.rows
        if n == m and np.array_equal(self.old, self.new):
            return 0.0
        # whole numbers until this division, so that 10 of 100 is 0.1
        return max(_most_above(self.old, self.new), _most_above(self.new, self.old), 0) / (n * m)

    @cached_property
    def middle(self) -> tuple[float, float]:
        """The range outside which values are clipped for the effect: of both sides' middle 99 %, the wider ends."""
        ends = [sorted_quantiles(side, np.array([TAIL, 1 - TAIL])) for side in (self.old, self.new)]
        return float(min(ends[0][0], ends[1][0])), float(max(ends[0][1], ends[1][1]))

    @cached_property
    def distances(self) -> tuple[float, float]:
        """Mean distance of the quantiles (Wasserstein), and the same of the values clipped to the middle."""
        return distances(self.old, self.new, *self.middle)

    @cached_property
    def edges(self) -> Values:
        """Points between which the simulated noise is taken as constant: quantiles of both sides."""
        shares = np.linspace(0, 1, CELLS + 1)
        return np.unique([sorted_quantiles(self.old, shares), sorted_quantiles(self.new, shares)])

    @cached_property
    def below(self) -> Values:
        """Share of each side that is not above each edge, shape ``(2, edges)``."""
        return np.stack(
            [np.searchsorted(side, self.edges, "right") / len(side) for side in (self.old, self.new)]
        )

    @cached_property
    def error(self) -> Values:
        """Standard error of the gap between the cumulative distributions at each edge."""
        rows = np.array(self.rows)[:, None]
        return np.asarray(np.sqrt(np.sum(self.below * (1 - self.below) / rows, axis=0)))

    @cached_property
    def noise(self) -> Values:
        """Draws of what sampling adds to the gap at each edge, shape ``(REPLICATES, edges)``.

        The error of a cumulative distribution is a Brownian bridge (Donsker's theorem).
        """
        total = np.zeros((REPLICATES, len(self.edges)))
        for steps, below, rows in zip(_white_noise(), self.below, self.rows, strict=True):
            walk = np.cumsum(steps[:, : len(below)] * np.sqrt(np.diff(below, prepend=0)), axis=1)
            total += (walk - below * walk[:, -1:]) / np.sqrt(rows)
        return total

    @cached_property
    def noise_size(self) -> Values:
        """The draws without their sign."""
        return np.abs(self.noise)

    @cached_property
    def corrected_gap(self) -> float:
        """The largest gap without what sampling adds to it; on average 0 without a shift, before it is cut at 0."""
        gap = self.below[0] - self.below[1]
        copies = gap + self.noise
        chosen = np.argmax(np.abs(copies), axis=1)
        rows = np.arange(len(copies))
        sizes = np.sign(copies[rows, chosen]) * (gap[chosen] - self.noise[rows, chosen])
        return float(np.clip(np.mean(sizes), 0.0, self.largest_gap))


@cache
def _white_noise() -> Values:
    return np.random.default_rng(SEED).standard_normal((2, REPLICATES, 2 * (CELLS + 1)))


def _most_above(one: Values, other: Values) -> int:
    """Return how far the cumulative distribution of ``one`` rises above that of ``other``, times both row counts.

    The highest point is looked for among every 4,096th value, then ever closer, but only where a closer look can
    still find a higher one: a few thousand searches instead of one a value.
    """
    n, m = len(one), len(other)
    size, best = 4096, 0
    starts = np.arange(0, n, size)
    while True:
        reached = np.searchsorted(other, one[starts], "right") * n
        best = max(best, int(((starts + 1) * m - reached).max()))
        if size == 1:
            return best
        ends = np.minimum(starts + size, n)
        starts = starts[ends * m - reached > best]
        size //= 8
        starts = (starts[:, None] + np.arange(8) * size).ravel()
        starts = starts[starts < n]
        if not len(starts):
            return best


def distances(old: Values, new: Values, low: float, high: float) -> tuple[float, float]:
    """Return the Wasserstein distance of two sorted samples, and that of the samples clipped to a range.

    It is the mean distance of their quantiles, which change at multiples of ``1/n`` and ``1/m`` only: so no merging.
    What clipping leaves as it is, is summed up once.

    >>> distances(np.array([0.0, 1.0]), np.array([1.0, 5.0]), 0.0, 2.0)
    (2.5, 1.0)
    """
    few, many = sorted((old, new), key=len)
    n, m = len(few), len(many)
    first, last = int(np.searchsorted(few, low, "left")), int(np.searchsorted(few, high, "right")) - 1
    start = max(int(np.searchsorted(many, low, "left")), -(-first * m // n))
    stop = max(start, min(int(np.searchsorted(many, high, "right")), last * m // n))
    middle = _summed(few, many, start, stop)
    tails = [
        _summed(few, many, 0, start, *ends) + _summed(few, many, stop, m, *ends)
        for ends in ((-np.inf, np.inf), (low, high))
    ]
    return (middle + tails[0]) / m, (middle + tails[1]) / m


def _summed(
    few: Values, many: Values, start: int, stop: int, low: float = -np.inf, high: float = np.inf
) -> float:
    """Return the summed distance of some of the quantiles of the larger side from those of the smaller one."""
    n, m = len(few), len(many)
    total = 0.0
    for begin in range(start, stop, CHUNK):
        end = min(begin + CHUNK, stop)
        there = many[begin:end].clip(low, high)
        if n == m:
            total += float(np.abs(few[begin:end].clip(low, high) - there).sum())
            continue
        rank = np.arange(begin, end) * float(n)
        at = (rank / m).astype(np.int64)  # the smaller side's value where this one's share of the rows begins
        first = np.minimum((at + 1.0) * m - rank, n) / n  # and how much falls to it; the rest to the next
        total += float(np.dot(np.abs(few[at].clip(low, high) - there), first))
        after = few[np.minimum(at + 1, n - 1)].clip(low, high)
        total += float(np.dot(np.abs(after - there), 1 - first))
    return total


def spread_of(values: Values, low: float = -np.inf, high: float = np.inf) -> tuple[float, float]:
    """Return the standard deviation (ddof 0) of sorted values clipped to a range, and its relative standard error.

    >>> spread_of(np.array([0.0, 2.0]))
    (1.0, 0.0)
    """
    rows = len(values)
    chunks = [slice(start, start + CHUNK) for start in range(0, rows, CHUNK)]
    mean = sum(float(values[chunk].clip(low, high).sum()) for chunk in chunks) / rows
    scale = max(float(np.clip(values[-1], low, high)) - mean, mean - float(np.clip(values[0], low, high)))
    if values[0] == values[-1] or not 0 < scale < np.inf:
        return 0.0, 0.0
    second = fourth = 0.0
    for chunk in chunks:
        squares = (values[chunk].clip(low, high) - mean) / scale  # so that no power overflows
        squares *= squares
        second += float(squares.sum())
        fourth += float(np.dot(squares, squares))
    kurtosis = fourth * rows / second**2
    return scale * float(np.sqrt(second / rows)), float(np.sqrt(max(0.0, kurtosis - 1) / (4 * rows)))

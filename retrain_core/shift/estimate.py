"""What every measure returns, and the resampling interval that several share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]
Values = NDArray[np.floating[Any]]
REPLICATES = 400
COVERAGE = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A measure's value, how well it is known, and whether it could be chance.

    Args:
        value: The measure itself.
        interval: Its 95 % interval.
        p: Not adjusted for other tests; ``None`` for a measure that is no test.
        corrected: The value without what sampling alone adds to it; ``None`` where nothing is added.
        d: The shift of a normal's mean, in standard deviations, that would give the corrected value.
    """

    value: float
    interval: tuple[float, float] | None = None
    p: float | None = None
    corrected: float | None = None
    d: float | None = None


def divergence_interval(
    divergence: Callable[[Values, Values], Values], old: Counts, new: Counts
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a divergence between two sets of shares, never below 0.

    A divergence of two samples is too large by about the same amount whatever its true value, and
    resampling adds that amount once more; so twice the bootstrap's estimate of it is taken off.

    Args:
        divergence: Takes shares of shape ``(..., bins)``, gives shape ``(...)``.
        old: Counts, shape ``(bins,)``.
        new: Counts, shape ``(bins,)``.

    Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 10.
    """
    rng = np.random.default_rng(0)
    draws = divergence(_resampled_shares(old, rng), _resampled_shares(new, rng))
    value = float(divergence(old / old.sum(), new / new.sum()))
    bias = float(np.mean(draws)) - value
    low, high = np.quantile(draws, COVERAGE) - 2 * max(bias, 0.0)
    return max(0.0, min(float(low), value)), max(float(high), value)


def _resampled_shares(counts: Counts, rng: np.random.Generator) -> Values:
    """Return shares of multinomial resamples, shape ``(REPLICATES, bins)``."""
    total = int(counts.sum())
    return rng.multinomial(total, counts / counts.sum(), size=REPLICATES) / total


def in_order(values: Values) -> Values:
    """Return the values sorted; those that are sorted already come back as they are, which is quicker."""
    return values if np.all(values[:-1] <= values[1:]) else np.sort(values)


def sorted_quantiles(values: Values, shares: Values) -> Values:
    """Return quantiles of sorted values as ``np.quantile`` would, without its pass over all of them.

    >>> sorted_quantiles(np.array([1.0, 2.0, 4.0]), np.array([0.25, 0.5])).tolist()
    [1.5, 2.0]
    """
    place = np.asarray(shares) * (len(values) - 1)
    below = np.floor(place).astype(np.intp)
    above = np.minimum(below + 1, len(values) - 1)
    part = place - below
    return np.asarray(values[below] * (1 - part) + values[above] * part)


def require_rows(old: Counts | Values, new: Counts | Values) -> None:
    """Raise ``ValueError`` unless both samples hold something finite to compare."""
    for side, sample in (("old", old), ("new", new)):
        if sample.ndim != 1 or not len(sample):
            raise ValueError(f"The {side} sample must be one-dimensional and hold at least one entry.")
        if not np.isfinite(sample).all():
            raise ValueError(f"The {side} sample holds missing or infinite values; leave them out.")


def require_counts(old: Counts, new: Counts) -> None:
    """Raise ``ValueError`` unless both are counts over the same categories, with rows on both sides."""
    require_rows(old, new)
    if old.shape != new.shape:
        raise ValueError(f"Counts over {len(old)} and {len(new)} categories cannot be compared.")
    if min(old.min(), new.min()) < 0 or min(old.sum(), new.sum()) <= 0:
        raise ValueError("Counts must not be negative, and each side needs at least one row.")

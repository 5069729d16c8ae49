"""What every measure returns, and what several need of their samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Counts = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]
Values = NDArray[np.floating[Any]]

Z95 = 1.96  # standard errors from a normal estimate to the ends of its 95 % interval


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


def without_noise(sizes: Values, errors: Values) -> Values:
    """Return absolute differences without what sampling adds to them.

    Each difference is split into two independent noisy copies, one to tell its sign and one to tell its
    size, and averaged over all such splits, which has a closed form. On average the result is 0 where there is
    no difference, and never larger than the truth.

    Args:
        sizes: Absolute differences, any shape.
        errors: Their standard errors, same shape.

    Source: Leiner, Duan, Wasserman and Ramdas (2023), Data Fission, arXiv 2112.11079.

    >>> without_noise(np.array([0.0, 5.0]), np.array([1.0, 1.0])).round(3).tolist()
    [-0.798, 5.0]
    """
    z = sizes / np.where(errors > 0, errors, 1)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.asarray(np.where(errors > 0, errors * (z * special.erf(z / np.sqrt(2)) - 2 * density), sizes))


def is_whole(values: Values) -> bool:
    """Return whether all values are whole numbers; some of them mostly tell, at little cost."""
    some = values[:: max(1, len(values) // 1_000)]
    return bool(np.array_equal(some, np.round(some)) and np.array_equal(values, np.round(values)))


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

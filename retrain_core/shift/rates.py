"""How often something happens in a column: missing values, infinite values."""

from __future__ import annotations

import numpy as np
from scipy import stats

from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Z95, Estimate, without_noise


def rate_change(old_hits: int, old_rows: int, new_hits: int, new_rows: int) -> Estimate:
    """Return the new rate minus the old one, with Newcombe's interval and Fisher's exact p-value.

    Args:
        old_hits: Old rows it happened in.
        old_rows: All old rows, at least 1.
        new_hits: New rows it happened in.
        new_rows: All new rows, at least 1.

    Returns:
        Value from -1 to 1, a difference of shares of rows. Sampling adds nothing to it on average, but does to its
        size, which is taken off for ``d``.

    Raises:
        ValueError: If a side has no rows or more hits than rows.

    Source: Newcombe (1998), Statistics in Medicine 17, 873-890.

    >>> rate_change(0, 100, 20, 100).value
    0.2
    """
    if not (0 <= old_hits <= old_rows and 0 <= new_hits <= new_rows and min(old_rows, new_rows) > 0):
        raise ValueError("Each side needs at least one row, and no more hits than rows.")
    old, new = old_hits / old_rows, new_hits / new_rows
    old_low, old_high = _wilson(old, old_rows)
    new_low, new_high = _wilson(new, new_rows)
    low = new - old - np.hypot(new - new_low, old_high - old)
    high = new - old + np.hypot(new_high - new, old - old_low)
    table = [[old_hits, old_rows - old_hits], [new_hits, new_rows - new_hits]]
    pooled = (old_hits + new_hits) / (old_rows + new_rows)
    error = np.sqrt(pooled * (1 - pooled) * (1 / old_rows + 1 / new_rows))
    clear = float(without_noise(np.array([abs(new - old)]), np.array([error]))[0])
    return Estimate(
        new - old,
        (float(max(-1, low)), float(min(1, high))),
        float(stats.fisher_exact(table).pvalue),
        d=d_from_overlap(max(0.0, clear)),
    )


def _wilson(rate: float, rows: int) -> tuple[float, float]:
    z2 = Z95**2 / rows
    middle, half = rate + z2 / 2, np.sqrt(rate * (1 - rate) * z2 + z2**2 / 4)
    return float((middle - half) / (1 + z2)), float((middle + half) / (1 + z2))

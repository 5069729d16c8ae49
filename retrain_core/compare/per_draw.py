"""What scores share: means, quotients and steps, of every draw of the rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.predicted import Floats


def mean(values: Floats, counts: Floats) -> Floats:
    """Return the mean of ``values``, shape ``(rows,)`` or ``(rows, n)``, in each draw."""
    total = counts.sum(axis=1)
    return np.asarray(((counts @ values).T / total).T)


def mean_of_known(values: Floats, axis: int) -> Floats:
    """Return the mean of those that are not NaN; NaN if none is."""
    known = ~np.isnan(values)
    return quotient(np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis))


def quotient(above: Floats, below: Floats) -> Floats:
    """Return ``above`` through ``below``; NaN where that is nothing."""
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))


def step_of(scores: Floats, steps: int) -> NDArray[np.intp]:
    """Return in which of at most so many steps of equally many rows each score lies; equal ones share a step."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, steps + 1)[1:-1]))
    _, step = np.unique(np.searchsorted(edges, scores, side="right"), return_inverse=True)
    return step

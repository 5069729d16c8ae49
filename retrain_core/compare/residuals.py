"""How the errors of numbers are spread: along the prediction, and over all rows.

As in :mod:`~retrain_core.compare.curves`, charts show the model of a candidate's first seed, which is the one that is
saved, and no result grows with the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.per_draw import step_of
from retrain_core.compare.predicted import Floats, Predicted

RESIDUAL_BINS = 12  # of the prediction, with equally many rows each
RESIDUAL_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
HISTOGRAM_BINS = 40


@dataclass(frozen=True)
class Residuals:
    """How predictions less targets of a regression are spread.

    Args:
        at: Mean prediction in each bin, shape ``(bins,)``.
        quantiles: The 5, 25, 50, 75 and 95 % quantiles of prediction less target, shape ``(bins, 5)``.
        rows: How many rows each bin has.
        edges: Ends of the histogram's bins.
        shares: Share of all rows in each of them, 0 to 1.
        outside: Share of rows below the first edge and above the last.
    """

    at: Floats
    quantiles: Floats
    rows: NDArray[np.intp]
    edges: Floats
    shares: Floats
    outside: tuple[float, float]


def error_edges(models: Sequence[Predicted], unit: int = 0) -> Floats:
    """Return ends of bins that hold all but the farthest errors of every model, so that they can be compared."""
    ends = [np.quantile(one.errors[:, unit], [0.005, 0.995]) for one in models]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, HISTOGRAM_BINS + 1)


def residuals(predicted: Predicted, edges: Floats, unit: int = 0) -> Residuals:
    """Return how prediction less target is spread, along the prediction and over all rows.

    Args:
        predicted: What a model predicts for numbers.
        edges: Of the histogram, see :func:`error_edges`.
        unit: Which number of a row, where there are several.
    """
    errors = predicted.errors[:, unit]
    said = np.asarray(predicted.outputs, np.float64)[:, unit]
    place = step_of(said, RESIDUAL_BINS)
    groups = np.split(errors[np.argsort(place, kind="stable")], np.cumsum(np.bincount(place))[:-1])
    return Residuals(
        at=np.bincount(place, said) / np.bincount(place),
        quantiles=np.array([np.quantile(group, RESIDUAL_SHARES) for group in groups]),
        rows=np.bincount(place),
        edges=edges,
        shares=np.histogram(errors, edges)[0] / len(errors),
        outside=(float((errors < edges[0]).mean()), float((errors > edges[-1]).mean())),
    )

"""Whether probabilities are as they are said: how far what was said and what came lie apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.per_draw import quotient, step_of
from retrain_core.compare.predicted import Floats, Predicted

BINS = 15  # of confidence, with equally many rows each


def ece(predicted: Predicted, counts: Floats) -> Floats:
    """Return the expected calibration error: how far what was said and what came lie apart, in bins of equally many rows.

    For two classes: the probability of the second against how often it comes; for more, that of the likeliest class
    against how often it is right; with several labels their mean. Chance alone adds to it, the more the fewer rows
    there are, so no interval around it holds: :func:`calibration_error` has one.

    Source: Guo et al. (2017), ICML; Roelofs et al. (2022), AISTATS (bins of equally many rows).
    """
    found = []
    for said, came in confidence(predicted):
        _, sums = _in_bins(said, came - said, counts)
        found.append(np.abs(sums).sum(axis=1) / counts.sum(axis=1))
    return np.asarray(np.mean(found, axis=0))


def calibration_error(predicted: Predicted, counts: Floats) -> Floats:
    """Return the mean of the squared gaps that :func:`ece` takes as they are, less what chance alone adds to them.

    It is the part of the Brier score that is due to miscalibration. Without taking off what chance adds, 60 rows of
    a well calibrated model look as if they were 15 points off. So it is right on average, and as often a little
    below 0 as above it if the model is well calibrated.

    Source: Kumar, Liang and Ma (2019), NeurIPS 32 (the debiased estimator); Murphy (1973), Journal of Applied
    Meteorology 12.
    """
    pairs = confidence(predicted)
    return np.asarray(np.mean([_squared_gaps(said, came, counts) for said, came in pairs], axis=0))


def _squared_gaps(said: Floats, came: Floats, counts: Floats) -> Floats:
    """Return the mean of squared gaps less what is due to the scatter within bins, in each draw."""
    gap, total = came - said, counts.sum(axis=1)
    rows, sums = _in_bins(said, gap, counts)
    used = (rows > 0).sum(axis=1)
    between = np.divide(np.square(sums), rows, out=np.zeros_like(sums), where=rows > 0).sum(axis=1)
    within = counts @ np.square(gap) - between
    return np.asarray((between - quotient(used * within, total - used)) / total)


def _in_bins(said: Floats, gap: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Return how many rows are in each bin and the sum of their gaps, in each draw: two of shape ``(draws, bins)``."""
    bin_of = bins(said)
    inside = np.equal(bin_of[:, None], np.arange(bin_of.max() + 1)).astype(np.float64)
    return counts @ inside, counts @ (inside * gap[:, None])


def confidence(predicted: Predicted) -> list[tuple[Floats, Floats]]:
    """Return what was said and what came, one pair of shape ``(rows,)`` or one a label."""
    if predicted.task == "multiclass":
        return [(predicted.chances.max(axis=1), np.asarray(predicted.metric, np.float64))]
    columns = [1] if predicted.task == "binary" else range(predicted.labels.shape[1])
    return [(predicted.chances[:, at], predicted.labels[:, at].astype(np.float64)) for at in columns]


def bins(said: Floats) -> NDArray[np.intp]:
    """Return the bin of each row by its confidence; rows of the same confidence share one."""
    return step_of(said, BINS)

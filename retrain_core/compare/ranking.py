"""Scores of how well rows with a label stand before those without: AUROC and AUPRC."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from retrain_core.compare.per_draw import mean_of_known, quotient, step_of
from retrain_core.compare.predicted import Floats, Predicted

MOST_STEPS = 500  # of scores in the draws of a bootstrap


def auroc(predicted: Predicted, counts: Floats) -> Floats:
    """Return the chance that a row with a label is given more for it than a row without; ties count half.

    With more than two classes or labels, the mean over them, each against the rest.

    Source: Hanley and McNeil (1982), Radiology 143; Fawcett (2006), Pattern Recognition Letters 27.
    """
    return _mean_over_labels(predicted, counts, _auroc)


def auprc(predicted: Predicted, counts: Floats) -> Floats:
    """Return the mean precision along the recall (average precision), over labels as :func:`auroc`.

    Source: Davis and Goadrich (2006), ICML (why not by straight lines between points).
    """
    return _mean_over_labels(predicted, counts, _auprc)


def _mean_over_labels(
    predicted: Predicted, counts: Floats, score: Callable[[Floats, NDArray[np.bool_], Floats], Floats]
) -> Floats:
    columns = [1] if predicted.task == "binary" else range(predicted.labels.shape[1])
    values = [score(predicted.chances[:, at], predicted.labels[:, at], counts) for at in columns]
    return mean_of_known(np.stack(values), axis=0)


def _steps(scores: Floats, label: NDArray[np.bool_], counts: Floats) -> tuple[Floats, Floats]:
    """Return how many rows with and without the label stand at each step of the scores, highest first.

    A step is a score; in draws, scores so close that there are more than ``MOST_STEPS`` share one.

    Returns:
        Two arrays of shape ``(draws, steps)``.
    """
    distinct, step = np.unique(scores, return_inverse=True)
    if len(counts) > 1 and len(distinct) > MOST_STEPS:
        step = step_of(scores, MOST_STEPS)
    steps = int(step.max()) + 1
    cell = np.where(label, steps - 1 - step, 2 * steps - 1 - step)
    rows = np.arange(len(scores))
    tally = sparse.csr_array((np.ones(len(scores)), (cell, rows)), shape=(2 * steps, len(scores)))
    here = np.ascontiguousarray((tally @ counts.T).T)
    return here[:, :steps], here[:, steps:]


def _auroc(scores: Floats, label: NDArray[np.bool_], counts: Floats) -> Floats:
    having, other = _steps(scores, label, counts)
    below = other.sum(axis=1, keepdims=True) - np.cumsum(other, axis=1)
    pairs = having.sum(axis=1) * other.sum(axis=1)
    return quotient((having * (below + other / 2)).sum(axis=1), pairs)


def _auprc(scores: Floats, label: NDArray[np.bool_], counts: Floats) -> Floats:
    having, other = _steps(scores, label, counts)
    found, said = np.cumsum(having, axis=1), np.cumsum(having + other, axis=1)
    precision = np.divide(found, said, out=np.zeros_like(found), where=said > 0)
    return quotient((having * precision).sum(axis=1), having.sum(axis=1))

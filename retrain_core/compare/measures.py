"""SCORES: what a model's predictions are worth, one function each.

Each takes the predictions and how often each row counts, shape ``(draws, rows)``, and returns one value a draw: with
ones it is the score, with the counts of a bootstrap its distribution. NaN where a draw has too little to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from retrain_core.compare.predicted import LEAST_CHANCE, Floats, Predicted
from retrain_core.types import Task

MOST_STEPS = 500  # of scores in the draws of a bootstrap
FEWEST_OF_A_CLASS = 20  # rows of the rarer of two: with fewer, scores by class have no interval that holds
BINS = 15  # of confidence, with equally many rows each
CLASSES: tuple[Task, ...] = ("binary", "multiclass")
LABELS: tuple[Task, ...] = ("binary", "multiclass", "multilabel")
NUMBERS: tuple[Task, ...] = ("regression",)


@dataclass(frozen=True)
class Score:
    """One way to score predictions.

    Args:
        title: For people.
        direction: Which way is better.
        tasks: Kinds of problem it is for.
        of: The function.
        by_row: The score of each row if the score is their mean, else ``None``.
        share: Whether it lies between 0 and 1.
        positive: Whether it is never below 0, with no upper end.
        by_class: Whether it weighs each class on its own, so that a rare one decides.
        told: Whether rows tell it with an interval that holds; one without is shown, and decides nothing.
    """

    title: str
    direction: Literal["max", "min"]
    tasks: tuple[Task, ...]
    of: Callable[[Predicted, Floats], Floats]
    by_row: Callable[[Predicted], Floats] | None = None
    share: bool = False
    positive: bool = False
    by_class: bool = False
    told: bool = True


def mean(values: Floats, counts: Floats) -> Floats:
    """Return the mean of ``values``, shape ``(rows,)`` or ``(rows, n)``, in each draw."""
    total = counts.sum(axis=1)
    return np.asarray(((counts @ values).T / total).T)


def _mean_of_known(values: Floats, axis: int) -> Floats:
    """Return the mean of those that are not NaN; NaN if none is."""
    known = ~np.isnan(values)
    return _quotient(np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis))


def _quotient(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))


# --- classes and labels ---------------------------------------------------------------------------


def log_loss_rows(predicted: Predicted) -> Floats:
    """Return minus the logarithm of the probability that was given to what came; with several labels, their mean."""
    chances = np.clip(predicted.chances, LEAST_CHANCE, 1 - LEAST_CHANCE)
    if predicted.task == "multilabel":
        return np.asarray(-np.log(np.where(predicted.labels, chances, 1 - chances)).mean(axis=1))
    return np.asarray(-np.log(chances[np.arange(predicted.rows), np.asarray(predicted.targets, np.intp)]))


def brier_rows(predicted: Predicted) -> Floats:
    """Return the squared error of the probabilities: of the second class, of all classes together, or a label's mean.

    Source: Brier (1950), Monthly Weather Review 78; for two classes the usual half of it.
    """
    squares = np.square(predicted.chances - predicted.labels)
    one = predicted.task in ("binary", "multilabel")
    return np.asarray(squares.mean(axis=1) if one else squares.sum(axis=1))


def balanced_accuracy(predicted: Predicted, counts: Floats) -> Floats:
    """Return the mean over classes of the share of their rows that is right; classes without rows do not count.

    Source: Brodersen et al. (2010), ICPR.
    """
    labels = predicted.labels.astype(np.float64)
    right = labels * np.asarray(predicted.metric)[:, None]
    return _mean_of_known(_quotient(counts @ right, counts @ labels), axis=1)


def f1(predicted: Predicted, counts: Floats) -> Floats:
    """Return the harmonic mean of precision and recall: of the second of two classes, else the mean over all.

    Source: van Rijsbergen (1979), Information Retrieval.
    """
    labels, said = predicted.labels.astype(np.float64), predicted.decided.astype(np.float64)
    if predicted.task == "binary":
        labels, said = labels[:, 1:], said[:, 1:]
    hits, all_labels, all_said = counts @ (labels * said), counts @ labels, counts @ said
    return _mean_of_known(_quotient(2 * hits, all_labels + all_said), axis=1)


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
    return _mean_of_known(np.stack(values), axis=0)


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
    return _quotient((having * (below + other / 2)).sum(axis=1), pairs)


def _auprc(scores: Floats, label: NDArray[np.bool_], counts: Floats) -> Floats:
    having, other = _steps(scores, label, counts)
    found, said = np.cumsum(having, axis=1), np.cumsum(having + other, axis=1)
    precision = np.divide(found, said, out=np.zeros_like(found), where=said > 0)
    return _quotient((having * precision).sum(axis=1), having.sum(axis=1))


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
    return np.asarray((between - _quotient(used * within, total - used)) / total)


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


def step_of(scores: Floats, steps: int) -> NDArray[np.intp]:
    """Return in which of at most so many steps of equally many rows each score lies; equal ones share a step."""
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, steps + 1)[1:-1]))
    _, step = np.unique(np.searchsorted(edges, scores, side="right"), return_inverse=True)
    return step


# --- numbers --------------------------------------------------------------------------------------


def rmse(predicted: Predicted, counts: Floats) -> Floats:
    """Return the root of the mean squared error, over all numbers of a row."""
    return np.sqrt(mean(np.square(predicted.errors).mean(axis=1), counts))


def r2(predicted: Predicted, counts: Floats) -> Floats:
    """Return the share of the targets' variance that is explained; the mean over several numbers a row.

    Source: Draper and Smith (1998), Applied Regression Analysis.
    """
    targets = np.asarray(predicted.targets, np.float64).reshape(predicted.rows, -1)
    targets = targets - targets.mean(axis=0)  # keeps the digits that squares of large numbers would lose
    variance = mean(np.square(targets), counts) - np.square(mean(targets, counts))
    left = mean(np.square(predicted.errors), counts)
    return _mean_of_known(1 - _quotient(left, variance), axis=1)


# --- the table ------------------------------------------------------------------------------------


def _by_row(rows: Callable[[Predicted], Floats]) -> Callable[[Predicted, Floats], Floats]:
    return lambda predicted, counts: mean(rows(predicted), counts)


def _mean_score(
    title: str,
    direction: Literal["max", "min"],
    tasks: tuple[Task, ...],
    rows: Callable[[Predicted], Floats],
) -> Score:
    share = direction == "max"
    return Score(title, direction, tasks, _by_row(rows), rows, share, positive=not share)


SCORES: Mapping[str, Score] = {
    "accuracy": _mean_score("Accuracy", "max", LABELS, lambda predicted: predicted.metric),
    "mae": _mean_score("Mean absolute error", "min", NUMBERS, lambda predicted: predicted.metric),
    "loss": _mean_score("Loss", "min", (*LABELS, *NUMBERS), lambda predicted: predicted.loss),
    "balanced_accuracy": Score(
        "Balanced accuracy", "max", CLASSES, balanced_accuracy, share=True, by_class=True
    ),
    "auroc": Score("AUROC", "max", LABELS, auroc, share=True, by_class=True),
    "auprc": Score("AUPRC", "max", LABELS, auprc, share=True, by_class=True),
    "f1": Score("F1", "max", LABELS, f1, share=True, by_class=True),
    "log_loss": _mean_score("Log-loss", "min", LABELS, log_loss_rows),
    "brier": _mean_score("Brier score", "min", LABELS, brier_rows),
    "ece": Score("ECE", "min", LABELS, ece, told=False),
    "calibration_error": Score("Calibration error", "min", LABELS, calibration_error),
    "rmse": Score("Root mean squared error", "min", NUMBERS, rmse, positive=True),
    "r2": Score("R2", "max", NUMBERS, r2),
}


def sign_of(score: str) -> float:
    """Return 1 if a higher score is better, else -1."""
    return 1.0 if SCORES[score].direction == "max" else -1.0


def scores_of(task: Task) -> dict[str, Score]:
    """Return the scores for a kind of problem."""
    return {name: score for name, score in SCORES.items() if task in score.tasks}


def deciding(task: Task) -> dict[str, Score]:
    """Return the scores that candidates can be weighed by."""
    return {name: score for name, score in scores_of(task).items() if score.told}


def has_interval(score: str, predicted: Predicted) -> bool:
    """Return whether a score has one, and rows enough for it: of either class (or label), where it counts."""
    if not SCORES[score].told:
        return False
    if not SCORES[score].by_class or predicted.task == "multiclass":
        return True
    having = predicted.labels.sum(axis=0)
    return bool(np.minimum(having, predicted.rows - having).min() >= FEWEST_OF_A_CLASS)

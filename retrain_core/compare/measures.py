"""SCORES: what a model's predictions are worth, one function each.

Each takes the predictions and how often each row counts, shape ``(draws, rows)``, and returns one value a draw: with
ones it is the score, with the counts of a bootstrap its distribution. NaN where a draw has too little to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from retrain_core.compare.calibration import calibration_error, ece
from retrain_core.compare.per_draw import mean, mean_of_known, quotient
from retrain_core.compare.predicted import LEAST_CHANCE, Floats, Predicted
from retrain_core.compare.ranking import auprc, auroc
from retrain_core.types import Task

FEWEST_OF_A_CLASS = 20  # rows of the rarer of two: with fewer, scores by class have no interval that holds
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
        told: Whether rows tell it with an interval that holds.
        decides: Whether candidates can be weighed by it: told, and with a smallest difference that matters.
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
    decides: bool = True


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
    return mean_of_known(quotient(counts @ right, counts @ labels), axis=1)


def f1(predicted: Predicted, counts: Floats) -> Floats:
    """Return the harmonic mean of precision and recall: of the second of two classes, else the mean over all.

    Source: van Rijsbergen (1979), Information Retrieval.
    """
    labels, said = predicted.labels.astype(np.float64), predicted.decided.astype(np.float64)
    if predicted.task == "binary":
        labels, said = labels[:, 1:], said[:, 1:]
    hits, all_labels, all_said = counts @ (labels * said), counts @ labels, counts @ said
    return mean_of_known(quotient(2 * hits, all_labels + all_said), axis=1)


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
    return mean_of_known(1 - quotient(left, variance), axis=1)


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
    "ece": Score("ECE", "min", LABELS, ece, told=False, decides=False),
    "calibration_error": Score("Calibration error", "min", LABELS, calibration_error, decides=False),
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
    return {name: score for name, score in scores_of(task).items() if score.decides}


def has_interval(score: str, predicted: Predicted) -> bool:
    """Return whether a score has one, and rows enough for it: of either class (or label), where it counts."""
    if not SCORES[score].told:
        return False
    if not SCORES[score].by_class or predicted.task == "multiclass":
        return True
    having = predicted.labels.sum(axis=0)
    return bool(np.minimum(having, predicted.rows - having).min() >= FEWEST_OF_A_CLASS)

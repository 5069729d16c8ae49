"""What stands behind a score of classes: which are mixed up, what thresholds do, and how reliable probabilities are.

Everything is of one model. Where a candidate was trained with several seeds, its first seed's model is the one that is
saved, so charts show that of the first seed. No result grows with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.calibration import bins, confidence
from retrain_core.compare.intervals import wilson
from retrain_core.compare.predicted import Floats, Predicted
from retrain_core.compare.thinning import thin

WIDE_STEP = 0.01  # of recall; a longer step between two thresholds is bent, not straight
BENDS = 20  # points along such a step


def confusion(predicted: Predicted, classes: int) -> NDArray[np.intp]:
    """Return how many rows of each class (first axis) the model says are of each class (second axis).

    Args:
        predicted: What a model predicts for classes; with several labels a row, one of them against the rest.
        classes: How many there are; shape of the result ``(classes, classes)``.

    Raises:
        ValueError: If rows do not have one class each.
    """
    if predicted.task not in ("binary", "multiclass"):
        raise ValueError("Only rows with one class each can be counted by class.")
    came = np.asarray(predicted.targets, np.intp)
    return np.bincount(came * classes + predicted.classes, minlength=classes**2).reshape(classes, classes)


def most_frequent(counts: NDArray[np.intp], most: int) -> tuple[NDArray[np.intp], list[int]]:
    """Return counts of the ``most`` classes with the most rows, in their order, and all others as one behind them.

    Args:
        counts: As :func:`confusion` returns them; several models' counts of the same rows give the same classes.
        most: How many classes stand for themselves.

    Returns:
        The counts and the numbers of the classes that stand for themselves; with at most ``most`` classes all of them.
    """
    if len(counts) <= most:
        return counts, list(range(len(counts)))
    chosen = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[:most])
    group = np.full(len(counts), most)
    group[chosen] = np.arange(most)
    pooled = np.zeros((most + 1, most + 1), np.intp)
    np.add.at(pooled, (group[:, None], group[None, :]), counts)
    return pooled, chosen.tolist()


@dataclass(frozen=True)
class Curve:
    """A line from threshold to threshold.

    Args:
        x: Shape ``(points,)``, from 0 to 1.
        y: The same.
        base: Share of the rows that have the label.
    """

    x: Floats
    y: Floats
    base: float


def roc(predicted: Predicted, label: int) -> Curve | None:
    """Return the share of rows with a label that are found against the share of others that are taken for it.

    Args:
        predicted: What a model predicts for classes or labels.
        label: Number of the class or label.

    Returns:
        The line from (0, 0) to (1, 1); ``None`` if all rows have the label, or none has.

    Source: Fawcett (2006), Pattern Recognition Letters 27.
    """
    found, false = _taken(predicted, label)
    if not found[-1] or not false[-1]:
        return None
    return _curve(false / false[-1], found / found[-1], found, false)


def precision_recall(predicted: Predicted, label: int) -> Curve | None:
    """Return the share of rows with a label among those taken for it (precision) against the share found (recall).

    Between two thresholds precision is no straight line; long steps are drawn with points between.

    Returns:
        The line from recall 0, where precision is that of the highest threshold, to recall 1; ``None`` if no row has the
        label.

    Source: Davis and Goadrich (2006), ICML.
    """
    found, false = _taken(predicted, label)
    if not found[-1]:
        return None
    total, base = found[-1], found[-1] / (found[-1] + false[-1])
    found, false = _bent(found, false, total * WIDE_STEP)
    precision = np.divide(found, found + false, out=np.zeros(len(found)), where=found + false > 0)
    precision[0] = precision[1]
    points = np.column_stack([found / total, precision])
    chosen = thin(points)
    return Curve(points[chosen, 0], points[chosen, 1], float(base))


def _taken(predicted: Predicted, label: int) -> tuple[Floats, Floats]:
    """Return how many rows with and without a label are taken for it, from the highest threshold down; 0 before it."""
    scores, having = predicted.chances[:, label], predicted.labels[:, label]
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)
    found = np.cumsum(having[order], dtype=np.float64)[ends]
    return np.concatenate([[0.0], found]), np.concatenate([[0.0], ends + 1 - found])


def _curve(x: Floats, y: Floats, found: Floats, false: Floats) -> Curve:
    chosen = thin(np.column_stack([x, y]))
    return Curve(x[chosen], y[chosen], float(found[-1] / (found[-1] + false[-1])))


def _bent(found: Floats, false: Floats, step: float) -> tuple[Floats, Floats]:
    """Return both counts with points between, wherever ``found`` rises by more than ``step`` at once."""
    wide = np.diff(found, append=found[-1]) > step
    at = np.arange(len(found), dtype=np.float64)
    between = (at[wide, None] + np.linspace(0, 1, BENDS, endpoint=False)[1:]).ravel()
    places = np.sort(np.concatenate([at, between]))
    return np.interp(places, at, found), np.interp(places, at, false)


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of about the same confidence.

    Args:
        said: Mean confidence, 0 to 1.
        came: Share of rows in which it came so.
        interval: 95 % interval of that share (Wilson).
        rows: How many rows.
    """

    said: float
    came: float
    interval: tuple[float, float]
    rows: int


def reliability(predicted: Predicted) -> tuple[ReliabilityBin, ...]:
    """Return how often it came as the model said, by how sure it was; bins of equally many rows.

    For two classes the chance of the second; for more that of the likeliest against how often it is right; with several
    labels all of them together. One class or label alone is the same question of what
    :func:`~retrain_core.compare.one_label.against_rest` returns.

    Source: Guo et al. (2017), ICML; Wilson (1927), JASA 22.
    """
    pairs = confidence(predicted)
    said, came = (np.concatenate(values) for values in zip(*pairs, strict=True))
    place = bins(said)
    rows = np.bincount(place)
    means, shares = np.bincount(place, said) / rows, np.bincount(place, came) / rows
    return tuple(
        ReliabilityBin(float(mean), float(share), wilson(float(share), int(n)), int(n))
        for mean, share, n in zip(means, shares, rows, strict=True)
    )

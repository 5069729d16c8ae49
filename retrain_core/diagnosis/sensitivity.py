"""How much a model's scores change once its inputs are disturbed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.intervals import Z95, paired_error, seed_half_width
from retrain_core.types import Disturbed, Sensitivity


def robustness(metric_name: str, clean: float, points: Iterable[Disturbed]) -> float:
    """Return the share of a model's score that is left on disturbed rows, 0 to 1.

    At each severity of each kind of disturbance it is ``accuracy on disturbed rows / accuracy``, or ``mean absolute
    error / mean absolute error on disturbed rows``, at most 1; these are averaged over the severities of a kind, then
    over the kinds. Disturbances of single columns do not count. A model that guesses keeps part of its accuracy, so
    compare models on the same rows, and read the number beside the score itself.

    Args:
        metric_name: ``accuracy`` or ``mae``.
        clean: The metric on the rows as they are.
        points: What the model scored on disturbed rows.

    Raises:
        ValueError: If nothing disturbed all columns.

    >>> robustness("accuracy", 0.8, [Disturbed("noise", 0.1, 0.5, 0.8), Disturbed("noise", 1.0, 0.9, 0.4)])
    0.75
    """
    left: dict[str, list[float]] = defaultdict(list)
    for point in points:
        if not point.column:
            left[point.what].append(_left(metric_name, clean, point.metric))
    if not left:
        raise ValueError("No disturbance of all columns was measured.")
    return float(np.mean([np.mean(shares) for shares in left.values()]))


def _left(metric_name: str, clean: float, disturbed: float) -> float:
    good, now = (disturbed, clean) if metric_name == "accuracy" else (clean, disturbed)
    return 1.0 if good >= now else good / now


def change_interval(changes: NDArray[np.floating[Any]], *, share: bool) -> tuple[float, float]:
    """Return the 95 % interval of a mean change on the same rows; chance of rows and of repeats add in squares.

    Args:
        changes: Of the metric of each row, disturbed against undisturbed, shape ``(repeats, rows)``.
        share: Whether the metric is a share from 0 to 1, such as right or wrong.
    """
    middle = float(changes.mean())
    rows = Z95 * paired_error(changes.mean(axis=0), share=share)
    half = float(np.hypot(rows, seed_half_width(changes.mean(axis=1))))
    return middle - half, middle + half


@dataclass(frozen=True)
class Change:
    """What disturbing one column changes.

    Args:
        loss: Its change; above 0 is worse.
        metric: Its change; of the accuracy below 0 is worse, of the mean absolute error above 0.
        interval: 95 % interval of the metric's change; ``None`` where it was not measured.
    """

    loss: float
    metric: float
    interval: tuple[float, float] | None = None


def importance(sensitivity: Sensitivity, what: str = "permuted") -> dict[str, Change]:
    """Return what disturbing each column alone changes, the largest change of the metric first, then of the loss.

    Args:
        sensitivity: What was measured.
        what: The disturbance of single columns, in ``DISTURBANCES``; of several severities the one that costs most counts.

    Source: Breiman (2001), Machine Learning 45(1) (permutation importance).
    """
    sign = sign_of(sensitivity)
    found: dict[str, Change] = {}
    for point in sensitivity.points:
        if point.what == what and point.column:
            now = Change(point.loss - sensitivity.loss, point.metric - sensitivity.metric, point.interval)
            known = found.get(point.column, now)
            found[point.column] = min(known, now, key=lambda change: (sign * change.metric, -change.loss))
    return dict(sorted(found.items(), key=lambda item: size(item[1]), reverse=True))


def size(change: Change) -> tuple[float, float]:
    """Return how large a change is, to sort by."""
    return abs(change.metric), abs(change.loss)


def sign_of(sensitivity: Sensitivity) -> float:
    """Return 1 if a rise of the metric is better, else -1."""
    return 1.0 if sensitivity.metric_name == "accuracy" else -1.0

"""How a model bears disturbed inputs, told from what it scored on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

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


def importance(sensitivity: Sensitivity, what: str = "permuted") -> dict[str, tuple[float, float]]:
    """Return by how much disturbing each column alone raises the loss and worsens the metric, most important first.

    Args:
        sensitivity: What was measured.
        what: The disturbance of single columns, in ``DISTURBANCES``; of several severities the one that costs most counts.

    Returns:
        By column: the rise of the loss, and the fall of the accuracy or the rise of the mean absolute error; 0 or
        less for a column that the model does not need. The order is that of the metric, then of the loss.

    Source: Breiman (2001), Machine Learning 45(1) (permutation importance).
    """
    sign = -1.0 if sensitivity.metric_name == "accuracy" else 1.0
    found: dict[str, tuple[float, float]] = {}
    for point in sensitivity.points:
        if point.what == what and point.column:
            cost = point.loss - sensitivity.loss, sign * (point.metric - sensitivity.metric)
            known = found.get(point.column, cost)
            found[point.column] = max(known, cost, key=lambda pair: pair[::-1])
    return dict(sorted(found.items(), key=lambda item: item[1][::-1], reverse=True))

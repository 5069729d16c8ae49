"""What one model predicts for the rows of one part of the holdout: everything that is scored comes from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from retrain_core.types import Task

Floats = NDArray[np.float64]
LEAST_CHANCE = 1e-7  # as in Keras' own losses: no single row costs more than 16.1


@dataclass(frozen=True)
class Predicted:
    """Targets, and what a model with one seed makes of the rows.

    Args:
        task: Kind of problem.
        targets: Shape ``(rows,)``: class number or number; ``(rows, units)`` with several labels or numbers a row.
        outputs: The model's outputs, shape ``(rows, units)``.
        loss: The training loss of each row, shape ``(rows,)``.
        metric: 1 for right and 0 for wrong (the share of right labels, with several), or the mean absolute error.
        from_logits: Whether outputs are logits rather than probabilities.
    """

    task: Task
    targets: NDArray[Any]
    outputs: NDArray[np.floating[Any]]
    loss: Floats
    metric: Floats
    from_logits: bool = False

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.targets)

    @cached_property
    def chances(self) -> Floats:
        """Probability of each class, shape ``(rows, classes)``; with several labels, of each label."""
        outputs = np.asarray(self.outputs, np.float64)
        if self.task == "multilabel":
            return expit(outputs) if self.from_logits else outputs
        if outputs.shape[1] == 1:
            second = expit(outputs) if self.from_logits else outputs
            return np.hstack([1 - second, second])
        return softmax(outputs, axis=1) if self.from_logits else outputs

    @cached_property
    def classes(self) -> NDArray[np.intp]:
        """The likeliest class of each row, shape ``(rows,)``."""
        return np.asarray(self.chances.argmax(axis=1))

    @cached_property
    def labels(self) -> NDArray[np.bool_]:
        """Which classes (or labels) each row has, shape ``(rows, classes)``."""
        if self.task == "multilabel":
            return np.asarray(np.equal(self.targets, 1))
        return _one_hot(np.asarray(self.targets), self.chances.shape[1])

    @cached_property
    def decided(self) -> NDArray[np.bool_]:
        """Which classes (or labels) the model says each row has, shape ``(rows, classes)``."""
        if self.task == "multilabel":
            return np.greater(self.chances, 0.5)
        return _one_hot(self.classes, self.chances.shape[1])

    @cached_property
    def errors(self) -> Floats:
        """Prediction less target of a regression, shape ``(rows, units)``."""
        targets = np.asarray(self.targets, np.float64).reshape(self.rows, -1)
        return np.asarray(self.outputs, np.float64).reshape(self.rows, -1) - targets


def _one_hot(classes: NDArray[Any], count: int) -> NDArray[np.bool_]:
    return np.asarray(classes[:, None] == np.arange(count))

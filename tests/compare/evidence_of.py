"""Made evidence: what candidates predict for the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from retrain_core.compare.evidence import Evidence, Held, Side
from retrain_core.compare.predicted import Predicted
from retrain_core.types import Holdout, Task


def one_of(task: Task, targets: np.ndarray, outputs: np.ndarray) -> Predicted:
    """Return what a model predicts, with its score and loss of each row."""
    outputs = outputs if outputs.ndim == 2 else outputs[:, None]
    made = Predicted(task, targets, outputs, np.zeros(len(targets)), np.zeros(len(targets)))
    if task == "regression":
        metric = np.abs(made.errors).mean(axis=1)
    else:
        metric = np.equal(made.decided, made.labels).mean(axis=1)
        metric = metric if task == "multilabel" else (metric == 1).astype(float)
    loss = metric**2 if task == "regression" else 1 - metric
    return Predicted(task, targets, outputs, loss, metric)


def evidence_of(
    task: Task,
    targets: np.ndarray,
    outputs: Mapping[str, Sequence[np.ndarray]],
    groups: np.ndarray | None = None,
    side: Side = "new",
) -> Evidence:
    """Return the evidence of candidates by name, with the outputs of each seed."""
    predicted: dict[str, Any] = {
        name: tuple(one_of(task, targets, one) for one in seeds) for name, seeds in outputs.items()
    }
    holdout = Holdout("0" * 64, len(targets) * (side == "new"), len(targets) * (side == "old"))
    return Evidence(task, holdout, (), {side: predicted}, {side: Held(targets, groups)})

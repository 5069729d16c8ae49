"""Made predictions, and evidence of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from retrain_core.compare.evidence import Evidence, Held
from retrain_core.compare.predicted import Predicted
from retrain_core.types import Holdout, Task


def predicted(task: Task, targets: Any, outputs: Any, *, from_logits: bool = False) -> Predicted:
    """Return predictions with the metric of each row as the workers find it; the loss is not used."""
    targets, outputs = np.asarray(targets), np.asarray(outputs, float)
    if outputs.ndim == 1:
        outputs = outputs[:, None]
    middle = 0.0 if from_logits else 0.5
    if task == "regression":
        metric = np.abs(outputs - targets.reshape(len(targets), -1)).mean(axis=1)
    elif task == "multilabel":
        metric = ((outputs > middle) == (targets == 1)).mean(axis=1)
    elif outputs.shape[1] == 1:
        metric = ((outputs[:, 0] > middle) == (targets == 1)).astype(float)
    else:
        metric = (outputs.argmax(axis=1) == targets).astype(float)
    return Predicted(task, targets, outputs, np.zeros(len(targets)), metric, from_logits)


def rows_of(one: Predicted, places: Any) -> Predicted:
    """Return the predictions for some of the rows, each as often as it is named."""
    return Predicted(
        one.task,
        one.targets[places],
        one.outputs[places],
        one.loss[places],
        one.metric[places],
        one.from_logits,
    )


def evidence(seeds: Mapping[str, Sequence[Predicted]], groups: Any = None) -> Evidence:
    """Return the evidence of candidates on the new rows."""
    first = next(iter(seeds.values()))[0]
    held = {"new": Held(first.targets, groups)}
    each = {name: tuple(some) for name, some in seeds.items()}
    return Evidence(first.task, cast(Holdout, None), (), {"new": each}, held)  # type: ignore[arg-type]


def of_metric(rows: Any) -> list[Predicted]:
    """Return predictions of which only the metric of each row is known, one a seed; ``rows`` is (seeds, rows)."""
    none = np.zeros((np.shape(rows)[1], 2))
    return [Predicted("multilabel", none, none, none[:, 0], np.asarray(one, float)) for one in rows]

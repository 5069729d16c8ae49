"""Score one model on the holdout, and on the rows that tell more of it: predictions once, everything else from them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.data.parts import PART_NAMES, SCORED_PARTS, looked_at
from retrain_core.errors import RunError
from retrain_core.files import write_atomic
from retrain_core.training.forward import Forward
from retrain_core.training.objective import Objective
from retrain_core.training.rows import inputs_of
from retrain_core.types import Dataset, PartScores, Schema


def score_parts(
    model: keras.Model,
    objective: Objective,
    parts: Mapping[str, Dataset],
    folder: Path,
    beat: Callable[[], None] = lambda: None,
) -> tuple[PartScores, PartScores | None]:
    """Score on each of ``SCORED_PARTS``, and keep the loss of each row and each prediction in ``scores.npz``.

    Returns:
        Scores on the new and on the old part of the holdout; the second is ``None`` without old data.
    """
    arrays: dict[str, NDArray[Any]] = {}
    schema, outputs_of = objective.schema, Forward(model, beat)
    scores: dict[str, PartScores | None] = {"old": None}
    for side, part in SCORED_PARTS.items():
        data = parts.get(part)
        if data is None:
            continue
        data = looked_at(side, data)
        outputs = outputs_of(inputs_of(model, data))[0].astype(np.float32).reshape(data.rows, -1)
        outputs = objective.widen(outputs)
        loss = objective.row_losses(np.asarray(data.targets), outputs)
        arrays |= {
            f"{side}_outputs": outputs,
            f"{side}_loss": loss,
            f"{side}_metric": metric_rows(schema, data, outputs),
        }
        refuse_no_number(f"the {PART_NAMES[side]}", loss, arrays[f"{side}_metric"])
        metric = float(arrays[f"{side}_metric"].mean())
        name = "mae" if schema.task == "regression" else "accuracy"
        scores[side] = PartScores(loss=float(loss.mean()), rows=data.rows, **{name: metric})
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomic(folder / "scores.npz", buffer.getvalue())
    assert scores["new"] is not None  # there is always a new part
    return scores["new"], scores["old"]


def refuse_no_number(where: str, loss: NDArray[np.floating], metric: NDArray[np.floating]) -> None:
    """Raise ``RunError`` if a model's loss or metric on a row is infinite or NaN; ``where`` says which rows these are."""
    if not np.isfinite(loss).all() or not np.isfinite(metric).all():
        raise RunError(
            f"The loss on {where} is not a number.",
            "The model's weights or outputs are infinite or NaN.",
            "Look at the weights of the old model, or try a smaller learning rate.",
        )


def metric_rows(schema: Schema, data: Dataset, outputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return 1 for each right row and 0 for each wrong one, or the absolute error; shape ``(rows,)``.

    With several labels or values a row it is their mean.
    """
    targets: NDArray[Any] = np.asarray(data.targets)
    if schema.task in ("binary", "multiclass") and outputs.shape[1] > 1:
        return np.asarray(np.equal(outputs.argmax(axis=1), targets), np.float64)
    targets = targets.reshape(data.rows, -1)
    if schema.task == "regression":
        return np.asarray(np.abs(np.subtract(outputs, targets, dtype=np.float64)).mean(axis=1))
    predicted = np.greater(outputs, 0.0 if schema.from_logits else 0.5)
    return np.asarray(np.equal(predicted, targets).mean(axis=1), np.float64)

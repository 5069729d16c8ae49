"""What the old model makes of the rows of both sides: outputs, features, and where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.data.observed import MOST_ROWS, Observed, Side, save_observed
from retrain_core.training import models
from retrain_core.training.features import projected, with_features
from retrain_core.training.forward import Forward
from retrain_core.training.job import Job
from retrain_core.training.objective import Objective
from retrain_core.training.rows import CHUNK_BYTES, inputs_of, row_bytes
from retrain_core.training.scoring import metric_rows, refuse_no_number
from retrain_core.types import Dataset, RunResult

MOST_AT_ONCE = 1_024
SIDES: Mapping[Side, tuple[str, ...]] = {
    "old": ("old_train", "old_holdout"),
    "new": ("new_train", "new_validation", "new_holdout"),
}


@dataclass(frozen=True)
class _Piece:
    """Some rows of one part, and their numbers in the file."""

    data: Dataset
    numbers: NDArray[np.int64]


def observe(job: Job) -> RunResult:
    """Write what the old model makes of random rows of both sides to ``observed.npz``.

    Rows are taken from all parts of a side. A holdout that came as a file of its own is no part of the new file
    and is left out; the run folder then has no row numbers for it.

    Raises:
        RunError: If the model's loss on a row is not a number.
    """
    model, layer = with_features(models.load(job.model_path))
    objective, outputs_of = Objective(job.model_path, job.schema), Forward(model)
    rng = np.random.default_rng(job.spec.seed)
    pieces = {side: list(_pieces(job, side, rng)) for side in SIDES}
    total = sum(len(piece.numbers) for side in pieces.values() for piece in side)
    done, found = 0, {}
    for side, those in pieces.items():
        seen = []
        for piece in those:
            if job.should_stop():
                return replace(job.ended(job.cost()), status="stopped")
            seen.append(_seen(piece, outputs_of, objective))
            done += len(piece.numbers)
            label = f"the old model looks at {side} rows"
            job.report("progress", {"progress": done / total, "label": label})
        if seen:
            found[side] = _joined(seen)
            refuse_no_number(f"the {side} rows", found[side].loss, found[side].error)
    save_observed(job.folder / "observed.npz", found, layer)
    return job.ended(job.cost())


def _pieces(job: Job, side: Side, rng: np.random.Generator) -> Iterator[_Piece]:
    """Yield the rows to look at, so few at a time that they fit in memory."""
    parts: list[tuple[Dataset, NDArray[np.int64]]] = []
    for name in SIDES[side]:
        path = job.folder / "inputs" / name / "rows.npy"
        if name in job.parts and path.is_file():
            parts.append((job.parts[name], np.load(path, allow_pickle=False).astype(np.int64)))
    ends = np.cumsum([data.rows for data, _ in parts], dtype=np.int64)
    if not len(ends):
        return
    chosen = np.sort(rng.choice(ends[-1], min(MOST_ROWS, int(ends[-1])), replace=False))
    for (data, numbers), end in zip(parts, ends, strict=True):
        own = chosen[(chosen < end) & (chosen >= end - data.rows)] - (end - data.rows)
        size = max(1, min(MOST_AT_ONCE, CHUNK_BYTES // max(1, row_bytes(list(data.inputs.values())))))
        for start in range(0, len(own), size):
            rows = own[start : start + size]
            yield _Piece(rows_of(data, rows), numbers[rows])


def rows_of(data: Dataset, rows: NDArray[np.integer]) -> Dataset:
    """Return some rows of ``data``, read into memory."""
    inputs: dict[str, NDArray[Any]] = {
        name: np.ascontiguousarray(values[rows]) for name, values in data.inputs.items()
    }
    return Dataset(inputs, np.asarray(data.targets[rows]), data.task, data.names, data.fingerprint)


def _seen(piece: _Piece, outputs_of: Forward, objective: Objective) -> Observed:
    data = piece.data
    outputs, *features = outputs_of(inputs_of(outputs_of.model, data))
    outputs = objective.widen(outputs.astype(np.float32).reshape(data.rows, -1))
    metric = metric_rows(objective.schema, data, outputs)
    flat = np.concatenate([values.astype(np.float32).reshape(data.rows, -1) for values in features], axis=1)
    return Observed(
        rows=piece.numbers,
        outputs=outputs,
        features=np.nan_to_num(
            projected(flat), posinf=0.0, neginf=0.0
        ),  # the outputs may be fine all the same
        loss=objective.row_losses(np.asarray(data.targets), outputs).astype(np.float32),
        error=(metric if data.task == "regression" else 1 - metric).astype(np.float32),
    )


def _joined(seen: list[Observed]) -> Observed:
    """Return all pieces as one, in the order of the file."""
    order = np.argsort(np.concatenate([piece.rows for piece in seen]), kind="stable")
    joined = {
        name: np.concatenate([getattr(piece, name) for piece in seen])[order]
        for name in Observed.__dataclass_fields__
    }
    return Observed(**joined)

"""Runs that have ended: their per-row scores for the comparison, and whether they crashed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.data.parts import MOST_SCORED, SCORED_PARTS
from retrain_core.errors import RunError, StoreError
from retrain_core.runs.events import read_events
from retrain_core.runs.from_worker import MOST_LOG, read_arrays, read_begin
from retrain_core.runs.placement import NO_GPU
from retrain_core.runs.store import Store
from retrain_core.types import Outcome, RunResult, RunSpec, SplitSummary

UNREADABLE = "The scores of each row (scores.npz) cannot be read. Start the run again in a new experiment."
KINDS = ("outputs", "loss", "metric")
BYTES_AROUND = 4096  # of an array: its header, its name, and its place in the archive


def load_outcomes(store: Store, experiment: str) -> tuple[Outcome, ...]:
    """Return every run of an experiment that has a result, in the order they were asked for."""
    found = (outcome_of(store, spec) for spec in store.runs(experiment))
    return tuple(outcome for outcome in found if outcome is not None)


def outcome_of(store: Store, spec: RunSpec) -> Outcome | None:
    """Return a run with what it scored on each row, ``None`` if it has no result yet."""
    result = store.result(spec.experiment, spec.id)
    if result is None:
        return None
    rows: dict[str, NDArray[Any]] = {}
    if result.new is not None:
        try:
            rows = _scores(store, spec)
        except (OSError, StoreError, ValueError) as error:
            why = error.why if isinstance(error, StoreError) else str(error)
            result = RunResult("failed", device=result.device, error=f"{UNREADABLE} ({why})")
    return Outcome(spec, result, rows)


def _scores(store: Store, spec: RunSpec) -> dict[str, NDArray[Any]]:
    """Return what was scored on each row, if it has the shape that the question gives it.

    Raises:
        ValueError: If it has another one.
    """
    schema, split = store.experiment(spec.experiment).schema, store.split(spec.experiment)
    if split is None:
        raise ValueError("the split of the rows is gone")
    columns = schema.units + len(schema.new_classes)
    most_rows = _most_rows(split, spec)
    room = sum(rows * (8 * columns + 16) + len(KINDS) * BYTES_AROUND for rows in most_rows.values())
    arrays = read_arrays(store.run_folder(spec.experiment, spec.id) / "scores.npz", room)
    for side, most in most_rows.items():
        found = [arrays[f"{side}_{kind}"] for kind in KINDS if f"{side}_{kind}" in arrays]
        if found:
            _check(side, found, most, columns, exactly=spec.work != "quick")
    wanted = {f"{side}_{kind}" for side in SCORED_PARTS for kind in KINDS}
    return {name: values for name, values in arrays.items() if name in wanted}


def _most_rows(split: SplitSummary, spec: RunSpec) -> Mapping[str, int]:
    """Return how many rows of each part are scored; of a quick look, which scores other rows, the most."""
    if spec.work == "quick":
        return dict.fromkeys(SCORED_PARTS, MOST_SCORED)
    rows = {side: split.rows[part] for side, part in SCORED_PARTS.items() if part in split.rows}
    return {
        side: count if side in ("new", "old") else min(count, MOST_SCORED) for side, count in rows.items()
    }


def _check(side: str, found: list[NDArray[Any]], most: int, columns: int, *, exactly: bool) -> None:
    if len(found) != len(KINDS):
        raise ValueError(f"scores of the {side} part are missing")
    outputs, loss, metric = found
    rows = len(loss) if loss.ndim == 1 else -1
    fit = rows == most if exactly else rows > 0
    if not fit or metric.shape != (rows,) or outputs.shape != (rows, columns):
        raise ValueError(f"scores of the {side} part are of other rows")
    if any(values.dtype.kind != "f" or values.dtype.itemsize > 8 for values in found):
        raise ValueError(f"scores of the {side} part are no numbers")
    if not (np.isfinite(loss).all() and np.isfinite(metric).all()):
        raise ValueError(f"scores of the {side} part are infinite or NaN")


def crashed(store: Store, experiment: str, run: str) -> bool:
    """Whether a failed run broke down, rather than said what is wrong with what it was given.

    A worker's last word is the event ``failed``; if it did not expect the error, its log holds a traceback too. One
    that asks for a GPU where there is none is not even started.
    """
    result = store.result(experiment, run)
    if result is not None and result.error == str(RunError(*NO_GPU)):
        return False
    folder = store.run_folder(experiment, run)
    events = read_events(folder / "events.jsonl")
    if not events or events[-1].kind != "failed":
        return True
    return b"Traceback (most recent call last)" in read_begin(folder / "worker.log", MOST_LOG)

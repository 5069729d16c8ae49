"""The worker that measures how data has moved, without TensorFlow; started by ``locked``."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.data import read_table
from retrain_core.data.encode import array_for
from retrain_core.data.observed import load_observed
from retrain_core.files import write_atomic
from retrain_core.shift.frames import feature_frame, label_names
from retrain_core.shift.images import is_images
from retrain_core.shift.seen import model_shift
from retrain_core.shift.whole import measure_shift
from retrain_core.types import (
    ExperimentSpec,
    Locked,
    RunResult,
    RunSpec,
    Schema,
    ShiftSettings,
    Table,
    from_json,
    to_json,
)
from retrain_core.workers.events import EventLog
from retrain_core.workers.files import IMAGES, MODEL, REPORT
from retrain_core.workers.framed import framed
from retrain_core.workers.processes import peak_memory_mb

Tell = Callable[[float, str], None]
OUT_OF_MEMORY = "It needs more memory than there is. Try files with fewer rows or columns."


def run(folder: Path, device: str, threads: int, locked: Locked | None = None) -> RunResult:
    """Do what the folder asks for and return how it ended, which is also written to ``result.json``.

    Args:
        folder: The run folder.
        device: Where it is done.
        threads: CPU threads that it may keep busy.
        locked: What holds of the sandbox; ``None`` in the very process that asks for the work.
    """
    spec = from_json((folder / "run.json").read_bytes(), RunSpec)
    report = EventLog(folder, spec.id)
    report("started", {"device": device, "threads": threads, "sandbox": locked})
    start = time.perf_counter()

    def tell(share: float, label: str) -> None:
        report("progress", {"progress": share, "label": label})

    def work() -> RunResult:
        WORK[spec.work](folder, spec.shift or ShiftSettings(), tell)
        seconds = round(time.perf_counter() - start, 3)
        return RunResult("finished", seconds=seconds, peak_memory_mb=peak_memory_mb(), device=device)

    return framed(work, folder, device, report, locked, too_large=OUT_OF_MEMORY)


def _shift(folder: Path, settings: ShiftSettings, tell: Tell) -> None:
    question, old, new = _read(folder, tell)
    tell(0.4, "measuring the columns")
    schema = question.schema
    found = measure_shift(
        old, new, schema=schema, labels=label_names(schema), task=schema.task, settings=settings
    )
    write_atomic(folder / REPORT, to_json(found))


def _explain(folder: Path, settings: ShiftSettings, tell: Tell) -> None:
    question, old, new = _read(folder, tell)
    tell(0.4, "measuring what the model sees")
    observed, layer = load_observed(folder / "inputs" / "observed.npz")
    sides = feature_frame(old, question.schema), feature_frame(new, question.schema)
    found = model_shift(*sides, observed, layer, question.schema, settings)
    images = _images(new, question.schema)
    if images is not None and found.unusual:
        buffer = io.BytesIO()
        np.save(buffer, images[list(found.unusual)], allow_pickle=False)
        write_atomic(folder / IMAGES, buffer.getvalue())
    write_atomic(folder / MODEL, to_json(found))


def _images(table: Table, schema: Schema) -> NDArray[Any] | None:
    """Return the array of the first input that takes images; ``None`` if there is none."""
    arrays = [binding.input for binding in schema.bindings if not binding.columns]
    names = [array_for(name, table, alone=len(arrays) == 1) for name in arrays]
    return next((table.arrays[name] for name in names if name and is_images(table.arrays[name])), None)


WORK: dict[str, Callable[[Path, ShiftSettings, Tell], None]] = {"shift": _shift, "explain": _explain}


def _read(folder: Path, tell: Tell) -> tuple[ExperimentSpec, Table, Table]:
    question = from_json((folder / "inputs" / "question.json").read_bytes(), ExperimentSpec)
    tables = []
    for side, ref in (("old", question.old), ("new", question.new)):
        assert ref is not None  # without old data nobody asks
        tell(0.1 if side == "old" else 0.25, f"reading the {side} data")
        (path,) = (folder / "inputs").glob(f"{side}*")
        tables.append(read_table(path, ref.name))
    return question, tables[0], tables[1]

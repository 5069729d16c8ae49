"""One run, behind the walls of ``workers.locked``: read the run folder, do what it asks for, write the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf

from retrain_core.data.chosen import draw
from retrain_core.data.small import small_question
from retrain_core.files import put_in_place
from retrain_core.limits import MOST_MODEL_BYTES
from retrain_core.strategies import make_strategy
from retrain_core.training.attempt import attempt_at
from retrain_core.training.devices import use_device
from retrain_core.training.engine import Engine
from retrain_core.training.job import Job, open_job
from retrain_core.training.observe import observe
from retrain_core.training.resume import Unfit
from retrain_core.training.scoring import score_parts
from retrain_core.training.sensitivity import measure_sensitivity
from retrain_core.types import Locked, RunResult, RunSpec, Work, from_json
from retrain_core.workers import checkpoints
from retrain_core.workers.framed import framed


def run(folder: Path, device: str, threads: int, locked: Locked | None = None) -> RunResult:
    """Do the run in ``folder`` and return how it ended, which is also written to ``result.json``.

    Args:
        folder: The run folder.
        device: Where it is done.
        threads: CPU threads that it may keep busy.
        locked: What holds of the sandbox; ``None`` in the very process that asks for the work.
    """
    spec = from_json((folder / "run.json").read_bytes(), RunSpec)
    attempt = attempt_at(folder, spec, device, locked)
    report = attempt.log
    attempt.begin(device, threads)

    def work() -> RunResult:
        with use_device(device, threads):
            return _done(open_job(folder, spec, device, report, attempt), threads)

    result = framed(
        work,
        folder,
        device,
        report,
        locked,
        too_large=OUT_OF_MEMORY,
        memory_errors=(MemoryError, tf.errors.ResourceExhaustedError),
    )
    checkpoints.remove(folder)
    return result


def _done(job: Job, threads: int) -> RunResult:
    """Do the work, from the beginning if a checkpoint turns out not to fit."""
    try:
        return WORK[job.spec.work](job)
    except Unfit as why:
        assert job.attempt is not None
        attempt = job.attempt.anew(f"It does not fit the model ({why}).")
        attempt.begin(job.device, threads)
        return WORK[job.spec.work](open_job(job.folder, job.spec, job.device, job.report, attempt))


OUT_OF_MEMORY = "The run needs more memory than there is. Try a smaller batch, or fewer rows."


def train(job: Job) -> RunResult:
    """Train and score; a rehearsal does a few steps and forecasts the rest."""
    folder, spec, parts = job.folder, job.spec, dict(job.parts)
    if spec.new_rows is not None:
        parts["new_train"] = draw(parts["new_train"], spec.new_rows, spec.seed)
    keeps = job.attempt is not None and spec.work == "train"
    engine = Engine(
        job.model_path,
        job.schema,
        parts["new_validation"],
        spec.seed,
        job.report,
        job.should_stop,
        limits=spec.limits,
        rehearse=spec.rehearse,
        ways=spec.forecast.ways if spec.forecast else (),
        keeper=job.attempt.keeper(job.spent) if keeps and job.attempt else None,
        beat=job.beat,
    )
    strategy = make_strategy(spec.strategy, spec.options)
    model = strategy.train(parts.get("old_train"), parts["new_train"], engine)
    cost = replace(job.cost(), rows_seen=engine.rows_seen, steps=engine.steps, way=engine.way)
    if spec.rehearse:
        assert engine.forecast is not None
        result = job.ended(cost)
        estimate = engine.forecast.estimate(result.peak_memory_mb, result.energy_joules)
        return replace(
            result,
            status="stopped" if job.stop_asked else "finished",
            estimate=estimate,
            way=estimate.way,
        )

    model = engine.finish(model)
    save(model, folder)
    job.report("progress", {"progress": 1.0, "label": "scoring on the holdout"})
    new, old = score_parts(model, engine.objective, parts, folder, job.beat)
    job.report("scored", {"new": new, "old": old})
    return replace(
        job.ended(cost),
        status="stopped" if engine.stopped else "finished",
        error=job.why_stopped() if engine.stopped else None,
        new=new,
        old=old,
        model="model.keras",
        prequential=engine.prequential,
    )


def save(model: keras.Model, folder: Path) -> None:
    """Put the model into the run folder, whole or not at all; without its optimiser's state if with it no check would let it in."""
    temporary = folder / ".model.tmp.keras"
    try:
        model.save(temporary)
        if temporary.stat().st_size > MOST_MODEL_BYTES:
            model.optimizer = None
            model.save(temporary)
    except BaseException:  # on a full disk it would take the room that the result needs
        temporary.unlink(missing_ok=True)
        raise
    put_in_place(temporary, folder / "model.keras")


def quick(job: Job) -> RunResult:
    """Train on some of the rows, and score on rows that are none of the holdout."""
    return train(replace(job, parts=small_question(job.parts, job.spec)))


# What needs no model is done elsewhere, without TensorFlow.
WORK: Mapping[Work, Callable[[Job], RunResult]] = {
    "train": train,
    "rehearse": train,
    "quick": quick,
    "observe": observe,
    "sensitivity": measure_sensitivity,
}

"""One run: read the run folder, train, score, write the result. Usage: ``worker RUN_DIR DEVICE THREADS``."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf

from retrain_core.data.files import write_atomic
from retrain_core.data.parts import load_parts
from retrain_core.errors import RetrainError
from retrain_core.machine import EnergyMeter
from retrain_core.strategies import make_strategy
from retrain_core.training.devices import use_device
from retrain_core.training.engine import Engine
from retrain_core.training.scoring import score_holdout
from retrain_core.types import ModelCard, RunResult, RunSpec, Schema, from_json, to_json
from retrain_core.workers.events import EventLog
from retrain_core.workers.processes import die_with_parent, peak_memory_mb


def run(folder: Path, device: str, threads: int) -> RunResult:
    """Do the run in ``folder`` and return how it ended, which is also written to ``result.json``."""
    spec = from_json((folder / "run.json").read_bytes(), RunSpec)
    report = EventLog(folder, spec.id)
    report("started", {"device": device, "threads": threads})
    try:
        with use_device(device, threads):
            result = _train_and_score(folder, spec, device, report)
    except RetrainError as error:
        result = RunResult("failed", device=device, error=str(error), peak_memory_mb=peak_memory_mb())
    except (MemoryError, tf.errors.ResourceExhaustedError):
        result = RunResult("failed", device=device, error=OUT_OF_MEMORY, peak_memory_mb=peak_memory_mb())
    except Exception as error:
        traceback.print_exc()  # into worker.log; the user gets one line
        result = RunResult("failed", device=device, error=_unexpected(error), peak_memory_mb=peak_memory_mb())
    write_atomic(folder / "result.json", to_json(result))
    report(
        "failed" if result.status == "failed" else "finished",
        {"status": result.status, "error": result.error},
    )
    return result


OUT_OF_MEMORY = "The run needs more memory than there is. Try a smaller batch, or fewer rows."


def _train_and_score(folder: Path, spec: RunSpec, device: str, report: EventLog) -> RunResult:
    inputs = folder / "inputs"
    card = from_json((inputs / "card.json").read_bytes(), ModelCard)
    schema = from_json((inputs / "schema.json").read_bytes(), Schema)
    parts = load_parts(inputs)
    keras.utils.set_random_seed(spec.seed)
    limit = spec.limits.seconds
    start, processor_start, energy = time.perf_counter(), time.process_time(), EnergyMeter()

    def should_stop() -> bool:
        energy.joules()  # its counters start again at 0 if a training is long
        return (folder / "stop").exists() or (limit is not None and time.perf_counter() - start > limit)

    model_path = inputs / f"model.{card.format}"
    engine = Engine(
        model_path,
        schema,
        parts["new_validation"],
        spec.seed,
        report,
        should_stop,
        limits=spec.limits,
        rehearse=spec.rehearse,
        way=spec.forecast.way if spec.forecast else "",
    )
    strategy = make_strategy(spec.strategy, spec.options)
    model = strategy.train(parts.get("old_train"), parts["new_train"], engine)
    cost = RunResult(
        status="finished",
        seconds=round(time.perf_counter() - start, 3),
        device=device,
        rows_seen=engine.rows_seen,
        steps=engine.steps,
        way=engine.way,
        cpu_seconds=round(time.process_time() - processor_start, 3),
        energy_joules=energy.joules(),
    )
    if spec.rehearse:
        assert engine.forecast is not None
        ended = _ended(folder, cost)
        estimate = engine.forecast.estimate(ended.peak_memory_mb, ended.energy_joules)
        stopped = (folder / "stop").exists()
        return replace(
            ended, status="stopped" if stopped else "finished", estimate=estimate, way=estimate.way
        )

    model = engine.finish(model)
    temporary = folder / ".model.tmp.keras"
    model.save(temporary)
    temporary.replace(folder / "model.keras")
    report("progress", {"progress": 1.0, "label": "scoring on the holdout"})
    new, old = score_holdout(model, engine.objective, parts, folder)
    report("scored", {"new": new, "old": old})
    return replace(
        _ended(folder, cost),
        status="stopped" if engine.stopped else "finished",
        new=new,
        old=old,
        model="model.keras",
        prequential=engine.prequential,
    )


def _ended(folder: Path, cost: RunResult) -> RunResult:
    """Return what the run has cost, with what is known at its end only."""
    return replace(cost, peak_memory_mb=peak_memory_mb(), shared=(folder / "shared").exists())


def _unexpected(error: Exception) -> str:
    first = str(error).strip().split("\n")[0][:300]
    return f"The run failed: {type(error).__name__}: {first} The details are in its worker.log."


if __name__ == "__main__":
    die_with_parent()
    run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

"""A piece of work as a worker sees it: its run folder, what lies in it, and what it has cost so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from retrain_core.data.parts import load_parts
from retrain_core.machine import EnergyMeter
from retrain_core.types import Dataset, RunResult, RunSpec, Schema, from_json
from retrain_core.workers.processes import peak_memory_mb

Report = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Job:
    """What a worker has to do.

    Args:
        folder: The run folder.
        spec: What is to be done.
        device: Where it is done.
        report: Called with the kind and values of each event.
        schema: How targets are read.
        model_path: The model's file.
        parts: The data, by part.
    """

    folder: Path
    spec: RunSpec
    device: str
    report: Report
    schema: Schema
    model_path: Path
    parts: Mapping[str, Dataset]
    _energy: EnergyMeter = field(default_factory=EnergyMeter)
    _start: float = field(default_factory=time.perf_counter)
    _processor_start: float = field(default_factory=time.process_time)

    @property
    def stop_asked(self) -> bool:
        """Whether somebody has asked this run to stop."""
        return (self.folder / "stop").exists()

    def should_stop(self) -> bool:
        """Whether to end now: somebody asked for it, or the time is up."""
        self._energy.joules()  # its counters start again at 0 if a training is long
        limit = self.spec.limits.seconds
        return self.stop_asked or (limit is not None and time.perf_counter() - self._start > limit)

    def cost(self) -> RunResult:
        """Return what it has cost so far."""
        return RunResult(
            status="finished",
            seconds=round(time.perf_counter() - self._start, 3),
            device=self.device,
            cpu_seconds=round(time.process_time() - self._processor_start, 3),
            energy_joules=self._energy.joules(),
        )


def open_job(folder: Path, spec: RunSpec, device: str, report: Report) -> Job:
    """Return what is to be done in ``folder``; all random choices of Keras are seeded."""
    inputs = folder / "inputs"
    schema = from_json((inputs / "schema.json").read_bytes(), Schema)
    own = inputs / "model.keras"
    keras.utils.set_random_seed(spec.seed)
    path = own if own.is_file() else inputs / "model.h5"
    return Job(folder, spec, device, report, schema, path, load_parts(inputs))


def ended(folder: Path, cost: RunResult) -> RunResult:
    """Return what the run has cost, with what is known at its end only."""
    return replace(cost, peak_memory_mb=peak_memory_mb(), shared=(folder / "shared").exists())

"""A piece of work as a worker sees it: its run folder, what lies in it, and what it has cost so far."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from retrain_core.data.parts import load_parts
from retrain_core.machine import EnergyMeter
from retrain_core.training.attempt import Attempt, Spent
from retrain_core.types import Dataset, RunResult, RunSpec, Schema, from_json
from retrain_core.types.text import counted
from retrain_core.workers.processes import peak_memory_mb

Report = Callable[[str, dict[str, Any]], None]
BEST_SO_FAR = "These are its best weights until then."


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
        attempt: What an earlier attempt has left; ``None`` for work that always begins anew.
    """

    folder: Path
    spec: RunSpec
    device: str
    report: Report
    schema: Schema
    model_path: Path
    parts: Mapping[str, Dataset]
    attempt: Attempt | None = None
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
        return self.stop_asked or self._out_of_time

    def why_stopped(self) -> str | None:
        """Return what ended a run early, ``None`` if it was somebody's wish."""
        if self.stop_asked:
            reason = (self.folder / "stop").read_text("utf-8").strip()
            return f"{reason} {BEST_SO_FAR}" if reason else None
        minutes = (self.spec.limits.seconds or 0) / 60
        return f"It reached its time limit of {counted(minutes, 'minute')}. {BEST_SO_FAR}"

    @property
    def _seconds(self) -> float:
        return self.before.seconds + time.perf_counter() - self._start

    @property
    def _out_of_time(self) -> bool:
        limit = self.spec.limits.seconds
        return limit is not None and self._seconds > limit

    @property
    def before(self) -> Spent:
        """What earlier attempts have cost."""
        return self.attempt.spent if self.attempt else Spent()

    def cost(self) -> RunResult:
        """Return what it has cost so far, all attempts together."""
        energy = (self._energy.joules(), self.before.energy_joules)
        known = [joules for joules in energy if joules is not None]
        return RunResult(
            status="finished",
            seconds=round(self._seconds, 3),
            device=self.device,
            cpu_seconds=round(self.before.cpu_seconds + time.process_time() - self._processor_start, 3),
            energy_joules=sum(known) if known else None,
            resumed=self.attempt.resumed if self.attempt else 0,
        )

    def spent(self) -> dict[str, Any]:
        """Return the same as a checkpoint keeps it."""
        cost = self.cost()
        peak = max(self.before.peak_memory_mb, peak_memory_mb())
        return asdict(Spent(cost.seconds, cost.cpu_seconds, cost.energy_joules, peak))

    def beat(self) -> None:
        """Give a sign of life."""
        if self.attempt is not None:
            self.attempt.log.beat()

    def ended(self, cost: RunResult) -> RunResult:
        """Return what the run has cost, with what is known at its end only."""
        peak = max(self.before.peak_memory_mb, peak_memory_mb())
        return replace(cost, peak_memory_mb=peak, shared=(self.folder / "shared").exists())


def open_job(folder: Path, spec: RunSpec, device: str, report: Report, attempt: Attempt | None = None) -> Job:
    """Return what is to be done in ``folder``; all random choices of Keras are seeded."""
    inputs = folder / "inputs"
    schema = from_json((inputs / "schema.json").read_bytes(), Schema)
    own = inputs / "model.keras"
    keras.utils.set_random_seed(spec.seed)
    path = own if own.is_file() else inputs / "model.h5"
    return Job(folder, spec, device, report, schema, path, load_parts(inputs), attempt)

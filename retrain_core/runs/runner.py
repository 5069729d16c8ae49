"""The runner: one a store. It owns the queue and the index, starts workers, and notices how they end."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from retrain_core.errors import RetrainError
from retrain_core.runs.index import Index, IndexRow
from retrain_core.runs.launchers import LAUNCHERS
from retrain_core.runs.lock import RunnerLock
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.store import Store
from retrain_core.types import Device, RunResult, RunSpec, from_json

TICK_SECONDS = 0.05
IDLE_TICK_SECONDS = 0.25
IDLE_SECONDS = 3600.0  # workers stay warm for this long after the last run
MOST_ATTEMPTS = 2  # a run that was cut off twice is not tried again
STOP_GRACE_SECONDS = 60.0  # a worker that does not stop by itself in this time is killed
MOST_CPU_LANES = 4


class Runner:
    """Works off the queue of one store.

    Args:
        store: The store.
        launcher: Name in ``LAUNCHERS``.
        cpu_lanes: CPU runs at a time; each has its own share of the cores.
    """

    def __init__(self, store: Store, launcher: str = "local", cpu_lanes: int | None = None) -> None:
        self._store = store
        self._index = Index(store.root / "index.sqlite")
        self._launcher = LAUNCHERS[launcher]()
        self._preparing: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._running: dict[Path, IndexRow] = {}
        self._stop_asked: dict[Path, float] = {}
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._lanes = cpu_lanes or min(cores, MOST_CPU_LANES)
        self._threads = max(1, cores // self._lanes)
        self._launcher.find_devices(store.root / "devices.json")
        self._reconcile()

    def serve(self, idle_seconds: float = IDLE_SECONDS, stop: threading.Event | None = None) -> None:
        """Work until there was nothing to do for ``idle_seconds``, or ``stop`` is set."""
        last_busy = time.monotonic()
        try:
            while not (stop and stop.is_set()):
                busy = self.step()
                now = time.monotonic()
                last_busy = now if busy else last_busy
                if now - last_busy > idle_seconds:
                    return
                threading.Event().wait(TICK_SECONDS if now - last_busy < 5 else IDLE_TICK_SECONDS)
        finally:
            self.close()

    def step(self) -> bool:
        """Do what there is to do now; return whether anything is under way."""
        self._take_inbox()
        self._finish_preparing()
        self._finish_runs()
        self._heed_stops()
        self._start_runs()
        return bool(self._preparing or self._running or self._index.rows("queued"))

    def close(self) -> None:
        """End the workers; what they were doing is taken up by the next runner."""
        self._launcher.close()
        self._pool.shutdown()
        self._index.close()

    # --- steps ----------------------------------------------------------------------------------

    def _reconcile(self) -> None:
        """Take up what a runner that was killed has left: its workers died with it."""
        for row in self._index.rows("running"):
            result = self._store.result(row.experiment, row.id)
            if result is not None:
                self._index.end(row.experiment, row.id, result.status, result.error)
            elif row.attempts >= MOST_ATTEMPTS:
                self._end(row, "failed", CUT_OFF)
            else:
                self._index.requeue(row)
        for experiment in self._index.preparing():
            self._prepare(experiment)

    def _take_inbox(self) -> None:
        for path in sorted((self._store.root / "inbox").iterdir()):
            if not path.name.startswith("."):
                self._prepare(path.name)
                path.unlink()

    def _prepare(self, experiment: str) -> None:
        self._index.set_experiment(experiment, "preparing")
        self._preparing[experiment] = self._pool.submit(self._prepare_now, experiment)

    def _prepare_now(self, experiment: str) -> None:
        prepare(self._store, self._store.experiment(experiment))

    def _finish_preparing(self) -> None:
        for experiment, future in list(self._preparing.items()):
            if not future.done():
                continue
            del self._preparing[experiment]
            error = future.exception()
            if error is None:
                self._index.set_experiment(experiment, "ready")
                for run in self._store.runs(experiment):
                    self._index.add_run(experiment, run.id, self._resolve(run.device))
            else:
                known = isinstance(error, RetrainError)
                text = (
                    str(error)
                    if known
                    else f"The data could not be prepared: {type(error).__name__}: {error}"
                )
                self._index.set_experiment(experiment, "failed", text)

    def _resolve(self, device: str) -> str:
        """Return the device that ``auto`` and ``gpu`` stand for."""
        if device == "auto":
            gpus = [found.name for found in self._devices() if found.name != "cpu"]
            return gpus[0] if gpus else "cpu"
        return "gpu:0" if device == "gpu" else device

    def _devices(self) -> tuple[Device, ...]:
        path = self._store.root / "devices.json"
        return from_json(path.read_bytes(), tuple[Device, ...]) if path.is_file() else ()

    def _finish_runs(self) -> None:
        for folder, code in self._launcher.ended():
            row = self._running.pop(folder)
            self._stop_asked.pop(folder, None)
            result = self._store.result(row.experiment, row.id)
            if result is None:
                self._end(row, "failed", _died(code))
            else:
                self._index.end(row.experiment, row.id, result.status, result.error)

    def _end(self, row: IndexRow, status: Literal["failed", "stopped"], error: str) -> None:
        """End a run whose worker did not write a result."""
        self._store.save_result(row.experiment, row.id, RunResult(status, device=row.device, error=error))
        self._index.end(row.experiment, row.id, status, error)

    def _heed_stops(self) -> None:
        """Take stopped runs out of the queue; kill workers that were asked to stop and did not."""
        for row in self._index.rows("queued"):
            if (self._store.run_folder(row.experiment, row.id) / "stop").exists():
                self._end(row, "stopped", "It was stopped before it started.")
        now = time.monotonic()
        for folder in self._running:
            if (folder / "stop").exists() and now - self._stop_asked.setdefault(
                folder, now
            ) > STOP_GRACE_SECONDS:
                self._launcher.kill(folder)

    def _start_runs(self) -> None:
        for row in self._index.rows("queued"):
            busy = sum(running.device == row.device for running in self._running.values())
            if busy < (self._lanes if row.device == "cpu" else 1):
                self._start(row)

    def _start(self, row: IndexRow) -> None:
        spec = from_json(
            (self._store.run_folder(row.experiment, row.id) / "run.json").read_bytes(),
            RunSpec,
        )
        try:
            folder = link_inputs(self._store, spec)
        except OSError as error:
            self._end(row, "failed", f"The run folder cannot be written: {error.strerror}.")
            return
        self._index.start(row)
        self._running[folder] = row
        self._launcher.start(folder, row.device, self._threads)


CUT_OFF = "It was cut off twice without finishing. Look at the machine's memory, then start it again."


def _died(code: int) -> str:
    if code == -9:
        return "The worker was killed. The machine may have run out of memory: try fewer rows or a smaller batch."
    if code == -11:
        return (
            "The worker crashed inside TensorFlow. Start it again; if it recurs, its worker.log says where."
        )
    return f"The worker ended without a result (exit code {code}). Its worker.log says more."


def main(root: Path, idle_seconds: float = IDLE_SECONDS) -> None:
    """Serve the store in ``root`` unless another runner does."""
    lock = RunnerLock(root)
    if not lock.acquire():
        return
    try:
        (root / "runner.starting").unlink(missing_ok=True)
        lanes = os.environ.get("RETRAIN_CPU_LANES")
        Runner(Store(root), cpu_lanes=int(lanes) if lanes else None).serve(idle_seconds)
    finally:
        lock.release()

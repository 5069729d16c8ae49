"""The runner: one a store. It owns the queue and the index, starts workers, and notices how they end."""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retrain_core.errors import RetrainError
from retrain_core.machine import usable_cores
from retrain_core.runs.index import Index, IndexRow
from retrain_core.runs.launchers import LAUNCHERS
from retrain_core.runs.lock import RunnerLock
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.store import Store
from retrain_core.types import Device, RunResult, from_json

TICK_SECONDS = 0.05
IDLE_TICK_SECONDS = 0.25
IDLE_SECONDS = 3600.0  # workers stay warm for this long after the last run
MOST_ATTEMPTS = 2  # a run that was cut off twice is not tried again
GRACE_SECONDS = 60.0  # a worker that was to end and goes on training for this long is killed
SCORING_GRACE_SECONDS = 600.0  # the same for one that has saved its model and scores it
LOCK_PATIENCE_SECONDS = 1.0
MOST_CPU_LANES = 4


@dataclass
class Work:
    """A run that a worker is doing.

    Args:
        row: Its row in the index.
        limit: Seconds it may take.
        started: When, on the monotonic clock.
        stop_seen: When somebody was first seen to ask for its end.
        killed: Why the runner has killed its worker, if it has.
    """

    row: IndexRow
    limit: float | None
    started: float
    stop_seen: float | None = None
    killed: str | None = None


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
        self._running: dict[Path, Work] = {}
        cores = usable_cores()
        self._lanes = cpu_lanes or min(cores, MOST_CPU_LANES)
        self._threads = max(1, cores // self._lanes)
        self._devices_known = self._launcher.find_devices(store.root / "devices.json")
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
        self._end_stopped()
        self._end_overdue()
        self._start_runs()
        return bool(self._preparing or self._running or self._index.rows("queued"))

    def close(self) -> None:
        """End the workers; what they were doing is taken up by the next runner."""
        self._launcher.close()
        self._pool.shutdown(cancel_futures=True)
        self._index.close()

    # --- steps ----------------------------------------------------------------------------------

    def _reconcile(self) -> None:
        """Take up what a runner that was killed has left."""
        for row in self._index.rows("running"):
            try:
                self._launcher.end_left_over(self._store.run_folder(row.experiment, row.id))
                if not self._end_with_result(row):
                    if row.attempts >= MOST_ATTEMPTS:
                        self._end(row, "failed", CUT_OFF)
                    else:
                        self._index.requeue(row)
            except FOLDER_ERRORS as error:
                self._end(row, "failed", _broken(error))
        for experiment, note in self._index.preparing():
            if note is None:
                self._prepare(experiment, PREPARING_AGAIN)
            else:
                self._fail_preparing(experiment, CUT_OFF_PREPARING)

    def _take_inbox(self) -> None:
        for path in sorted((self._store.root / "inbox").iterdir()):
            if path.is_file() and not path.name.startswith("."):
                self._prepare(path.name)
                path.unlink()

    def _prepare(self, experiment: str, note: str | None = None) -> None:
        self._index.set_experiment(experiment, "preparing", note)
        self._preparing[experiment] = self._pool.submit(self._prepare_now, experiment)

    def _prepare_now(self, experiment: str) -> None:
        prepare(self._store, self._store.experiment(experiment))

    def _finish_preparing(self) -> None:
        for experiment, future in list(self._preparing.items()):
            if not future.done():
                continue
            error = future.exception()
            if error is not None:
                known = isinstance(error, RetrainError)
                text = f"The data could not be prepared: {type(error).__name__}: {error}"
                self._fail_preparing(experiment, str(error) if known else text)
            elif not self._queue(experiment):
                continue
            del self._preparing[experiment]

    def _queue(self, experiment: str) -> bool:
        """Queue the runs of an experiment, unless one must wait until the devices are known."""
        try:
            runs = self._store.runs(experiment)
        except FOLDER_ERRORS as error:
            self._index.set_experiment(experiment, "failed", _broken(error))
            return True
        if not self._devices_known.is_set() and any(run.device in ("auto", "gpu") for run in runs):
            return False
        for run in runs:
            self._index.add_run(experiment, run.id, self._resolve(run.device))
        self._index.set_experiment(experiment, "ready")
        return True

    def _fail_preparing(self, experiment: str, error: str) -> None:
        """End an experiment whose data cannot be prepared, and its runs with it."""
        try:
            runs = self._store.runs(experiment)
        except FOLDER_ERRORS:
            runs = []
        for run in runs:
            self._index.add_run(experiment, run.id, run.device)
        for row in self._index.rows("queued"):
            if row.experiment == experiment:
                self._end(row, "failed", error)
        self._index.set_experiment(experiment, "failed", error)

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
            work = self._running.pop(folder)
            try:
                if self._end_with_result(work.row):
                    continue
            except FOLDER_ERRORS as error:
                self._end(work.row, "failed", _broken(error))
                continue
            if work.killed is not None:
                self._end(work.row, "stopped", work.killed)
            else:
                self._end(work.row, "failed", _died(code))

    def _end_with_result(self, row: IndexRow) -> bool:
        """End a run as its worker says; return whether the worker has said anything."""
        result = self._store.result(row.experiment, row.id)
        if result is None:
            return False
        self._index.end(row.experiment, row.id, result.status, result.error)
        return True

    def _end(self, row: IndexRow, status: Literal["failed", "stopped"], error: str) -> None:
        """End a run whose worker did not write a result; the index says so even if the folder cannot."""
        try:
            self._store.save_result(row.experiment, row.id, RunResult(status, device=row.device, error=error))
        except FOLDER_ERRORS as trouble:
            print(f"{row.experiment}/{row.id}: no result written: {trouble}", file=sys.stderr)
        self._index.end(row.experiment, row.id, status, error)

    def _end_stopped(self) -> None:
        """Take stopped runs out of the queue."""
        for row in self._index.rows("queued"):
            if os.path.exists(self._store.run_folder(row.experiment, row.id) / "stop"):
                self._end(row, "stopped", "It was stopped before it started.")

    def _end_overdue(self) -> None:
        """Kill workers that were to end, because of a stop or their time limit, and did not."""
        now = time.monotonic()
        for folder, work in self._running.items():
            if work.stop_seen is None and os.path.exists(folder / "stop"):
                work.stop_seen = now
            grace = SCORING_GRACE_SECONDS if os.path.exists(folder / "model.keras") else GRACE_SECONDS
            if work.stop_seen is not None and now - work.stop_seen > grace:
                work.killed = NOT_STOPPING
            elif work.limit is not None and now - work.started > work.limit + grace:
                work.killed = OVER_LIMIT
            else:
                continue
            self._launcher.kill(folder)

    def _start_runs(self) -> None:
        for row in self._index.rows("queued"):
            busy = sum(work.row.device == row.device for work in self._running.values())
            if busy < (self._lanes if row.device == "cpu" else 1):
                self._start(row)

    def _start(self, row: IndexRow) -> None:
        try:
            spec = self._store.run(row.experiment, row.id)
            folder = link_inputs(self._store, spec)
            self._index.start(row)
            self._launcher.start(folder, row.device, self._threads)
        except FOLDER_ERRORS as error:
            self._end(row, "failed", _broken(error))
        else:
            self._running[folder] = Work(row, spec.limits.seconds, time.monotonic())


# What a damaged folder can raise; errors in JSON are ValueErrors.
FOLDER_ERRORS = (RetrainError, OSError, ValueError)
PREPARING_AGAIN = "Preparing the data was cut off once."
CUT_OFF = "It was cut off twice without finishing. Look at the machine's memory, then start it again."
CUT_OFF_PREPARING = (
    "Preparing the data was cut off twice. The machine may have run out of memory: try files with fewer rows."
)
NOT_STOPPING = (
    "It was stopped, but went on, so its worker was killed. It leaves no scores. "
    "Smaller batches heed a stop sooner."
)
OVER_LIMIT = (
    "It was over its time limit and went on, so its worker was killed. It leaves no scores. "
    "Allow more time, or try fewer rows."
)


def _broken(error: Exception) -> str:
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"The run folder cannot be used: {reason}. Start the run again in a new experiment."
    return str(error)


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
    store = Store(root)
    lock = RunnerLock(store.root, LOCK_PATIENCE_SECONDS)
    if not lock.acquire():
        return
    try:
        (store.root / "runner.starting").unlink(missing_ok=True)
        lanes = os.environ.get("RETRAIN_CPU_LANES")
        Runner(store, cpu_lanes=int(lanes) if lanes else None).serve(idle_seconds)
    finally:
        lock.release()

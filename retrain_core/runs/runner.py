"""The runner: one a store. It owns the queue and the index, starts workers, and notices how they end."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from retrain_core.files import remove_tree
from retrain_core.machine import usable_cores
from retrain_core.runs import endings, looks
from retrain_core.runs.endings import FOLDER_ERRORS, broken
from retrain_core.runs.experiments import DELETED
from retrain_core.runs.inbox import asked
from retrain_core.runs.launchers import LAUNCHERS
from retrain_core.runs.lock import RunnerLock
from retrain_core.runs.names import ID_PATTERN, is_beside
from retrain_core.runs.rebuild import open_index, take_in
from retrain_core.runs.steps.again import Again
from retrain_core.runs.steps.checking import Checking
from retrain_core.runs.steps.desk import Desk
from retrain_core.runs.steps.ending import end, end_checked
from retrain_core.runs.steps.preparing import MOST_CUT_OFF, Preparing, times_cut_off
from retrain_core.runs.steps.queueing import (
    fail_preparing,
    queue,
    queue_next,
    queue_probes,
    queue_tries,
    tidy_queue,
)
from retrain_core.runs.steps.starting import Starting
from retrain_core.runs.steps.tidying import Tidying
from retrain_core.runs.store import Store
from retrain_core.runs.watch import NOTE_SECONDS, outgrown, over_limit, overdue
from retrain_core.workers.locked import TEMPORARY

TICK_SECONDS = 0.05
IDLE_TICK_SECONDS = 0.25
IDLE_SECONDS = 3600.0  # workers stay warm for this long after the last run
LOCK_PATIENCE_SECONDS = 1.0
MOST_CPU_LANES = 4
NICENESS = 10  # the pages stay quick while data is prepared, measured and trained on


class Runner:
    """Works off the queue of one store.

    Args:
        store: The store.
        launcher: Name in ``LAUNCHERS``.
        cpu_lanes: CPU runs at a time; each has its own share of the cores.
    """

    def __init__(self, store: Store, launcher: str = "local", cpu_lanes: int | None = None) -> None:
        self._store = store
        self._index = open_index(store)
        self._launcher = LAUNCHERS[launcher]()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._preparing = Preparing(store, self._index, self._background)
        self._checking = Checking(store)
        lanes = cpu_lanes or min(usable_cores(), MOST_CPU_LANES)
        self._desk = Desk(store, self._index, self._preparing, self._checking, lanes)
        self._starting = Starting(self._desk, self._launcher)
        self._again = Again(self._desk)
        self._tidying = Tidying(self._desk, self._background)
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
        self._queue_prepared()
        self._finish_work()
        self._finish_checks()
        tidy_queue(self._desk)
        self._note_used()
        self._end_overdue()
        self._starting.start()
        self._tidying.tidy()
        return bool(self._preparing or self._desk.under_way())

    def close(self) -> None:
        """End the workers; what they were doing is taken up by the next runner."""
        self._launcher.close()
        self._background.shutdown(cancel_futures=True)
        self._checking.close()
        self._index.close()

    # --- steps ----------------------------------------------------------------------------------

    def _reconcile(self) -> None:
        """Take up what a runner that was killed has left."""
        unfinished = [*self._index.rows("queued"), *self._index.rows("running")]
        for row in self._index.rows("running"):
            try:
                self._again.settle_left_over(row, self._launcher)
            except FOLDER_ERRORS as error:
                end(self._desk, row, "failed", broken(error))
        for experiment in {row.experiment for row in unfinished}:
            queue_probes(self._desk, experiment)
        for experiment in looks.under_way(self._store):
            queue_tries(self._desk, experiment)
        for experiment, note in self._index.preparing():
            cut_off = times_cut_off(note) + 1
            if cut_off < MOST_CUT_OFF:
                self._preparing.begin(experiment, cut_off)
            else:
                fail_preparing(self._desk, experiment, endings.CUT_OFF_PREPARING)

    def _take_inbox(self) -> None:
        for experiment, files in asked(self._store.root).items():
            if ID_PATTERN.fullmatch(experiment):
                self._take(experiment)
            for path in files:
                path.unlink()

    def _take(self, experiment: str) -> None:
        """Look at an experiment of which something was asked; it may have been deleted meanwhile."""
        folder = self._store.experiment_folder(experiment)
        if (folder / DELETED).exists():
            self._tidying.delete(experiment)
        elif folder.is_dir():
            try:
                take_in(self._store, self._index, experiment)
            except FOLDER_ERRORS as error:
                print(f"{experiment}: what has ended cannot be told: {error}", file=sys.stderr)
            if self._preparing.is_done(experiment):
                queue(self._desk, experiment)
            else:
                self._preparing.begin(experiment)
            queue_probes(self._desk, experiment)  # to measure files they need not be split

    def _queue_prepared(self) -> None:
        for experiment, error in self._preparing.ended():
            if error is None:
                queue(self._desk, experiment)
            else:
                fail_preparing(self._desk, experiment, error)

    def _finish_work(self) -> None:
        for folder, code in self._launcher.ended():
            work = self._desk.running.pop(folder)
            remove_tree(folder / TEMPORARY)
            try:
                self._again.settle(folder, work, code)
            except FOLDER_ERRORS as error:
                end(self._desk, work.row, "failed", broken(error))
            queue_next(self._desk, work.row)

    def _finish_checks(self) -> None:
        for row, error in self._checking.ended():
            end_checked(self._desk, row, error)
            queue_next(self._desk, row)

    def _note_used(self) -> None:
        """Note how long runs have been at work, so that the next runner knows; work beside them begins anew."""
        now = time.monotonic()
        for work in self._desk.running.values():
            if not is_beside(work.row.id) and now - work.noted > NOTE_SECONDS:
                work.noted = now
                self._index.set_used(work.row, work.used)

    def _end_overdue(self) -> None:
        """Ask runs over a limit to end, and kill workers that were to end and did not."""
        for folder, work in self._desk.running.items():
            process = self._launcher.process_id(folder)
            if reason := over_limit(folder, work, process):
                with contextlib.suppress(*FOLDER_ERRORS):  # a broken folder is noticed when its worker ends
                    self._store.request_stop(work.row.experiment, work.row.id, reason)
            if (ending := overdue(folder, work) or outgrown(folder, work, process)) is not None:
                work.killed = ending
            elif not self._desk.was_removed(work.row):
                continue
            self._launcher.kill(folder)


def main(root: Path, idle_seconds: float = IDLE_SECONDS) -> None:
    """Serve the store in ``root`` unless another runner does."""
    store = Store(root)
    lock = RunnerLock(store.root, LOCK_PATIENCE_SECONDS)
    if not lock.acquire():
        return
    if hasattr(os, "nice"):
        os.nice(NICENESS)  # and so its workers
    try:
        (store.root / "runner.starting").unlink(missing_ok=True)
        lanes = os.environ.get("RETRAIN_CPU_LANES")
        Runner(store, cpu_lanes=int(lanes) if lanes else None).serve(idle_seconds)
    finally:
        lock.release()

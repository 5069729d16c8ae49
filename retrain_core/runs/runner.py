"""The runner: one a store. It owns the queue and the index, starts workers, and notices how they end."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

from retrain_core.errors import InputError, RetrainError, RunError, UnreadError
from retrain_core.files import remove_tree
from retrain_core.machine import usable_cores
from retrain_core.models.checked import SCRATCH
from retrain_core.runs import endings, looks
from retrain_core.runs.bin import move, waiting
from retrain_core.runs.candidates import MODEL, checked_model, mark_of
from retrain_core.runs.cut_off import attempts_left, can_finish, has_begun, is_to_stop, was_interrupted
from retrain_core.runs.endings import FOLDER_ERRORS, broken, died
from retrain_core.runs.experiments import DELETED
from retrain_core.runs.from_worker import AGAIN
from retrain_core.runs.index import IndexRow
from retrain_core.runs.launchers import LAUNCHERS
from retrain_core.runs.lock import RunnerLock
from retrain_core.runs.names import ID_PATTERN, is_beside, is_estimate, is_probe, is_quick, strategy_of
from retrain_core.runs.placement import MEASURE, place
from retrain_core.runs.plan import start_order
from retrain_core.runs.prepare import MEASURED, link_inputs, prepare
from retrain_core.runs.quick_rounds import advance, fail
from retrain_core.runs.rebuild import open_index, take_in
from retrain_core.runs.store import Store
from retrain_core.runs.sweep import sweep
from retrain_core.runs.watch import NOTE_SECONDS, Work, over_limit, overdue
from retrain_core.types import Device, RunResult, RunSpec, from_json
from retrain_core.workers import checkpoints
from retrain_core.workers.disk import FULL, is_full
from retrain_core.workers.locked import TEMPORARY

TICK_SECONDS = 0.05
IDLE_TICK_SECONDS = 0.25
IDLE_SECONDS = 3600.0  # workers stay warm for this long after the last run
LOCK_PATIENCE_SECONDS = 1.0
MOST_CPU_LANES = 4
SWEEP_SECONDS = 600.0
MOST_AGAIN = 50  # times that one piece of work is begun again, whatever it says for itself
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
        self._preparing: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="prepare")
        self._checks = ThreadPoolExecutor(2, thread_name_prefix="check")
        self._candidates: dict[tuple[str, str], Future[Path]] = {}  # models of runs that probes wait for
        self._checking: dict[
            IndexRow, Future[Path]
        ] = {}  # runs that are at work until their model was checked
        self._running: dict[Path, Work] = {}
        self._asked_again: Counter[tuple[str, str]] = Counter()
        self._deleting: set[str] = set()
        self._sweeping: Future[list[Path]] | None = None
        self._next_sweep = 0.0
        self._cores = usable_cores()
        self._lanes = cpu_lanes or min(self._cores, MOST_CPU_LANES)
        self._threads = max(1, self._cores // self._lanes)
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
        self._finish_checks()
        self._tidy_queue()
        self._note_used()
        self._end_overdue()
        self._start_runs()
        self._bin_deleted()
        self._sweep()
        return bool(self._preparing or self._running or self._checking or self._index.rows("queued"))

    def close(self) -> None:
        """End the workers; what they were doing is taken up by the next runner."""
        self._launcher.close()
        self._pool.shutdown(cancel_futures=True)
        self._checks.shutdown(cancel_futures=True)
        self._index.close()

    # --- steps ----------------------------------------------------------------------------------

    def _reconcile(self) -> None:
        """Take up what a runner that was killed has left."""
        unfinished = [*self._index.rows("queued"), *self._index.rows("running")]
        open_experiments = {row.experiment for row in unfinished}
        for row in self._index.rows("running"):
            try:
                folder = self._store.run_folder(row.experiment, row.id)
                self._launcher.end_left_over(folder)
                for left in (folder / TEMPORARY, *folder.glob(f"{SCRATCH}*")):
                    remove_tree(left)
                if self._was_removed(row):
                    self._ask_again(row)
                    continue
                self._as_asked(row)
                if not self._end_with_result(row):
                    since = row.started or 0.0
                    idle = (
                        0 if has_begun(folder, since) else 1
                    )  # the runner was cut off before its worker came up
                    if not self._try_again(replace(row, attempts=row.attempts - idle), since):
                        self._end(row, "failed", endings.CUT_OFF)
            except FOLDER_ERRORS as error:
                self._end(row, "failed", broken(error))
        for experiment in open_experiments:
            self._queue_probes(experiment)
        for experiment in looks.under_way(self._store):
            self._queue_tries(experiment)
        self._deleting.update(waiting(self._store))
        for experiment, note in self._index.preparing():
            if note is None:
                self._prepare(experiment, PREPARING_AGAIN)
            else:
                self._fail_preparing(experiment, endings.CUT_OFF_PREPARING)

    def _take_inbox(self) -> None:
        for path in sorted((self._store.root / "inbox").iterdir()):
            if path.is_file() and not path.name.startswith("."):
                if ID_PATTERN.fullmatch(path.name):
                    self._take(path.name)
                path.unlink()

    def _take(self, experiment: str) -> None:
        """Look at an experiment of which something was asked; it may have been deleted meanwhile."""
        folder = self._store.experiment_folder(experiment)
        if (folder / DELETED).exists():
            self._deleting.add(experiment)
        elif folder.is_dir():
            try:
                take_in(self._store, self._index, experiment)
            except FOLDER_ERRORS as error:
                print(f"{experiment}: what has ended cannot be told: {error}", file=sys.stderr)
            if self._is_ready(experiment):
                self._queue(experiment)
            else:
                self._prepare(experiment)
            self._queue_probes(experiment)  # to measure files they need not be split

    def _prepare(self, experiment: str, note: str | None = None) -> None:
        self._index.set_experiment(experiment, "preparing", note)
        self._preparing[experiment] = self._pool.submit(self._prepare_now, experiment)

    def _is_ready(self, experiment: str) -> bool:
        """Whether nothing is to be prepared, so that it need not wait for others that are."""
        with contextlib.suppress(*FOLDER_ERRORS):
            return experiment not in self._preparing and self._store.is_prepared(
                self._store.experiment(experiment)
            )
        return False

    def _prepare_now(self, experiment: str) -> None:
        # Again, if somebody changes the question meanwhile: until it has runs it may be changed.
        while not self._store.is_prepared(spec := self._store.experiment(experiment)):
            prepare(self._store, spec)

    def _finish_preparing(self) -> None:
        for experiment, future in list(self._preparing.items()):
            if not future.done():
                continue
            del self._preparing[experiment]
            error = future.exception()
            if error is None:
                self._queue(experiment)
            else:
                known = isinstance(error, RetrainError)
                text = f"The data could not be prepared: {type(error).__name__}: {error}"
                self._fail_preparing(experiment, str(error) if known else text)

    def _queue(self, experiment: str) -> None:
        try:
            for run in start_order(self._store.runs(experiment)):
                self._index.add_run(experiment, run.id, run.device)
            self._queue_rehearsals(experiment)
            self._queue_probes(experiment)
            self._queue_tries(experiment)
        except FOLDER_ERRORS as error:
            self._index.set_experiment(experiment, "failed", broken(error))
        else:
            self._index.set_experiment(experiment, "ready")

    def _queue_rehearsals(self, experiment: str) -> None:
        """Queue the rehearsals that have not ended; while there are runs to do, none goes on.

        What a run will tell is not rehearsed any more; what was begun of other strategies begins anew after the runs.
        """
        for spec in self._store.estimates(experiment):
            if self._store.result(experiment, spec.id) is None:
                self._index.add_run(experiment, spec.id, spec.device, again=True)
        to_do = {strategy_of(row.id) for row in self._runs_to_do() if row.experiment == experiment}
        if not to_do:
            return
        for row in self._index.rows("queued"):
            if row.experiment == experiment and is_estimate(row.id) and strategy_of(row.id) in to_do:
                self._end(row, "stopped", endings.REHEARSAL_OVER)
        for work in self._running.values():
            if work.row.experiment == experiment and work.rehearsal and not self._was_removed(work.row):
                with contextlib.suppress(
                    *FOLDER_ERRORS
                ):  # removed just now: its worker is about to be killed
                    self._cut_short(work.row, begin_anew=strategy_of(work.row.id) not in to_do)

    def _cut_short(self, row: IndexRow, *, begin_anew: bool) -> None:
        """End a rehearsal that is at work."""
        if begin_anew:
            spec = self._as_asked(row)
            self._store.remove_beside(row.experiment, row.id)  # its worker is killed
            self._store.add_beside([spec])
        else:
            self._store.request_stop(row.experiment, row.id)

    def _runs_to_do(self) -> list[IndexRow]:
        """Return the runs proper that wait or are at work."""
        return [row for row in self._under_way() if not is_beside(row.id)]

    def _under_way(self) -> list[IndexRow]:
        """Return all that waits or is at work."""
        at_work = (work.row for work in self._running.values())
        return [*self._index.rows("queued"), *at_work, *self._checking]

    def _queue_probes(self, experiment: str) -> None:
        """Queue the probes that have not ended and can start: what they wait for has ended well."""
        try:
            for spec in self._store.probes(experiment):
                ready = spec.device == MEASURE or experiment not in self._preparing
                if not ready or self._store.result(experiment, spec.id) is not None:
                    continue
                if any((row.experiment, row.id) == (experiment, spec.after) for row in self._checking):
                    continue
                before = self._store.result(experiment, spec.after) if spec.after else None
                if spec.after and before is None:
                    self._index.forget_ended(experiment, spec.id)  # how the last attempt ended counts no more
                    continue
                self._index.add_run(experiment, spec.id, spec.device, again=True)
                if before is not None and _leads_nowhere(before):
                    (row,) = [
                        row
                        for row in self._index.rows("queued")
                        if (row.experiment, row.id) == (experiment, spec.id)
                    ]
                    self._end(row, "failed", before.error or endings.NOTHING_TO_GO_ON)
        except FOLDER_ERRORS as error:
            print(f"{experiment}: probes cannot be queued: {error}", file=sys.stderr)

    def _queue_tries(self, experiment: str) -> None:
        """Queue what a quick look has to do next, no more than fill the lanes: others take turns with it."""
        if experiment in self._preparing:
            return
        try:
            due = advance(self._store, experiment)
            known = {row.id for row in self._under_way() if row.experiment == experiment}
            free = self._lanes - sum(is_quick(id) for id in known)
            for run in [run for run in due if run.id not in known][: max(0, free)]:
                self._index.add_run(experiment, run.id, run.device, again=True)
        except FOLDER_ERRORS as error:
            print(f"{experiment}: the quick look cannot go on: {error}", file=sys.stderr)
            with contextlib.suppress(*FOLDER_ERRORS):
                fail(self._store, experiment, broken(error))

    def _fail_preparing(self, experiment: str, error: str) -> None:
        """End an experiment whose data cannot be prepared, and its runs with it."""
        self._queue(experiment)
        for row in self._index.rows("queued"):
            if row.experiment == experiment and row.device != MEASURE:
                self._end(row, "failed", error)
        self._queue_probes(experiment)  # those that wait for one that has failed now
        with contextlib.suppress(*FOLDER_ERRORS):
            fail(self._store, experiment, error)
        self._index.set_experiment(experiment, "failed", error)

    def _finish_runs(self) -> None:
        for folder, code in self._launcher.ended():
            work = self._running.pop(folder)
            remove_tree(folder / TEMPORARY)
            try:
                if self._was_removed(work.row):
                    self._ask_again(work.row)
                else:
                    self._settle(folder, work, code)  # first: what it looks at, as a full disk, may pass
                    self._index.set_used(work.row, work.used)
            except FOLDER_ERRORS as error:
                self._end(work.row, "failed", broken(error))
            self._queue_next(work.row)

    def _settle(self, folder: Path, work: Work, code: int) -> None:
        """End work whose worker has ended as that says, or take it up again."""
        self._as_asked(work.row)
        if not self._end_with_result(work.row) and not self._take_up(folder, work, code):
            self._end(work.row, *(work.killed or self._died(code, work.row)))

    def _as_asked(self, row: IndexRow) -> RunSpec:
        """Return what was asked for, after its ``run.json`` says so again: its worker may have made it say something else."""
        text = self._index.asked(row)
        if text is not None:
            self._store.restore_run(row.experiment, row.id, text)
        return self._store.run(row.experiment, row.id)

    def _take_up(self, folder: Path, work: Work, code: int) -> bool:
        """Queue a run again whose worker ended without a result; return whether that makes sense.

        One that was to stop, or over a limit, has its best weights scored by a fresh worker.
        """
        if work.killed is not None or is_to_stop(folder):
            if work.finishing or not can_finish(folder, work.row):
                return False
            if not is_to_stop(folder):
                self._store.request_stop(work.row.experiment, work.row.id, endings.OVER_TIME)
            self._index.requeue(work.row, self._store.run(work.row.experiment, work.row.id).device)
            return True
        return was_interrupted(work.row, code) and self._try_again(work.row, work.since)

    def _try_again(self, row: IndexRow, since: float) -> bool:
        """Queue work that was cut off once more, if it may be; it goes on from its last checkpoint."""
        attempts = attempts_left(self._store.run_folder(row.experiment, row.id), row, since)
        self._asked_again[row.experiment, row.id] += 1  # a hostile worker can make up checkpoints
        if attempts is None or self._asked_again[row.experiment, row.id] > MOST_AGAIN:
            return False
        self._index.requeue(row, self._store.run(row.experiment, row.id).device, attempts)
        return True

    def _died(self, code: int, row: IndexRow) -> tuple[Literal["failed"], str]:
        if code == 1 and is_full(self._store.root):
            return "failed", FULL
        what: endings.Kind = "files" if row.device == MEASURE else "probe" if is_probe(row.id) else "run"
        return "failed", died(code, what)

    def _queue_next(self, row: IndexRow) -> None:
        """Queue what waited for a piece of work that has ended."""
        self._queue_probes(row.experiment)
        if is_quick(row.id):
            self._queue_tries(row.experiment)

    def _bin_deleted(self) -> None:
        """Move what was deleted into the bin, once nothing of it is under way."""
        if not self._deleting:
            return
        busy = {*self._preparing, *(row.experiment for row in self._under_way())}
        for experiment in self._deleting - busy:
            self._deleting.discard(experiment)
            if experiment in waiting(self._store):  # it may have been restored
                with contextlib.suppress(OSError):  # tried again with the next sweep
                    move(self._store, experiment)

    def _sweep(self) -> None:
        """Take away what nobody needs any more, now and then, beside the other work."""
        if self._sweeping is not None and self._sweeping.done():
            if error := self._sweeping.exception():
                print(f"The store cannot be tidied: {error}", file=sys.stderr)
            self._sweeping = None
            self._forget_gone()
            self._deleting.update(waiting(self._store))
        if self._sweeping is None and time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + SWEEP_SECONDS
            self._sweeping = self._pool.submit(sweep, self._store)

    def _forget_gone(self) -> None:
        """Take experiments out of the index that are neither in the store nor in its bin any more."""
        there = {path.name for home in ("experiments", "bin") for path in (self._store.root / home).iterdir()}
        for experiment in self._index.experiments() - there - set(self._preparing):
            self._index.forget_experiment(experiment)

    def _was_removed(self, row: IndexRow) -> bool:
        """Whether work that has started was removed meanwhile; it may be there anew, and then lacks inputs."""
        return is_beside(row.id) and not (self._store.run_folder(row.experiment, row.id) / "inputs").exists()

    def _ask_again(self, row: IndexRow) -> None:
        """Forget work that was removed, and what its worker may have written since; queue it if it is there anew.

        A hostile worker can remove its own inputs, so there is an end to it.
        """
        self._asked_again[row.experiment, row.id] += 1
        if self._asked_again[row.experiment, row.id] > MOST_AGAIN:
            self._end(row, "failed", endings.REMOVED)
            return
        self._index.forget(row.experiment, row.id)
        remove_tree(self._store.run_folder(row.experiment, row.id) / "result.json")
        self._queue_rehearsals(row.experiment)
        self._queue_probes(row.experiment)
        self._queue_tries(row.experiment)

    def _end_with_result(self, row: IndexRow) -> bool:
        """End a run as its worker says, if need be once its model was checked; return whether the worker has said anything."""
        result = self._store.result(row.experiment, row.id)
        if result is None:
            return False
        folder = self._store.run_folder(row.experiment, row.id)
        remove_tree(folder / checkpoints.FOLDER)  # if its worker could not any more
        has_model = result.model or (result.status == "finished" and os.path.lexists(folder / MODEL))
        if has_model and result.status != "failed" and not is_beside(row.id):
            self._checking[row] = self._checks.submit(checked_model, self._store, row.experiment, row.id)
        else:
            self._index.end(row.experiment, row.id, result.status, result.error)
        return True

    def _finish_checks(self) -> None:
        """End the runs whose models were checked; one whose model is none that may be used has failed.

        Where that could not be told, as on a full disk, the run has ended as its worker says: its model is checked when
        somebody asks for it.
        """
        for row, future in list(self._checking.items()):
            if not future.done():
                continue
            del self._checking[row]
            error = future.exception()
            result = self._store.result(row.experiment, row.id)
            if isinstance(error, InputError) and not isinstance(error, UnreadError):
                self._end(row, "failed", " ".join((error.what, error.why, AGAIN)))
            elif result is None:
                self._end(row, "failed", endings.UNCHECKED)
            else:
                self._index.end(row.experiment, row.id, result.status, result.error)
                if error is not None:
                    print(
                        f"{row.experiment} {row.id}: its model is not checked yet: {error}", file=sys.stderr
                    )
            self._queue_next(row)

    def _end(self, row: IndexRow, status: Literal["failed", "stopped"], error: str) -> None:
        """End a run whose worker did not write a result; the index says so even if the folder cannot."""
        try:
            self._store.save_result(row.experiment, row.id, RunResult(status, device=row.device, error=error))
        except FOLDER_ERRORS as trouble:
            print(f"{row.experiment}/{row.id}: no result written: {trouble}", file=sys.stderr)
        else:
            remove_tree(self._store.run_folder(row.experiment, row.id) / checkpoints.FOLDER)
        self._index.end(row.experiment, row.id, status, error)

    def _end_unstarted(self, row: IndexRow, status: Literal["failed", "stopped"], error: str) -> None:
        """End a run that has no worker, and pass that on to what waits for it."""
        self._end(row, status, error)
        self._queue_next(row)

    def _tidy_queue(self) -> None:
        """Take out of the queue what was stopped, and work beside the runs that was removed."""
        for row in self._index.rows("queued"):
            folder = self._store.run_folder(row.experiment, row.id)
            if is_beside(row.id) and not os.path.exists(folder / "run.json"):
                self._index.forget(row.experiment, row.id)
            elif is_to_stop(folder) and not can_finish(folder, row):
                self._end_unstarted(row, "stopped", endings.STOPPED_IN_QUEUE)

    def _note_used(self) -> None:
        """Note how long runs have been at work, so that the next runner knows; work beside them begins anew."""
        now = time.monotonic()
        for work in self._running.values():
            if not is_beside(work.row.id) and now - work.noted > NOTE_SECONDS:
                work.noted = now
                self._index.set_used(work.row, work.used)

    def _end_overdue(self) -> None:
        """Ask runs over a limit to end, and kill workers that were to end and did not."""
        for folder, work in self._running.items():
            if reason := over_limit(folder, work, self._launcher.process_id(folder)):
                with contextlib.suppress(*FOLDER_ERRORS):  # a broken folder is noticed when its worker ends
                    self._store.request_stop(work.row.experiment, work.row.id, reason)
            if (ending := overdue(folder, work)) is not None:
                work.killed = ending
            elif not self._was_removed(work.row):
                continue
            self._launcher.kill(folder)

    def _start_runs(self) -> None:
        """Start what can start; experiments take turns, see ``turns.py``.

        Rehearsals go one at a time, so that they do not slow each other and take no more than a lane from other
        people's runs. Runs wait until a rehearsal of the same experiment is over, so that it does not slow them, and
        those that are still to come wait for the runs. So do probes that need a device: times are compared.
        """
        queued = self._index.queue()
        with_runs = {row.experiment for row in self._runs_to_do()}
        gpus = self._gpus() if queued else None
        for row in queued:
            works = self._running.values()
            rehearsed = {work.row.experiment for work in works if work.rehearsal}
            if row.device != MEASURE and (
                row.experiment in self._preparing
                or (rehearsed if is_estimate(row.id) else row.experiment in rehearsed)
                or (is_beside(row.id) and row.experiment in with_runs)
            ):
                continue
            try:
                device = place(row.device, gpus, Counter(work.row.device for work in works), self._lanes)
            except RunError as error:
                self._end_unstarted(row, "failed", str(error))
                continue
            if device is not None:
                self._start(row, device)

    def _gpus(self) -> list[str] | None:
        """Return the GPUs there are, ``None`` while the search goes on."""
        if not self._devices_known.is_set():
            return None
        path = self._store.root / "devices.json"
        found = from_json(path.read_bytes(), tuple[Device, ...]) if path.is_file() else ()
        return [device.name for device in found if device.name != "cpu"]

    def _start(self, row: IndexRow, device: str) -> None:
        try:
            spec = self._store.run(row.experiment, row.id)
            prepared = device == MEASURE or self._store.is_prepared(self._store.experiment(row.experiment))
            if not prepared:
                self._prepare(row.experiment)  # the question was changed after it had been prepared
                return
            if not self._has_candidate(spec):
                return  # it stays queued meanwhile
            folder = link_inputs(self._store, spec)
            finishing = is_to_stop(folder)
            self._mark_shared(folder, device)
            self._index.start(row, device, self._store.run_text(row.experiment, row.id))
            threads = self._cores if device == MEASURE else self._threads
            self._launcher.start(folder, device, threads, spec.work)
        except FOLDER_ERRORS as error:
            if (
                is_beside(row.id) and row.attempts == 0
            ):  # it may have been removed just now, and be there anew
                self._index.start(row, device)
                self._index.requeue(row, row.device)
            else:
                self._end_unstarted(row, "failed", broken(error))
        else:
            started = replace(row, device=device, attempts=row.attempts + 1)
            used = 0.0 if is_beside(row.id) else self._index.used(row)  # which begins anew
            self._running[folder] = Work(started, spec.limits, finishing, used)

    def _has_candidate(self, spec: RunSpec) -> bool:
        """Return whether the model that a probe is about was checked; it is, beside this loop, where it was not.

        Raises:
            RetrainError: If that model cannot be used.
            OSError: If it cannot be read.
        """
        if not spec.after or spec.work in MEASURED:
            return True
        if mark_of(self._store, spec.experiment, spec.after).exists():
            return True
        candidate = (spec.experiment, spec.after)
        if candidate not in self._candidates:
            self._candidates[candidate] = self._checks.submit(checked_model, self._store, *candidate)
        if not self._candidates[candidate].done():
            return False
        self._candidates.pop(candidate).result()
        return True

    def _mark_shared(self, folder: Path, device: str) -> None:
        """Note in the folder of a run that is about to start, and of those it joins, that their times are longer."""
        alike = {device, MEASURE, "cpu"} if device in (MEASURE, "cpu") else {device}  # on the same cores
        others = [path for path, work in self._running.items() if work.row.device in alike]
        for path in (folder, *others) if others else ():
            with contextlib.suppress(OSError):  # a broken folder is noticed when its worker ends
                (path / "shared").touch()


def _leads_nowhere(before: RunResult) -> bool:
    """Return whether work that others wait for has left them nothing to go on with."""
    return before.status == "failed" or (before.status == "stopped" and not before.model)


PREPARING_AGAIN = "Preparing the data was cut off once."


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

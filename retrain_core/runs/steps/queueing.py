"""What is put into the queue: runs when their data is ready, rehearsals, probes and tries when they can start."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Literal

from retrain_core.runs import endings
from retrain_core.runs.cut_off import can_finish, is_to_stop
from retrain_core.runs.endings import FOLDER_ERRORS, broken
from retrain_core.runs.index import IndexRow
from retrain_core.runs.names import is_beside, is_estimate, is_quick, strategy_of
from retrain_core.runs.placement import MEASURE
from retrain_core.runs.plan import start_order
from retrain_core.runs.quick_rounds import advance, fail
from retrain_core.runs.steps.desk import Desk
from retrain_core.runs.steps.ending import end
from retrain_core.types import RunResult


def queue(desk: Desk, experiment: str) -> None:
    """Queue all that can be done of an experiment whose data is ready."""
    try:
        for run in start_order(desk.store.runs(experiment)):
            desk.index.add_run(experiment, run.id, run.device)
        queue_beside(desk, experiment)
    except FOLDER_ERRORS as error:
        desk.index.set_experiment(experiment, "failed", broken(error))
    else:
        desk.index.set_experiment(experiment, "ready")


def queue_beside(desk: Desk, experiment: str) -> None:
    """Queue what is done beside the runs and can start."""
    _queue_rehearsals(desk, experiment)
    queue_probes(desk, experiment)
    queue_tries(desk, experiment)


def queue_next(desk: Desk, row: IndexRow) -> None:
    """Queue what waited for a piece of work that has ended."""
    queue_probes(desk, row.experiment)
    if is_quick(row.id):
        queue_tries(desk, row.experiment)


def queue_probes(desk: Desk, experiment: str) -> None:
    """Queue the probes that have not ended and can start: what they wait for has ended well."""
    try:
        for spec in desk.store.probes(experiment):
            ready = spec.device == MEASURE or experiment not in desk.preparing
            if not ready or desk.store.result(experiment, spec.id) is not None:
                continue
            if any((row.experiment, row.id) == (experiment, spec.after) for row in desk.checking):
                continue
            before = desk.store.result(experiment, spec.after) if spec.after else None
            if spec.after and before is None:
                desk.index.forget_ended(experiment, spec.id)  # how the last attempt ended counts no more
                continue
            desk.index.add_run(experiment, spec.id, spec.device, again=True)
            if before is not None and _leads_nowhere(before):
                (row,) = [row for row in _queued(desk, experiment) if row.id == spec.id]
                end(desk, row, "failed", before.error or endings.NOTHING_TO_GO_ON)
    except FOLDER_ERRORS as error:
        print(f"{experiment}: probes cannot be queued: {error}", file=sys.stderr)


def queue_tries(desk: Desk, experiment: str) -> None:
    """Queue what a quick look has to do next, no more than fill the lanes: others take turns with it."""
    if experiment in desk.preparing:
        return
    try:
        due = advance(desk.store, experiment)
        known = {row.id for row in desk.under_way() if row.experiment == experiment}
        free = desk.lanes - sum(is_quick(id) for id in known)
        for run in [run for run in due if run.id not in known][: max(0, free)]:
            desk.index.add_run(experiment, run.id, run.device, again=True)
    except FOLDER_ERRORS as error:
        print(f"{experiment}: the quick look cannot go on: {error}", file=sys.stderr)
        with contextlib.suppress(*FOLDER_ERRORS):
            fail(desk.store, experiment, broken(error))


def _queue_rehearsals(desk: Desk, experiment: str) -> None:
    """Queue the rehearsals that have not ended; while there are runs to do, none goes on.

    What a run will tell is not rehearsed any more; what was begun of other strategies begins anew after the runs.
    """
    for spec in desk.store.estimates(experiment):
        if desk.store.result(experiment, spec.id) is None:
            desk.index.add_run(experiment, spec.id, spec.device, again=True)
    to_do = {strategy_of(row.id) for row in desk.runs_to_do() if row.experiment == experiment}
    if not to_do:
        return
    for row in _queued(desk, experiment):
        if is_estimate(row.id) and strategy_of(row.id) in to_do:
            end(desk, row, "stopped", endings.REHEARSAL_OVER)
    for work in desk.running.values():
        if work.row.experiment == experiment and work.rehearsal and not desk.was_removed(work.row):
            with contextlib.suppress(*FOLDER_ERRORS):  # removed just now: its worker is about to be killed
                _cut_short(desk, work.row, begin_anew=strategy_of(work.row.id) not in to_do)


def _cut_short(desk: Desk, row: IndexRow, *, begin_anew: bool) -> None:
    """End a rehearsal that is at work."""
    if begin_anew:
        spec = desk.as_asked(row)
        desk.store.remove_beside(row.experiment, row.id)  # its worker is killed
        desk.store.add_beside([spec])
    else:
        desk.store.request_stop(row.experiment, row.id)


def fail_preparing(desk: Desk, experiment: str, error: str) -> None:
    """End an experiment whose data cannot be prepared, and its runs with it."""
    queue(desk, experiment)
    for row in _queued(desk, experiment):
        if row.device != MEASURE:
            end(desk, row, "failed", error)
    queue_probes(desk, experiment)  # those that wait for one that has failed now
    with contextlib.suppress(*FOLDER_ERRORS):
        fail(desk.store, experiment, error)
    desk.index.set_experiment(experiment, "failed", error)


def end_unstarted(desk: Desk, row: IndexRow, status: Literal["failed", "stopped"], error: str) -> None:
    """End work that has no worker, and pass that on to what waits for it."""
    end(desk, row, status, error)
    queue_next(desk, row)


def tidy_queue(desk: Desk) -> None:
    """Take out of the queue what was stopped, and work beside the runs that was removed."""
    for row in desk.index.rows("queued"):
        folder = desk.store.run_folder(row.experiment, row.id)
        if is_beside(row.id) and not os.path.exists(folder / "run.json"):
            desk.index.forget(row.experiment, row.id)
        elif is_to_stop(folder) and not can_finish(folder, row):
            end_unstarted(desk, row, "stopped", endings.STOPPED_IN_QUEUE)


def _queued(desk: Desk, experiment: str) -> list[IndexRow]:
    return [row for row in desk.index.rows("queued") if row.experiment == experiment]


def _leads_nowhere(before: RunResult) -> bool:
    """Return whether work that others wait for has left them nothing to go on with."""
    return before.status == "failed" or (before.status == "stopped" and not before.model)

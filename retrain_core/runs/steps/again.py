"""Work that is begun again: cut off with its worker or with the whole runner, or removed and asked for anew."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from retrain_core.files import remove_tree
from retrain_core.models.checked import SCRATCH
from retrain_core.runs import endings
from retrain_core.runs.cut_off import (
    MOST_CUT_OFF,
    attempts_left,
    can_finish,
    got_further,
    has_begun,
    is_to_stop,
    was_interrupted,
)
from retrain_core.runs.index import IndexRow
from retrain_core.runs.launchers import Launcher
from retrain_core.runs.steps.desk import Desk
from retrain_core.runs.steps.ending import death, end, end_with_result
from retrain_core.runs.steps.queueing import queue_beside
from retrain_core.runs.watch import Work
from retrain_core.workers.locked import TEMPORARY

MOST_AGAIN = 50  # times that one piece of work is begun again, whatever it says for itself


class Again:
    """Settles what becomes of work that has no worker any more, and counts how often a piece of it is begun again.

    Args:
        desk: What there is.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._times: Counter[tuple[str, str]] = Counter()

    def settle(self, folder: Path, work: Work, code: int) -> None:
        """End work whose worker has ended as that says, or take it up again.

        Raises:
            RetrainError, OSError, ValueError: If its folder is broken.
        """
        if self._desk.was_removed(work.row):
            self._ask(work.row)
            return
        self._desk.as_asked(work.row)
        if not end_with_result(self._desk, work.row) and not self._take_up(folder, work, code):
            end(self._desk, work.row, *(work.killed or death(self._desk, work.row, code)))
        self._desk.index.set_used(work.row, work.used)  # last: what was looked at, as a full disk, may pass

    def settle_left_over(self, row: IndexRow, launcher: Launcher) -> None:
        """Take up what a runner that was killed had at work.

        Raises:
            RetrainError, OSError, ValueError: If its folder is broken.
        """
        folder = self._desk.store.run_folder(row.experiment, row.id)
        launcher.end_left_over(folder)
        for left in (folder / TEMPORARY, *folder.glob(f"{SCRATCH}*")):
            remove_tree(left)
        if self._desk.was_removed(row):
            self._ask(row)
            return
        self._desk.as_asked(row)
        if not end_with_result(self._desk, row) and not self._go_on(row, row.started or 0.0):
            end(self._desk, row, "failed", endings.CUT_OFF)

    def _go_on(self, row: IndexRow, since: float) -> bool:
        """Queue work whose runner was killed, so that the attempt does not count, unless that goes on and on."""
        store, index = self._desk.store, self._desk.index
        folder = store.run_folder(row.experiment, row.id)
        further = got_further(folder, since)
        if has_begun(folder, since) and index.count_cut_off(row, anew=further) >= MOST_CUT_OFF:
            return False
        index.requeue(
            row, store.run(row.experiment, row.id).device, 0 if further else max(0, row.attempts - 1)
        )
        return True

    def _take_up(self, folder: Path, work: Work, code: int) -> bool:
        """Queue a run again whose worker ended without a result; return whether that makes sense.

        One that was to stop, or over a limit, has its best weights scored by a fresh worker.
        """
        store, row = self._desk.store, work.row
        if work.killed is not None or is_to_stop(folder):
            if work.finishing or not can_finish(folder, row):
                return False
            if work.killed is not None and not is_to_stop(folder):
                reason = work.killed[1].replace(endings.OVER_LIMIT, endings.OVER_TIME)
                store.request_stop(row.experiment, row.id, reason)
            self._desk.index.requeue(row, store.run(row.experiment, row.id).device)
            return True
        return was_interrupted(row, code) and self._try(row, work.since)

    def _try(self, row: IndexRow, since: float) -> bool:
        """Queue work that was cut off once more, if it may be; it goes on from its last checkpoint."""
        store = self._desk.store
        attempts = attempts_left(store.run_folder(row.experiment, row.id), row, since)
        self._times[row.experiment, row.id] += 1  # a hostile worker can make up checkpoints
        if attempts is None or self._times[row.experiment, row.id] > MOST_AGAIN:
            return False
        self._desk.index.requeue(row, store.run(row.experiment, row.id).device, attempts)
        return True

    def _ask(self, row: IndexRow) -> None:
        """Forget work that was removed, and what its worker may have written since; queue it if it is there anew.

        A hostile worker can remove its own inputs, so there is an end to it.
        """
        self._times[row.experiment, row.id] += 1
        if self._times[row.experiment, row.id] > MOST_AGAIN:
            end(self._desk, row, "failed", endings.REMOVED)
            return
        self._desk.index.forget(row.experiment, row.id)
        remove_tree(self._desk.store.run_folder(row.experiment, row.id) / "result.json")
        queue_beside(self._desk, row.experiment)

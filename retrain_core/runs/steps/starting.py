"""Starting what waits, as soon as it may and there is a place for it."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

from retrain_core.errors import RunError
from retrain_core.machine import usable_cores
from retrain_core.runs.cut_off import is_to_stop
from retrain_core.runs.endings import FOLDER_ERRORS, broken
from retrain_core.runs.index import IndexRow
from retrain_core.runs.launchers import Launcher
from retrain_core.runs.names import is_beside, is_estimate
from retrain_core.runs.placement import MEASURE, place
from retrain_core.runs.prepare import link_inputs
from retrain_core.runs.steps.desk import Desk
from retrain_core.runs.steps.queueing import end_unstarted
from retrain_core.runs.watch import Work
from retrain_core.types import Device, from_json


class Starting:
    """Starts workers on the devices there are.

    Args:
        desk: What there is.
        launcher: Starts them.
    """

    def __init__(self, desk: Desk, launcher: Launcher) -> None:
        self._desk, self._launcher = desk, launcher
        self._cores = usable_cores()
        self._threads = max(1, self._cores // desk.lanes)
        self._devices = desk.store.root / "devices.json"
        self._devices_known = launcher.find_devices(self._devices)

    def start(self) -> None:
        """Start what can start; experiments take turns, see ``turns.py``.

        Rehearsals go one at a time, so that they do not slow each other and take no more than a lane from other
        people's runs. Runs wait until a rehearsal of the same experiment is over, so that it does not slow them, and
        those that are still to come wait for the runs. So do probes that need a device: times are compared.
        """
        desk = self._desk
        queued = desk.index.queue()
        with_runs = {row.experiment for row in desk.runs_to_do()}
        gpus = self._gpus() if queued else None
        for row in queued:
            works = desk.running.values()
            rehearsed = {work.row.experiment for work in works if work.rehearsal}
            if row.device != MEASURE and (
                row.experiment in desk.preparing
                or (rehearsed if is_estimate(row.id) else row.experiment in rehearsed)
                or (is_beside(row.id) and row.experiment in with_runs)
            ):
                continue
            try:
                device = place(row.device, gpus, Counter(work.row.device for work in works), desk.lanes)
            except RunError as error:
                end_unstarted(desk, row, "failed", str(error))
                continue
            if device is not None:
                self._start(row, device)

    def _gpus(self) -> list[str] | None:
        """Return the GPUs there are, ``None`` while the search goes on."""
        if not self._devices_known.is_set():
            return None
        found = from_json(self._devices.read_bytes(), tuple[Device, ...]) if self._devices.is_file() else ()
        return [device.name for device in found if device.name != "cpu"]

    def _start(self, row: IndexRow, device: str) -> None:
        desk = self._desk
        try:
            spec = desk.store.run(row.experiment, row.id)
            if device != MEASURE and not desk.store.is_prepared(desk.store.experiment(row.experiment)):
                desk.preparing.begin(row.experiment)  # the question was changed after it had been prepared
                return
            if not desk.checking.has_model_for(spec):
                return  # it stays queued meanwhile
            folder = link_inputs(desk.store, spec)
            finishing = is_to_stop(folder)
            self._mark_shared(folder, device)
            desk.index.start(row, device, desk.store.run_text(row.experiment, row.id))
            threads = self._cores if device == MEASURE else self._threads
            self._launcher.start(folder, device, threads, spec.work)
        except FOLDER_ERRORS as error:
            if (
                is_beside(row.id) and row.attempts == 0
            ):  # it may have been removed just now, and be there anew
                desk.index.start(row, device)
                desk.index.requeue(row, row.device)
            else:
                end_unstarted(desk, row, "failed", broken(error))
        else:
            started = replace(row, device=device, attempts=row.attempts + 1)
            used = 0.0 if is_beside(row.id) else desk.index.used(row)  # which begins anew
            desk.running[folder] = Work(started, spec.limits, finishing, used)

    def _mark_shared(self, folder: Path, device: str) -> None:
        """Note in the folder of a run that is about to start, and of those it joins, that their times are longer."""
        alike = {device, MEASURE, "cpu"} if device in (MEASURE, "cpu") else {device}  # on the same cores
        others = [path for path, work in self._desk.running.items() if work.row.device in alike]
        for path in (folder, *others) if others else ():
            with contextlib.suppress(OSError):  # a broken folder is noticed when its worker ends
                (path / "shared").touch()

"""The bin: experiments that were deleted, whole, until they are restored or the bin is emptied.

Deleting is a rename, so it takes no time and no room. Where runs are at work they are asked to stop first: a mark in the
experiment's folder says so, and the runner moves it once they have ended.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from retrain_core.errors import StoreError
from retrain_core.files import flush_folder, remove_whole, write_atomic
from retrain_core.limits import BIN_DAYS
from retrain_core.runs import looks
from retrain_core.runs.experiments import DELETED
from retrain_core.runs.folders import read_json, told
from retrain_core.runs.inbox import is_asked
from retrain_core.runs.index import read_experiment
from retrain_core.runs.names import ID_PATTERN
from retrain_core.runs.older import renewed_question
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec, to_json

DAY = 86_400.0


@dataclass(frozen=True)
class Binned:
    """An experiment that was deleted.

    Args:
        id: Its id.
        name: What it was called; its id if that cannot be read.
        deleted: When, in seconds since 1970.
        stopping: Whether its runs are still about to end.
    """

    id: str
    name: str
    deleted: float
    stopping: bool = False


def delete_experiment(store: Store, experiment: str) -> bool:
    """Move an experiment into the bin; return whether it is there, or waits for its runs to stop.

    Whoever calls this sees to it that there is a runner.

    Raises:
        StoreError: If there is no such experiment, or the store cannot be written.
    """
    store.check_changes()
    folder = store.experiment_folder(experiment)
    if not folder.is_dir():
        raise StoreError("There is no such experiment.", "It was deleted already.", "Reload the page.")
    with told("The experiment cannot be deleted."):
        write_atomic(folder / DELETED, to_json(time.time()))
        _stop(store, experiment)
        if is_at_work(store, experiment):
            store.tell_runner(experiment)
            return False
        move(store, experiment)
    return True


def _stop(store: Store, experiment: str) -> None:
    """Ask all that is under way to end: runs keep what they have, work beside them is asked for again if it is needed."""
    for run in store.runs(experiment):
        if store.result(experiment, run.id) is None:
            store.request_stop(experiment, run.id)
    with contextlib.suppress(StoreError):  # one that cannot be read does not go on
        look = looks.read(store, experiment)
        if look is not None and look.status == "running":
            looks.ask_stop(store, experiment)
    for spec in (*store.estimates(experiment), *store.probes(experiment), *store.tries(experiment)):
        if store.result(experiment, spec.id) is None:
            store.remove_beside(experiment, spec.id)


def is_at_work(store: Store, experiment: str) -> bool:
    """Return whether runs of an experiment have not ended, or its data is being prepared."""
    if any(store.result(experiment, run.id) is None for run in store.runs(experiment)):
        return True
    if is_asked(store.root, experiment):
        return True
    status = read_experiment(store.root / "index.sqlite", experiment)
    return status is not None and status[0] == "preparing"


def move(store: Store, experiment: str) -> None:
    """Move an experiment into the bin that nobody works at."""
    store.check_changes()
    target = store.root / "bin" / experiment
    try:
        store.experiment_folder(experiment).rename(target)
    except FileNotFoundError:  # another tab was faster
        return
    flush_folder(target.parent)
    flush_folder(store.root / "experiments")


def waiting(store: Store) -> list[str]:
    """Return the experiments that were deleted and are not in the bin yet."""
    return [
        path.parent.name for path in (store.root / "experiments").glob(f"*/{DELETED}") if _is_id(path.parent)
    ]


def restore_experiment(store: Store, experiment: str) -> None:
    """Take an experiment out of the bin, with all that it had; runs that were stopped stay stopped.

    Raises:
        StoreError: If it is not in the bin any more, or the store cannot be written.
    """
    store.check_changes()
    folder = store.experiment_folder(experiment)
    with told("The experiment cannot be restored."):
        if not folder.is_dir():
            try:
                (store.root / "bin" / experiment).rename(folder)
            except FileNotFoundError as error:
                raise StoreError(
                    "The experiment cannot be restored.", "The bin was emptied meanwhile.", "Reload the page."
                ) from error
        (folder / DELETED).unlink(missing_ok=True)
        flush_folder(folder.parent)
        if store.runs(experiment) or store.probes(experiment) or looks.exists(store, experiment):
            store.tell_runner(experiment)  # whose index may have been made anew meanwhile


def binned(store: Store) -> list[Binned]:
    """Return what is in the bin, and what is on its way to it, the latest first."""
    found = [_told_of(path) for path in (store.root / "bin").iterdir() if _is_id(path)]
    found += [_told_of(store.experiment_folder(id), stopping=True) for id in waiting(store)]
    return sorted(found, key=lambda one: -one.deleted)


def _told_of(folder: Path, *, stopping: bool = False) -> Binned:
    try:
        name = read_json(folder / "experiment.json", ExperimentSpec, renewed_question).name
    except StoreError:
        name = folder.name
    return Binned(folder.name, name, _deleted(folder), stopping)


def _deleted(folder: Path) -> float:
    """Return when an experiment was deleted; if nobody knows, as if it were now, so that it is kept."""
    try:
        return read_json(folder / DELETED, float)
    except StoreError:
        return time.time()


def empty_bin(store: Store, *, older_than_days: float = 0.0) -> list[str]:
    """Remove what is in the bin for good, and return the ids.

    Args:
        store: The store.
        older_than_days: What was deleted later is kept.

    Raises:
        StoreError: If the store cannot be written.
    """
    store.check_changes()
    before = time.time() - older_than_days * DAY
    gone = []
    with told("The bin cannot be emptied."):
        for folder in [path for path in (store.root / "bin").iterdir() if _is_id(path)]:
            if _deleted(folder) <= before:
                remove_whole(folder)
                gone.append(folder.name)
    return gone


def empty_old(store: Store) -> list[str]:
    """Remove what has been in the bin for as many days as the setting says, and return the ids."""
    return empty_bin(store, older_than_days=BIN_DAYS.value)


def _is_id(folder: Path) -> bool:
    return folder.is_dir() and bool(ID_PATTERN.fullmatch(folder.name))

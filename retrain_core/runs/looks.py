"""Quick looks on disk: one file for how it stands, ``quick/look.json``, and one for who asked for its end."""

from __future__ import annotations

import contextlib
from pathlib import Path

from retrain_core.errors import StoreError
from retrain_core.files import remove_whole, write_atomic
from retrain_core.runs.folders import read_json, told
from retrain_core.runs.names import FOLDERS, QUICK
from retrain_core.runs.store import Store
from retrain_core.types import QuickLook, to_json


def read(store: Store, experiment: str) -> QuickLook | None:
    """Return the quick look at an experiment as it stands, ``None`` if nobody has asked for one.

    Raises:
        StoreError: If it cannot be read.
    """
    path = _path(store, experiment)
    return read_json(path, QuickLook) if path.is_file() else None


def exists(store: Store, experiment: str) -> bool:
    """Return whether somebody has asked for a quick look."""
    return _path(store, experiment).is_file()


def save(store: Store, experiment: str, look: QuickLook) -> None:
    """Write how a quick look stands now; only the runner does, unless the question was changed meanwhile."""
    store.check_changes()
    path = _path(store, experiment)
    if path.is_file():
        write_atomic(path, to_json(look))


def add(store: Store, experiment: str, look: QuickLook) -> None:
    """Write a quick look in the place of an earlier one and its tries, then tell the runner.

    Raises:
        StoreError: If the store is full, or cannot be written.
    """
    store.check_changes()
    store.check_room()
    path = _path(store, experiment)
    with told("The quick look cannot be written.", "Free some room, then ask again."):
        remove_whole(path.parent)
        path.parent.mkdir(exist_ok=True)
        write_atomic(path, to_json(look))
        store.tell_runner(experiment)


def ask_stop(store: Store, experiment: str) -> None:
    """Ask for the end of a quick look, and tell the runner."""
    store.check_changes()
    write_atomic(_path(store, experiment).parent / "stop", b"")
    store.tell_runner(experiment)


def stop_asked(store: Store, experiment: str) -> bool:
    """Whether somebody has asked for the end of a quick look."""
    return (_path(store, experiment).parent / "stop").exists()


def under_way(store: Store) -> list[str]:
    """Return the experiments whose quick look has not ended; one that cannot be read does not count."""
    found = []
    for path in (store.root / "experiments").glob(f"*/{FOLDERS[QUICK]}/look.json"):
        with contextlib.suppress(StoreError):
            look = read(store, path.parents[1].name)
            if look is not None and look.status == "running":
                found.append(path.parents[1].name)
    return sorted(found)


def _path(store: Store, experiment: str) -> Path:
    return store.experiment_folder(experiment) / FOLDERS[QUICK] / "look.json"

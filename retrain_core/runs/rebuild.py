"""An index made anew from the run folders: for one that is missing or damaged, or when somebody asks for it."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from pathlib import Path

from retrain_core.errors import FileError, StoreError
from retrain_core.runs.events import read_events
from retrain_core.runs.index import Index, IndexRow
from retrain_core.runs.lock import RunnerLock
from retrain_core.runs.names import ID_PATTERN
from retrain_core.runs.store import Store
from retrain_core.types import RunSpec

LOCK_PATIENCE_SECONDS = 1.0
FILES = ("", "-wal", "-shm")  # of a database in WAL mode


def open_index(store: Store) -> Index:
    """Return the index of a store for its runner; one that is damaged is kept aside, and made anew like a missing one.

    Raises:
        StoreError: If it is newer than this program, or cannot be written.
    """
    path = store.root / "index.sqlite"
    if not path.is_file() or path.stat().st_size == 0:
        return rebuilt(store)
    try:
        return Index(path)
    except sqlite3.DatabaseError as error:
        kept = _set_aside(path)
        print(
            f"The index is damaged ({error}); it is kept as {kept} and made anew.",
            file=sys.stderr,
            flush=True,
        )
        return rebuilt(store)


def rebuilt(store: Store) -> Index:
    """Return a new index: what has ended is noted as it ended, what has not is handed to the runner by the inbox.

    The inbox comes first: a kill meanwhile leaves it to the next runner, which does the same with what it finds there.
    """
    experiments = asked(store)
    for id in experiments:
        store.tell_runner(id)
    index = Index(store.root / "index.sqlite")
    for id in experiments:
        take_in(store, index, id)
    return index


def asked(store: Store) -> list[str]:
    """Return the experiments of which something was asked of the runner, in the order of their ids."""
    folders = (store.root / "experiments").glob("*/*/*/run.json")
    return sorted({path.parents[2].name for path in folders if ID_PATTERN.fullmatch(path.parents[2].name)})


def take_in(store: Store, index: Index, experiment: str) -> None:
    """Note every run of an experiment that has ended and that the index does not know."""
    known = index.known(experiment)
    for spec in (
        *store.runs(experiment),
        *store.estimates(experiment),
        *store.probes(experiment),
        *store.tries(experiment),
    ):
        row = None if spec.id in known else _ended_row(store, spec)
        if row is not None:
            index.add_ended(row)


def _ended_row(store: Store, spec: RunSpec) -> IndexRow | None:
    """Return what an index says of a run that has ended; how often it was tried before, nobody knows any more."""
    result = store.result(spec.experiment, spec.id)
    if result is None:
        return None
    folder = store.run_folder(spec.experiment, spec.id)
    events = read_events(folder / "events.jsonl")
    return IndexRow(
        experiment=spec.experiment,
        id=spec.id,
        device=result.device,
        status=result.status,
        position=0,
        attempts=1 if events else 0,
        started=events[0].time if events else None,
        finished=(folder / "result.json").stat().st_mtime,
        error=result.error,
    )


def rebuild(root: Path) -> int:
    """Make the index of the store in ``root`` anew; the one that is there is kept aside. Return how many experiments it has.

    Raises:
        FileError: If there is no store.
        StoreError: If a runner is at work, or the store cannot be written.
    """
    if not (root / "experiments").is_dir():
        raise FileError(
            f"{root} is no store.",
            "It has no folder 'experiments'.",
            "Give the folder that the app keeps its experiments in.",
        )
    store = Store(root)
    lock = RunnerLock(store.root, LOCK_PATIENCE_SECONDS)
    if not lock.acquire():
        raise StoreError(
            "The index cannot be made anew now.",
            "The runner of this store is at work, and writes into it.",
            "End the app and its runner, then try again.",
        )
    try:
        _set_aside(store.root / "index.sqlite")
        with contextlib.closing(rebuilt(store)):
            return len(asked(store))
    finally:
        lock.release()


def _set_aside(path: Path) -> str:
    """Rename the files of an index, so that nothing of it is lost; return the new name."""
    aside = f"{path.name}.{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    number = 0
    while path.with_name(name := f"{aside}-{number}").exists():
        number += 1
    for ending in FILES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(path.with_name(name + ending))
    return name

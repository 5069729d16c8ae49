"""A store that is opened read-only: all that is there can be read, and nothing can be changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retrain_core.errors import StoreError
from retrain_core.runs import (
    ReadOnlyStore,
    bin,
    ensure_runner,
    looks,
    plan_shift,
    request_estimates,
    request_probes,
    submit,
)
from retrain_core.runs.candidates import checked_model
from retrain_core.runs.plan import plan_estimates, plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.read_only import READS
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec, ShiftSettings
from tests.make import question

Asked = tuple[Store, ExperimentSpec]
# A new method of the store belongs to one of the two: to these, or to READS in `read_only.py`.
WRITES = {
    "add_beside", "add_file", "add_runs", "check_changes", "check_room", "remove_beside", "request_stop", "restore_run", "save_draft",
    "save_experiment", "save_result", "save_shift_settings", "tell_runner",
}  # fmt: skip


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    store, spec = question(tmp_path_factory.mktemp("read_only"))
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}))
    return store, spec


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file with its time and what is in it, but those by which SQLite's readers tell each other of themselves."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if path.name not in ("index.sqlite-shm", "index.sqlite-wal")
    }


def test_every_method_is_known_as_reading_or_as_writing() -> None:
    public = {name for name in dir(Store) if not name.startswith("_")} | {"root"}
    assert public == WRITES | READS


@pytest.mark.parametrize("name", sorted(WRITES))
def test_every_write_is_refused(asked: Asked, name: str) -> None:
    with pytest.raises(StoreError, match="The server is read-only"):
        getattr(ReadOnlyStore(asked[0].root), name)


@pytest.mark.parametrize("change", [looks.add, looks.save, looks.ask_stop, bin.delete_experiment, bin.move, bin.restore_experiment, bin.empty_bin])  # fmt: skip
def test_what_changes_a_store_from_outside_is_refused(asked: Asked, change: Callable[..., Any]) -> None:
    store, before = ReadOnlyStore(asked[0].root), contents(asked[0].root)
    arguments = {"look": None} if change in (looks.add, looks.save) else {}
    if change is not bin.empty_bin:
        arguments["experiment"] = asked[1].id
    with pytest.raises(StoreError, match="The server is read-only"):
        change(store, **arguments)
    assert contents(asked[0].root) == before


def test_what_is_there_can_be_read(asked: Asked) -> None:
    store, spec = asked
    looked_at = ReadOnlyStore(store.root)
    assert looked_at.experiment(spec.id) == spec and looked_at.experiments() == store.experiments()
    assert looked_at.runs(spec.id) == store.runs(spec.id)
    assert looked_at.file_path(spec.new).read_bytes() == store.file_path(spec.new).read_bytes()


def test_nothing_is_asked_of_the_runner_and_none_is_started(asked: Asked) -> None:
    store, spec = asked
    (run,) = [run for run in store.runs(spec.id) if run.strategy == "fine_tune"]
    (store.run_folder(spec.id, run.id) / "model.keras").touch()  # that nobody has checked
    before, looked_at = contents(store.root), ReadOnlyStore(store.root)
    runs = plan_runs(spec.id, {"ewc": {}})
    for ask in (
        lambda: prepare(looked_at, spec),
        lambda: link_inputs(looked_at, run),
        lambda: checked_model(looked_at, spec.id, run.id),
        lambda: ensure_runner(looked_at),
        lambda: submit(looked_at, runs),
        lambda: request_probes(looked_at, plan_shift(spec.id, ShiftSettings())),
        lambda: request_estimates(looked_at, plan_estimates(runs)),
    ):
        with pytest.raises(StoreError, match="The server is read-only"):
            ask()
    assert contents(store.root) == before


def test_no_store_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store to look at"):
        ReadOnlyStore(tmp_path / "store")
    assert not (tmp_path / "store").exists()

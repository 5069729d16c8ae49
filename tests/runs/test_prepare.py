"""What is prepared for workers: among it the model, rebuilt from what was checked; they get no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from retrain_core.errors import FileError
from retrain_core.models.card import open_checked
from retrain_core.models.rebuild import rebuild
from retrain_core.runs.candidates import mark_of
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec, RunSpec
from tests.make import question


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, ExperimentSpec, Path]:
    store, spec = question(tmp_path_factory.mktemp("asked"))
    prepare(store, spec)
    store.add_runs(plan_runs(spec.id, {}))
    return store, spec, store.experiment_folder(spec.id) / "data"


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return every file below ``folder`` with the time it was written at."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_workers_get_the_rebuilt_model(asked: tuple[Store, ExperimentSpec, Path], tmp_path: Path) -> None:
    store, spec, data = asked
    with open_checked(store.file_path(spec.model)) as checked:
        expected = rebuild(checked, tmp_path).read_bytes()
    inputs = link_inputs(store, store.run(spec.id, "keep-0")) / "inputs"
    assert (inputs / "model.keras").read_bytes() == (data / "model.keras").read_bytes() == expected
    assert expected != store.file_path(spec.model).read_bytes()


def test_an_experiment_of_before_gets_the_model_and_keeps_its_split(
    asked: tuple[Store, ExperimentSpec, Path],
) -> None:
    store, spec, data = asked
    (data / "model.keras").unlink()
    (data / ".reading-cut-off").mkdir()
    before = contents(data)
    assert not store.is_prepared(spec)
    store.save_experiment(replace(spec, note="The question is the same."))  # though it has runs
    prepare(store, spec)
    after = contents(data)
    assert store.is_prepared(spec) and after.keys() - before.keys() == {"model.keras"}
    assert {name: after[name] for name in before} == before
    assert not (data / ".reading-cut-off").exists()


def test_work_on_a_candidate_leaves_the_old_model_alone(
    asked: tuple[Store, ExperimentSpec, Path],
) -> None:
    store, spec, data = asked
    old = (data / "model.keras").read_bytes()
    (store.run_folder(spec.id, "keep-0") / "model.keras").write_bytes(b"a candidate")
    mark = mark_of(store, spec.id, "keep-0")
    mark.parent.mkdir()
    mark.touch()
    probe = RunSpec("probe_keep-1", spec.id, "keep", {}, 1, work="sensitivity", after="keep-0")
    store.add_beside([probe])
    inputs = link_inputs(store, probe) / "inputs"
    assert (inputs / "model.keras").read_bytes() == b"a candidate"
    assert (data / "model.keras").read_bytes() == old


def test_a_model_that_is_another_by_now_is_refused(tmp_path: Path) -> None:
    store, spec = question(tmp_path)
    store.file_path(spec.model).write_bytes(b"\x80\x04")
    with pytest.raises(FileError, match=r"model\.keras has changed since it was uploaded"):
        prepare(store, spec)
    assert not store.is_prepared(spec)

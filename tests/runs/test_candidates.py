"""A model that a run has trained was written by its worker: it is checked and written anew before anybody gets it."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retrain_core.answer import model_bytes
from retrain_core.errors import RetrainError
from retrain_core.runs.candidates import checked_model
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.probes import plan_sensitivity
from retrain_core.runs.runner import Runner
from retrain_core.runs.store import Store
from retrain_core.types import RunResult
from tests.runs.conftest import Asked, Idle, rows, until

RUN = "fine_tune-0"
DONE = RunResult("finished", model="model.keras")
EXTRA = b"left by a worker"


@pytest.fixture
def runner(asked: Asked, idle: Idle) -> Iterator[Runner]:
    """A runner of a question whose data is prepared."""
    prepare(*asked)
    runner = Runner(asked[0])
    yield runner
    runner.close()


def trained(store: Store, experiment: str) -> Path:
    """Leave a model as a worker would that hides something in it."""
    path = store.run_folder(experiment, RUN) / "model.keras"
    shutil.copyfile(store.experiment_folder(experiment) / "data" / "model.keras", path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = EXTRA
    return path


def with_lambda(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][-1]["class_name"] = "Lambda"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "config.json": json.dumps(config).encode()}.items():
            archive.writestr(name, content)


def link(path: Path) -> None:
    secret = path.with_name("secret")
    path.rename(secret)
    path.symlink_to(secret)


def noise(path: Path) -> None:
    path.write_bytes(b"no model")


def end(asked: Asked, idle: Idle, runner: Runner, change: Callable[[Path], None] | None = None) -> Path:
    """Have the run end with a model; return that."""
    store, spec = asked
    store.add_runs([run for run in plan_runs(spec.id, {"fine_tune": {}}) if run.id == RUN])
    until(lambda: bool(idle.started), runner)
    path = trained(store, spec.id)
    if change:
        change(path)
    store.save_result(spec.id, RUN, DONE)
    idle.over.append((path.parent, 0))
    return path


def test_a_run_ends_once_its_model_was_written_anew(asked: Asked, idle: Idle, runner: Runner) -> None:
    path = end(asked, idle, runner)
    runner.step()
    assert rows(asked)[RUN].status == "running"
    until(lambda: rows(asked)[RUN].status == "finished", runner)
    assert EXTRA not in path.read_bytes() and zipfile.is_zipfile(path)


@pytest.mark.parametrize("change", [with_lambda, link, noise, Path.unlink])
def test_a_run_whose_model_may_not_be_used_has_failed_and_says_why(
    asked: Asked, idle: Idle, runner: Runner, change: Callable[[Path], None]
) -> None:
    store, spec = asked
    end(asked, idle, runner, change)
    until(lambda: rows(asked)[RUN].status == "failed", runner)
    error = rows(asked)[RUN].error or ""
    assert error and "Traceback" not in error and str(store.root) not in error
    result = store.result(spec.id, RUN)
    assert result == RunResult("failed", error=error)


def test_a_check_that_was_cut_off_is_made_by_the_next_runner(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    path = end(asked, idle, runner)
    idle.over.clear()  # the first runner was killed before it saw that
    runner.close()
    second = Runner(asked[0])
    until(lambda: rows(asked)[RUN].status == "finished", second)
    assert EXTRA not in path.read_bytes()
    second.close()


@pytest.fixture
def ended(asked: Asked) -> Asked:
    """A run that an earlier version has ended, whose model nobody has checked."""
    store, spec = asked
    prepare(store, spec)
    store.add_runs([run for run in plan_runs(spec.id, {"fine_tune": {}}) if run.id == RUN])
    trained(store, spec.id)
    store.save_result(spec.id, RUN, DONE)
    return asked


def handed_out(store: Store, experiment: str) -> bytes:
    content: Any = SimpleNamespace(
        spec=store.experiment(experiment),
        comparison=SimpleNamespace(
            strategies={"fine_tune": SimpleNamespace(per_seed=[{"run": RUN, "new": {}}])}
        ),
    )
    return model_bytes(store, content, "fine_tune")


def loaded(store: Store, experiment: str) -> bytes:
    """Return the model that the worker of a probe about the run would load."""
    probe = next(probe for probe in plan_sensitivity(store, experiment) if probe.after == RUN)
    store.add_beside([probe])
    return (link_inputs(store, probe) / "inputs" / "model.keras").read_bytes()


@pytest.mark.parametrize("get", [handed_out, loaded])
def test_nobody_gets_a_model_that_was_not_checked(ended: Asked, get: Callable[[Store, str], bytes]) -> None:
    store, spec = ended
    assert EXTRA not in get(store, spec.id)
    path = trained(store, spec.id)
    with_lambda(path)
    shutil.rmtree(store.experiment_folder(spec.id) / "checked")
    with pytest.raises(RetrainError, match="Lambda"):
        get(store, spec.id)


def test_a_model_is_checked_once(ended: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    store, spec = ended
    path = checked_model(store, spec.id, RUN)
    content = path.read_bytes()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("it was checked again"))
    assert checked_model(store, spec.id, RUN).read_bytes() == content
    assert [left.name for left in path.parent.iterdir() if left.name.startswith(".")] == []

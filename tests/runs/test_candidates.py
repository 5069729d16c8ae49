"""A model that a run has trained was written by its worker: it is checked and written anew before anybody gets it."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retrain_core.answer import model_bytes
from retrain_core.errors import RetrainError, StoreError
from retrain_core.models import checked_card
from retrain_core.models.checked import SCRATCH
from retrain_core.models.reply import unreadable
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


def test_a_worker_that_tells_nothing_of_its_model_has_it_checked(
    asked: Asked, idle: Idle, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.runs.test_candidates.DONE", RunResult("finished"))
    end(asked, idle, runner, with_lambda)
    until(lambda: rows(asked)[RUN].status == "failed", runner)


@pytest.mark.parametrize(
    "error",
    [
        StoreError("There is no place to read the model in.", "No space left on device.", "Free some room."),
        unreadable(f"{RUN}.keras", "Reading it did not come to an end within 60 seconds."),
        OSError(24, "Too many open files"),
    ],
)
def test_what_the_check_cannot_tell_takes_nothing_from_a_run(
    asked: Asked, idle: Idle, runner: Runner, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store, spec = asked

    def fails(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("retrain_core.runs.candidates.checked_card", fails)
        path = end(asked, idle, runner)
        until(lambda: rows(asked)[RUN].status != "running", runner)
    assert rows(asked)[RUN].status == "finished" and store.result(spec.id, RUN) == DONE
    assert EXTRA not in checked_model(store, spec.id, RUN).read_bytes() and path.exists()


def test_a_check_that_was_cut_off_is_made_by_the_next_runner(
    asked: Asked, idle: Idle, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()

    def waits(*_: object, **__: object) -> None:
        begun.set()
        over.wait()
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("retrain_core.runs.candidates.checked_card", waits)
        path = end(asked, idle, runner)
        until(begun.is_set, runner)
    (path.parent / f"{SCRATCH}left").mkdir()
    second = Runner(asked[0])  # the first one is killed: it does nothing more
    until(lambda: rows(asked)[RUN].status == "finished", second)
    assert EXTRA not in path.read_bytes() and not list(path.parent.glob(f"{SCRATCH}*"))
    second.close()
    over.set()


def test_two_who_check_a_model_at_once_both_get_it(ended: Asked) -> None:
    store, spec = ended
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(checked_model, store, spec.id, RUN)
        time.sleep(0.15)
        second = pool.submit(checked_model, store, spec.id, RUN)
        assert EXTRA not in first.result().read_bytes() + second.result().read_bytes()


def test_a_run_that_is_done_again_has_its_model_checked_again(ended: Asked) -> None:
    store, spec = ended
    checked_model(store, spec.id, RUN)
    link_inputs(store, store.run(spec.id, RUN))
    with_lambda(trained(store, spec.id))
    with pytest.raises(RetrainError, match="Lambda"):
        checked_model(store, spec.id, RUN)


def test_a_probe_waits_for_the_check_of_its_model_and_nobody_for_it(
    ended: Asked, idle: Idle, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = ended
    over = threading.Event()

    def waits(*arguments: Any, **options: Any) -> Any:
        over.wait()
        return checked_card(*arguments, **options)

    monkeypatch.setattr("retrain_core.runs.candidates.checked_card", waits)
    runner = Runner(store)
    until(lambda: RUN in rows(asked=ended), runner)
    probe = next(probe for probe in plan_sensitivity(store, spec.id) if probe.after == RUN)
    store.add_beside([probe])
    until(lambda: probe.id in rows(ended), runner)
    for _ in range(20):
        runner.step()
    assert rows(ended)[probe.id].status == "queued"
    over.set()
    until(lambda: rows(ended)[probe.id].status == "running", runner)
    runner.close()


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

"""One store for all page tests: one experiment that was run, one that was not, one without old data."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import state
from retrain_core.runs import client, probes, quick
from retrain_core.runs.lock import runner_is_alive
from retrain_core.runs.names import new_id
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.probes import plan_sensitivity, plan_shift
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import probe_states, run_states
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec, ShiftSettings
from tests.conftest import ROOT
from tests.make import question

Asked = tuple[Store, ExperimentSpec]


@dataclass(frozen=True)
class Answered:
    """The store, and the experiments in it."""

    store: Store
    done: ExperimentSpec
    fresh: ExperimentSpec
    without_old: ExperimentSpec


def texts(app: AppTest) -> str:
    """Return all that the page says."""
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.info,
        app.error,
        app.warning,
        app.success,
    )
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def once_shown(runner: Runner, app: AppTest, text: str) -> AppTest:
    """Look at a page again until it shows what the runner is finding out meanwhile."""
    deadline = time.monotonic() + 240
    while text not in texts(app):
        assert time.monotonic() < deadline, texts(app)
        runner.step()
        time.sleep(0.3)
        app.run()
    return app


def work_off(store: Store, *specs: ExperimentSpec, seconds: float = 240) -> None:
    """Do all that was asked for, as the runner beside the app would."""
    runner = Runner(store)
    deadline = time.monotonic() + seconds

    def waiting() -> bool:
        states = [
            *(
                s
                for spec in specs
                for s in (*run_states(store, spec.id), *probe_states(store, spec.id).values())
            )
        ]
        return not all(state.done for state in states)

    while waiting():
        assert time.monotonic() < deadline
        runner.step()
        time.sleep(0.02)
    runner.close()


@pytest.fixture(scope="session")
def answered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    store, done = question(tmp_path_factory.mktemp("pages"))
    fresh = replace(done, id=new_id(), name="not run yet")
    without_old = replace(done, id=new_id(), name="without old", old=None)
    for spec in (fresh, without_old):
        store.save_experiment(spec)
    store.add_runs(
        plan_runs(done.id, {"fine_tune": {}, "incremental": {}, "full_retrain": {}}, shared={"epochs": 2})
    )
    for spec in (done, fresh):
        store.add_beside(plan_shift(spec.id, ShiftSettings()))
    store.add_beside(plan_sensitivity(store, done.id))
    work_off(store, done, fresh)
    os.environ["RETRAIN_STORE"] = str(store.root)  # the pages keep the first store they see
    yield Answered(store, done, fresh, without_old)
    del os.environ["RETRAIN_STORE"]
    assert not runner_is_alive(store.root)


@pytest.fixture(autouse=True)
def nobody_starts_a_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pages start no runner for their store: it would outlive the test, and be at work on what others look at."""
    monkeypatch.setattr(state, "keep_going", lambda store: None)
    for module in (state, client, probes, quick):
        monkeypatch.setattr(module, "ensure_runner", lambda store: None)


@pytest.fixture
def runner(answered: Answered) -> Iterator[Runner]:
    """Who does what the pages ask for, step by step."""
    with closing(Runner(answered.store)) as made:
        yield made


@pytest.fixture
def unserved(answered: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Return another store, in which nothing gets done, with a question that was not run."""
    store = Store(tmp_path / "unserved")
    shutil.copytree(answered.store.root / "files", store.root / "files", dirs_exist_ok=True)
    store.save_experiment(answered.fresh)
    monkeypatch.setattr(state, "store", lambda: store)
    return store, answered.fresh


@pytest.fixture
def open_page(answered: Answered):
    """Open a page of the app, as a link would."""

    def open_at(page: str, experiment: str | None = None) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        if experiment:
            app.query_params["experiment"] = experiment
        app.run()
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, [error.message for error in app.exception]
        return app

    return open_at

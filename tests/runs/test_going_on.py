"""The queue goes on when nobody looks."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable

import pytest

from retrain_core.runs import going_on
from retrain_core.runs.going_on import EVERY_SECONDS, MOST_SECONDS, has_work, keep_going
from retrain_core.runs.index import Index
from retrain_core.runs.lock import RunnerLock
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.read_only import ReadOnlyStore
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from retrain_core.runs.store import Store
from tests.runs.conftest import Asked, until
from tests.serving import App, serving, visit


def test_there_is_work_from_the_request_to_the_end_of_the_last_run(asked: Asked) -> None:
    store, spec = asked
    assert not has_work(store)
    store.add_runs(plan_runs(spec.id, {"keep": {}}))
    assert has_work(store)
    runner = Runner(store)
    for _ in range(3):
        runner.step()
        assert has_work(store)
    until(lambda: all(state.done for state in run_states(store, spec.id)), runner)
    runner.close()
    assert not has_work(store)


def times(
    store: Store, monkeypatch: pytest.MonkeyPatch, rounds: int, meanwhile: Callable[[int], None]
) -> list[float]:
    """Return the seconds waited before each look, and before the runners that were started."""
    waited: list[float] = []
    monkeypatch.setattr(going_on, "ensure_runner", lambda store: None)  # it ends at once

    def wait(seconds: float) -> bool:
        meanwhile(len(waited))
        waited.append(seconds)
        return len(waited) == rounds

    going_on._keep_going(store, wait)
    return waited


def test_a_runner_that_ends_again_and_again_is_started_ever_less_often(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    assert times(store, monkeypatch, 4, lambda number: None) == [EVERY_SECONDS] * 4  # no work
    store.add_runs(plan_runs(spec.id, {"keep": {}}))
    lock = RunnerLock(store.root)

    def meanwhile(number: int) -> None:
        if number == 20:
            assert lock.acquire()

    waited = times(store, monkeypatch, 40, meanwhile)
    assert waited[:4] == [EVERY_SECONDS * 2**number for number in range(4)]
    assert waited[20] == MOST_SECONDS
    assert waited[21] == MOST_SECONDS / 2 and waited[-1] == EVERY_SECONDS
    lock.release()


def test_a_store_that_is_gone_or_damaged_ends_nothing(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    store, _ = asked
    Index(store.root / "index.sqlite").close()
    (store.root / "index.sqlite").write_bytes(b"no database" * 1000)
    assert len(times(store, monkeypatch, 3, lambda number: None)) == 3
    shutil.rmtree(store.root)
    assert len(times(store, monkeypatch, 3, lambda number: None)) == 3


def test_nothing_is_started_for_a_store_that_is_only_looked_at(asked: Asked) -> None:
    store, _ = asked
    keep_going(ReadOnlyStore(store.root), threading.Event()).join(timeout=5)
    assert "going on" not in {thread.name for thread in threading.enumerate()}


def test_a_killed_runner_is_started_again_though_no_page_is_open(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared={"epochs": 100}))
    with serving(App(store.root)) as app:
        with visit(app):
            until(lambda: any(state.status == "running" for state in run_states(store, spec.id)))
        for child in app.process.children():
            child.kill()
        until(lambda: all(state.done for state in run_states(store, spec.id)), seconds=120)
        assert {state.status for state in run_states(store, spec.id)} == {"finished"}

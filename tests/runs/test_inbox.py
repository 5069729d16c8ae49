"""What the runner is asked to look at: nothing is lost, whenever it is asked."""

from __future__ import annotations

import pytest

from retrain_core.runs import inbox
from retrain_core.runs import runner as runner_module
from retrain_core.runs.inbox import ask, is_asked
from retrain_core.runs.names import new_id
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import prepare
from retrain_core.runs.runner import Runner
from retrain_core.runs.steps.desk import Desk
from retrain_core.runs.steps.queueing import queue
from tests.runs.conftest import Asked, Idle, rows


def test_each_ask_is_a_file_of_its_own(asked: Asked) -> None:
    root, one, other = asked[0].root, new_id(), new_id()
    for experiment in (one, one, other):
        ask(root, experiment)
    (root / "inbox" / one).touch()  # as earlier versions did
    assert sorted(map(len, inbox.asked(root).values())) == [1, 3]
    assert is_asked(root, one) and not is_asked(root, new_id())
    for path in inbox.asked(root)[one]:
        path.unlink()
    assert is_asked(root, other) and not is_asked(root, one)


def test_runs_that_are_started_while_the_runner_looks_are_not_lost(
    asked: Asked, idle: Idle, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    prepare(store, spec)
    store.tell_runner(spec.id)  # something else was asked for, such as a probe

    def queue_slowly(desk: Desk, experiment: str) -> None:
        queue(desk, experiment)
        if not store.count_runs(spec.id):
            store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, device="cpu"))

    monkeypatch.setattr(runner_module, "queue", queue_slowly)
    runner = Runner(store)
    for _ in range(3):
        runner.step()
    assert rows(asked).keys() >= {"keep-0", "fine_tune-0"} and not is_asked(store.root, spec.id)
    runner.close()

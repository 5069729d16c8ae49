"""In which order runs start: experiments take turns; of each, keep first, then the longest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retrain_core.runs.plan import plan_runs, start_order
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import queue_places, run_states
from retrain_core.runs.store import Store
from retrain_core.strategies import STRATEGIES
from retrain_core.types import Estimate, ExperimentSpec, RunResult, RunSpec
from tests.runs.conftest import Asked, Idle, rows, until

THREE = {"fine_tune": {}, "incremental": {}, "full_retrain": {}}


def forecast(runs: list[RunSpec], **most: float) -> list[RunSpec]:
    """Return runs with a forecast for the strategies named, of at most so many seconds."""
    return [
        replace(run, forecast=Estimate((0.1, most[run.strategy]), 300.0, (1, 1)))
        if run.strategy in most
        else run
        for run in runs
    ]


def ids(runs: list[RunSpec]) -> list[str]:
    return [run.id for run in runs]


def test_without_a_forecast_the_table_from_its_end_tells_what_is_long() -> None:
    found = start_order(plan_runs("e", {name: {} for name in STRATEGIES}))
    assert [run.strategy for run in found] == [
        "keep",
        *reversed([name for name in STRATEGIES if name != "keep"]),
    ]


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        ({"fine_tune": 9.0, "incremental": 30.0, "full_retrain": 2.0}, ["incremental", "fine_tune", "full_retrain"]),
        ({"fine_tune": 5.0, "incremental": 5.0, "full_retrain": 5.0}, ["fine_tune", "incremental", "full_retrain"]),
        ({"fine_tune": 5.0, "full_retrain": 900.0}, ["incremental", "full_retrain", "fine_tune"]),
    ],
    ids=["longest first", "equals as asked", "the unknown may be the longest"],
)  # fmt: skip
def test_the_longest_forecast_starts_first(most: dict[str, float], expected: list[str]) -> None:
    found = start_order(forecast(plan_runs("e", THREE), **most))
    assert [run.strategy for run in found] == ["keep", *expected]


def test_every_seed_of_the_longest_comes_before_the_next() -> None:
    found = start_order(plan_runs("e", {"fine_tune": {}, "full_retrain": {}}, seeds=(3, 4)))
    assert ids(found) == [
        "keep-3", "keep-4", "full_retrain-3", "full_retrain-4", "fine_tune-3", "fine_tune-4",
    ]  # fmt: skip


def test_a_run_of_a_strategy_that_is_none_comes_last() -> None:
    runs = plan_runs("e", THREE)
    assert ids(start_order([RunSpec("gone-0", "e", "gone", {}, 0), *runs]))[-1] == "gone-0"


def test_the_runner_starts_them_so_and_the_page_shows_them_as_asked(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=2)
    store.add_runs(
        forecast(plan_runs(spec.id, THREE, device="cpu"), fine_tune=1.0, incremental=40.0, full_retrain=5.0)
    )
    until(lambda: len(idle.started) == 2, runner)
    assert {id for id, row in rows(asked).items() if row.status == "running"} == {"keep-0", "incremental-0"}
    assert [(state.spec.id, state.waiting) for state in run_states(store, spec.id)] == [
        ("keep-0", 0), ("fine_tune-0", 1), ("incremental-0", 0), ("full_retrain-0", 0),
    ]  # fmt: skip
    runner.close()


def start(store: Store, spec: ExperimentSpec, number: int, *, runs: int, runner: Runner) -> ExperimentSpec:
    """Return another experiment of the same question, once so many runs of it wait."""
    other = replace(spec, id=f"20260101-000000-aaa{number}")
    store.save_experiment(other)
    asked = plan_runs(other.id, {"fine_tune": {}}, seeds=range(runs), device="cpu")
    store.add_runs(asked[:runs])
    until(lambda: len(rows((store, other))) == runs, runner)
    return other


def begun(store: Store, spec: ExperimentSpec) -> int:
    return sum(row.status != "queued" for row in rows((store, spec)).values())


def test_experiments_take_turns_however_many_runs_each_has(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, device="cpu"))
    until(lambda: len(idle.started) == 1, runner)
    many, few = (start(store, spec, n, runs=runs, runner=runner) for n, runs in ((1, 6), (2, 3)))
    order = []
    while idle.started:
        (folder,) = idle.started
        order.append(folder.parts[-3])
        del idle.started[folder]
        store.save_result(folder.parts[-3], folder.name, RunResult("finished"))
        idle.over.append((folder, 0))
        runner.step()
    first, second, third = spec.id, many.id, few.id
    assert order == [first, second, third, first, second, third, second, third, second, second, second]
    runner.close()


def test_who_comes_later_is_served_next_but_does_not_catch_up(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    early = start(store, spec, 1, runs=6, runner=runner)

    def one_ends() -> str:
        (folder,) = idle.started
        del idle.started[folder]
        store.save_result(folder.parts[-3], folder.name, RunResult("finished"))
        idle.over.append((folder, 0))
        runner.step()
        return next(iter(idle.started)).parts[-3]

    assert [one_ends() for _ in range(2)] == [early.id] * 2
    late = start(store, spec, 2, runs=6, runner=runner)
    assert [one_ends() for _ in range(4)] == [late.id, early.id, late.id, early.id]
    runner.close()


def test_the_place_in_the_queue_is_told_until_a_run_is_at_work(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    first, second, third = (start(store, spec, n, runs=2, runner=runner) for n in (1, 2, 3))
    assert queue_places(store) == {second.id: 1, third.id: 2}
    assert [state.waiting for state in run_states(store, third.id)] == [1, 4]
    (folder,) = idle.started
    store.save_result(first.id, folder.name, RunResult("finished"))
    idle.over.append((folder, 0))
    runner.step()
    assert queue_places(store) == {third.id: 1, first.id: 2}
    runner.close()

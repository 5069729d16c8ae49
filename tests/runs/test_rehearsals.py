"""Rehearsals: what runs will cost, estimated before anything trains, and never in the way of a run."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retrain_core.errors import StoreError
from retrain_core.runs import client, request_estimates, submit
from retrain_core.runs.experiments import question_hash
from retrain_core.runs.forecasts import Costs, EstimateState, costs, estimates, plan_costs
from retrain_core.runs.index import Index
from retrain_core.runs.names import RUN_PATTERN, new_id
from retrain_core.runs.plan import estimate_id, plan_estimates, plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import experiment_status, run_states, runs_done
from retrain_core.runs.store import Store
from retrain_core.strategies import STRATEGIES
from retrain_core.types import Estimate, ExperimentSpec, Limits, RunResult, RunSpec, SplitSettings, to_json
from tests.runs.conftest import Asked, Idle, rows, until

BOTH = {"fine_tune": {}, "full_retrain": {}}
FOUND = Estimate(seconds=(1.0, 3.0), peak_memory_mb=300.0, rows_seen=(100, 300))


@pytest.fixture(autouse=True)
def no_other_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ensure_runner", lambda store: None)


@pytest.fixture
def idle_runner(asked: Asked, idle: Idle) -> Iterator[Runner]:
    runner = Runner(asked[0], cpu_lanes=2)
    yield runner
    runner.close()


def rehearse(
    asked: Asked,
    *strategies: str,
    again: bool = False,
    instead_of: Collection[str] = (),
    **options: object,
) -> list[str]:
    """Ask for estimates as a page does; return their ids."""
    store, spec = asked
    rehearsals = plan_estimates(
        plan_runs(spec.id, {name: options for name in strategies or BOTH}, device="cpu")
    )
    request_estimates(store, rehearsals, again=again, instead_of=instead_of)
    return [rehearsal.id for rehearsal in rehearsals]


def found(asked: Asked) -> dict[str, EstimateState]:
    return estimates(asked[0], asked[1].id)


def at_work(asked: Asked) -> set[str]:
    return {id for id, row in rows(asked).items() if row.status == "running"}


def end(asked: Asked, idle: Idle, run: str, result: RunResult | None = None) -> None:
    store, spec = asked
    store.save_result(spec.id, run, result or RunResult("finished", estimate=FOUND))
    idle.over.append((store.run_folder(spec.id, run), 0))


def change_question(asked: Asked) -> ExperimentSpec:
    store, spec = asked
    changed = replace(store.experiment(spec.id), split=SplitSettings(1))
    store.save_experiment(changed)
    return changed


# --- what a rehearsal is --------------------------------------------------------------------------


def test_one_rehearsal_a_strategy_is_planned_and_none_of_keep() -> None:
    rehearsals = plan_estimates(
        plan_runs("e", {"keep": {}, **BOTH}, seeds=(1, 2, 3), devices={"fine_tune": "gpu:1"})
    )
    assert [(spec.strategy, spec.device, spec.rehearse, spec.seed) for spec in rehearsals] == [
        ("fine_tune", "gpu:1", True, 1), ("full_retrain", "auto", True, 1),
    ]  # fmt: skip
    assert all(RUN_PATTERN.fullmatch(spec.id) for spec in rehearsals)


def test_the_same_settings_have_the_same_id_whether_said_or_left_at_their_default() -> None:
    first, second = (plan_runs("e", {"fine_tune": options})[1] for options in ({}, {"epochs": 10}))
    assert estimate_id(first) == estimate_id(second) == estimate_id(replace(second, seed=7))


@pytest.mark.parametrize(
    "change",
    [
        {"options": {"epochs": 11}},
        {"device": "cpu"},
        {"limits": Limits(steps=5)},
        {"strategy": "incremental"},
    ],
)
def test_other_settings_have_another_id(change: dict[str, object]) -> None:
    run = plan_runs("e", {"fine_tune": {}})[1]
    assert estimate_id(replace(run, **change)) != estimate_id(run)


def test_no_strategy_is_called_like_a_rehearsal() -> None:
    assert not any(name.startswith("estimate_") for name in STRATEGIES)


@pytest.mark.parametrize(
    "id", ["estimate_-3", "estimate_", "estimate_estimate_keep-3", "estimate_keep-", "estimate_../../x-1",
           "estimate_keep-1\n", "estimate_keep-1/..", "Estimate_keep-1", "estimate_keep-١"],
)  # fmt: skip
def test_an_id_that_is_none_opens_no_folder(tmp_path: Path, id: str) -> None:
    with pytest.raises(StoreError, match="no such run"):
        Store(tmp_path).run_folder(new_id(), id)


# --- in the store ---------------------------------------------------------------------------------


def test_rehearsals_are_kept_apart_from_runs(asked: Asked) -> None:
    store, spec = asked
    ids = rehearse(asked)
    assert [found.id for found in store.estimates(spec.id)] == ids and store.runs(spec.id) == []
    assert all(store.run_folder(spec.id, id).parent.name == "estimates" for id in ids)


def test_a_folder_in_the_wrong_place_or_of_the_other_kind_is_no_run(asked: Asked) -> None:
    store, spec = asked
    (id, _) = rehearse(asked)
    source = store.run_folder(spec.id, id)
    shutil.copytree(source, store.experiment_folder(spec.id) / "runs" / id)
    assert store.runs(spec.id) == []
    (source / "run.json").write_bytes(to_json(RunSpec(id, spec.id, "fine_tune", {}, 0)))
    with pytest.raises(StoreError, match="cannot be used"):
        store.run(spec.id, id)


def test_a_rehearsal_that_is_there_is_left_alone(asked: Asked) -> None:
    store, spec = asked
    ids = rehearse(asked)
    store.save_result(spec.id, ids[0], RunResult("finished", estimate=FOUND))
    assert rehearse(asked) == ids
    assert found(asked)[ids[0]].estimate == FOUND


# --- their way through the runner -----------------------------------------------------------------


def test_they_make_the_runner_prepare_the_data_and_do_not_start_the_experiment(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    store, spec = asked
    first, second = rehearse(asked)
    assert {state.status for state in found(asked).values()} == {"queued"}
    until(lambda: len(idle.started) == 1, idle_runner)
    assert store.split(spec.id) is not None
    assert found(asked)[first].status == "running" and found(asked)[second].status == "queued"
    assert experiment_status(store, spec.id) == ("draft", None)
    end(asked, idle, first)
    idle_runner.step()
    assert found(asked)[first] == EstimateState(store.run(spec.id, first), "finished", estimate=FOUND)
    assert runs_done(store, spec.id) == (0, 0) and run_states(store, spec.id) == ()


def test_they_go_one_at_a_time_when_it_is_their_turn(asked: Asked, idle: Idle, idle_runner: Runner) -> None:
    store, spec = asked
    other = replace(spec, id=new_id())
    store.save_experiment(other)
    store.add_runs(plan_runs(other.id, BOTH, device="cpu"))
    until(lambda: len(idle.started) == 2, idle_runner)
    (first, second) = rehearse(asked)
    until(lambda: [found(asked)[id].waiting for id in (first, second)] == [0, 2], idle_runner)
    idle.over += [(folder, 1) for folder in idle.started]
    idle_runner.step()
    assert at_work((store, other)) == {"fine_tune-0"} and at_work(asked) == {first}
    idle.over.append((store.run_folder(other.id, "fine_tune-0"), 1))
    idle_runner.step()
    assert at_work(asked) == {first} and found(asked)[second].status == "queued"


def test_a_finished_estimate_becomes_the_forecast_of_the_run_with_the_same_settings(asked: Asked) -> None:
    store, spec = asked
    fine_tune, _ = rehearse(asked)
    store.save_result(spec.id, fine_tune, RunResult("finished", estimate=FOUND))
    submit(store, plan_runs(spec.id, BOTH, seeds=(0, 1), device="cpu"))
    forecasts = {run.id: run.forecast for run in store.runs(spec.id)}
    assert {id for id, forecast in forecasts.items() if forecast} == {"fine_tune-0", "fine_tune-1"}
    assert forecasts["fine_tune-1"] == FOUND


def test_the_runs_end_the_rehearsals_and_start_when_they_are_over(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    store, spec = asked
    first, second = rehearse(asked)
    until(lambda: len(idle.started) == 1, idle_runner)
    submit(store, plan_runs(spec.id, BOTH, device="cpu"))
    until(lambda: (store.run_folder(spec.id, first) / "stop").exists(), idle_runner)
    idle_runner.step()
    assert found(asked)[second].status == "stopped" and at_work(asked) == {first}
    end(asked, idle, first, RunResult("stopped"))
    idle_runner.step()
    assert at_work(asked) == {"keep-0", "full_retrain-0"}
    assert not (store.run_folder(spec.id, first) / "shared").exists()


def test_what_the_runs_will_not_tell_is_rehearsed_after_them(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    store, spec = asked
    first, second, third = rehearse(asked, "fine_tune", "incremental", "full_retrain")
    until(lambda: len(idle.started) == 1, idle_runner)
    submit(store, plan_runs(spec.id, {"full_retrain": {}}, device="cpu"))
    until(lambda: at_work(asked) == {"keep-0", "full_retrain-0"}, idle_runner)
    assert idle.killed == [store.run_folder(spec.id, first)]
    assert [found(asked)[id].status for id in (first, second, third)] == ["queued", "queued", "stopped"]
    (late,) = rehearse(asked, "replay")
    end(asked, idle, "keep-0", RunResult("finished"))
    until(lambda: late in rows(asked), idle_runner)
    assert at_work(asked) == {"full_retrain-0"}
    end(asked, idle, "full_retrain-0", RunResult("finished"))
    for id in (second, first, late):
        until(lambda id=id: at_work(asked) == {id}, idle_runner)
        end(asked, idle, id)
    until(lambda: found(asked)[late].estimate == FOUND, idle_runner)


def test_costs_tell_what_is_known_what_is_on_its_way_and_what_is_missing(asked: Asked) -> None:
    store, spec = asked
    everything = tuple(rehearsal.strategy for rehearsal in plan_costs(spec))
    assert costs(store, spec) == Costs({}, {}, everything) and "keep" not in everything
    request_estimates(store, plan_costs(spec)[:2])
    assert costs(store, spec).missing == everything[2:]
    for rehearsal, result in zip(plan_costs(spec), ("finished", "failed"), strict=False):
        estimate = FOUND if result == "finished" else None
        store.save_result(spec.id, rehearsal.id, RunResult(result, estimate=estimate))
    assert costs(store, spec).known == {everything[0]: FOUND}
    assert costs(store, spec).missing == everything[1:]
    store.add_runs(plan_runs(spec.id, {everything[1]: {}, everything[2]: {}}))
    assert costs(store, spec).missing == everything[3:]  # runs are on their way to tell
    store.save_result(spec.id, f"{everything[2]}-0", RunResult("finished", seconds=3.0))
    assert costs(store, spec).known[everything[2]].seconds == (3.0, 3.0)
    store.add_runs(plan_runs(spec.id, {everything[2]: {}}, seeds=(1,)))
    store.save_result(spec.id, f"{everything[2]}-1", RunResult("finished", seconds=2.0, peak_memory_mb=900.0))
    both = costs(store, spec).known[everything[2]]
    assert both.seconds == (2.0, 3.0) and both.peak_memory_mb == 900.0


def test_a_strategy_that_cannot_be_run_has_no_costs(asked: Asked) -> None:
    _, spec = asked
    assert {p.strategy for p in plan_costs(spec)} - {p.strategy for p in plan_costs(replace(spec, old=None))} == {
        name for name, strategy in STRATEGIES.items() if strategy.needs_old
    }  # fmt: skip


def test_a_rehearsal_that_does_not_heed_the_stop_is_killed_soon(
    asked: Asked, idle: Idle, idle_runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain_core.runs.watch.REHEARSAL_GRACE_SECONDS", 0.0)
    store, spec = asked
    first, _ = rehearse(asked)
    until(lambda: len(idle.started) == 1, idle_runner)
    submit(store, plan_runs(spec.id, BOTH, device="cpu"))
    until(lambda: at_work(asked) == {"keep-0", "full_retrain-0"}, idle_runner)
    assert found(asked)[first].status == "stopped"
    assert "because the runs were started" in (found(asked)[first].error or "")


def test_a_rehearsal_that_hangs_fails_with_the_reason(
    asked: Asked, idle: Idle, idle_runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain_core.runs.watch.REHEARSAL_SECONDS", -10.0)
    first, second = rehearse(asked)
    until(lambda: found(asked)[second].done, idle_runner)
    assert found(asked)[first].status == "failed"
    assert "longer than ten minutes" in (found(asked)[first].error or "")


def test_what_is_not_asked_for_any_more_leaves_the_queue_and_comes_back_when_it_is(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    before = rehearse(asked)
    until(lambda: len(idle.started) == 1, idle_runner)
    (now,) = rehearse(asked, "fine_tune", epochs=99, instead_of=before)
    until(lambda: now in rows(asked), idle_runner)
    statuses = {id: state.status for id, state in found(asked).items()}
    assert statuses == {before[0]: "running", before[1]: "stopped", now: "queued"}
    rehearse(asked, instead_of=[now])
    until(lambda: found(asked)[now].status == "stopped", idle_runner)
    end(asked, idle, before[0])
    until(lambda: at_work(asked) == {before[1]}, idle_runner)


def test_what_diagnosis_asks_for_stays_when_the_settings_on_train_change(asked: Asked) -> None:
    store, spec = asked
    request_estimates(store, plan_costs(spec))
    usual = [rehearsal.id for rehearsal in store.estimates(spec.id)]
    rehearse(asked, "fine_tune", epochs=99, instead_of=usual)
    assert not any((store.run_folder(spec.id, id) / "stop").exists() for id in usual)


def test_a_failed_one_is_tried_again_only_if_that_is_asked_for(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    (id,) = rehearse(asked, "fine_tune")
    until(lambda: len(idle.started) == 1, idle_runner)
    end(asked, idle, id, RunResult("failed", error="no memory"))
    idle_runner.step()
    rehearse(asked, "fine_tune")
    for _ in range(3):
        idle_runner.step()
    assert (found(asked)[id].status, found(asked)[id].error) == ("failed", "no memory")
    rehearse(asked, "fine_tune", again=True)
    assert found(asked)[id].status == "queued"  # at once, though the index still has the failed one
    until(lambda: at_work(asked) == {id}, idle_runner)
    assert rows(asked)[id].attempts == 1 and rows(asked)[id].error is None


def test_data_that_cannot_be_prepared_fails_the_rehearsals_with_the_reason(
    asked: Asked, idle: Idle, idle_runner: Runner, tmp_path: Path
) -> None:
    store, spec = asked
    (tmp_path / "short.csv").write_text("a,b,y\n1,2,0\n2,3,1\n")
    store.save_experiment(replace(spec, new=store.add_file(tmp_path / "short.csv")))
    ids = rehearse(asked)
    until(lambda: all(state.done for state in found(asked).values()), idle_runner)
    assert all("2 usable rows" in (found(asked)[id].error or "") for id in ids)
    assert experiment_status(store, spec.id) == ("draft", None)
    store.save_experiment(spec)
    ids = rehearse(asked)
    until(lambda: at_work(asked) == {ids[0]}, idle_runner)


# --- the question is changed meanwhile ------------------------------------------------------------


def test_another_question_removes_what_was_prepared_and_estimated(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    store, spec = asked
    rehearse(asked)
    until(lambda: len(idle.started) == 1, idle_runner)
    (folder,) = idle.started
    change_question(asked)
    assert store.estimates(spec.id) == [] and store.split(spec.id) is None
    until(lambda: not idle_runner.step())
    assert rows(asked) == {} and idle.killed == [folder]
    assert sorted(path.name for path in store.experiment_folder(spec.id).iterdir()) == ["experiment.json"]


def test_another_name_or_note_removes_nothing(asked: Asked, idle: Idle, idle_runner: Runner) -> None:
    store, spec = asked
    rehearse(asked)
    until(lambda: len(idle.started) == 1, idle_runner)
    store.save_experiment(replace(spec, name="another", note="other words", created=1.0))
    assert len(store.estimates(spec.id)) == 2 and store.split(spec.id) is not None
    idle_runner.step()
    assert idle.killed == []


def test_the_same_rehearsal_of_the_changed_question_takes_nothing_from_the_old_worker(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    store, spec = asked
    (id,) = rehearse(asked, "fine_tune")
    until(lambda: len(idle.started) == 1, idle_runner)
    changed = change_question(asked)
    assert rehearse(asked, "fine_tune") == [id]
    store.save_result(spec.id, id, RunResult("finished", estimate=FOUND))  # the old worker is at its end
    assert found(asked)[id].estimate is None
    idle.started.clear()
    until(lambda: bool(idle.started), idle_runner)
    assert found(asked)[id].status == "running" and store.result(spec.id, id) is None
    mark = store.run_folder(spec.id, id) / "inputs" / "question"
    assert mark.read_text() == question_hash(changed)


def test_a_question_changed_while_its_data_is_prepared_is_prepared_as_it_is_now(
    asked: Asked, idle: Idle, idle_runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    begun: list[ExperimentSpec] = []

    def prepare_slowly(store: Store, spec: ExperimentSpec) -> None:
        prepare(store, spec)
        begun.append(spec)
        if len(begun) == 1:  # somebody changes it before the runner looks, and the old data comes last
            store.save_experiment(replace(spec, split=SplitSettings(5)))
            prepare(store, spec)

    monkeypatch.setattr("retrain_core.runs.steps.preparing.prepare", prepare_slowly)
    rehearse(asked)
    until(lambda: bool(begun) and not idle_runner.step(), idle_runner)
    assert [spec.split.seed for spec in begun] == [0, 5]
    assert store.is_prepared(store.experiment(spec.id)) and idle.started == {}


def test_data_that_is_gone_when_a_run_starts_is_prepared_again(
    asked: Asked, idle: Idle, idle_runner: Runner
) -> None:
    store, spec = asked
    (first, second) = rehearse(asked)
    until(lambda: len(idle.started) == 1, idle_runner)
    shutil.rmtree(store.experiment_folder(spec.id) / "data")
    end(asked, idle, first)
    until(lambda: at_work(asked) == {second}, idle_runner)
    assert store.is_prepared(spec)


def test_an_experiment_with_runs_keeps_its_question(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {}))
    store.save_experiment(replace(spec, name="another"))
    with pytest.raises(StoreError, match="started already"):
        change_question(asked)
    assert store.experiment(spec.id).split == spec.split


# --- a killed runner, and damage ------------------------------------------------------------------


def test_what_a_killed_runner_left_is_rehearsed_again(asked: Asked, idle: Idle) -> None:
    first = Runner(asked[0])
    ids = rehearse(asked)
    until(lambda: len(idle.started) == 1, first)
    idle.started.clear()
    second = Runner(asked[0])
    second.step()
    assert at_work(asked) == {ids[0]} and rows(asked)[ids[0]].attempts == 1  # its worker had not come up
    assert asked[0].run_folder(asked[1].id, ids[0]) in idle.left_over
    second.close()


@pytest.mark.parametrize("how", ["removed", "asked for anew", "runs were started"])
def test_what_changed_while_no_runner_was_there_is_noticed(asked: Asked, idle: Idle, how: str) -> None:
    store, spec = asked
    first = Runner(store)
    (id,) = rehearse(asked, "fine_tune")
    until(lambda: len(idle.started) == 1, first)
    if how == "runs were started":
        submit(store, plan_runs(spec.id, {}, device="cpu"))
    else:
        change_question(asked)
    if how == "asked for anew":
        rehearse(asked, "fine_tune")
        store.save_result(spec.id, id, RunResult("finished", estimate=FOUND))  # of the old question
    idle.started.clear()
    second = Runner(store)
    expected = {"removed": set(), "asked for anew": {id}, "runs were started": {"keep-0"}}[how]
    with contextlib.closing(second):
        until(lambda: at_work(asked) == expected and not second._preparing, second)
        if how == "removed":
            assert rows(asked) == {}
        if how == "asked for anew":
            assert store.result(spec.id, id) is None


def test_one_removed_and_asked_for_anew_while_it_is_started_is_not_taken_for_broken(
    asked: Asked, idle: Idle, idle_runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link_while_it_changes(store: Store, run: RunSpec) -> Path:
        monkeypatch.setattr("retrain_core.runs.steps.starting.link_inputs", link_inputs)
        store.remove_beside(run.experiment, run.id)
        store.add_beside([run])
        raise FileNotFoundError

    monkeypatch.setattr("retrain_core.runs.steps.starting.link_inputs", link_while_it_changes)
    (id,) = rehearse(asked, "fine_tune")
    until(lambda: at_work(asked) == {id}, idle_runner)
    assert asked[0].result(asked[1].id, id) is None


@pytest.mark.parametrize("how", ["run.json damaged", "folder gone", "a file in its place"])
def test_a_damaged_rehearsal_costs_itself_and_no_other(
    asked: Asked, idle: Idle, idle_runner: Runner, how: str
) -> None:
    store, spec = asked
    first, second = rehearse(asked)
    (third,) = plan_estimates(plan_runs(spec.id, {"incremental": {}}, device="cpu"))
    store.add_beside([third])
    until(lambda: len(idle.started) == 1, idle_runner)
    folder = store.run_folder(spec.id, second)
    if how == "run.json damaged":
        (folder / "run.json").write_text("{")
    else:
        shutil.rmtree(folder)
        if how == "a file in its place":
            folder.touch()
    end(asked, idle, first)
    until(lambda: third.id in at_work(asked), idle_runner)
    assert found(asked)[first].estimate == FOUND
    if how == "run.json damaged":
        end(asked, idle, third.id)
        until(lambda: found(asked)[second].status == "failed", idle_runner)
        assert "cannot be read" in (found(asked)[second].error or "")


def test_a_worker_of_a_rehearsal_that_dies_is_said(asked: Asked, idle: Idle, idle_runner: Runner) -> None:
    store, spec = asked
    (id,) = rehearse(asked, "fine_tune")
    until(lambda: len(idle.started) == 1, idle_runner)
    idle.over.append((store.run_folder(spec.id, id), -9))
    idle_runner.step()
    assert found(asked)[id].status == "failed" and "out of memory" in (found(asked)[id].error or "")


def test_preparing_that_was_cut_off_is_taken_up_for_rehearsals_too(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    ids = rehearse(asked)
    for path in (store.root / "inbox").glob(f"{spec.id}.*"):
        path.unlink()
    index = Index(store.root / "index.sqlite")
    index.set_experiment(spec.id, "preparing")
    index.close()
    runner = Runner(store)
    until(lambda: bool(idle.started), runner)
    assert store.is_prepared(spec)
    assert [(found(asked)[id].status, rows(asked)[id].attempts) for id in ids] == [
        ("running", 1),
        ("queued", 0),
    ]
    runner.close()


# --- with real workers ----------------------------------------------------------------------------


def test_real_rehearsals_leave_no_model_and_no_scores_and_the_runs_come_after(asked: Asked) -> None:
    store, spec = asked
    runner = Runner(store)
    try:
        ids = rehearse(asked, epochs=1000)
        until(lambda: all(state.done for state in found(asked).values()), runner)
        assert {state.status for state in found(asked).values()} == {"finished"}
        for id in ids:
            names = {path.name for path in store.run_folder(spec.id, id).iterdir()}
            assert "result.json" in names and not names & {"model.keras", "scores.npz"}
        store.add_runs(plan_runs(spec.id, {}, device="cpu"))
        until(lambda: runs_done(store, spec.id) == (1, 1), runner)
    finally:
        runner.close()
    assert experiment_status(store, spec.id) == ("ready", None)


def test_a_real_worker_whose_question_is_changed_is_ended_and_the_new_one_answered(asked: Asked) -> None:
    store, _ = asked
    runner = Runner(store)
    try:
        rehearse(asked)
        until(lambda: bool(at_work(asked)), runner)
        change_question(asked)
        ids = rehearse(asked)
        until(lambda: all(state.done for state in found(asked).values()), runner)
    finally:
        runner.close()
    assert {id: state.status for id, state in found(asked).items()} == dict.fromkeys(ids, "finished")

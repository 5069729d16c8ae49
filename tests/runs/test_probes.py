"""Probes: pieces of diagnosis that are worked off beside the runs, and wait for nothing they do not need."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest

from retrain_core.runs import client, probe_states, request_probes, runs_done
from retrain_core.runs.names import RUN_PATTERN
from retrain_core.runs.placement import MEASURE, place
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.probes import (
    curve_points,
    known_probes,
    known_shift,
    measured_curves,
    model_shift_of,
    plan_curve,
    plan_report,
    plan_sensitivity,
    plan_shift,
    shift_of,
    unreadable,
)
from retrain_core.runs.runner import Runner
from retrain_core.types import PartScores, RunResult, ShiftSettings, SplitSettings, Thresholds
from retrain_core.workers.files import MODEL, REPORT
from tests.runs.conftest import Asked, Idle, rows, until

USUAL = ShiftSettings()
DONE = RunResult("finished", model="model.keras")


@pytest.fixture(autouse=True)
def no_other_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain_core.runs.probes.ensure_runner", lambda store: None)
    monkeypatch.setattr(client, "ensure_runner", lambda store: None)


@pytest.fixture
def runner(asked: Asked, idle: Idle) -> Iterator[Runner]:
    runner = Runner(asked[0], cpu_lanes=1)
    yield runner
    runner.close()


def names(asked: Asked, *statuses: str) -> set[str]:
    return {id for id, row in rows(asked).items() if row.status in statuses}


def end(asked: Asked, idle: Idle, run: str, result: RunResult = DONE) -> None:
    store, spec = asked
    folder = store.run_folder(spec.id, run)
    (folder / "observed.npz").write_bytes(b"")
    if result.model:
        shutil.copyfile(store.experiment_folder(spec.id) / "data" / result.model, folder / result.model)
    store.save_result(spec.id, run, result)
    idle.over.append((folder, 0))


def test_ids_are_ids_and_settings_make_other_ones() -> None:
    shift, observe, explain = plan_shift("e", USUAL)
    other = plan_shift("e", replace(USUAL, thresholds=Thresholds(minor=0.2)))
    curve = plan_curve("e", "full_retrain", {}, 400)
    assert all(RUN_PATTERN.fullmatch(spec.id) for spec in (shift, observe, explain, *curve))
    assert (other[0].id, other[2].id) != (shift.id, explain.id) and other[1].id == observe.id
    assert len({spec.id for spec in curve}) == len(curve) and {spec.seed for spec in curve} == {0, 1}
    assert plan_shift("e", USUAL) == [shift, observe, explain]
    assert plan_shift("e", replace(USUAL, time="day"))[2] == explain  # what the model sees has no order
    there, back = ({"a": "id", "b": "date"}, {"b": "date", "a": "id"})
    assert (
        plan_shift("e", ShiftSettings(readings=there))[0].id
        == plan_shift("e", ShiftSettings(readings=back))[0].id
    )


def test_files_are_measured_while_training_keeps_every_lane_busy(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, device="cpu"))
    until(lambda: names(asked, "running") == {"keep-0"}, runner)
    shift, observe, explain = plan_shift(spec.id, USUAL)
    request_probes(store, [shift, observe, explain])
    until(lambda: shift.id in names(asked, "running"), runner)
    until(lambda: observe.id in names(asked, "queued"), runner)  # it needs a device, behind the other runs
    assert explain.id not in rows(asked)  # it has to wait for what is observed
    assert idle.started[store.run_folder(spec.id, shift.id)] == MEASURE
    assert runs_done(store, spec.id) == (0, 2)  # probes are no runs


def test_what_was_observed_is_explained_next(asked: Asked, idle: Idle, runner: Runner) -> None:
    store, spec = asked
    shift, observe, explain = plan_shift(spec.id, USUAL)
    request_probes(store, [shift, observe, explain])
    until(lambda: names(asked, "running") == {shift.id, observe.id}, runner)
    end(asked, idle, observe.id)
    until(lambda: explain.id in names(asked, "running"), runner)
    inputs = store.run_folder(spec.id, explain.id) / "inputs"
    assert {path.name for path in inputs.iterdir()} == {
        "observed.npz",
        "question.json",
        "old.parquet",
        "new.parquet",
    }


def test_what_could_not_be_observed_is_not_explained_and_the_reason_is_passed_on(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    probes = plan_shift(spec.id, USUAL)
    request_probes(store, probes)
    until(lambda: probes[1].id in names(asked, "running"), runner)
    end(asked, idle, probes[1].id, RunResult("failed", error="Its outputs are not numbers."))
    until(lambda: probe_states(store, spec.id)[probes[2].id].done, runner)
    assert probe_states(store, spec.id)[probes[2].id].error == "Its outputs are not numbers."
    request_probes(store, probes)  # a look at the page does not try again
    assert probe_states(store, spec.id)[probes[1].id].status == "failed"
    request_probes(store, probes, again=True)
    assert "failed" not in {state.status for state in probe_states(store, spec.id).values()}
    until(lambda: probes[1].id in names(asked, "running"), runner)
    assert "failed" not in {state.status for state in probe_states(store, spec.id).values()}


def test_a_runner_that_was_killed_in_between_loses_nothing(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    _, observe, explain = plan_shift(spec.id, USUAL)
    first = Runner(store, cpu_lanes=1)
    request_probes(store, [observe, explain])
    until(lambda: observe.id in names(asked, "running"), first)
    end(asked, idle, observe.id)  # and the runner does not see it any more
    first.close()
    idle.over.clear()
    second = Runner(store, cpu_lanes=1)
    until(lambda: explain.id in names(asked, "running"), second)
    assert set(idle.started) == {
        store.run_folder(spec.id, explain.id)
    }  # what was observed is not observed again
    second.close()


def test_each_candidate_is_disturbed_once_it_is_there(asked: Asked, idle: Idle, runner: Runner) -> None:
    store, spec = asked
    runs = plan_runs(spec.id, {"fine_tune": {}, "incremental": {}}, seeds=(3, 4), device="cpu")
    store.add_runs(runs[:3])
    probes = plan_sensitivity(store, spec.id)
    assert [probe.strategy for probe in probes] == ["keep", "fine_tune", "incremental"]  # one seed each
    request_probes(store, probes)
    until(lambda: "keep-3" in names(asked, "running"), runner)
    assert probes[1].id not in rows(asked)
    for run in ("keep-3", "incremental-3", "fine_tune-3"):
        until(lambda run=run: run in names(asked, "running"), runner)
        end(asked, idle, run)
    until(lambda: probes[1].id in rows(asked), runner)


def test_only_runs_with_a_model_are_disturbed(asked: Asked) -> None:
    store, spec = asked
    runs = plan_runs(spec.id, {"fine_tune": {}, "incremental": {}, "full_retrain": {}}, seeds=(3, 4))
    store.add_runs(runs)
    store.save_result(spec.id, "fine_tune-3", RunResult("failed", error="Its loss is not a number."))
    store.save_result(spec.id, "incremental-3", RunResult("stopped"))
    store.save_result(spec.id, "incremental-4", RunResult("stopped"))
    store.save_result(spec.id, "full_retrain-3", RunResult("stopped", model="model.keras"))
    assert [probe.after for probe in plan_sensitivity(store, spec.id)] == [
        "", "full_retrain-3", "fine_tune-4",
    ]  # fmt: skip


def test_a_probe_that_was_killed_is_not_told_to_use_a_smaller_batch(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    (probe,) = plan_sensitivity(store, spec.id)
    request_probes(store, [probe])
    until(lambda: probe.id in names(asked, "running"), runner)
    idle.over.append((store.run_folder(spec.id, probe.id), -9))
    until(lambda: probe.id in names(asked, "failed"), runner)
    error = probe_states(store, spec.id)[probe.id].error or ""
    assert "out of memory" in error and "nothing else runs" in error and "batch" not in error


def test_a_probe_that_hangs_is_not_told_to_allow_more_time(
    asked: Asked, idle: Idle, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain_core.runs.watch.PROBE_SECONDS", -100.0)
    store, spec = asked
    (probe,) = plan_sensitivity(store, spec.id)
    request_probes(store, [probe])
    until(lambda: probe.id in names(asked, "failed"), runner)
    assert "longer than an hour" in (probe_states(store, spec.id)[probe.id].error or "")


def test_another_question_takes_its_probes_away(asked: Asked, idle: Idle, runner: Runner) -> None:
    store, spec = asked
    probes = plan_shift(spec.id, USUAL)
    request_probes(store, probes)
    until(lambda: names(asked, "running") == {probes[0].id, probes[1].id}, runner)
    store.save_experiment(replace(spec, split=SplitSettings(5)))
    assert store.probes(spec.id) == []
    until(lambda: len(idle.killed) == 2, runner)
    until(lambda: not rows(asked), runner)


def test_data_that_cannot_be_prepared_can_still_be_measured(asked: Asked, idle: Idle, runner: Runner) -> None:
    store, spec = asked
    broken = replace(spec, schema=replace(spec.schema, labels=("nowhere",)))
    store.save_experiment(broken)
    probes = plan_shift(spec.id, USUAL)
    request_probes(store, probes)
    until(lambda: probes[2].id in names(asked, "failed"), runner)
    assert probes[0].id in names(asked, "running")
    assert "nowhere" in (probe_states(store, spec.id)[probes[1].id].error or "")


def test_a_learning_curve_is_made_of_the_runs_that_have_scores(asked: Asked) -> None:
    store, spec = asked
    curve = plan_curve(spec.id, "full_retrain", {}, 272)
    store.add_beside(curve)
    store.save_result(spec.id, curve[0].id, RunResult("finished", new=PartScores(0.5, 80, accuracy=0.75)))
    points = curve_points(store, curve)
    assert [(point.rows, point.metric) for point in points] == [(curve[0].new_rows, 0.75)]
    assert (
        curve_points(store, plan_curve(spec.id, "full_retrain", {"epochs": 3}, 272)) == ()
    )  # another candidate
    assert curve_points(store, plan_curve(spec.id, "fine_tune", {}, 272)) == ()


def test_a_curve_with_the_options_of_the_run_goes_before_others(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"full_retrain": {"epochs": 3}}))
    for strategy, options in (("full_retrain", {}), ("full_retrain", {"epochs": 3}), ("fine_tune", {})):
        for run in plan_curve(spec.id, strategy, options, 272)[:2]:
            store.add_beside([run])
            score = PartScores(0.5, 80, accuracy=0.25 * len(options))
            store.save_result(spec.id, run.id, RunResult("finished", new=score))
    for run in plan_curve(spec.id, "incremental", {"epochs": 9}, 272)[:1]:  # asked before anything was run
        store.add_beside([run])
        store.save_result(spec.id, run.id, RunResult("finished", new=PartScores(0.5, 80, accuracy=0.5)))
    found = measured_curves(store, spec.id)
    assert {name: [point.metric for point in points] for name, points in found.items()} == {
        "full_retrain": [0.25, 0.25],
        "fine_tune": [0.0, 0.0],
        "incremental": [0.5],
    }


def test_a_report_asks_for_the_shift_if_there_is_old_data_and_for_what_each_model_bears(asked: Asked) -> None:
    store, spec = asked
    settings = ShiftSettings(time="a")
    store.save_shift_settings(spec.id, settings)
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}))
    probes = plan_report(store, spec)
    assert probes[:3] == plan_shift(spec.id, settings)
    assert [(probe.work, probe.strategy) for probe in probes[3:]] == [
        ("sensitivity", "keep"),
        ("sensitivity", "fine_tune"),
    ]
    assert [probe.work for probe in plan_report(store, replace(spec, old=None))] == ["sensitivity"] * 2


def test_what_is_known_is_known_by_what_has_ended_and_how_shift_is_measured(asked: Asked) -> None:
    store, spec = asked
    (run, *_) = plan_curve(spec.id, "full_retrain", {}, 272)
    store.add_beside([run])
    known = [known_probes(store, spec.id)]
    store.save_result(spec.id, run.id, RunResult("failed", error="Its loss is not a number."))
    known.append(known_probes(store, spec.id))
    store.save_shift_settings(spec.id, ShiftSettings(time="a"))
    known.append(known_probes(store, spec.id))
    assert len(set(known)) == 3


def test_a_candidate_stopped_in_the_queue_leaves_nothing_to_disturb(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, device="cpu"))
    probe = plan_sensitivity(store, spec.id)[1]
    request_probes(store, [probe])
    until(lambda: names(asked, "running") == {"keep-0"}, runner)
    store.request_stop(spec.id, "fine_tune-0")
    until(lambda: probe.id in names(asked, "failed"), runner)
    assert "stopped before it started" in (probe_states(store, spec.id)[probe.id].error or "")


def test_probes_that_need_a_device_are_not_in_the_times_of_the_runs(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=2)
    store.add_runs(plan_runs(spec.id, {}, device="cpu"))
    until(lambda: names(asked, "running") == {"keep-0"}, runner)
    (probe,) = plan_sensitivity(store, spec.id)
    request_probes(store, [probe])
    until(lambda: probe.id in names(asked, "queued"), runner)
    for _ in range(5):
        runner.step()
    assert names(asked, "running") == {"keep-0"}  # though a lane is free
    end(asked, idle, "keep-0")
    until(lambda: probe.id in names(asked, "running"), runner)
    assert names(asked, "finished") == {"keep-0"}
    runner.close()


def test_nothing_is_known_before_anything_was_measured(asked: Asked) -> None:
    store, spec = asked
    assert known_shift(store, spec.id, USUAL) == ()


@pytest.mark.parametrize("left", ["", "{", "[]", "pipe", "gone"])
def test_a_damaged_finding_costs_itself_says_why_and_can_be_measured_again(asked: Asked, left: str) -> None:
    store, spec = asked
    shift, observe, explain = plan_shift(spec.id, USUAL)
    store.add_beside([shift, observe, explain])
    for probe, name in ((shift, REPORT), (explain, MODEL)):
        store.save_result(spec.id, probe.id, DONE)
        path = store.run_folder(spec.id, probe.id) / name
        os.mkfifo(path) if left == "pipe" else None if left == "gone" else path.write_text(left)
    assert shift_of(store, spec.id) is None and model_shift_of(store, spec.id) is None
    why = unreadable(store, [shift, observe, explain])
    assert why.keys() == {shift.id, explain.id}
    assert all("cannot be read" in one and "again on the Shift" in one for one in why.values())
    assert str(store.root) not in str(why)
    request_probes(store, [shift], again=True)
    assert not (store.run_folder(spec.id, shift.id) / "result.json").exists()


def test_a_probe_whose_description_is_damaged_is_still_shown(asked: Asked) -> None:
    store, spec = asked
    shift = plan_shift(spec.id, USUAL)[0]
    store.add_beside([shift])
    (store.run_folder(spec.id, shift.id) / "run.json").write_text("{}")
    assert probe_states(store, spec.id, [shift.id]).keys() == {shift.id}


@pytest.mark.parametrize(("busy", "device"), [({"cpu": 9}, MEASURE), ({MEASURE: 2}, None)])
def test_measuring_has_lanes_of_its_own(busy: dict[str, int], device: str | None) -> None:
    assert place(MEASURE, [], busy, lanes=1) == device

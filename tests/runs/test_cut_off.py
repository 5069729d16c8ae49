"""Runs that are cut off or over a limit, through the runner and real workers: nothing they have learnt is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from retrain_core.runs import watch
from retrain_core.runs.cut_off import MOST_ATTEMPTS, MOST_CUT_OFF, can_finish, was_interrupted
from retrain_core.runs.index import IndexRow
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import RunState, run_states
from retrain_core.types import Limits, RunResult, RunSpec, from_json, to_json
from retrain_core.workers import checkpoints
from tests.make import told
from tests.runs.conftest import Asked, Idle, rows, until

RUN = "full_retrain-0"
ENDLESS = {"epochs": 1000, "batch_size": 1}


def state(asked: Asked) -> RunState:
    store, spec = asked
    return next(state for state in run_states(store, spec.id) if state.spec.id == RUN)


def train(asked: Asked, limits: Limits | None = None) -> Path:
    """Ask for a run that does not end by itself; return its folder."""
    store, spec = asked
    runs = plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS, limits=limits)
    store.add_runs([run for run in runs if run.strategy != "keep"])
    return store.run_folder(spec.id, RUN)


def with_checkpoint(folder: Path, runner: Runner) -> int:
    """Wait for a checkpoint; return the worker's process."""
    until(lambda: checkpoints.newest(folder) is not None, runner)
    process = runner._launcher.process_id(folder)
    assert process
    return process


def assert_best_weights(asked: Asked, reason: str) -> RunResult:
    found = state(asked)
    assert found.status == "stopped" and found.result is not None and found.result.new is not None
    assert reason in (found.error or "") and "These are its best weights until then." in (found.error or "")
    return found.result


def test_a_killed_worker_is_followed_by_one_that_goes_on(asked: Asked, runner: Runner) -> None:
    store, spec = asked
    folder = train(asked)
    os.kill(with_checkpoint(folder, runner), signal.SIGKILL)
    until(lambda: "resumed at epoch" in (folder / "events.jsonl").read_text(), runner)
    assert rows(asked)[RUN].attempts == 1  # it has got further, so that this one counts anew
    store.request_stop(spec.id, RUN)
    until(lambda: state(asked).done, runner)
    result = state(asked).result
    assert result is not None and result.resumed == 1 and result.new is not None and result.error is None
    events = told(folder)
    assert [event.number for event in events] == list(range(len(events)))
    epochs = [event.values["epoch"] for event in events if event.kind == "epoch"]
    assert epochs == list(range(len(epochs)))
    assert not (folder / checkpoints.FOLDER).exists()


def test_a_run_over_its_memory_ends_with_its_best_weights(asked: Asked, runner: Runner) -> None:
    train(asked, Limits(memory_mb=1))
    until(lambda: state(asked).done, runner)
    assert_best_weights(asked, "its limit is 1 MB")


def test_a_run_that_hangs_has_the_best_weights_of_its_checkpoint_scored(
    asked: Asked, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = train(asked)
    os.kill(with_checkpoint(folder, runner), signal.SIGSTOP)  # as a call that never returns
    monkeypatch.setattr(watch, "GRACE_SECONDS", 0.2)
    work = runner._desk.running[folder]
    work.limits = replace(work.limits, silence_seconds=0.5)
    until(lambda: state(asked).done, runner)
    result = assert_best_weights(asked, "It gave no sign of life")
    assert result.resumed == 1 and result.steps > 0


# --- how often, and what is not taken up ----------------------------------------------------------


def cut_off(runner: Runner, idle: Idle, folder: Path) -> None:
    idle.started.clear()
    idle.over.append((folder, -9))
    runner.step()


def checkpoint(folder: Path, at: float) -> None:
    (folder / checkpoints.FOLDER).mkdir(exist_ok=True)
    path = folder / checkpoints.FOLDER / checkpoints.NOW
    path.touch()
    os.utime(path, (at, at))


def test_a_run_is_tried_again_as_long_as_it_gets_further(asked: Asked, idle: Idle, runner: Runner) -> None:
    folder = train(asked)
    until(lambda: folder in idle.started, runner)
    for number in range(1, 5):
        checkpoint(folder, runner._desk.running[folder].since + number)
        cut_off(runner, idle, folder)
        until(lambda: folder in idle.started, runner)
    checkpoint(folder, 1.0)  # older than the attempts to come
    cut_off(runner, idle, folder)
    until(lambda: folder in idle.started, runner)
    cut_off(runner, idle, folder)
    assert rows(asked)[RUN].status == "failed" and "was killed" in (rows(asked)[RUN].error or "")
    assert not (folder / checkpoints.FOLDER).exists()


def kill_a_runner(asked: Asked, idle: Idle, folder: Path) -> None:
    """Leave a run as a runner does that is killed while its worker is at work."""
    runner = Runner(asked[0])
    idle.started.clear()
    until(lambda: folder in idle.started, runner)
    (folder / "events.jsonl").write_text("")  # its worker came up
    runner._index.close()


def test_that_its_runner_was_killed_is_not_held_against_a_run(asked: Asked, idle: Idle) -> None:
    folder = train(asked)
    for _ in range(MOST_CUT_OFF - 1):
        kill_a_runner(asked, idle, folder)
    runner = Runner(asked[0])
    idle.started.clear()
    for _ in range(MOST_ATTEMPTS):
        until(lambda: folder in idle.started, runner)
        cut_off(runner, idle, folder)
    assert rows(asked)[RUN].status == "failed" and "worker was killed" in (rows(asked)[RUN].error or "")
    runner.close()


def test_a_run_with_which_runner_after_runner_is_killed_is_not_tried_again(asked: Asked, idle: Idle) -> None:
    folder = train(asked)
    for _ in range(MOST_CUT_OFF):
        kill_a_runner(asked, idle, folder)
    Runner(asked[0]).close()
    assert rows(asked)[RUN].status == "failed" and "runner was killed" in (rows(asked)[RUN].error or "")


def test_what_ends_by_itself_without_a_result_is_not_tried_again(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    folder = train(asked)
    until(lambda: folder in idle.started, runner)
    idle.over.append((folder, 1))
    runner.step()
    assert rows(asked)[RUN].status == "failed" and "exit code 1" in (rows(asked)[RUN].error or "")


def test_a_run_that_was_cut_off_and_then_stopped_has_its_best_weights_scored(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    folder = train(asked)
    until(lambda: folder in idle.started, runner)
    checkpoint(folder, runner._desk.running[folder].since + 1)
    store.request_stop(spec.id, RUN)
    cut_off(runner, idle, folder)
    until(lambda: folder in idle.started, runner)
    assert runner._desk.running[folder].finishing
    cut_off(runner, idle, folder)  # nor can it score them
    assert rows(asked)[RUN].status == "failed"


@pytest.mark.parametrize("id", ["quick_full_retrain-1", "estimate_full_retrain-1", "probe_observe-1"])
def test_short_work_is_not_taken_up(tmp_path: Path, id: str) -> None:
    row = IndexRow("experiment", id, "cpu", "running", 1, 1, 0.0, None, None)
    checkpoint(tmp_path, 1e9)
    assert not was_interrupted(row, -9) and not can_finish(tmp_path, row)
    proper = replace(row, id=RUN)
    assert was_interrupted(proper, -9) and can_finish(tmp_path, proper)


# --- what a worker may say, and what counts --------------------------------------------------------


def other_spec(path: Path) -> None:
    spec = from_json(path.read_bytes(), RunSpec)
    path.write_bytes(to_json(replace(spec, strategy="keep", options={}, limits=Limits(), after="keep-0")))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder_in_its_place(path: Path) -> None:
    path.unlink()
    (path / "deep").mkdir(parents=True)


@pytest.mark.parametrize("change", [other_spec, pipe, folder_in_its_place, Path.unlink])
@pytest.mark.parametrize("dies", ["worker", "runner"])
def test_a_run_that_is_taken_up_does_what_was_asked_for_whatever_its_worker_wrote(
    asked: Asked, idle: Idle, runner: Runner, change: Callable[[Path], None], dies: str
) -> None:
    store, spec = asked
    folder = train(asked, Limits(seconds=100))
    until(lambda: folder in idle.started, runner)
    before = store.run(spec.id, RUN)
    checkpoint(folder, runner._desk.running[folder].since + 1)
    change(folder / "run.json")
    if dies == "worker":
        cut_off(runner, idle, folder)
    else:
        runner.close()
        runner = Runner(store)
    until(lambda: folder in idle.started, runner)
    assert store.run(spec.id, RUN) == before
    assert runner._desk.running[folder].limits == Limits(seconds=100)
    runner.close()


def test_a_run_that_has_ended_is_shown_as_what_was_asked_for(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    store, spec = asked
    folder = train(asked)
    until(lambda: folder in idle.started, runner)
    before = store.run(spec.id, RUN)
    other_spec(folder / "run.json")
    store.save_result(spec.id, RUN, RunResult("finished"))
    idle.over.append((folder, 0))
    runner.step()
    assert rows(asked)[RUN].status == "finished" and store.run(spec.id, RUN) == before


def test_the_time_limit_holds_for_all_attempts_whatever_a_checkpoint_says(
    asked: Asked, idle: Idle, runner: Runner
) -> None:
    folder = train(asked, Limits(seconds=100))
    until(lambda: folder in idle.started, runner)
    runner._desk.running[folder].started -= 90
    checkpoint(folder, runner._desk.running[folder].since + 1)
    cut_off(runner, idle, folder)
    until(lambda: folder in idle.started, runner)
    runner.step()
    assert idle.killed == []
    runner._desk.running[folder].started -= 100 + watch.GRACE_SECONDS - 90
    runner.step()
    assert idle.killed == [folder]


def test_the_time_that_a_run_has_taken_outlives_its_runner(asked: Asked, idle: Idle, runner: Runner) -> None:
    folder = train(asked, Limits(seconds=100))
    until(lambda: folder in idle.started, runner)
    work = runner._desk.running[folder]
    work.started, work.noted = work.started - 90, work.noted - watch.NOTE_SECONDS - 1
    runner.step()
    runner.close()
    second = Runner(asked[0])
    until(lambda: folder in second._desk.running, second)
    assert 90 <= second._desk.running[folder].used < 100
    second.close()


def test_a_run_whose_best_weights_are_scored_is_to_end_whether_it_was_asked_or_not(tmp_path: Path) -> None:
    row = IndexRow("experiment", RUN, "cpu", "running", 1, 1, 0.0, None, None)
    work = watch.Work(row, Limits(), finishing=True)
    assert watch.overdue(tmp_path, work) is None and work.stop_seen is not None
    work.stop_seen -= watch.SCORING_GRACE_SECONDS + 1
    assert watch.overdue(tmp_path, work) is not None

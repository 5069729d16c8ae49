"""A run folder that is damaged costs its own run, never the runner or the other runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from retrain_core.runs.index import Index
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import experiment_status, run_states
from retrain_core.runs.steps.preparing import MOST_CUT_OFF
from retrain_core.types import RunResult
from tests.runs.conftest import Asked, Idle, rows, until


def ask_for(asked: Asked, *strategies: str, device: str = "cpu") -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {name: {} for name in strategies}, device=device))


def spoil(folder: Path, how: str) -> None:
    if how == "gone":
        shutil.rmtree(folder)
    elif how == "a file in its place":
        shutil.rmtree(folder)
        folder.touch()
    elif how == "run.json damaged":
        (folder / "run.json").write_text("{}")
    elif how == "run.json of another run":
        shutil.copyfile(folder.with_name("keep-0") / "run.json", folder / "run.json")
    elif how == "experiment gone":
        shutil.rmtree(folder.parents[1])


@pytest.mark.parametrize(
    "how", ["gone", "a file in its place", "run.json damaged", "run.json of another run", "experiment gone"]
)
def test_a_run_that_cannot_be_started_fails_and_the_next_one_starts(
    asked: Asked, idle: Idle, how: str
) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    ask_for(asked, "fine_tune", "incremental")
    until(lambda: len(idle.started) == 1, runner)  # keep
    spoil(store.run_folder(spec.id, "incremental-0"), how)
    idle.over.append((store.run_folder(spec.id, "keep-0"), 1))
    until(lambda: rows(asked)["incremental-0"].status == "failed", runner)
    runner.step()
    assert rows(asked)["incremental-0"].error
    assert rows(asked)["fine_tune-0"].status == ("failed" if how == "experiment gone" else "running")
    runner.close()


def test_a_result_that_cannot_be_read_fails_its_run_and_no_other(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=2)
    ask_for(asked, "fine_tune")
    until(lambda: len(idle.started) == 2, runner)
    for run, text in {
        "keep-0": '{"status":"finished","new":{"loss":null,"rows":1}}',
        "fine_tune-0": "{",
    }.items():
        folder = store.run_folder(spec.id, run)
        (folder / "result.json").write_text(text)
        idle.over.append((folder, 0))
    runner.step()
    assert {row.status for row in rows(asked).values()} == {"failed"}
    assert all("cannot be read" in (state.error or "") for state in run_states(store, spec.id))
    runner.close()


def test_a_runner_starts_over_what_a_killed_one_left_damaged(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    first = Runner(store, cpu_lanes=3)
    ask_for(asked, "fine_tune", "incremental")
    until(lambda: len(idle.started) == 3, first)
    first.close()
    (store.run_folder(spec.id, "keep-0") / "result.json").write_text("{")
    shutil.rmtree(store.run_folder(spec.id, "fine_tune-0"))
    second = Runner(store, cpu_lanes=3)
    second.step()
    assert {id: row.status for id, row in rows(asked).items()} == {
        "keep-0": "failed", "fine_tune-0": "failed", "incremental-0": "running",
    }  # fmt: skip
    assert store.run_folder(spec.id, "incremental-0") in idle.left_over
    second.close()


def test_preparing_that_was_cut_off_again_and_again_is_not_tried_for_ever(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    ask_for(asked, "fine_tune")
    for path in (store.root / "inbox").glob(f"{spec.id}.*"):
        path.unlink()
    index = Index(store.root / "index.sqlite")
    index.set_experiment(spec.id, "preparing")
    index.close()
    for time in range(1, MOST_CUT_OFF):  # none gets as far as a step
        Runner(store).close()
        assert experiment_status(store, spec.id)[0] == "preparing", time
    Runner(store).close()
    assert experiment_status(store, spec.id)[0] == "failed"
    assert {state.status for state in run_states(store, spec.id)} == {"failed"}
    assert "cut off again and again" in (rows(asked)["keep-0"].error or "")


def test_the_model_of_an_attempt_that_was_cut_off_is_not_taken_for_a_new_one(
    asked: Asked, idle: Idle
) -> None:
    store, spec = asked
    ask_for(asked)
    model = store.run_folder(spec.id, "keep-0") / "model.keras"
    model.touch()
    runner = Runner(store)
    until(lambda: len(idle.started) == 1, runner)
    assert not model.exists()
    runner.close()


def test_a_worker_is_killed_after_its_grace_only(asked: Asked, idle: Idle, monkeypatch) -> None:
    """While it scores it has longer: its model is saved, and would be lost."""
    monkeypatch.setattr("retrain_core.runs.watch.GRACE_SECONDS", 0.0)
    store, spec = asked
    runner = Runner(store)
    ask_for(asked)
    until(lambda: len(idle.started) == 1, runner)
    (folder,) = idle.started
    (folder / "model.keras").touch()
    store.request_stop(spec.id, "keep-0")
    runner.step()
    runner.step()
    assert rows(asked)["keep-0"].status == "running"
    store.save_result(spec.id, "keep-0", RunResult("stopped"))
    idle.over.append((folder, 0))
    runner.step()
    assert rows(asked)["keep-0"].status == "stopped" and rows(asked)["keep-0"].error is None
    runner.close()

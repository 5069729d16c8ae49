"""Runs go through queue, runner and real worker processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from retrain_core.answer import answer
from retrain_core.runs.index import read_runs
from retrain_core.runs.launchers import warm
from retrain_core.runs.launchers.local import LocalLauncher
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import RunState, experiment_status, run_states
from retrain_core.runs.store import Store
from retrain_core.types import Limits, Wishes
from retrain_core.workers import checkpoints
from tests.conftest import ROOT
from tests.make import told
from tests.runs.conftest import Asked, until

ALL = {"fine_tune": {}, "incremental": {}, "full_retrain": {}}
QUICK = {"epochs": 2}
ENDLESS = {"epochs": 1000, "batch_size": 1}


def states(asked: Asked) -> dict[str, RunState]:
    store, spec = asked
    return {state.spec.strategy: state for state in run_states(store, spec.id)}


def all_done(asked: Asked) -> bool:
    found = states(asked)
    return bool(found) and all(state.done for state in found.values())


def test_every_strategy_ends_with_scores_on_the_same_rows(asked: Asked, runner: Runner) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, ALL, shared=QUICK))
    until(lambda: all_done(asked), runner)
    assert {name: state.status for name, state in states(asked).items()} == dict.fromkeys(
        ("keep", *ALL), "finished"
    )
    comparison = answer(store, spec.id, Wishes()).comparison
    assert comparison.recommendation is not None
    for name in comparison.strategies:
        scores = np.load(store.run_folder(spec.id, f"{name}-0") / "scores.npz")
        assert len(scores["new_loss"]) == comparison.holdout.new_rows
        assert len(scores["old_loss"]) == comparison.holdout.old_rows


def test_events_are_numbered_without_gaps(asked: Asked, runner: Runner) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, shared=QUICK))
    until(lambda: all_done(asked), runner)
    events = told(store.run_folder(spec.id, "fine_tune-0"))
    assert [event.number for event in events] == list(range(len(events)))
    assert [event.kind for event in events if event.kind != "progress"] == [
        "started", "epoch", "epoch", "epoch", "scored", "finished",
    ]  # fmt: skip


def test_a_stopped_run_ends_within_seconds_and_is_scored(asked: Asked, runner: Runner) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS))
    until(lambda: len(states(asked)["full_retrain"].curve) >= 2, runner)
    store.request_stop(spec.id, "full_retrain-0")
    took = until(lambda: all_done(asked), runner)
    state = states(asked)["full_retrain"]
    assert state.status == "stopped" and state.result is not None and state.result.new is not None
    assert (store.run_folder(spec.id, "full_retrain-0") / "model.keras").is_file()
    assert took < 60  # else it has trained on; the bar is 5 s on a quiet machine, see tests/benchmarks


def test_a_run_stopped_in_the_queue_never_starts(asked: Asked) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    try:
        store.add_runs(plan_runs(spec.id, ALL, shared=QUICK))
        store.request_stop(spec.id, "full_retrain-0")
        until(lambda: all_done(asked), runner)
    finally:
        runner.close()
    assert states(asked)["full_retrain"].status == "stopped"
    assert not (store.run_folder(spec.id, "full_retrain-0") / "events.jsonl").exists()


def test_a_run_over_its_time_limit_ends_with_what_it_has(asked: Asked, runner: Runner) -> None:
    store, spec = asked
    store.add_runs(
        plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS, limits=Limits(seconds=1))
    )
    until(lambda: all_done(asked), runner)
    result = states(asked)["full_retrain"].result
    assert result is not None and result.status == "stopped" and result.new is not None


def test_a_worker_that_is_killed_twice_is_a_failed_run_with_a_likely_cause(
    asked: Asked, runner: Runner
) -> None:
    store, spec = asked
    folder = store.run_folder(spec.id, "full_retrain-0")
    store.add_runs(plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS))
    killed: set[int] = set()
    for _ in range(2):  # before there is a checkpoint
        until(lambda: runner._launcher.process_id(folder) not in (None, *killed), runner)
        process = runner._launcher.process_id(folder)
        os.kill(process, signal.SIGKILL)
        killed.add(process)
    until(lambda: all_done(asked), runner)
    assert "out of memory" in (states(asked)["full_retrain"].error or "")
    assert states(asked)["keep"].status == "finished"  # the others go on
    comparison = answer(store, spec.id, Wishes()).comparison
    assert comparison.strategies["full_retrain"].new is None and comparison.recommendation is not None


def hold(runner: Runner, folder: Path) -> None:
    """Freeze a worker as soon as it is there, as a step that never ends would."""
    until(lambda: bool(runner._launcher.process_id(folder)), runner)
    os.kill(runner._launcher.process_id(folder), signal.SIGSTOP)


def test_a_worker_that_does_not_stop_is_killed_and_its_run_is_stopped(
    asked: Asked, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS))
    hold(runner, store.run_folder(spec.id, "full_retrain-0"))
    monkeypatch.setattr("retrain_core.runs.watch.GRACE_SECONDS", 0.2)
    store.request_stop(spec.id, "full_retrain-0")
    until(lambda: all_done(asked), runner)
    state = states(asked)["full_retrain"]
    assert state.status == "stopped" and state.result is not None and state.result.new is None
    assert "It was stopped, but went on, so its worker was killed." in (state.error or "")


def test_a_worker_far_over_its_time_limit_is_killed_and_its_run_is_stopped(
    asked: Asked, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    store.add_runs(
        plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS, limits=Limits(seconds=1))
    )
    hold(runner, store.run_folder(spec.id, "full_retrain-0"))
    monkeypatch.setattr("retrain_core.runs.watch.GRACE_SECONDS", 0.2)
    until(lambda: all_done(asked), runner)
    state = states(asked)["full_retrain"]
    assert state.status == "stopped" and "over its time limit" in (state.error or "")


def test_without_a_fork_server_workers_start_cold(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "SERVER", "retrain_core.workers.nowhere")
    store, spec = asked
    runner = Runner(store)
    try:
        store.add_runs(plan_runs(spec.id, {}))
        until(lambda: all_done(asked), runner)
        assert states(asked)["keep"].status == "finished"
    finally:
        runner.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no fork server")
def test_a_killed_fork_server_takes_its_worker_along_and_the_next_one_finishes_its_run(
    asked: Asked, runner: Runner
) -> None:
    store, spec = asked
    folder = store.run_folder(spec.id, "full_retrain-0")
    store.add_runs(
        plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared={"epochs": 60, "batch_size": 1})
    )
    until(
        lambda: bool(runner._launcher.process_id(folder)) and checkpoints.newest(folder) is not None, runner
    )
    worker = psutil.Process(runner._launcher.process_id(folder))
    server = worker.parent()
    assert server.pid != os.getpid(), "the worker was started without a fork server"
    os.kill(server.pid, signal.SIGKILL)
    _, left = psutil.wait_procs([worker], timeout=20)  # before the runner has done anything about it
    for orphan in left:
        orphan.kill()
    assert not left and not (folder / "result.json").exists()  # nor has it trained on to its end
    until(lambda: runner._launcher.process_id(folder) not in (None, worker.pid), runner)
    follower = psutil.Process(runner._launcher.process_id(folder))
    assert follower.ppid() not in (server.pid, os.getpid())  # forked too, by another server
    until(lambda: all_done(asked), runner)
    assert {state.status for state in states(asked).values()} == {"finished"}
    result = states(asked)["full_retrain"].result
    assert result is not None and result.resumed == 1
    epochs = [point["epoch"] for point in states(asked)["full_retrain"].curve]
    assert epochs == list(range(60 + 1))


def start_runner(store: Store) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "retrain_core", "runner", "--store", str(store.root)],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def test_what_a_killed_runner_left_is_finished_by_the_next(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(
        plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared={"epochs": 60, "batch_size": 1})
    )
    first = start_runner(store)
    until(lambda: bool(states(asked)["full_retrain"].curve))
    workers = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait()
    psutil.wait_procs(workers, timeout=20)
    assert not any(worker.is_running() for worker in workers)  # nobody trains on behind the index's back
    second = start_runner(store)
    try:
        until(lambda: all_done(asked), seconds=180)
    finally:
        second.terminate()
        second.wait()
    assert states(asked)["full_retrain"].status == "finished"
    rows, _ = read_runs(store.root / "index.sqlite", spec.id)
    assert {row.id: row.attempts for row in rows}["full_retrain-0"] == 1  # that was not its fault


COLD_RUNNER = """
import sys
from pathlib import Path
from retrain_core.runs import runner
from retrain_core.runs.launchers.local import LocalLauncher
runner.LAUNCHERS["local"] = lambda: LocalLauncher(warm=False)
runner.main(Path(sys.argv[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next runner ends what is left")
def test_cold_workers_die_with_a_killed_runner_too(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS))
    runner = subprocess.Popen([sys.executable, "-c", COLD_RUNNER, str(store.root)], cwd=ROOT)
    until(lambda: bool(states(asked)["full_retrain"].curve))
    workers = psutil.Process(runner.pid).children(recursive=True)
    runner.kill()
    runner.wait()
    _, left = psutil.wait_procs(workers, timeout=20)
    for worker in left:
        worker.kill()
    assert workers and not left


def test_a_worker_that_an_earlier_runner_left_is_ended(asked: Asked) -> None:
    """Linux ends it by itself; elsewhere the next runner has to."""
    from retrain_core.runs.prepare import link_inputs, prepare

    store, spec = asked
    prepare(store, spec)
    runs = plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared=ENDLESS)
    store.add_runs(runs)
    first, second = LocalLauncher(warm=False), LocalLauncher(warm=False)
    with contextlib.closing(first):
        folder = link_inputs(store, runs[1])
        first.start(folder, "cpu", 1)
        second.end_left_over(store.run_folder(spec.id, "keep-0"))
        assert first.ended() == []  # a worker of another folder is left alone
        second.end_left_over(folder)
        until(lambda: [ended for ended, _ in first.ended()] == [folder], seconds=10)


def test_a_second_runner_leaves_the_store_to_the_first(asked: Asked) -> None:
    store, _ = asked
    first = start_runner(store)
    try:
        until(lambda: (store.root / "index.sqlite").exists())
        second = start_runner(store)
        assert second.wait(timeout=60) == 0
        assert first.poll() is None
    finally:
        first.terminate()
        first.wait()


def test_data_that_cannot_be_prepared_fails_the_experiment_with_the_reason(
    asked: Asked, runner: Runner, tmp_path: Path
) -> None:
    from dataclasses import replace

    store, spec = asked
    (tmp_path / "short.csv").write_text("a,b,y\n1,2,0\n2,3,1\n")
    store.save_experiment(replace(spec, new=store.add_file(tmp_path / "short.csv")))
    store.add_runs(plan_runs(spec.id, ALL))
    until(lambda: experiment_status(store, spec.id)[0] == "failed", runner)
    assert "2 usable rows" in (experiment_status(store, spec.id)[1] or "")
    for state in states(asked).values():
        assert state.status == "failed" and "2 usable rows" in (state.error or "")
        assert state.result is not None and state.result.status == "failed"

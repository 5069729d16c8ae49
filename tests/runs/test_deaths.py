"""Workers that crash, run out of memory or take more than the machine's owner allows: they end with the reason, the rest lives."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from retrain_core.errors import StoreError
from retrain_core.runs import watch
from retrain_core.runs.client import ensure_runner
from retrain_core.runs.cut_off import MOST_ATTEMPTS
from retrain_core.runs.index import IndexRow
from retrain_core.runs.plan import plan_estimates, plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.types import Limits
from tests.runs.conftest import Asked, rows, until
from tests.runs.test_cut_off import ENDLESS, RUN, assert_best_weights, state, train, with_checkpoint

BESIDE = "incremental-0"


def train_two(asked: Asked) -> tuple[Path, Path]:
    """Ask for two runs that do not end by themselves, and are at work at the same time."""
    store, spec = asked
    runs = plan_runs(
        spec.id, {"full_retrain": {"patience": 0}, "incremental": {"passes": 500}}, shared=ENDLESS
    )
    store.add_runs([run for run in runs if run.strategy != "keep"])
    return store.run_folder(spec.id, RUN), store.run_folder(spec.id, BESIDE)


def begun(folder: Path, runner: Runner) -> int:
    """Return the process of the worker that is at work in a folder and has told something; 0 if there is none."""
    work, told = runner._desk.running.get(folder), folder / "events.jsonl"
    if work is None or not told.exists() or told.stat().st_mtime < work.since:
        return 0
    return runner._launcher.process_id(folder) or 0


def strike(folder: Path, runner: Runner, blow: Callable[[int], None]) -> int:
    """Have each worker of a run meet with the same end as soon as it is at work, until there is no other; return how many."""
    struck: set[int] = set()

    def ended() -> bool:
        worker = begun(folder, runner)
        if worker and worker not in struck:
            struck.add(worker)
            blow(worker)
        return (folder / "result.json").exists()

    until(ended, runner)
    return len(struck)


def crash(worker: int) -> None:
    os.kill(worker, signal.SIGSEGV)


def starve(worker: int) -> None:
    """Have the system refuse all memory that a process asks for from now on."""
    resource.prlimit(worker, resource.RLIMIT_DATA, (1024**2, 1024**2))


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of another process can be set on Linux alone")
@pytest.mark.parametrize(("blow", "says"), [(crash, "crashed inside TensorFlow"), (starve, "memory")])
def test_a_worker_that_dies_by_itself_ends_with_the_reason_and_the_other_lives(
    asked: Asked, runner: Runner, blow: Callable[[int], None], says: str
) -> None:
    folder, other = train_two(asked)
    until(lambda: bool(begun(other, runner)), runner)
    lives = begun(other, runner)
    struck = strike(folder, runner, blow)
    assert (
        struck == MOST_ATTEMPTS if blow is crash else struck >= 1
    )  # who gets no memory may end in one way or another
    until(lambda: rows(asked)[RUN].status == "failed", runner)
    assert says in (state(asked).error or ""), state(asked).error
    until(lambda: bool(begun(other, runner)), runner)
    assert begun(other, runner) == lives and rows(asked)[BESIDE].status == "running"


@pytest.mark.parametrize(
    ("setting", "most"), [("RETRAIN_MOST_MEMORY_PERCENT", "0.1"), ("RETRAIN_MOST_RUN_HOURS", "0.0001")]
)
def test_a_run_over_what_the_owner_allows_ends_with_its_best_weights(
    asked: Asked, runner: Runner, monkeypatch: pytest.MonkeyPatch, setting: str, most: str
) -> None:
    with_checkpoint(train(asked), runner)
    monkeypatch.setenv(setting, most)
    until(lambda: state(asked).done, runner)
    assert_best_weights(asked, f"{setting} allows")


def test_a_rehearsal_over_it_fails_with_the_reason(
    asked: Asked, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    monkeypatch.setattr(watch, "LOOK_SECONDS", 0.0)
    monkeypatch.setenv("RETRAIN_MOST_MEMORY_PERCENT", "0.1")
    (rehearsal,) = plan_estimates(plan_runs(spec.id, {"full_retrain": {}}))[-1:]
    store.add_beside([rehearsal])
    until(lambda: rehearsal.id in rows(asked) and rows(asked)[rehearsal.id].status == "failed", runner)
    assert "RETRAIN_MOST_MEMORY_PERCENT allows" in (rows(asked)[rehearsal.id].error or "")


def test_a_worker_that_fills_the_disk_is_killed(
    asked: Asked, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = train(asked)
    with_checkpoint(folder, runner)
    (folder / "tmp" / "much").mkdir(parents=True)
    for number in range(300):  # each is one block, as a great many empty files are too many as well
        (folder / "tmp" / "much" / str(number)).touch()
    monkeypatch.setattr(watch, "DISK_SECONDS", 0.0)
    monkeypatch.setenv("RETRAIN_MOST_RUN_GB", "0.001")
    until(lambda: state(asked).done, runner)
    assert "RETRAIN_MOST_RUN_GB allows no more" in (state(asked).error or "")


def test_a_runner_is_not_started_with_a_setting_that_it_could_not_use(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_MOST_MEMORY_PERCENT", "much")
    with pytest.raises(StoreError, match="RETRAIN_MOST_MEMORY_PERCENT"):
        ensure_runner(asked[0])
    assert not (asked[0].root / "runner.log").exists()


@pytest.mark.parametrize(
    ("ending", "percent", "ends"), [(False, 50, False), (True, 50, False), (True, 70, True)]
)
def test_a_run_that_was_asked_to_end_and_goes_on_growing_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: bool, percent: float, ends: bool
) -> None:
    """Its owner allows 20 % of the machine: it is asked to end above that, and killed above 60 %."""
    monkeypatch.setenv("RETRAIN_MOST_MEMORY_PERCENT", "20")
    monkeypatch.setattr(watch, "total_memory_mb", lambda: 1000.0)
    monkeypatch.setattr(watch, "memory_mb", lambda process: 10.0 * percent)
    work = watch.Work(
        IndexRow("experiment", RUN, "cpu", "running", 1, 1, 0.0, None, None), Limits(), finishing=ending
    )
    assert bool(watch.over_limit(tmp_path, work, 1)) != ending
    work.looked = 0.0
    assert (watch.outgrown(tmp_path, work, 1) is not None) == ends


def test_a_try_of_a_quick_look_that_hangs_is_ended(tmp_path: Path) -> None:
    work = watch.Work(
        IndexRow("experiment", "quick_full_retrain-1", "cpu", "running", 1, 1, 0.0, None, None), Limits()
    )
    assert not watch.over_limit(tmp_path, work, None)
    assert work.sign is not None
    work.sign = work.sign[0], work.sign[1] - 1000.0
    assert "no sign of life" in watch.over_limit(tmp_path, work, None)
    work.sign, work.before = None, 73 * 3600.0
    assert "It trained for 72 hours; RETRAIN_MOST_RUN_HOURS" in watch.over_limit(tmp_path, work, None)

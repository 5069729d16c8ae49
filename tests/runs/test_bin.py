"""What is deleted goes into the bin first; what nobody needs any more is taken away, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from retrain_core import files
from retrain_core.errors import StoreError
from retrain_core.runs.bin import binned, delete_experiment, empty_bin, empty_old, move, restore_experiment
from retrain_core.runs.index import read_runs
from retrain_core.runs.names import new_id
from retrain_core.runs.plan import plan_estimates, plan_runs
from retrain_core.runs.prepare import prepare
from retrain_core.runs.rebuild import open_index
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from retrain_core.runs.sweep import sweep
from retrain_core.runs.uploads import collect_uploads
from retrain_core.types import FileRef, RunResult
from tests.runs.conftest import Asked, Idle, rows, until

DAY = 86_400.0


def age(path: Path, days: float) -> Path:
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- the bin --------------------------------------------------------------------------------------


def test_what_is_deleted_is_in_the_bin_and_comes_back_as_it_was(asked: Asked) -> None:
    store, spec = asked
    prepare(store, spec)
    before = content(store.experiment_folder(spec.id))
    assert delete_experiment(store, spec.id)
    assert store.experiments() == ([], {})
    (one,) = binned(store)
    assert (one.id, one.name, one.stopping) == (spec.id, "made", False) and abs(
        one.deleted - time.time()
    ) < 60
    with pytest.raises(StoreError, match=r"was deleted.*in the bin.*Restore it on the start page"):
        store.experiment(spec.id)
    restore_experiment(store, spec.id)
    assert store.experiments() == ([spec], {}) and binned(store) == []
    assert content(store.experiment_folder(spec.id)) == before


def test_nothing_can_be_asked_of_what_was_deleted(asked: Asked) -> None:
    store, spec = asked
    delete_experiment(store, spec.id)
    runs = plan_runs(spec.id, {"fine_tune": {}})
    for ask in (lambda: store.add_runs(runs), lambda: store.add_beside(plan_estimates(runs))):
        with pytest.raises(StoreError, match="in the bin"):
            ask()
    assert not store.experiment_folder(spec.id).exists()
    with pytest.raises(StoreError, match="no such experiment"):
        delete_experiment(store, spec.id)


def test_runs_are_stopped_first_and_keep_what_they_have(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, device="cpu"))
    until(lambda: len(idle.started) == 1, runner)
    assert not delete_experiment(store, spec.id)
    assert binned(store)[0].stopping and store.experiments() == ([], {})
    for _ in range(3):
        runner.step()
    assert store.experiment_folder(spec.id).exists()  # keep is still at work
    assert rows(asked)["fine_tune-0"].status == "stopped"
    (folder,) = idle.started
    assert (folder / "stop").exists()
    store.save_result(spec.id, "keep-0", RunResult("stopped"))
    idle.over.append((folder, 0))
    until(lambda: not store.experiment_folder(spec.id).exists(), runner, seconds=20)
    assert [one.stopping for one in binned(store)] == [False]
    restore_experiment(store, spec.id)
    until(lambda: not list((store.root / "inbox").iterdir()), runner, seconds=20)
    assert {state.status for state in run_states(store, spec.id)} == {"stopped"}
    runner.close()


def test_deleting_while_runs_stop_can_be_undone(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    store.add_runs(plan_runs(spec.id, {}, device="cpu"))
    until(lambda: len(idle.started) == 1, runner)
    delete_experiment(store, spec.id)
    runner.step()
    restore_experiment(store, spec.id)
    store.save_result(spec.id, "keep-0", RunResult("stopped"))
    idle.over.append((next(iter(idle.started)), 0))
    for _ in range(3):
        runner.step()
    assert store.experiments()[0] == [spec] and rows(asked)["keep-0"].status == "stopped"
    runner.close()


def test_a_runner_that_was_killed_before_it_moved_it_leaves_that_to_the_next(
    asked: Asked, idle: Idle
) -> None:
    store, spec = asked
    first = Runner(store, cpu_lanes=1)
    store.add_runs(plan_runs(spec.id, {}, device="cpu"))
    until(lambda: len(idle.started) == 1, first)
    delete_experiment(store, spec.id)
    first.step()
    first.close()
    store.save_result(spec.id, "keep-0", RunResult("stopped"))
    second = Runner(store)
    until(lambda: not store.experiment_folder(spec.id).exists(), second, seconds=20)
    assert [one.id for one in binned(store)] == [spec.id]
    second.close()


def test_work_beside_the_runs_ends_at_once(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    store.add_beside(plan_estimates(plan_runs(spec.id, {"fine_tune": {}}, device="cpu")))
    until(lambda: len(idle.started) == 1, runner)
    assert delete_experiment(store, spec.id)
    until(lambda: bool(idle.killed), runner, seconds=20)
    for _ in range(2):
        runner.step()
    assert not store.experiment_folder(spec.id).exists() and rows(asked) == {}
    runner.close()


def test_two_tabs_that_delete_the_same_do_not_clash(asked: Asked) -> None:
    store, spec = asked
    delete_experiment(store, spec.id)
    move(store, spec.id)
    assert [one.id for one in binned(store)] == [spec.id]


def test_the_bin_is_emptied_after_as_many_days_as_the_setting_says(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    other = replace(spec, id=new_id())
    store.save_experiment(other)
    for one, days in ((spec, 3.1), (other, 2.9)):
        delete_experiment(store, one.id)
        (store.root / "bin" / one.id / "deleted").write_text(str(time.time() - days * DAY))
    assert empty_old(store) == []  # 30 days, if nobody says otherwise
    monkeypatch.setenv("RETRAIN_BIN_DAYS", "3")
    assert empty_old(store) == [spec.id]
    assert [one.id for one in binned(store)] == [other.id]
    assert empty_bin(store) == [other.id] and list((store.root / "bin").iterdir()) == []
    with pytest.raises(StoreError, match="bin was emptied meanwhile"):
        restore_experiment(store, other.id)


def test_the_index_forgets_what_is_gone_for_good_and_nothing_else(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    other = replace(spec, id=new_id())
    store.save_experiment(other)
    for one in (spec, other):
        store.add_runs(plan_runs(one.id, {}, device="cpu"))
        until(lambda one=one: store.run_folder(one.id, "keep-0") in idle.started, runner)
        store.save_result(one.id, "keep-0", RunResult("finished"))
        idle.over.append((store.run_folder(one.id, "keep-0"), 0))
        runner.step()
        delete_experiment(store, one.id)
    (store.root / "bin" / spec.id / "deleted").write_text("1.0")
    assert empty_old(store) == [spec.id]
    runner._tidying.next_sweep = 0.0
    until(lambda: read_runs(store.root / "index.sqlite", spec.id)[0] == [], runner, seconds=20)
    assert [row.id for row in read_runs(store.root / "index.sqlite", other.id)[0]] == ["keep-0"]
    runner.close()


# --- uploads --------------------------------------------------------------------------------------


def test_uploads_are_collected_that_nobody_names_and_that_are_old(asked: Asked) -> None:
    store, spec = asked
    other = replace(spec, id=new_id(), new=FileRef("ab" * 32, "x.csv"), old=None)
    store.save_experiment(other)
    delete_experiment(store, other.id)
    store.save_draft(new_id(), b'{"files": {"old": {"sha256": "' + b"cd" * 32 + b'", "name": "y.csv"}}}')
    damaged = store.root / "experiments" / new_id()
    damaged.mkdir()
    (damaged / "experiment.json").write_text('{"model": {"sha256": "' + "ef" * 32 + '"')
    old = [age(path, 2) for path in (store.root / "files").iterdir()]
    for name in ("ab" * 32 + ".csv", "cd" * 32 + ".csv", "ef" * 32 + ".keras", "11" * 32 + ".csv"):
        (store.root / "files" / name).touch()
        age(store.root / "files" / name, 2)
    (store.root / "files" / ("22" * 32)).touch()  # nobody names it, but somebody may be about to
    assert [path.name for path in collect_uploads(store.root)] == ["11" * 32 + ".csv"]
    assert len(list((store.root / "files").iterdir())) == len(old) + 4
    empty_bin(store)
    assert [path.name for path in collect_uploads(store.root)] == ["ab" * 32 + ".csv"]


def test_what_was_entered_and_left_keeps_its_uploads_no_longer_than_the_bin(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    left, fresh = new_id(), new_id()
    for id, sha256 in {left: spec.new.sha256, fresh: "ab" * 32}.items():
        store.save_draft(id, b'{"files": {"new": {"sha256": "' + sha256.encode() + b'"}}}')
    new = age(store.file_path(spec.new), 40)
    age(store.root / "drafts" / f"{left}.json", 31)
    age(store.root / "drafts" / f"{fresh}.json", 29)
    delete_experiment(store, spec.id)
    empty_bin(store)
    monkeypatch.setenv("RETRAIN_BIN_DAYS", "32")
    sweep(store)
    assert new.exists() and store.draft(left)
    monkeypatch.delenv("RETRAIN_BIN_DAYS")
    sweep(store)
    assert not new.exists() and store.draft(left) is None and store.draft(fresh)
    monkeypatch.setenv("RETRAIN_BIN_DAYS", "0.01")
    age(
        store.root / "drafts" / f"{fresh}.json", 0.9
    )  # who keeps a bin for minutes may enter things for longer
    sweep(store)
    assert store.draft(fresh)


def test_an_upload_that_is_made_again_counts_as_new(asked: Asked, tmp_path: Path) -> None:
    store, _ = asked
    (tmp_path / "a.csv").write_text("a\n1\n")
    path = store.file_path(store.add_file(tmp_path / "a.csv"))
    age(path, 2)
    store.add_file(tmp_path / "a.csv")
    assert collect_uploads(store.root) == [] and path.read_text() == "a\n1\n"


# --- leftovers ------------------------------------------------------------------------------------


def test_what_killed_processes_left_is_taken_away_and_what_living_ones_write_is_not(asked: Asked) -> None:
    store, spec = asked
    prepare(store, spec)
    store.add_runs(plan_runs(spec.id, {}))
    store.save_result(spec.id, "keep-0", RunResult("failed"))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder, run = store.experiment_folder(spec.id), store.run_folder(spec.id, "keep-0")
    before = content(store.root)
    left = [
        home / f".x.{files.PLACE}.{dead.pid}.1.tmp"
        for home in (store.root / "files", store.root / "inbox", folder, run)
    ]
    left += [run / ".model.tmp.keras", age_folder(store.root / "tmpabcdefgh", 2) / "upload"]
    for path in left:
        path.touch()
    age(store.root / "tmpabcdefgh", 2)
    for name in (folder / "data.tmp", folder / ".data.0a.removed", store.root / "bin" / ".x.removed"):
        name.mkdir()
        (name / "half.npy").touch()
    living = [home / f".y.{files.PLACE}.{os.getpid()}.1.tmp" for home in (store.root / "files", folder, run)]
    for path in living:
        path.touch()
    assert len(sweep(store)) == 9
    assert set(content(store.root)) == {*before, *(str(path.relative_to(store.root)) for path in living)}
    assert sweep(store) == []


def age_folder(path: Path, days: float) -> Path:
    path.mkdir()
    return age(path, days)


def test_a_run_that_is_at_work_keeps_the_model_it_saves(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {}))
    saving = store.run_folder(spec.id, "keep-0") / ".model.tmp.keras"
    saving.touch()
    assert sweep(store) == [] and saving.exists()


def test_the_runner_sweeps_when_it_starts(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    left = store.experiment_folder(spec.id) / "data.tmp"
    left.mkdir()
    runner = Runner(store)
    until(lambda: not left.exists(), runner, seconds=20)
    runner.close()


def test_a_second_index_of_the_same_store_is_not_made_anew(asked: Asked) -> None:
    store, spec = asked
    first = open_index(store)
    first.add_run(spec.id, "keep-0", "cpu")
    first.close()
    second = open_index(store)
    assert [row.id for row in second.rows("queued")] == ["keep-0"]
    second.close()

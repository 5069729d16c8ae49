"""The index: brought up to date, refused if it is newer, and made anew from the run folders if it is lost."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from retrain_core.errors import StoreError
from retrain_core.runs import looks
from retrain_core.runs.index import Index, IndexRow, check_index, read_experiment, read_runs
from retrain_core.runs.lock import RunnerLock
from retrain_core.runs.migrations import MIGRATIONS, VERSION
from retrain_core.runs.names import is_quick, new_id
from retrain_core.runs.plan import plan_estimates, plan_runs
from retrain_core.runs.probes import plan_shift
from retrain_core.runs.quick import plan_quick_look
from retrain_core.runs.rebuild import rebuild
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import experiment_status, run_states
from retrain_core.runs.store import Store
from retrain_core.types import RunResult, ShiftSettings, Wishes
from retrain_core.workers.events import EventLog
from tests.conftest import command_line
from tests.runs.conftest import Asked, Idle, rows, until

WRITTEN_BY_VERSION_1 = """
CREATE TABLE experiments (id TEXT PRIMARY KEY, status TEXT NOT NULL, error TEXT, submitted REAL NOT NULL);
CREATE TABLE runs (
    experiment TEXT NOT NULL, id TEXT NOT NULL, device TEXT NOT NULL, status TEXT NOT NULL,
    position INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    started REAL, finished REAL, error TEXT, PRIMARY KEY (experiment, id));
INSERT INTO experiments VALUES ('20260101-000000-aaaa', 'failed', 'No rows.', 1.5);
INSERT INTO runs VALUES ('20260101-000000-aaaa', 'keep-0', 'cpu', 'finished', 1, 1, 2.5, 3.5, NULL);
INSERT INTO runs VALUES ('20260101-000000-aaaa', 'ewc-0', 'auto', 'queued', 2, 0, NULL, NULL, NULL);
PRAGMA user_version = 1;
"""
MADE = "20260101-000000-aaaa"


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def made_by(path: Path, script: str) -> Path:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(script)
    return path


# --- versions -------------------------------------------------------------------------------------


def test_an_index_of_version_1_is_brought_up_to_date_with_all_it_holds(tmp_path: Path) -> None:
    path = made_by(tmp_path / "index.sqlite", WRITTEN_BY_VERSION_1)
    before = read_runs(path, MADE)
    index = Index(path)
    index.add_run(MADE, "lwf-0", "cpu")
    index.close()
    found, waiting = read_runs(path, MADE)
    assert version(path) == VERSION > 1
    assert found[:2] == before[0] == [
        IndexRow(MADE, "keep-0", "cpu", "finished", 1, 1, 2.5, 3.5, None),
        IndexRow(MADE, "ewc-0", "auto", "queued", 2, 0, None, None, None),
    ]  # fmt: skip
    assert (found[2].id, found[2].position, waiting["lwf-0"]) == ("lwf-0", 3, 1)
    assert read_experiment(path, MADE) == ("failed", "No rows.")


def test_a_new_index_is_laid_out_like_one_that_was_brought_up_to_date(tmp_path: Path) -> None:
    made_by(tmp_path / "old", WRITTEN_BY_VERSION_1)
    layouts = []
    for name in ("old", "new"):
        Index(tmp_path / name).close()
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as db:
            found = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
        layouts.append(
            [(kind, title, " ".join((sql or "").split()).replace("( ", "(")) for kind, title, sql in found]
        )
    assert layouts[0] == layouts[1]


def test_a_step_that_fails_leaves_the_index_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made_by(tmp_path / "index.sqlite", WRITTEN_BY_VERSION_1)
    steps = {**MIGRATIONS, 2: "CREATE TABLE more (x); INSERT INTO nowhere VALUES (1)"}
    monkeypatch.setattr("retrain_core.runs.migrations.MIGRATIONS", steps)
    with pytest.raises(sqlite3.DatabaseError, match="nowhere"):
        Index(path)
    assert version(path) == 1 and len(read_runs(path, MADE)[0]) == 2
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'more'").fetchall()


def test_an_index_of_a_newer_version_is_told_and_left_alone(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    path = made_by(store.root / "index.sqlite", f"CREATE TABLE t (x); PRAGMA user_version = {VERSION + 1}")
    content = path.read_bytes()
    told = rf"newer version of the app.*version {VERSION + 1}.*up to {VERSION}.*RETRAIN_STORE"
    for read in (lambda: check_index(path), lambda: read_runs(path, spec.id), lambda: Runner(store)):
        with pytest.raises(StoreError, match=told):
            read()
    assert path.read_bytes() == content


def test_the_index_is_in_wal_mode_and_flushes_what_it_says(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.sqlite")
    assert index._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert index._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    index.close()


# --- made anew ------------------------------------------------------------------------------------


ENDS = (
    RunResult("finished"),
    RunResult("failed", error="It broke."),
    RunResult("stopped"),
)


def end(asked: Asked, idle: Idle, run: str, result: RunResult) -> None:
    """End a run as its worker would."""
    store, spec = asked
    folder = store.run_folder(spec.id, run)
    report = EventLog(folder, run)
    report("started", {})
    report(result.status, {})
    store.save_result(spec.id, run, result)
    idle.over.append((folder, 0))


def busy_store(asked: Asked, idle: Idle) -> None:
    """Leave a store in which work of every kind has ended, in every way, and some is still to be done."""
    store, spec = asked
    runner = Runner(store, cpu_lanes=1)
    runs = plan_runs(
        spec.id, {"fine_tune": {}, "incremental": {}, "full_retrain": {}, "ewc": {}}, device="cpu"
    )
    store.add_beside(plan_shift(spec.id, ShiftSettings()))
    store.add_beside(plan_estimates(runs))
    looks.add(store, spec.id, plan_quick_look(runs[:2], Wishes()))
    over: dict[str, str] = {}

    def end_what_is_at_work(wanted: Collection[str]) -> bool:
        """End one piece of work after the other, each in another way, until some of each kind have ended."""
        for folder in idle.started:
            if folder.name not in over and not all(
                any(id.startswith(kind) for id in over) for kind in wanted
            ):
                result = replace(ENDS[len(over) % len(ENDS)], device=idle.started[folder])
                over[folder.name] = result.status
                end(asked, idle, folder.name, result)
        return all(any(id.startswith(kind) for id in over) for kind in wanted)

    until(lambda: end_what_is_at_work(("estimate_", "probe_", "quick_")), runner, seconds=30)
    store.add_runs(runs)
    until(lambda: end_what_is_at_work(("keep", "ewc", "full_retrain")), runner, seconds=30)
    until(
        lambda: any(folder.parent.name == "runs" and folder.name not in over for folder in idle.started),
        runner,
        seconds=30,
    )
    runner.close()


def taken_up(store: Store, id: str) -> tuple[dict[str, tuple[object, ...]], list[str]]:
    """Return what the index says of all that has ended, and the order of the rest, once a runner has taken it up."""
    runner = Runner(store, cpu_lanes=1)
    until(lambda: not list((store.root / "inbox").iterdir()) and not runner._preparing, runner, seconds=30)
    runner._launcher.started.clear()
    runner.close()
    found = read_runs(store.root / "index.sqlite", id)[0]
    ended = {row.id: (row.status, row.device, row.error, row.attempts) for row in found if row.finished}
    return ended, [row.id for row in found if not row.finished and not is_quick(row.id)]


@pytest.mark.parametrize("how", ["missing", "damaged", "garbage", "empty", "no tables", "asked for"])
def test_an_index_that_is_made_anew_equals_the_one_that_it_replaces(
    asked: Asked, idle: Idle, how: str
) -> None:
    store, spec = asked
    busy_store(asked, idle)
    lost = Store(shutil.copytree(store.root, store.root.with_name("lost")))
    expected = taken_up(store, spec.id)
    times = {id: (row.started, row.finished) for id, row in rows(asked).items() if row.finished}
    path = lost.root / "index.sqlite"
    whole = path.read_bytes()
    if how == "missing":
        path.unlink()
    elif how == "damaged":
        path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    elif how == "garbage":
        path.write_bytes(b"no database at all" * 500)
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "no tables":
        path.unlink()
        made_by(path, f"PRAGMA user_version = {VERSION}")
    else:
        assert rebuild(lost.root) == 1
    found = taken_up(lost, spec.id)
    assert sorted(found[0].items()) == sorted(expected[0].items())
    assert found[1] == expected[1]
    statuses = {ended[0] for ended in expected[0].values()}
    kinds = {id.partition("_")[0] for id in expected[0]}
    assert (
        statuses == {"finished", "failed", "stopped"}
        and {"estimate", "probe", "quick"} <= kinds
        and expected[1]
    )
    for row in read_runs(path, spec.id)[0]:
        if row.finished:
            assert row.started == pytest.approx(times[row.id][0], abs=10)
            assert row.finished == pytest.approx(times[row.id][1], abs=10)
            assert row.finished == (lost.run_folder(spec.id, row.id) / "result.json").stat().st_mtime
    kept = [one.name for one in lost.root.glob("index.sqlite.2*")]
    assert len([name for name in kept if not name.endswith(("-wal", "-shm"))]) == (
        how not in ("missing", "empty")
    )


def test_a_question_that_nobody_has_asked_is_not_prepared_because_the_index_is_gone(
    asked: Asked, idle: Idle
) -> None:
    store, spec = asked
    runner = Runner(store)
    runner.step()
    runner.close()
    assert experiment_status(store, spec.id)[0] == "draft"
    assert not (store.experiment_folder(spec.id) / "data").exists()


def test_a_kill_while_the_index_is_made_anew_leaves_it_to_the_next_runner(
    asked: Asked, idle: Idle, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    busy_store(asked, idle)
    lost = Store(shutil.copytree(store.root, store.root.with_name("lost")))
    expected = taken_up(store, spec.id)
    (lost.root / "index.sqlite").unlink()

    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("retrain_core.runs.rebuild.take_in", cut_off)
        with pytest.raises(KeyboardInterrupt):
            Runner(lost)
    assert (lost.root / "index.sqlite").exists()
    assert taken_up(lost, spec.id) == expected


def test_the_command_makes_the_index_anew_and_keeps_the_old_one(asked: Asked, idle: Idle) -> None:
    store, spec = asked
    busy_store(asked, idle)
    states = {state.spec.id: state.status for state in run_states(store, spec.id) if state.done}
    (store.root / "index.sqlite").write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreError, match=r"cannot be read.*not a database.*--rebuild"):
        run_states(store, spec.id)
    done = command_line("runner", "--store", store.root, "--rebuild")
    assert done.returncode == 0 and "made anew: 1 experiment." in done.stdout
    assert {state.spec.id: state.status for state in run_states(store, spec.id) if state.done} == states
    assert any(path.read_bytes().startswith(b"no database") for path in store.root.glob("index.sqlite.2*"))


def test_an_index_is_not_made_anew_behind_a_runners_back(asked: Asked) -> None:
    store, _ = asked
    lock = RunnerLock(store.root)
    assert lock.acquire()
    with pytest.raises(StoreError, match=r"runner of this store is at work"):
        rebuild(store.root)
    lock.release()


def test_what_is_no_store_is_not_made_one(tmp_path: Path) -> None:
    done = command_line("runner", "--store", tmp_path / "none", "--rebuild")
    assert done.returncode == 2 and "is no store" in done.stderr and not (tmp_path / "none").exists()


def test_what_is_no_id_in_the_inbox_is_passed_over(asked: Asked, idle: Idle) -> None:
    store, _ = asked
    runner = Runner(store)
    for name in ("notes.txt", new_id()):  # the second belongs to nothing that is there
        (store.root / "inbox" / name).touch()
    runner.step()
    assert list((store.root / "inbox").iterdir()) == []
    runner.close()


def test_what_the_index_knows_is_not_read_again_at_each_request(
    asked: Asked, idle: Idle, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {}))
    runner = Runner(store, cpu_lanes=1)
    until(lambda: bool(idle.started), runner)
    store.save_result(spec.id, "keep-0", RunResult("finished"))
    idle.over.append((store.run_folder(spec.id, "keep-0"), 0))
    runner.step()
    read: list[Path] = []
    monkeypatch.setattr("retrain_core.runs.rebuild.read_events", lambda path: read.append(path) or [])
    shift = plan_shift(spec.id, ShiftSettings())[0]
    store.add_beside([shift])
    runner.step()
    assert rows(asked)[shift.id].status == "running" and read == []  # nor did it wait for anything
    runner.close()

"""What happens to a store on a disk that is full or read-only; run inside a namespace that has mounted one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from retrain_core.errors import StoreError
from retrain_core.runs.index import read_runs
from retrain_core.runs.launchers import LAUNCHERS
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from retrain_core.runs.store import Store
from tests.runs.conftest import Idle, until

DISK_FULL, READ_ONLY = "No space left on device", "Read-only file system"


def fill(disk: Path, leave: int = 0) -> Path:
    """Write until the disk is full but for ``leave`` bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - leave))
    return ballast


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def refuses(store: Store, id: str, why: str) -> None:
    """Nothing can be written, each time with the reason, and all stays as it was."""
    before = contents(store.root)
    spec = store.experiment(id)
    writes = {
        "an upload": lambda: store.add_file(io.BytesIO(os.urandom(200_000)), "a.csv"),
        "runs": lambda: store.add_runs(plan_runs(id, {"fine_tune": {}})),
        "a draft": lambda: store.save_draft(id, b"x" * 200_000),
        "a question": lambda: store.save_experiment(spec),
        "data": lambda: prepare(store, spec),
    }
    for what, write in writes.items():
        with pytest.raises(StoreError, match=f"{why}.*(room|folder)"):
            write()
            print(f"{what} was written")
    assert contents(store.root) == before
    assert store.experiments() == ([spec], {})


def full(store: Store, id: str) -> None:
    ballast = fill(store.root.parent)
    refuses(store, id, DISK_FULL)
    ballast.unlink()  # and then all goes on
    store.add_file(io.BytesIO(b"a\n1\n"), "a.csv")
    prepare(store, store.experiment(id))


def read_only(store: Store, id: str) -> None:
    idle = Idle()
    LAUNCHERS["local"] = lambda: idle
    runner = Runner(store)
    store.add_runs(plan_runs(id, {}, device="cpu"))
    until(lambda: bool(idle.started), runner, seconds=30)
    states = [(state.spec.id, state.status) for state in run_states(store, id)]
    runner.close()
    remount = ["mount", "-o", "remount,ro", str(store.root.parent)]
    until(lambda: subprocess.run(remount, check=False).returncode == 0)  # busy while a file is being closed
    reopened = Store(store.root)  # what was there can be looked at
    assert (
        [(state.spec.id, state.status) for state in run_states(reopened, id)]
        == states
        == [("keep-0", "running")]
    )
    with pytest.raises(StoreError, match=READ_ONLY):
        reopened.add_file(io.BytesIO(b"a"), "a.csv")
    with pytest.raises(StoreError, match=READ_ONLY):
        reopened.save_draft(id, b"{}")
    with pytest.raises(StoreError, match=r"index of this store cannot be written.*let this user write"):
        Runner(reopened)


def index_waits(store: Store, id: str) -> None:
    """What ends while the disk is full is noted once there is room again."""
    idle = Idle()
    LAUNCHERS["local"] = lambda: idle
    runner = Runner(store, cpu_lanes=1)
    store.add_runs(plan_runs(id, {"fine_tune": {}}, device="cpu"))
    until(lambda: bool(idle.started), runner, seconds=30)
    ballast = fill(store.root.parent)
    for number in range(4000):  # until what SQLite has set aside is used up
        runner._index._db.execute("PRAGMA wal_autocheckpoint = 0")
        try:
            runner._index._db.execute(
                "INSERT INTO experiments VALUES (?, 'x', ?, 0)", (f"x{number}", "x" * 3000)
            )
        except Exception as error:
            assert "full" in str(error)
            break
    else:
        raise AssertionError("the disk did not become full")
    (folder,) = idle.started
    idle.over.append((folder, 1))  # its worker could not write its result
    freed: list[float] = []

    def free() -> None:
        freed.append(time.monotonic())
        ballast.unlink()

    timer = threading.Timer(2.0, free)
    timer.start()
    until(
        lambda: any(row.status == "failed" for row in read_runs(store.root / "index.sqlite", id)[0]),
        runner,
        seconds=60,
    )
    assert freed
    (row,) = [row for row in read_runs(store.root / "index.sqlite", id)[0] if row.status == "failed"]
    assert row.error == "The disk is full. Free some room, then start it again in a new experiment."
    runner.close()


def worker(store: Store, id: str) -> None:
    """A worker whose model does not fit on the disk says so, and leaves no half model."""
    prepare(store, store.experiment(id))
    store.add_runs(plan_runs(id, {"fine_tune": {"epochs": 1}}))
    folder = link_inputs(store, store.run(id, "fine_tune-0"))
    fill(store.root.parent, leave=24_000)
    before = {name: text for name, text in contents(store.root).items() if "fine_tune-0" not in name}
    command = [sys.executable, "-m", "retrain_core.workers.locked", "retrain_core.training.worker"]
    subprocess.run([*command, str(folder), "cpu", "1"], check=True)
    result = store.result(id, "fine_tune-0")
    assert result is not None and result.status == "failed"
    assert result.error == "The disk is full. Free some room, then start it again in a new experiment."
    assert not (folder / "model.keras").exists() and not (folder / ".model.tmp.keras").exists()
    assert {name: text for name, text in contents(store.root).items() if "fine_tune-0" not in name} == before


if __name__ == "__main__":
    disk, id, case = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    {"full": full, "read_only": read_only, "index_waits": index_waits, "worker": worker}[case](
        Store(disk / "store"), id
    )
    print("as promised")

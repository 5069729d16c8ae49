"""One store for several servers and sessions: processes and threads that write at the same time do not clash."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from retrain_core.data.readers import file_hash
from retrain_core.errors import StoreError
from retrain_core.runs.bin import delete_experiment, restore_experiment
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from retrain_core.runs.store import Store
from retrain_core.runs.sweep import sweep
from retrain_core.types import RunResult
from tests.conftest import ROOT
from tests.runs.conftest import Asked, Idle, until

# Another server: it says that it is ready, and once it is told to go on starts the experiment and uploads a file.
SERVER = """
import io, sys
from pathlib import Path
from retrain_core.errors import StoreError
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.store import Store
store, id, text = Store(Path(sys.argv[1])), sys.argv[2], sys.argv[3].encode()
print("ready", flush=True)
sys.stdin.readline()
print(store.add_file(io.BytesIO(text * 300_000), "new.csv").sha256, flush=True)
try:
    store.add_runs(plan_runs(id, {"fine_tune": {}}))
except StoreError as error:
    print(error.what, flush=True)
else:
    print("started", flush=True)
"""


def test_two_servers_share_a_store(asked: Asked, idle: Idle) -> None:
    """Both upload a file of one name and start one experiment: both files are kept, and it is started once."""
    store, spec = asked
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SERVER, str(store.root), spec.id, text],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for text in ("a", "b")
    ]  # fmt: skip
    assert [server.stdout.readline() for server in servers if server.stdout] == ["ready\n"] * 2
    said = [server.communicate("go\n", timeout=120)[0].splitlines() for server in servers]
    hashes = [lines[0] for lines in said]
    assert len(set(hashes)) == 2
    for sha256 in hashes:
        assert file_hash(store.root / "files" / f"{sha256}.csv") == sha256
    assert sorted(lines[1] for lines in said) == ["This experiment has been started already.", "started"]
    runner = Runner(store, cpu_lanes=2)
    until(lambda: len(idle.started) == 2, runner, seconds=30)
    for folder in idle.started:
        store.save_result(spec.id, folder.name, RunResult("finished"))
        idle.over.append((folder, 0))
    runner.step()
    for server in (Store(store.root), Store(store.root)):  # each sees the same
        assert {state.status for state in run_states(server, spec.id)} == {"finished"}
    runner.close()


def test_sessions_that_upload_files_of_one_name_each_get_their_own(asked: Asked) -> None:
    store, _ = asked
    texts = [str(number).encode() * 200_000 for number in range(4)] * 4
    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda text: store.add_file(io.BytesIO(text), "new.csv"), texts))
    for ref, text in zip(refs, texts, strict=True):
        assert ref.name == "new.csv" and store.file_path(ref).read_bytes() == text
    assert len({ref.sha256 for ref in refs}) == 4


def test_an_upload_is_there_however_often_another_session_sweeps(asked: Asked) -> None:
    store, _ = asked
    over = threading.Event()

    def sweeping() -> int:
        rounds = 0
        while not over.is_set():
            sweep(store)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(1) as pool:
        swept = pool.submit(sweeping)
        try:
            for number in range(20):
                ref = store.add_file(io.BytesIO(str(number).encode() * 1000), "a.csv")
                assert store.file_path(ref).is_file()
        finally:
            over.set()
        assert swept.result() > 0


def test_starting_and_deleting_at_once_leaves_it_whole_in_one_place(asked: Asked) -> None:
    store, spec = asked
    for _ in range(10):
        with ThreadPoolExecutor(2) as pool:
            deleted = pool.submit(delete_experiment, store, spec.id)
            started = pool.submit(store.add_runs, plan_runs(spec.id, {}))
        try:
            started.result()
        except StoreError as error:
            assert "in the bin" in str(error)
        there = [(store.root / home / spec.id).exists() for home in ("experiments", "bin")]
        assert there.count(True) == 1 and deleted.result() == there[1]
        restore_experiment(store, spec.id)
        assert store.experiment(spec.id) == spec
        if store.runs(spec.id):
            break


@pytest.mark.parametrize("session", [1, 2])
def test_a_draft_is_its_sessions_own(asked: Asked, session: int) -> None:
    store, _ = asked
    ids = [f"20260101-000000-000{number}" for number in (1, 2)]
    for id in ids:
        store.save_draft(id, id.encode())
    assert store.draft(ids[session - 1]) == ids[session - 1].encode()

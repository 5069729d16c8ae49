"""A disk on which each flush lasts: all ends as on a fast one, and nobody who looks meanwhile finds anything half done."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import shutil
import signal
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from retrain_core.data.readers import file_hash
from retrain_core.runs.launchers import warm
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import experiment_status, run_states
from retrain_core.runs.store import Store
from retrain_core.types import Estimate, ExperimentSpec, RunSpec
from retrain_core.workers import checkpoints
from tests.runs import slow_disk
from tests.runs.conftest import Asked, rows, until
from tests.storm import leftovers, same_outcome, scores_of, undisturbed, weights_of

RUN = "full_retrain-0"
UPLOAD = b"a,b,y\n" + b"1.25,2.5,1\n" * 200_000


def wanted(spec: ExperimentSpec) -> list[RunSpec]:
    """Return runs whose outcome does not hang on how fast anything is."""
    runs = plan_runs(spec.id, {"full_retrain": {"patience": 0}}, shared={"epochs": 600}, device="cpu")
    plain = Estimate((0.0, 0.0), 0.0, (0, 0), ways=("plain",))
    return [replace(run, forecast=plain) if run.id == RUN else run for run in runs]


def read(path: Path) -> None:
    """Read all arrays of a file, which may be gone; what is there is whole."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        found = np.load(file, allow_pickle=False)
        for name in getattr(found, "files", ()):
            assert found[name].nbytes >= 0


def look(asked: Asked) -> None:
    """Read all that is in a store as the pages do, and more; what is there is whole."""
    store, spec = asked
    assert store.experiments() == ([spec], {})
    for path in (store.root / "files").iterdir():
        assert path.name.startswith(".") or file_hash(path) == path.name.partition(".")[0]
    assert experiment_status(store, spec.id)[1] is None
    if store.is_prepared(spec):
        for path in (store.experiment_folder(spec.id) / "data").rglob("*.npy"):
            read(path)
    ended = {id for id, row in rows(asked).items() if row.finished is not None}
    for state in run_states(store, spec.id):
        folder = store.run_folder(spec.id, state.spec.id)
        result = store.result(spec.id, state.spec.id)
        assert result is not None or state.spec.id not in ended
        assert result is None or (result.status == "finished" and scores_of(folder) and weights_of(folder))
        with contextlib.suppress(FileNotFoundError):  # the folder goes once its run has ended
            for path in (folder / checkpoints.FOLDER).glob("*.npz"):
                read(path)


def look_all_along(asked: Asked, over: threading.Event) -> int:
    """Look until it is over; return how often."""
    times = 0
    while not over.wait(0.005):
        look(asked)
        times += 1
    return times


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no fork server")
def test_a_slow_disk_changes_nothing_and_shows_nothing_half_written(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    fast = Store(shutil.copytree(store.root, tmp_path / "fast"))
    ref = fast.add_file(io.BytesIO(UPLOAD), "later.csv")
    fast.add_runs(wanted(spec))
    undisturbed(fast)

    monkeypatch.setattr(warm, "SERVER", slow_disk.__name__)
    monkeypatch.setattr(os, "fsync", slow_disk.fsync)
    slow_connect = functools.partial(sqlite3.connect, factory=slow_disk.Connection)
    monkeypatch.setattr(sqlite3, "connect", slow_connect)
    over, folder = threading.Event(), store.run_folder(spec.id, RUN)
    with ThreadPoolExecutor(3) as pool:
        reader = pool.submit(look_all_along, asked, over)
        try:
            # Two tabs bring the same file at the same time.
            uploads = [pool.submit(store.add_file, io.BytesIO(UPLOAD), "later.csv") for _ in range(2)]
            with contextlib.closing(Runner(store)) as runner:
                store.add_runs(wanted(spec))
                until(lambda: checkpoints.newest(folder) is not None, runner)
                pid = runner._launcher.process_id(folder)
                assert pid is not None
                worker = psutil.Process(pid)
                assert slow_disk.__name__ in worker.parent().cmdline()
                worker.send_signal(signal.SIGKILL)  # the next one goes on from what was flushed
                until(lambda: all(state.done for state in run_states(store, spec.id)), runner, seconds=180)
        finally:
            over.set()
        assert reader.result() > 0
        assert [upload.result() for upload in uploads] == [ref, ref]

    assert store.file_path(ref).read_bytes() == UPLOAD
    assert {id: row.status for id, row in rows(asked).items()} == {
        id: row.status for id, row in rows((fast, spec)).items()
    }
    for run in store.runs(spec.id):
        same_outcome(fast, spec.id, store, spec.id, run.id)
    result = store.result(spec.id, RUN)
    assert result is not None and result.resumed == 1
    assert leftovers(store.root) == []

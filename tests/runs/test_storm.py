"""Whatever is killed, and whenever: nothing that was there is lost, and every run ends as if nothing had happened."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import pytest

from tests.serving import App, until
from tests.storm import Storm, asked_twice, leftovers, same_outcome, undisturbed

KILLS = 50


@pytest.mark.timeout(1800)
@pytest.mark.skipif(
    sys.platform != "linux", reason="workers are forked, and die with their runner, on Linux alone"
)
def test_fifty_kills_lose_nothing(tmp_path: Path) -> None:
    calm_store, calm_ids = asked_twice(tmp_path / "calm")
    undisturbed(calm_store)
    store, ids = asked_twice(tmp_path / "storm")
    app = App(store.root)
    storm = Storm(store, app)
    try:
        storm.blow(KILLS, seconds=900)
        storm.calm(seconds=600)
        assert sum(storm.killed.values()) >= KILLS and set(storm.killed) >= {
            "worker",
            "runner",
            "server",
            "all",
        }
        for id, calm_id in zip(ids, calm_ids, strict=True):
            for run in store.runs(id):
                same_outcome(calm_store, calm_id, store, id, run.id)
        assert any(state.result.resumed for state in storm.states() if state.result)
    finally:
        for process in storm.processes():
            process.terminate()
        app.end()
    until(lambda: not storm.processes(), "a process has outlived its runner")
    assert leftovers(store.root) == []
    assert not [
        child for child in psutil.Process().children(recursive=True) if str(store.root) in child.cmdline()
    ]

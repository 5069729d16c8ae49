"""Kills at random moments, many times, of all that works at a store: nothing is lost, and no run tells that it was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.serving import App
from tests.storm import Storm, asked_twice, leftovers, same_outcome, undisturbed

KILLS = 50


@pytest.mark.timeout(1200)  # it ends sooner on a machine that does nothing else
def test_fifty_kills_lose_nothing_and_change_nothing(tmp_path: Path) -> None:
    calm_store, calm_ids = asked_twice(tmp_path / "calm")
    undisturbed(calm_store)
    store, ids = asked_twice(tmp_path / "storm")
    storm = Storm(store, App(store.root))
    try:
        storm.blow(KILLS, seconds=600)
        assert sum(storm.killed.values()) >= KILLS, "the runs ended before so many"
        storm.calm(seconds=300)
        for id, calm_id in zip(ids, calm_ids, strict=True):
            for run in store.runs(id):
                same_outcome(calm_store, calm_id, store, id, run.id)
        assert {"worker", "fork server", "runner", "server", "all"} <= storm.killed.keys()
        results = [state.result for state in storm.states()]
        assert sum(result.resumed for result in results if result) >= 5
    finally:
        storm.end()
    assert leftovers(store.root) == []

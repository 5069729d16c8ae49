"""Kill whatever works at a store, at random moments, many times: nothing is lost, and every run ends as if nothing had happened."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.serving import App
from tests.storm import Storm, asked_twice, leftovers, same_outcome, undisturbed

KILLS = 500
SECONDS_A_KILL = 60.0


def main(kills: int = KILLS, tell: Callable[[str], None] = print) -> None:
    """Run the same experiments undisturbed and in a storm, and tell what was killed and what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        calm_store, calm_ids = asked_twice(Path(folder) / "calm")
        undisturbed(calm_store)
        totals: dict[str, int] = {}
        runs = resumed = 0
        start, storms = time.monotonic(), 0
        while sum(totals.values()) < kills:
            store, ids = asked_twice(Path(folder) / f"storm {storms}")
            storm = Storm(store, App(store.root), seed=storms)
            try:
                left = kills - sum(totals.values())
                storm.blow(left, seconds=SECONDS_A_KILL * left)
                storm.calm(seconds=600)
                for id, calm_id in zip(ids, calm_ids, strict=True):
                    for run in store.runs(id):
                        same_outcome(calm_store, calm_id, store, id, run.id)
            finally:
                storm.end()
            assert leftovers(store.root) == []
            ended = [state.result for state in storm.states() if state.result]
            runs, resumed, storms = runs + len(ended), resumed + sum(one.resumed for one in ended), storms + 1
            for name, count in storm.killed.items():
                totals[name] = totals.get(name, 0) + count
            print(f"storm {storms}: {dict(storm.killed)}", flush=True)
        tell(f"{sum(totals.values()):,} kills in {(time.monotonic() - start) / 60:.0f} minutes: " + ", ".join(
            f"{count} of {name}" for name, count in sorted(totals.items())
        ) + f". {runs} runs ended with the weights and scores of undisturbed ones, taken up {resumed} times.")  # fmt: skip

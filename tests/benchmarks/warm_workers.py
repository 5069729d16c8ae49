"""How long a worker needs from its start to its first event, forked from a warm process or started cold."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from retrain_core.runs.events import read_events
from retrain_core.runs.launchers.local import LocalLauncher
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import link_inputs, prepare
from tests.make import question


def ways() -> dict[str, Callable[[], float]]:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    store, spec = question(folder)
    prepare(store, spec)
    (keep,) = plan_runs(spec.id, {})
    store.add_runs([keep])
    warm, cold = LocalLauncher(), LocalLauncher(warm=False)
    atexit.register(warm.close)

    def first_event(launcher: LocalLauncher) -> float:
        run = link_inputs(store, keep)
        events = run / "events.jsonl"
        events.unlink(missing_ok=True)
        start = time.perf_counter()
        launcher.start(run, "cpu", 1)
        while not read_events(events):
            time.sleep(0.002)
        seconds = time.perf_counter() - start
        while not launcher.ended():
            time.sleep(0.01)
        return seconds

    return {"warm": lambda: first_event(warm), "cold": lambda: first_event(cold)}

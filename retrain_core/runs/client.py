"""What the interface and the command line do with the runner: start it, hand it runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import psutil

from retrain_core import limits
from retrain_core.machine import cpu
from retrain_core.runs.forecasts import estimates, plan_costs, with_forecasts
from retrain_core.runs.launchers.local import PACKAGE_ROOT
from retrain_core.runs.lock import runner_is_alive
from retrain_core.runs.read_only import nothing_changes
from retrain_core.runs.store import Store
from retrain_core.sandbox.least import require_here
from retrain_core.types import Device, RunSpec, from_json

START_SECONDS = 10.0  # a runner that was started this recently may not hold its lock yet


def ensure_runner(store: Store, idle_seconds: float | None = None) -> None:
    """Start the store's runner unless there is one; it goes on when this process ends.

    Raises:
        StoreError: If the store is opened read-only, or a setting cannot be used.
    """
    if store.read_only:
        raise nothing_changes()
    mark = store.root / "runner.starting"
    if runner_is_alive(store.root):
        return
    if _is_starting(mark):
        return
    limits.check_settings()
    mark.write_bytes(b"")
    command = [sys.executable, "-m", "retrain_core", "runner", "--store", str(store.root)]
    if idle_seconds is not None:
        command += ["--idle-seconds", str(idle_seconds)]
    with (store.root / "runner.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": PACKAGE_ROOT},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    mark.write_text(str(process.pid))
    threading.Thread(target=process.wait, daemon=True).start()  # so that no zombie is left


def _is_starting(mark: Path) -> bool:
    """Return whether a runner was started that may not hold its lock yet; it takes its mark away once it does."""
    try:
        recent = time.time() - mark.stat().st_mtime < START_SECONDS
        text = mark.read_text()
    except OSError:
        return False
    return recent and (not text.isdecimal() or psutil.pid_exists(int(text)))


def submit(store: Store, runs: Sequence[RunSpec]) -> None:
    """Hand runs to the runner, each with what was estimated for it; they are safe on disk when this returns.

    Raises:
        RunError: If the sandbox of this machine is weaker than its owner asks for.
        StoreError: If the store cannot be written.
    """
    require_here()
    store.add_runs(with_forecasts(store, runs))
    ensure_runner(store)


def request_estimates(
    store: Store, rehearsals: Sequence[RunSpec], *, again: bool = False, instead_of: Collection[str] = ()
) -> None:
    """Hand rehearsals of one experiment to the runner; call it when settings change, not to look at the answers.

    What was estimated with the same settings is not done again. Rehearsals go on once no run waits for its turn.

    Args:
        store: The store.
        rehearsals: As ``plan_estimates`` returns them.
        again: Whether to try those again that failed.
        instead_of: Ids of those asked for before with other settings: they leave the queue, unless their settings are
            the usual ones, which are asked for in more than one place.

    Raises:
        StoreError: If the store cannot be written.
    """
    if not rehearsals:
        return
    experiment, wanted = rehearsals[0].experiment, {spec.id for spec in rehearsals}
    usual = {spec.id for spec in plan_costs(store.experiment(experiment))}
    for id, state in estimates(store, experiment).items():
        stop = store.run_folder(experiment, id) / "stop"
        if id in wanted:
            stopped = state.status == "stopped" or (stop.exists() and state.estimate is None)
            if stopped or (again and state.status == "failed"):
                store.remove_beside(experiment, id)
        elif id in instead_of and id not in usual and state.status == "queued":
            with contextlib.suppress(OSError):  # another tab has removed it
                store.request_stop(experiment, id)
    if any(not (store.run_folder(experiment, id) / "run.json").exists() for id in wanted):
        store.check_room()
    store.add_beside(rehearsals)
    ensure_runner(store)


def known_devices(store: Store) -> tuple[Device, ...]:
    """Return the devices that a worker found; just the CPU until one has looked."""
    path = store.root / "devices.json"
    if path.is_file():
        return from_json(path.read_bytes(), tuple[Device, ...])
    return (cpu(),)

"""Runs that have ended: their per-row scores for the comparison, and whether they crashed."""

from __future__ import annotations

import zipfile
import zlib

import numpy as np

from retrain_core.errors import RunError
from retrain_core.runs.placement import NO_GPU
from retrain_core.runs.state import read_events
from retrain_core.runs.store import Store
from retrain_core.types import Outcome, RunResult, RunSpec

UNREADABLE = "The scores of each row (scores.npz) cannot be read. Start the run again in a new experiment."


def load_outcomes(store: Store, experiment: str) -> tuple[Outcome, ...]:
    """Return every run of an experiment that has a result, in the order they were asked for."""
    found = (outcome_of(store, spec) for spec in store.runs(experiment))
    return tuple(outcome for outcome in found if outcome is not None)


def outcome_of(store: Store, spec: RunSpec) -> Outcome | None:
    """Return a run with what it scored on each row, ``None`` if it has no result yet."""
    result = store.result(spec.experiment, spec.id)
    if result is None:
        return None
    rows = {}
    if result.new is not None:
        path = store.run_folder(spec.experiment, spec.id) / "scores.npz"
        try:
            with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
                rows = dict(file)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            result = RunResult("failed", device=result.device, error=f"{UNREADABLE} ({error})")
    return Outcome(spec, result, rows)


def crashed(store: Store, experiment: str, run: str) -> bool:
    """Whether a failed run broke down, rather than said what is wrong with what it was given.

    A worker's last word is the event ``failed``; if it did not expect the error, its log holds a traceback too. One
    that asks for a GPU where there is none is not even started.
    """
    result = store.result(experiment, run)
    if result is not None and result.error == str(RunError(*NO_GPU)):
        return False
    folder = store.run_folder(experiment, run)
    events = read_events(folder / "events.jsonl")
    if not events or events[-1].kind != "failed":
        return True
    log = folder / "worker.log"
    return log.is_file() and b"Traceback (most recent call last)" in log.read_bytes()

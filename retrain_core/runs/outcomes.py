"""Runs that have ended, with their per-row scores, for the comparison."""

from __future__ import annotations

import numpy as np

from retrain_core.runs.store import Store
from retrain_core.types import Outcome


def load_outcomes(store: Store, experiment: str) -> tuple[Outcome, ...]:
    """Return every run of an experiment that has a result, in the order they were asked for."""
    found = []
    for spec in store.runs(experiment):
        result = store.result(experiment, spec.id)
        if result is None:
            continue
        path = store.run_folder(experiment, spec.id) / "scores.npz"
        rows = {}
        if result.new is not None and path.is_file():
            with np.load(path, allow_pickle=False) as file:
                rows = dict(file)
        found.append(Outcome(spec, result, rows))
    return tuple(found)

"""Experiments on disk, the queue, and the processes that work it off."""

from retrain_core.runs.client import ensure_runner, known_devices, submit
from retrain_core.runs.state import RunState, experiment_status, run_states, runs_done
from retrain_core.runs.store import Store, new_id

__all__ = [
    "RunState",
    "Store",
    "ensure_runner",
    "experiment_status",
    "known_devices",
    "new_id",
    "run_states",
    "runs_done",
    "submit",
]

"""Experiments on disk, the queue, and the processes that work it off."""

from retrain_core.runs.client import ensure_runner, known_devices, request_estimates, submit
from retrain_core.runs.forecasts import EstimateState, estimates
from retrain_core.runs.state import RunState, experiment_status, run_states, runs_done
from retrain_core.runs.store import Store, new_id

__all__ = [
    "EstimateState",
    "RunState",
    "Store",
    "ensure_runner",
    "estimates",
    "experiment_status",
    "known_devices",
    "new_id",
    "request_estimates",
    "run_states",
    "runs_done",
    "submit",
]

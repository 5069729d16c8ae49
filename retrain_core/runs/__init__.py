"""Experiments on disk, the queue, and the processes that work it off."""

from retrain_core.runs.bin import (
    Binned,
    binned,
    delete_experiment,
    empty_bin,
    restore_experiment,
)
from retrain_core.runs.client import ensure_runner, known_devices, request_estimates, submit
from retrain_core.runs.forecasts import Costs, EstimateState, costs, estimates, plan_costs
from retrain_core.runs.going_on import keep_going
from retrain_core.runs.index import check_index
from retrain_core.runs.names import new_id
from retrain_core.runs.placement import MEASURE
from retrain_core.runs.probes import (
    asked_curve,
    candidate_options,
    curve_points,
    known_probes,
    known_shift,
    plan_curve,
    plan_report,
    plan_sensitivity,
    plan_shift,
    request_probes,
    sensitivities,
    shift_of,
    unreadable,
    unusual_images,
)
from retrain_core.runs.quick import (
    plan_quick_look,
    quick_in_full,
    quick_title,
    quick_verdict,
    start_quick_look,
    stop_quick_look,
)
from retrain_core.runs.read_only import ReadOnlyStore
from retrain_core.runs.state import (
    RunState,
    experiment_status,
    place_words,
    probe_states,
    queue_places,
    run_states,
    runs_done,
    try_states,
)
from retrain_core.runs.store import Store
from retrain_core.runs.usage import ROOM_BYTES, free, taken

__all__ = [
    "MEASURE",
    "ROOM_BYTES",
    "Binned",
    "Costs",
    "EstimateState",
    "ReadOnlyStore",
    "RunState",
    "Store",
    "asked_curve",
    "binned",
    "candidate_options",
    "check_index",
    "costs",
    "curve_points",
    "delete_experiment",
    "empty_bin",
    "ensure_runner",
    "estimates",
    "experiment_status",
    "free",
    "keep_going",
    "known_devices",
    "known_probes",
    "known_shift",
    "new_id",
    "place_words",
    "plan_costs",
    "plan_curve",
    "plan_quick_look",
    "plan_report",
    "plan_sensitivity",
    "plan_shift",
    "probe_states",
    "queue_places",
    "quick_in_full",
    "quick_title",
    "quick_verdict",
    "request_estimates",
    "request_probes",
    "restore_experiment",
    "run_states",
    "runs_done",
    "sensitivities",
    "shift_of",
    "start_quick_look",
    "stop_quick_look",
    "submit",
    "taken",
    "try_states",
    "unreadable",
    "unusual_images",
]

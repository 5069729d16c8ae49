"""What runs will cost, as far as rehearsals have told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from retrain_core.runs.index import IndexRow, read_experiment, read_runs
from retrain_core.runs.plan import estimate_id, plan_estimates, plan_runs
from retrain_core.runs.state import ENDED
from retrain_core.runs.store import Store
from retrain_core.strategies import STRATEGIES
from retrain_core.types import Estimate, RunSpec, RunStatus


@dataclass(frozen=True)
class EstimateState:
    """One rehearsal as it stands now.

    Args:
        spec: What it does.
        status: Where it is on its way.
        waiting: Runs and rehearsals before it in the queue.
        estimate: What it found, once it is finished.
        shared: Whether something else ran on the device meanwhile, which makes the estimate too high.
        error: Why it failed.
    """

    spec: RunSpec
    status: RunStatus
    waiting: int = 0
    estimate: Estimate | None = None
    shared: bool = False
    error: str | None = None

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.status in ENDED


def estimates(store: Store, experiment: str) -> dict[str, EstimateState]:
    """Return every rehearsal of an experiment by its id; see ``estimate_id``."""
    index = store.root / "index.sqlite"
    rows, waiting = read_runs(index, experiment)
    by_id = {row.id: row for row in rows}
    known = read_experiment(index, experiment)
    on_its_way = (store.root / "inbox" / experiment).exists() or (known or ("",))[0] == "preparing"
    return {
        spec.id: _state(store, spec, by_id.get(spec.id), waiting.get(spec.id, 0), on_its_way)
        for spec in store.estimates(experiment)
    }


def plan_costs(experiment: str) -> list[RunSpec]:
    """Return the rehearsals that tell what every strategy costs with its usual options."""
    return plan_estimates(plan_runs(experiment, {name: {} for name in STRATEGIES}))


def costs(store: Store, experiment: str) -> dict[str, Estimate | None]:
    """Return what each strategy costs: its run, once there is one, else a rehearsal with its usual options.

    ``None`` stands for a strategy that nobody has measured, or that cannot run.
    """
    found: dict[str, Estimate | None] = {}
    known = estimates(store, experiment)
    for spec in plan_costs(experiment):
        state = known.get(spec.id)
        found[spec.strategy] = state.estimate if state else None
    for run in store.runs(experiment):
        result = store.result(experiment, run.id)
        if result is not None and result.status == "finished" and run.strategy != "keep":
            rows, time = result.rows_seen, result.seconds
            found[run.strategy] = Estimate((time, time), result.peak_memory_mb, (rows, rows), result.way)
    return found


def with_forecasts(store: Store, runs: Sequence[RunSpec]) -> list[RunSpec]:
    """Return runs with what was estimated for the same settings, so that it can be held against what they cost."""
    found = {experiment: estimates(store, experiment) for experiment in {run.experiment for run in runs}}
    states = [found[run.experiment].get(estimate_id(run)) for run in runs]
    return [
        replace(run, forecast=state.estimate if state else None)
        for run, state in zip(runs, states, strict=True)
    ]


def _state(
    store: Store, spec: RunSpec, row: IndexRow | None, waiting: int, on_its_way: bool
) -> EstimateState:
    if row is not None and row.status not in ENDED:
        return EstimateState(spec, row.status, waiting)
    result = store.result(spec.experiment, spec.id)
    if result is not None:
        return EstimateState(spec, result.status, 0, result.estimate, result.shared, result.error)
    if row is None or on_its_way:  # what the index says, if anything, is of an earlier request
        return EstimateState(spec, "queued", waiting)
    return EstimateState(spec, row.status, error=row.error)

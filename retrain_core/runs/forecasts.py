"""What runs will cost, as far as rehearsals have told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from retrain_core.runs.inbox import is_asked
from retrain_core.runs.index import IndexRow, read_experiment, read_runs
from retrain_core.runs.plan import estimate_id, plan_estimates, plan_runs
from retrain_core.runs.state import ENDED
from retrain_core.runs.store import Store
from retrain_core.strategies import STRATEGIES, unfit
from retrain_core.types import Estimate, ExperimentSpec, RunResult, RunSpec, RunStatus


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
    on_its_way = is_asked(store.root, experiment) or (known or ("",))[0] == "preparing"
    return {
        spec.id: _state(store, spec, by_id.get(spec.id), waiting.get(spec.id, 0), on_its_way)
        for spec in store.estimates(experiment)
    }


@dataclass(frozen=True)
class Costs:
    """What the strategies cost that can be run on a question, as far as that is known.

    Args:
        known: By strategy: its run, once there is one, else its rehearsal with usual options.
        asked: The rehearsals with usual options that were asked for, by strategy.
        missing: Strategies of which nothing is known, and neither a run nor a rehearsal is on its way to tell.
    """

    known: Mapping[str, Estimate]
    asked: Mapping[str, EstimateState]
    missing: tuple[str, ...]


def plan_costs(spec: ExperimentSpec) -> list[RunSpec]:
    """Return the rehearsals that tell what every strategy that can be run costs with its usual options."""
    schema, has_old = spec.schema, spec.old is not None
    fit = [
        name
        for name, strategy in STRATEGIES.items()
        if not unfit(strategy, schema.task, has_old=has_old, new_classes=bool(schema.new_classes))
    ]
    return plan_estimates(plan_runs(spec.id, {name: {} for name in fit}))


def costs(store: Store, spec: ExperimentSpec) -> Costs:
    """Return what is known of the costs of strategies."""
    names = {rehearsal.id: rehearsal.strategy for rehearsal in plan_costs(spec)}
    asked = {names[id]: state for id, state in estimates(store, spec.id).items() if id in names}
    known = {name: state.estimate for name, state in asked.items() if state.estimate}
    ended: dict[str, list[RunResult]] = {}
    expected = {name for name, state in asked.items() if not state.done}
    for run in store.runs(spec.id):
        result = store.result(spec.id, run.id)
        if result is None:
            expected.add(run.strategy)
        elif result.status == "finished":
            ended.setdefault(run.strategy, []).append(result)
    known |= {name: _of_runs(results) for name, results in ended.items()}
    return Costs(
        {name: known[name] for name in names.values() if name in known},
        asked,
        tuple(name for name in names.values() if name not in known and name not in expected),
    )


def _of_runs(results: Sequence[RunResult]) -> Estimate:
    """Return what the runs of one strategy have cost, least and most over seeds.

    Of a run that shared the device, the processor time is the least that it would take alone.
    """
    alone = [one.own_seconds for one in results]
    seconds, rows = [*alone, *(one.seconds for one in results)], [one.rows_seen for one in results]
    return Estimate(
        (min(seconds), max(seconds)),
        max(one.peak_memory_mb for one in results),
        (min(rows), max(rows)),
        results[0].way,
    )


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

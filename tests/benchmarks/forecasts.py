"""Forecast against actual: does a run take as long as a rehearsal of it said?"""

from __future__ import annotations

from retrain_core.runs.plan import plan_estimates, plan_runs
from retrain_core.types import Estimate, RunResult
from tests.benchmarks.notebook import FOLDER
from tests.benchmarks.three_strategies import WarmRunner

SAMPLES = {"credit_new_market": "parquet", "flights_summer": "parquet", "garments_new_camera": "npz"}
STRATEGIES = {"fine_tune": {}, "incremental": {}, "full_retrain": {}}


def forecasts(warm: WarmRunner, seeds: int) -> list[tuple[str, str, Estimate, RunResult]]:
    """Rehearse each strategy on each sample, then run it with several seeds; return both."""
    found = []
    for sample, suffix in SAMPLES.items():
        spec = warm.question(FOLDER.parent / sample, suffix)
        rehearsals = plan_estimates(plan_runs(spec.id, STRATEGIES))
        warm.store.add_beside(rehearsals)
        warm.wait(spec, [run.id for run in rehearsals])
        runs = plan_runs(spec.id, STRATEGIES, seeds=range(seeds))
        warm.store.add_runs(runs)
        warm.wait(spec, [run.id for run in runs])
        for rehearsal in rehearsals:
            told = warm.store.result(spec.id, rehearsal.id)
            assert told and told.estimate, told
            for run in runs:
                actual = warm.store.result(spec.id, run.id)
                if run.strategy == rehearsal.strategy and actual is not None:
                    found.append((sample, run.strategy, told.estimate, actual))
    return found

"""The three strategies on the credit sample, from the start to the scored holdout, by a warm runner."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec
from tests.benchmarks.notebook import ARRIVAL, BATCH, EPOCHS, FOLDER
from tests.make import experiment

STRATEGIES = {
    "fine_tune": {"patience": 0},
    "incremental": {"arrival_rows": ARRIVAL},
    "full_retrain": {"patience": 0},
}


class WarmRunner:
    """A store and a runner whose worker process has come up, as it is once the app is open."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        self.store = Store(self._folder)
        self.runner = Runner(self.store)
        self.three()  # the worker process has imported TensorFlow once this is done

    def question(self, folder: Path = FOLDER, suffix: str = "parquet") -> ExperimentSpec:
        """Return a new experiment on a sample, not started yet."""
        files = {"model": "model.keras", "new": f"new.{suffix}", "old": f"old.{suffix}"}
        return experiment(self.store, {role: folder / name for role, name in files.items()})

    def run(self, spec: ExperimentSpec, until: Callable[[], bool], **plan: object) -> float:
        """Start the strategies and return the seconds until ``until`` is true."""
        start = time.perf_counter()
        self.store.add_runs(plan_runs(spec.id, **plan))  # type: ignore[arg-type]
        while True:
            self.runner.step()
            if until():
                return time.perf_counter() - start
            time.sleep(0.005)

    def three(self) -> float:
        """Return the seconds from the start of the three strategies (and keep) to their scores."""
        spec = self.question()
        seconds = self.run(
            spec,
            lambda: self.done(spec),
            strategies=STRATEGIES,
            shared={"epochs": EPOCHS, "batch_size": BATCH},
        )
        results = [self.store.result(spec.id, run.id) for run in self.store.runs(spec.id)]
        assert all(result and result.new for result in results), results
        return seconds

    def close(self) -> None:
        """End the runner and its workers."""
        self.runner.close()

    def wait(self, spec: ExperimentSpec, runs: list[str]) -> None:
        """Work until each of ``runs`` has a result."""
        while not all(self.store.result(spec.id, run) for run in runs):
            self.runner.step()
            time.sleep(0.01)

    def done(self, spec: ExperimentSpec) -> bool:
        """Whether every run of the experiment has a result."""
        folder = self.store.experiment_folder(spec.id) / "runs"
        return all((run / "result.json").exists() for run in folder.iterdir())

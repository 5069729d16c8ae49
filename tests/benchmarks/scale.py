"""How time and memory grow with the rows: 10 000 to 1 000 000 of 30 numbers each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from retrain_core.runs.prepare import prepare
from retrain_core.types import ExperimentSpec
from tests.benchmarks.three_strategies import WarmRunner
from tests.benchmarks.throughput import COLUMNS
from tests.make import experiment

SIZES = (10_000, 100_000, 1_000_000)
STRATEGIES = ("fine_tune", "incremental", "full_retrain")


@dataclass(frozen=True)
class Growth:
    """What one strategy took on one size.

    Args:
        strategy: Which.
        rows: Rows of the file; 65 in 100 train.
        file_mb: The arrays that all workers map.
        prepare_seconds: Reading, encoding and splitting, once for all strategies.
        seconds: Training time for one epoch or pass.
        private_mb: Most memory that the worker held for itself, beyond what it shares.
    """

    strategy: str
    rows: int
    file_mb: float
    prepare_seconds: float
    seconds: float
    private_mb: float


def question(warm: WarmRunner, folder: Path, rows: int) -> ExperimentSpec:
    """Return an experiment on made rows, with a small network as the old model."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, COLUMNS)).astype(np.float32)
    frame = pd.DataFrame(x, columns=[f"x{number}" for number in range(COLUMNS)])
    frame["y"] = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(int)
    path = folder / f"{rows}.parquet"
    frame.to_parquet(path)
    return experiment(warm.store, {"model": folder / "model.keras", "new": path}, label="y")


def grow(warm: WarmRunner, folder: Path) -> list[Growth]:
    """Run each strategy alone on each size, for one epoch of batch 32."""
    found = []
    for rows in SIZES:
        spec = question(warm, folder, rows)
        start = time.perf_counter()
        prepare(warm.store, spec)
        preparing = time.perf_counter() - start
        data = warm.store.experiment_folder(spec.id) / "data"
        size = sum(path.stat().st_size for path in data.rglob("*.npy")) / 1024**2
        for seed, strategy in enumerate(STRATEGIES):
            most = 0.0

            def done(seed: int = seed, strategy: str = strategy, spec: ExperimentSpec = spec) -> bool:
                nonlocal most
                most = max(most, private_mb())
                names = (strategy, "keep")
                return all(warm.store.result(spec.id, f"{name}-{seed}") for name in names)

            warm.run(spec, done, strategies={strategy: {}}, shared={"epochs": 1}, seeds=[seed])
            result = warm.store.result(spec.id, f"{strategy}-{seed}")
            assert result and result.status == "finished", result
            found.append(Growth(strategy, rows, round(size, 1), preparing, result.seconds, most))
    return found


def private_mb() -> float:
    """Return the most memory that one worker holds for itself now."""
    found = [0.0]
    for child in psutil.Process().children(recursive=True):
        try:
            if child.parent() and child.parent().pid != psutil.Process().pid:  # type: ignore[union-attr]
                found.append(child.memory_full_info().uss / 1024**2)
        except psutil.Error:
            continue
    return max(found)

"""Small questions for tests: a made table, a small model trained on it in this very process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.compare.evidence import Evidence, Held, gather
from retrain_core.data import infer_schema, read_table
from retrain_core.models.card import read_card
from retrain_core.runs.names import new_id
from retrain_core.runs.store import Store
from retrain_core.types import (
    ExperimentSpec,
    Holdout,
    Outcome,
    PartScores,
    RunEvent,
    RunResult,
    RunSpec,
    Schema,
    SplitSettings,
    Task,
    from_json,
)


def table(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    """Return two numbers and a label that depends on them; ``shift`` moves the first and turns the rule."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(shift, 1, rows), rng.normal(0, 1, rows)
    chance = 1 / (1 + np.exp(-(2 * a - (1 - shift) * b)))
    return pd.DataFrame({"a": a, "b": b, "y": (rng.random(rows) < chance).astype(int)})


def mlp(path: Path, frame: pd.DataFrame) -> Path:
    """Train a small model with Normalization, BatchNormalization and Dropout, and save it."""
    import keras

    keras.utils.set_random_seed(1)
    inputs = keras.Input((2,), name="row")
    norm = keras.layers.Normalization(name="norm")
    norm.adapt(frame[["a", "b"]].to_numpy(np.float32))
    hidden = keras.layers.Dense(8, activation="relu", name="first")(norm(inputs))
    hidden = keras.layers.BatchNormalization(name="batch_norm")(hidden)
    hidden = keras.layers.Dropout(0.1, name="dropout")(hidden)
    hidden = keras.layers.Dense(4, activation="relu", name="second")(hidden)
    outputs = keras.layers.Dense(1, activation="sigmoid", name="last")(hidden)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(frame[["a", "b"]].to_numpy(np.float32), frame["y"].to_numpy(), epochs=2, verbose=0)
    model.save(path)
    return path


def question(
    folder: Path, *, old: bool = True, new_rows: int = 400, store: Path | None = None
) -> tuple[Store, ExperimentSpec]:
    """Return a store with an experiment in it; by default one of its own beside the files."""
    before, after = table(600, 1), table(new_rows, 2, shift=0.8)
    before.to_parquet(folder / "old.parquet")
    after.to_parquet(folder / "new.parquet")
    model = mlp(folder / "model.keras", before)
    files = {"model": model, "new": folder / "new.parquet"} | ({"old": folder / "old.parquet"} if old else {})
    kept = Store(store or folder / "store")
    return kept, experiment(kept, files, label="y")


def experiment(
    store: Store,
    files: Mapping[str, Path],
    *,
    name: str = "made",
    split: SplitSettings = SplitSettings(),
    **reading: Any,
) -> ExperimentSpec:
    """Return a new experiment of the store, as the app makes it: files by role, read as inferred and overruled."""
    tables = {role: read_table(path) for role, path in files.items() if role != "model"}
    schema = infer_schema(read_card(files["model"]), tables["new"], tables.get("old"), **reading)
    refs = {role: store.add_file(path) for role, path in files.items()}
    spec = ExperimentSpec(id=new_id(), name=name, created=time.time(), schema=schema, split=split, **refs)
    store.save_experiment(spec)
    return spec


# --- comparisons that nobody has to train for -----------------------------------------------------


def sure_rows(side: str, chance: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return what a model scores that gives what came (the rows of ``targets``) the probability ``chance``."""
    targets = made_targets(len(chance))
    second = np.where(targets == 1, chance, 1 - chance)[:, None]
    right = (chance > 0.5).astype(float)
    return {f"{side}_outputs": second, f"{side}_metric": right, f"{side}_loss": -np.log(chance)}


def error_rows(side: str, error: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return what a model of a number scores that is off by ``error``."""
    outputs = made_numbers(len(error))[:, None] + error[:, None]
    return {f"{side}_outputs": outputs, f"{side}_metric": np.abs(error), f"{side}_loss": error**2}


def made_targets(rows: int) -> NDArray[Any]:
    """Return as many classes, 0 and 1 in turn."""
    return np.arange(rows) % 2


def made_numbers(rows: int) -> NDArray[Any]:
    """Return as many numbers."""
    return np.random.default_rng(0).normal(100, 30, rows)


def made_outcome(
    strategy: str,
    rows: Mapping[str, NDArray[Any]],
    *,
    seed: int = 0,
    seconds: float = 1.0,
    task: Task = "binary",
) -> Outcome:
    """Return a run that has ended well, from what it scored on each row."""
    name = "mae" if task == "regression" else "accuracy"
    parts = {
        side: PartScores(
            float(rows[f"{side}_loss"].mean()),
            len(rows[f"{side}_loss"]),
            **{name: float(rows[f"{side}_metric"].mean())},  # type: ignore[arg-type]
        )
        for side in ("new", "old")
        if f"{side}_loss" in rows
    }
    result = RunResult("finished", parts["new"], parts.get("old"), seconds=seconds, model="model.keras")
    return Outcome(RunSpec(f"{strategy}-{seed}", "e", strategy, {}, seed), result, rows)


def evidence_of(*outcomes: Outcome, task: Task = "binary", sha: str = "0" * 64) -> Evidence:
    """Return the evidence of made runs."""
    first = next((outcome.rows for outcome in outcomes if outcome.rows), {})
    counts = {name.removesuffix("_loss"): len(rows) for name, rows in first.items() if name.endswith("_loss")}
    targets = made_numbers if task == "regression" else made_targets
    shape = (-1, 1) if task == "multilabel" else (-1,)
    held: dict[Any, Held] = {side: Held(targets(rows).reshape(shape)) for side, rows in counts.items()}
    schema = Schema(
        task, ("y",), (), () if task == "regression" else ("0", "1"), 1, False, "binary_crossentropy"
    )
    return gather(outcomes, Holdout(sha, counts.get("new", 0), counts.get("old", 0)), schema, held)


def told(folder: Path) -> list[RunEvent]:
    """Return all that a worker has told, all of its progress too, which pages have no use for."""
    path = folder / "events.jsonl"
    return [from_json(line, RunEvent) for line in path.read_bytes().splitlines()] if path.exists() else []

"""An experiment that nobody has to train: outcomes with per-row scores, made at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.compare import compare
from retrain_core.compare.evidence import Evidence
from retrain_core.diagnosis import learning_curve
from retrain_core.report.content import Commands, Curves, ReportContent
from retrain_core.shift import shift_report
from retrain_core.types import (
    Comparison,
    CurvePoint,
    Disturbed,
    ExperimentSpec,
    FileRef,
    LayerCard,
    LearningCurve,
    Machine,
    ModelCard,
    Outcome,
    RunResult,
    RunSpec,
    Schema,
    Sensitivity,
    SplitSummary,
    Stakes,
    Task,
    TensorSpec,
    Wishes,
)
from tests.make import error_rows, evidence_of, made_outcome, sure_rows

# By strategy: probability to be right on a new and on an old row, seconds, megabytes.
ABILITY: Mapping[str, tuple[float, float, float, float]] = {
    "keep": (0.66, 0.86, 0.1, 610.0),
    "fine_tune": (0.74, 0.83, 6.4, 702.0),
    "incremental": (0.77, 0.77, 3.2, 688.0),
    "full_retrain": (0.81, 0.85, 31.5, 911.0),
}
NEW_ROWS, OLD_ROWS = 640, 900
SHA = "3fa94c0de1b25f7788aa".ljust(64, "0")


def rows_of(side: str, rows: int, ability: float, seed: int, task: Task) -> dict[str, NDArray[Any]]:
    """Return per-row scores; the same rows are hard for every strategy."""
    difficulty = np.random.default_rng(7 if side == "new" else 8).uniform(size=rows)
    luck = np.random.default_rng(seed + round(1000 * ability)).normal(0, 0.05, size=rows)
    margin = ability - difficulty + luck
    if task == "regression":
        return error_rows(side, margin * 100 * (1.2 - ability))
    return sure_rows(side, 1 / (1 + np.exp(-4 * margin)))


def outcome(strategy: str, seed: int, *, old: bool = True, task: Task = "binary") -> Outcome:
    """Return one run that has ended well."""
    new_ability, old_ability, seconds, megabytes = ABILITY[strategy]
    rows = rows_of("new", NEW_ROWS, new_ability, seed, task)
    if old:
        rows |= rows_of("old", OLD_ROWS, old_ability, seed, task)
    options: dict[str, Any] = {} if strategy == "keep" else {"batch_size": 64, "rate": 1.0}
    if strategy in ("fine_tune", "full_retrain"):
        options["epochs"] = 12
    made = made_outcome(strategy, rows, seed=seed, seconds=seconds + 0.1 * seed, task=task)
    seen = 0 if strategy == "keep" else 24_000
    costs = {
        "rows_seen": seen,
        "steps": seen // 64,
        "cpu_seconds": 1.5 * seconds,
        "energy_joules": 20 * seconds,
    }
    return replace(
        made,
        spec=replace(made.spec, options=options),
        result=replace(made.result, peak_memory_mb=megabytes, **costs),
    )


def failed(strategy: str, seed: int, error: str) -> Outcome:
    """Return one run that has failed."""
    spec = RunSpec(f"{strategy}-{seed}", "e1", strategy, {"epochs": 12}, seed)
    return Outcome(spec, RunResult("failed", error=error, peak_memory_mb=640.0))


def evidence(
    *, seeds: int = 3, old: bool = True, task: Task = "binary", broken: Mapping[str, str] | None = None
) -> Evidence:
    """Return what four strategies predict, of which the ``broken`` ones failed with an error."""
    broken = broken or {}
    outcomes = [
        failed(strategy, seed, broken[strategy])
        if strategy in broken
        else outcome(strategy, seed, old=old, task=task)
        for strategy in ABILITY
        for seed in range(seeds)
    ]
    return evidence_of(*outcomes, task=task, sha=SHA)


def comparison(*, old_weight: float = 0.5, stakes: Stakes | None = None, **made: Any) -> Comparison:
    """Return the comparison of what ``evidence`` makes."""
    wishes = Wishes(old_weight=old_weight, stakes=stakes)
    return compare(evidence(**made), wishes, "major" if made.get("old", True) else None)


def curves(comparison: Comparison) -> Curves:
    """Return learning curves of every run that trained."""
    metric = comparison.metric.name
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    for strategy, candidate in comparison.strategies.items():
        if strategy == "keep" or candidate.new is None:
            continue
        start = 2.1 if strategy == "full_retrain" else 1.15
        for seed in candidate.per_seed:
            rng = np.random.default_rng(seed["seed"])
            points: list[dict[str, Any]] = []
            for epoch in range(13):
                loss = 0.5 + (start - 0.5) * np.exp(-epoch / 3) + rng.normal(0, 0.02)
                score = 0.8 - 0.3 * (loss - 0.5)
                point = {
                    "epoch": epoch,
                    "rows_seen": 2000 * epoch,
                    "seconds": candidate.seconds / 12 * epoch,
                    "validation_loss": loss,
                    f"validation_{metric}": score,
                }
                if epoch:
                    point |= {"loss": loss - 0.05, metric: score + 0.02}
                if epoch and strategy == "incremental":
                    point |= {"prequential_loss": loss + 0.1, f"prequential_{metric}": score - 0.04}
                points.append(point)
            found[seed["run"]] = tuple(points)
    return found


def frames(label: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return old and new columns; income and region have moved, the rest has not."""
    sides = []
    for moved, rows, seed in ((0.0, 3000, 1), (1.0, 2000, 2)):
        rng = np.random.default_rng(seed)
        income = rng.normal(3000 + 900 * moved, 800, rows)
        age = rng.normal(41, 12, rows).round()
        region = rng.choice(["north", "south", "west"], rows, p=[0.5 - 0.2 * moved, 0.3, 0.2 + 0.2 * moved])
        chance = 1 / (1 + np.exp(-(income - 3200) / 600))
        bought = np.where(rng.uniform(size=rows) < chance, "yes", "no")
        sides.append(
            pd.DataFrame({"income": income, "age": age, "region": region, "tenure": rng.gamma(2.0, 3.0, rows), label: bought})
        )  # fmt: skip
    return sides[0], sides[1]


def content(
    comparison: Comparison,
    evidence: Evidence | None = None,
    *,
    label: str = "bought",
    name: str = "Autumn customers",
) -> ReportContent:
    """Return everything that a report needs; without evidence it has no section that looks behind the scores."""
    has_old = comparison.holdout.old_rows > 0
    old, new = frames(label)
    schema = Schema(comparison.task, (label,), (), ("no", "yes"), 1, False, "binary_crossentropy")
    spec = ExperimentSpec(
        id="e1",
        name=name,
        created=1_760_000_000.0,
        model=FileRef("a1" * 32, "customers.keras"),
        new=FileRef("b2" * 32, "autumn.csv"),
        old=FileRef("c3" * 32, "spring.csv") if has_old else None,
        schema=schema,
    )
    card = ModelCard(
        format="keras",
        name="customers",
        sha256="a1" * 32,
        inputs=(TensorSpec("features", (4,), "float32"),),
        outputs=(TensorSpec("probability", (1,), "float32"),),
        layers=(
            LayerCard("features", "InputLayer", 0, True),
            LayerCard("hidden", "Dense", 320, True, "64 units, relu"),
            LayerCard("probability", "Dense", 65, True, "1 unit, sigmoid"),
        ),
        parameters=385,
        output_activation="sigmoid",
        loss="binary_crossentropy",
        from_logits=False,
        optimizer="Adam",
        learning_rate=0.001,
        task="binary",
        task_reason="One output unit with a sigmoid.",
        keras_version="3.15.1",
    )
    rows: Any = {"new_train": 1088, "new_validation": 192, "new_holdout": 640}
    rows |= {"old_train": 2100, "old_holdout": 900} if has_old else {}
    notes = ("Rows with equal inputs are kept in one part.",)
    return ReportContent(
        spec=spec,
        card=card,
        split=SplitSummary(rows, comparison.holdout, notes),
        comparison=comparison,
        shift=shift_report(old, new, label=label, task=comparison.task) if has_old else None,
        curves=curves(comparison),
        versions={"tensorflow": "2.21.0", "keras": "3.15.1"},
        sensitivities=tuple(sensitivity(name, comparison) for name in ABILITY),
        evidence=evidence,
        learning_curves=(more_rows(comparison),),
        machine=Machine(4, 16_384.0, 9_000.0, ("Tesla T4",)),
        commands=Commands(
            ("python -m retrain_core compare --model customers.keras",), ("It has no time limit.",)
        ),
    )


def sensitivity(model: str, comparison: Comparison) -> Sensitivity:
    """Return what noise costs a model, and one column given to other rows."""
    metric, falls = comparison.metric.name, comparison.metric.direction == "max"
    points = tuple(
        Disturbed("noise", s, 0.5 + s, 0.8 - 0.2 * s if falls else 20 + s) for s in (0.1, 0.5, 1.0)
    )
    permuted = Disturbed("permuted", 1.0, 0.9, 0.7 if falls else 25.0, "income")
    return Sensitivity(model, 640, 0.5, 0.8 if falls else 20.0, metric, (*points, permuted), 0.87)


def more_rows(comparison: Comparison) -> LearningCurve:
    """Return what more new rows would bring to full retrain."""
    metric = comparison.metric.name
    points = [
        CurvePoint(rows, seed, 0.5, 0.9 - (rows + 9 * seed) ** -0.5)
        for rows in (68, 136, 272, 544, 1088)
        for seed in (0, 1)
    ]
    if metric == "mae":
        points = [replace(point, metric=100 * (1 - point.metric)) for point in points]
    return learning_curve(points, strategy="full_retrain", metric=metric, rows_now=1088)

"""Answers that nobody has to train for: keep and other candidates on made rows, for every kind of problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.compare.evidence import Held, gather
from retrain_core.compare.whole import compare
from retrain_core.report.content import ReportContent
from retrain_core.types import (
    ExperimentSpec,
    FileRef,
    Holdout,
    ModelCard,
    Outcome,
    PartScores,
    RunResult,
    RunSpec,
    Schema,
    SplitSummary,
    Task,
    Wishes,
)
from tests.compare.evidence_of import one_of

ID = "20261126-000000-abcd"
ROWS = 200
CLASSES = {
    "binary": ("no", "yes"),
    "multiclass": ("a", "b", "c"),
    "multilabel": ("cat", "dog"),
    "regression": (),
}
FRAME = pd.DataFrame({"age": np.arange(ROWS) % 60, "note": ["=1+1", "-1"] * (ROWS // 2)})


def targets(task: Task, seed: int) -> NDArray[Any]:
    rng = np.random.default_rng(seed)
    if task == "regression":
        return rng.normal(50, 10, ROWS)
    if task == "multilabel":
        return rng.integers(0, 2, (ROWS, 2))
    return rng.integers(0, len(CLASSES[task]), ROWS)


def outputs(task: Task, came: NDArray[Any], skill: float, seed: int) -> NDArray[Any]:
    """Return what a model says; the more skill it has, the nearer it is to what came."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        return came[:, None] + rng.normal(0, 10 * (1 - skill), (ROWS, 1))
    if task == "multiclass":
        return skill * np.eye(3)[came] + (1 - skill) * rng.dirichlet(np.ones(3), ROWS)
    said = skill * came + (1 - skill) * rng.uniform(size=came.shape)
    return said if task == "multilabel" else said[:, None]


def outcome(task: Task, strategy: str, skill: float, seed: int, sides: dict[Any, Held]) -> Outcome:
    rows, parts, name = {}, {}, "mae" if task == "regression" else "accuracy"
    for side, held in sides.items():
        one = one_of(task, held.targets, outputs(task, held.targets, skill, 10 * seed + len(strategy)))
        rows |= {f"{side}_outputs": one.outputs, f"{side}_loss": one.loss, f"{side}_metric": one.metric}
        scores: Any = {name: float(one.metric.mean())}
        parts[side] = PartScores(float(one.loss.mean()), ROWS, **scores)
    seconds = 0.0 if strategy == "keep" else 10.0 * skill
    result = RunResult("finished", parts["new"], parts.get("old"), seconds=seconds, model="model.keras")
    return Outcome(RunSpec(f"{strategy}-{seed}", "made", strategy, {}, seed), result, rows)


def answer_to(
    task: Task,
    *,
    old: bool = True,
    others: Sequence[str] = ("fine_tune", "full_retrain"),
    failed: Sequence[str] = (),
    trained: bool = False,
    few_old: bool = False,
    wishes: Wishes | None = None,
) -> ReportContent:
    """Return an answer: keep is the worst, the others are better in their order.

    Args:
        task: Kind of problem.
        old: Whether there are old rows.
        others: Candidates beside keep.
        failed: Candidates without a score.
        trained: Whether all have been scored on old rows that they were trained on.
        few_old: Whether nearly all old rows have the first class.
        wishes: What the user wants; the old rows count half by default.
    """
    parts = ("new", *(["old"] if old else []), *(["trained"] if trained else []))
    came = {side: targets(task, seed) for seed, side in enumerate(parts)}
    if few_old:
        came["old"][5:] = 0
    sides: dict[Any, Held] = {side: Held(one) for side, one in came.items()}
    outcomes = []
    for place, name in enumerate(("keep", *others)):
        for seed in range(2):
            if name in failed:
                spec = RunSpec(f"{name}-{seed}", "made", name, {}, seed)
                outcomes.append(Outcome(spec, RunResult("failed", error="It fell.")))
            else:
                outcomes.append(outcome(task, name, 0.2 + 0.1 * place, seed, sides))
    made_of = f"{task}{old}{others}{failed}{trained}{few_old}"
    holdout = Holdout(made_of.ljust(64, "0"), ROWS, ROWS * old)
    schema = Schema(task, ("y",), (), CLASSES[task], max(1, len(CLASSES[task])), False, "mse")
    evidence = gather(outcomes, holdout, schema, sides)
    file = FileRef("a" * 64, "data.csv")
    spec = ExperimentSpec(
        id=ID, name="made", created=0.0, model=file, new=file, old=file if old else None,
        schema=schema,
    )  # fmt: skip
    card = ModelCard("keras", "made", "a" * 64, (), (), (), 0, None, None, False, None, None, task, "", "")
    wishes = wishes or Wishes(old_weight=0.5 if old else 0.0)
    comparison = compare(evidence, wishes, "major" if old else None)
    split = SplitSummary({}, holdout)
    return ReportContent(spec, card, split, comparison, None, {}, evidence=evidence)

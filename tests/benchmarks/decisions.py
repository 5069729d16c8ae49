"""Whether the recommendation is right: against every candidate's score on many fresh rows of the same worlds.

To try another rule of choice, name the folders of runs that there are in ``RETRAIN_DECISIONS``: they are judged again in
seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.answer import answer, compared
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.probes import plan_shift
from retrain_core.runs.runner import Runner
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec, RunSpec, SplitSettings, Wishes
from tests.benchmarks.families import FAMILIES, Family, Rows
from tests.benchmarks.real_cases import REAL_CASES, RealCase
from tests.make import experiment

WEIGHTS = (0.0, 0.2, 0.5)
SEEDS = range(4)
ACCURACY_BAR, LOSS_BAR = 0.005, 0.01
STRATEGIES: Mapping[str, Mapping[str, int]] = {"fine_tune": {}, "incremental": {}, "full_retrain": {}}
Case = Family | RealCase
CASES: Mapping[str, Case] = {**FAMILIES, **REAL_CASES}


@dataclass(frozen=True)
class Judged:
    """One recommendation against the truth.

    Args:
        case: What had moved.
        weight: Of the old rows.
        choice: What was recommended.
        best: What is best on fresh rows.
        behind: By how much the choice's weighted accuracy and log-loss are worse than the best's; for regression, its mean
            absolute error in shares of keep's, and its R2.
        right: Whether one of them is within its bar.
        no_difference: Whether it was said that nothing differs materially.
        clear: Whether it was called clear.
        stability: See ``Recommendation``.
    """

    case: str
    weight: float
    choice: str
    best: str
    behind: tuple[float, float]
    right: bool
    no_difference: bool
    clear: bool
    stability: float


def collect(store: Store, runner: Runner, case: Case, seed: int) -> None:
    """Run the strategies on one draw of a case, and score their models on fresh rows."""
    spec, fresh = prepare(store, case, seed, f"{case.name}/{seed}")
    runs = plan_runs(spec.id, STRATEGIES, seeds=(seed,))
    probes = plan_shift(spec.id, store.shift_settings(spec.id), model=False)
    store.add_beside(probes)
    store.add_runs(runs)
    while not all(store.result(spec.id, run.id) for run in (*runs, *probes)):
        runner.step()
        time.sleep(0.01)
    score_fresh(store, spec, case, {run.strategy: run for run in runs}, fresh)


def prepare(store: Store, case: Case, seed: int, name: str) -> tuple[ExperimentSpec, Mapping[str, Rows]]:
    """Make an experiment of one draw of a case; return it and the fresh rows by side."""
    with tempfile.TemporaryDirectory() as folder:
        files, fresh = case.save(Path(folder), seed)
        label = {} if files["new"].suffix == ".npz" else {"label": "y"}
        return experiment(store, files, name=name, split=SplitSettings(seed), **label), fresh


def score_fresh(
    store: Store, spec: ExperimentSpec, case: Case, runs: Mapping[str, RunSpec], fresh: Mapping[str, Rows]
) -> None:
    """Score the models of runs, by candidate, on fresh rows, and keep what they get."""
    found: dict[str, NDArray[np.float64]] = {}
    for name, run in runs.items():
        model = store.run_folder(spec.id, run.id) / "model.keras"
        for side, rows in fresh.items():
            for score, values in score_rows(case, model, *rows).items():
                found[f"{name}/{side}/{score}"] = values
    np.savez(store.experiment_folder(spec.id) / "fresh.npz", **found)  # type: ignore[arg-type]


def score_rows(
    case: Case, model: Path, inputs: NDArray[Any], labels: NDArray[Any]
) -> dict[str, NDArray[np.float64]]:
    """Return the accuracy and log-loss of each row, or its absolute and squared error."""
    import keras

    outputs = keras.saving.load_model(model).predict(inputs, batch_size=4_096, verbose=0)
    if case.task == "regression":
        error = outputs[:, 0] - labels
        return {"metric": np.abs(error), "loss": error**2}
    chances = outputs.astype(np.float64)
    if case.output == "logit":
        chances = 1 / (1 + np.exp(-chances))
    if chances.shape[1] == 1:
        chances = np.hstack([1 - chances, chances])
    given = np.clip(chances[np.arange(len(labels)), labels], 1e-7, 1)
    return {"metric": (chances.argmax(axis=1) == labels).astype(float), "loss": -np.log(given)}


def judge(store: Store, id: str) -> Iterator[Judged]:
    """Hold an experiment's recommendations, at each weight, against fresh rows."""
    spec = store.experiment(id)
    case = CASES[spec.name.split("/")[0]]
    means, content = fresh_means(store, id), answer(store, id, Wishes())
    assert content.evidence is not None
    for weight in WEIGHTS:
        wishes, level = Wishes(old_weight=weight), content.shift.overall.level if content.shift else None
        found = compared(store, id, wishes, level, content.evidence).recommendation
        assert found is not None
        behind, best = behind_best(
            means, found.choice, weight, case.task, content.evidence.held["new"].targets
        )
        yield Judged(
            case.name, weight, found.choice, best, behind, is_right(behind),
            "no material difference" in found.summary, found.clear, found.stability,
        )  # fmt: skip


def behind_best(
    means: Mapping[str, float], choice: str, weight: float, task: str, targets: NDArray[Any]
) -> tuple[tuple[float, float], str]:
    """Return by how much a choice is worse on fresh rows than the best, as in ``Judged``, and which is the best."""
    names = dict.fromkeys(name.split("/")[0] for name in means)
    metric = {name: _weighted(means, name, "metric", weight) for name in names}
    loss = {name: _weighted(means, name, "loss", weight) for name in names}
    units = (1.0, 1.0)
    if task == "regression":  # the error in shares of keep's, the squared error in shares of the variance
        units = (metric["keep"], float(np.var(targets)))
        metric = {name: -value for name, value in metric.items()}
    best = max(metric, key=lambda name: metric[name])
    behind = (metric[best] - metric[choice]) / units[0], (loss[choice] - min(loss.values())) / units[1]
    return behind, best


def is_right(behind: tuple[float, float]) -> bool:
    """Whether a choice is within one of the bars."""
    return behind[0] <= ACCURACY_BAR or behind[1] <= LOSS_BAR


def fresh_means(store: Store, id: str) -> dict[str, float]:
    """Return the scores on fresh rows, by ``strategy/part/score``."""
    with np.load(store.experiment_folder(id) / "fresh.npz") as file:
        return {name: float(values.mean()) for name, values in file.items()}


def _weighted(means: Mapping[str, float], name: str, score: str, weight: float) -> float:
    return (1 - weight) * means[f"{name}/new/{score}"] + weight * means[f"{name}/old/{score}"]


def fill(folder: Path, seeds: Sequence[int], families: Sequence[str] = tuple(CASES)) -> Store:
    """Run what is not in the store yet, and return it."""
    store = Store(folder)
    known = {
        store.experiment(path.parent.name).name for path in (store.root / "experiments").glob("*/fresh.npz")
    }
    runner = Runner(store)
    try:
        for seed in seeds:
            for name in families:
                if f"{name}/{seed}" not in known:
                    collect(store, runner, CASES[name], seed)
                    print(f"{name}/{seed}", file=sys.stderr, flush=True)
    finally:
        runner.close()
    return store


def main(tell: Callable[[str], None] = print) -> None:
    """Fill a folder with runs, or take those that ``RETRAIN_DECISIONS`` names, and judge them."""
    if named := os.environ.get("RETRAIN_DECISIONS"):
        report([Store(Path(folder)) for folder in named.split(os.pathsep)], tell)
        return
    with tempfile.TemporaryDirectory() as folder:
        report([fill(Path(folder), SEEDS)], tell)


def report(stores: Sequence[Store], tell: Callable[[str], None]) -> None:
    """Tell how often the recommendation is right, by case and weight, and how often intervals hold fresh scores."""
    found: dict[str, list[Judged]] = defaultdict(list)
    held: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for store in stores:
        for path in sorted((store.root / "experiments").glob("*/fresh.npz")):
            for item in judge(store, path.parent.name):
                found[item.case].append(item)
            for key, holds in intervals_that_hold(store, path.parent.name):
                held[key].append(holds)
    tell(
        "| what moved | draws | right at w = 0, 0.2, 0.5 | chosen at w = 0 | at w = 0.5 | clear | behind, mean |"
    )
    tell("|---|---|---|---|---|---|---|")
    for case in (case for case in CASES if found[case]):
        items = found[case]
        by_weight = {weight: [item for item in items if item.weight == weight] for weight in WEIGHTS}
        right = ", ".join(f"{sum(item.right for item in by_weight[weight])}" for weight in WEIGHTS)
        chosen = " | ".join(_counts([item.choice for item in by_weight[weight]]) for weight in (0.0, 0.5))
        clear = sum(item.clear for item in items)
        behind = np.mean([item.behind for item in items], axis=0)
        draws = len(by_weight[0.0])
        tell(
            f"| {case} | {draws} | {right} | {chosen} | {clear} of {len(items)} | {behind[0]:.4f}, {behind[1]:.4f} |"
        )
    tell("")
    every = [item for items in found.values() for item in items]
    for name, some in (("made", FAMILIES), ("real", REAL_CASES)):
        for weight in WEIGHTS:
            of = [item.right for item in every if item.case in some and item.weight == weight]
            if of:
                tell(f"- Right, {name} rows, w = {weight:g}: {_share(of)} (bar: 90 %)")
        still = [
            item.choice == "keep" or item.no_difference
            for item in every
            if item.case in some and item.case.startswith("none")
        ]
        if still:
            tell(
                f"- Without a shift, {name} rows, keep or no material difference: {_share(still)} (bar: 95 %)"
            )
    tell(f"- Right where it was called clear: {_share([item.right for item in every if item.clear])}")
    for (side, what), holds in sorted(held.items()):
        tell(
            f"- 95 % intervals that hold the score on fresh rows, {side} part, {what}: {_share(holds)} (bar: 93 to 97 %)"
        )


def intervals_that_hold(store: Store, id: str) -> Iterator[tuple[tuple[str, str], bool]]:
    """Return by part and kind of number whether each reported interval holds that of fresh rows."""
    means, comparison = fresh_means(store, id), answer(store, id, Wishes()).comparison
    scores = {comparison.metric.name: "metric"}
    if comparison.task != "regression":
        scores["log_loss"] = "loss"
    for name, candidate in comparison.strategies.items():
        for side in ("new", "old"):
            for score, fresh in scores.items():
                low, high = (candidate.interval[side] or {})[score]
                truth = means[f"{name}/{side}/{fresh}"]
                yield (side, "scores"), low <= truth <= high
                if name != "keep":
                    low, high = (candidate.delta[side] or {})[score].interval
                    yield (side, "differences"), low <= truth - means[f"keep/{side}/{fresh}"] <= high


def _share(holds: Sequence[bool]) -> str:
    return f"{100 * np.mean(holds):.1f} % of {len(holds)}"


def _counts(names: Sequence[str]) -> str:
    return ", ".join(
        f"{name} {names.count(name)}" for name in sorted(set(names), key=names.count, reverse=True)
    )

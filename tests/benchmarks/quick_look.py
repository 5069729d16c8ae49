"""Whether a quick look finds a candidate as good as the best run in full, and what it takes.

``python -m tests.benchmarks.quick_look STORE`` keeps the experiments; what is there is not run again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.quick import plan_quick_look
from retrain_core.runs.quick_compute import learning_share, used_compute
from retrain_core.runs.runner import Runner
from retrain_core.runs.store import Store
from retrain_core.samples import samples
from retrain_core.types import (
    ExperimentSpec,
    ModelCard,
    QuickLook,
    RunSpec,
    SplitSettings,
    Wishes,
    from_json,
)
from tests.benchmarks.decisions import ACCURACY_BAR, FRESH_ROWS, LOSS_BAR, WEIGHTS, score_rows
from tests.benchmarks.families import FAMILIES, draw, old_model
from tests.make import experiment

STRATEGIES = ("fine_tune", "incremental", "full_retrain")
SHARE_BAR, RIGHT_BAR = 0.4, 0.9
WITH_OPTIONS = ("rule, many new rows", "labels", "segment", "garments_new_camera")
WIDE = "mixed, twelve times the rows, a wide network"
WORLDS = {**FAMILIES, WIDE: replace(FAMILIES["mixed"], rows=(48_000, 18_000))}
Scores = Mapping[str, float]  # by ``part/score``


@dataclass(frozen=True)
class Case:
    """A question to look at.

    Args:
        world: A family or a sample.
        seed: Of the draw, the split and the runs.
        weight: Of the old rows.
        vary: Whether options are tried too.
    """

    world: str
    seed: int
    weight: float
    vary: bool

    @property
    def name(self) -> str:
        """What its experiment is called."""
        return f"{self.world}/{self.seed}/{self.weight:g}/{'options' if self.vary else 'usual'}"


@dataclass(frozen=True)
class Seen:
    """A quick look against all runs in full.

    Args:
        case: The question.
        candidates: How many there were beside keep.
        best: What the look took for the best.
        truly_best: What is best in full by accuracy, or by the mean absolute error.
        behind: By how much accuracy and log-loss are worse than the best's; see ``decisions.Judged``.
        right: Whether one of them is within its bar.
        rows: Rows trained on, times the share of the network that learns, as a share of all runs in full.
        processor: The same of processor seconds.
    """

    case: Case
    candidates: int
    best: str
    truly_best: str
    behind: tuple[float, float]
    right: bool
    rows: float
    processor: float


def cases(seeds: Sequence[int]) -> Iterator[Case]:
    """Yield every world with its usual candidates, some with options too; the weight of the old rows takes turns."""
    worlds = [*FAMILIES, *(sample.id for sample in samples())]
    for seed in seeds:
        for place, world in enumerate(worlds):
            yield Case(world, seed, WEIGHTS[(place + seed) % len(WEIGHTS)], vary=False)
    for place, world in enumerate(WITH_OPTIONS):
        yield Case(world, seeds[0], WEIGHTS[place % len(WEIGHTS)], vary=True)
    yield Case(WIDE, seeds[0], 0.2, vary=False)


def collect(store: Store, runner: Runner, case: Case) -> None:
    """Look at one question, then run all candidates in full."""
    with tempfile.TemporaryDirectory() as name:
        files, label = _files(case, Path(name))
        spec = experiment(store, files, name=case.name, split=SplitSettings(case.seed), label=label)
    runs = plan_runs(spec.id, {name: {} for name in STRATEGIES}, seeds=(case.seed,), device="cpu")
    store.add_look(spec.id, plan_quick_look(runs, Wishes(old_weight=case.weight), vary=case.vary))
    _work(runner, lambda: _look(store, spec).status != "running")
    look = _look(store, spec)
    assert look.status == "finished", look.error
    full = [run for _, run in in_full(spec, look)]
    store.add_runs(full)
    _work(runner, lambda: all(store.result(spec.id, run.id) for run in full))
    if case.world in WORLDS:
        _score_fresh(store, spec, case, look)
    (store.experiment_folder(spec.id) / "collected").touch()


def _files(case: Case, folder: Path) -> tuple[dict[str, Path], str]:
    if case.world not in WORLDS:
        (sample,) = (sample for sample in samples() if sample.id == case.world)
        return {role: sample.path(role) for role in sample.files}, sample.label
    family, rng = WORLDS[case.world], np.random.default_rng((case.seed, *case.world.encode()))
    files = {}
    for side, world, rows in (
        ("old", family.old, family.rows[0]),
        ("new", family.new, family.rows[1]),
    ):
        frame = draw(family, world, rows, rng)
        frame.to_parquet(folder / f"{side}.parquet")
        files[side] = folder / f"{side}.parquet"
        if side == "old":
            path = folder / "model.keras"
            files["model"] = (
                wide_model(frame, path, case.seed)
                if case.world == WIDE
                else old_model(family, frame, path, case.seed)
            )
    return files, "y"


def wide_model(frame: pd.DataFrame, path: Path, seed: int) -> Path:
    """Train a network whose steps take far longer than it takes to begin, and save it."""
    import keras

    keras.utils.set_random_seed(seed)
    x = frame.drop(columns="y").to_numpy(np.float32)
    layers = [keras.layers.Dense(units, activation="relu") for units in (1_024, 512)]
    model = keras.Sequential(
        [keras.Input((x.shape[1],)), *layers, keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    model.fit(x, frame["y"].to_numpy(), epochs=2, batch_size=32, verbose=0)
    model.save(path)
    return path


def in_full(spec: ExperimentSpec, look: QuickLook) -> list[tuple[str, RunSpec]]:
    """Return a run in full of each candidate, with the candidate's name."""
    return [
        (one.name, RunSpec(f"{one.strategy}-{place}", spec.id, one.strategy, one.options, look.seed, "cpu", order=place))
        for place, one in enumerate(look.candidates)
    ]  # fmt: skip


def _work(runner: Runner, done: Callable[[], bool]) -> None:
    while not done():
        runner.step()
        time.sleep(0.01)


def _look(store: Store, spec: ExperimentSpec) -> QuickLook:
    look = store.look(spec.id)
    assert look is not None
    return look


def _score_fresh(store: Store, spec: ExperimentSpec, case: Case, look: QuickLook) -> None:
    family, rng = WORLDS[case.world], np.random.default_rng((case.seed, 1, *case.world.encode()))
    found = {}
    for side, world in (("new", family.new), ("old", family.old)):
        rows = draw(family, world, FRESH_ROWS, rng)
        for name, run in in_full(spec, look):
            model = store.run_folder(spec.id, run.id) / "model.keras"
            for score, values in score_rows(family, model, rows).items():
                found[f"{name}/{side}/{score}"] = values.mean()
    np.savez(store.experiment_folder(spec.id) / "fresh.npz", **found)


def judge(store: Store, spec: ExperimentSpec, case: Case) -> Seen:
    """Hold a quick look against all runs in full."""
    look, full = _look(store, spec), in_full(spec, _look(store, spec))
    card = from_json((store.experiment_folder(spec.id) / "data" / "card.json").read_bytes(), ModelCard)
    results = {name: store.result(spec.id, run.id) for name, run in full}
    metric, loss = _worth(store, spec, case, results)
    units = (1.0, 1.0)
    if spec.schema.task == "regression":
        units = (-metric["keep"], loss["keep"])
    behind = (
        (max(metric.values()) - metric[look.best]) / units[0],
        (loss[look.best] - min(loss.values())) / units[1],
    )
    tries = [one for rung in look.rungs for one in rung.tries if one.candidate != "keep"]
    rows = sum(results[one.name].rows_seen * learning_share(one, card) for one in look.candidates)
    seconds = sum(result.cpu_seconds for name, result in results.items() if name != "keep")
    return Seen(
        case, len(look.candidates) - 1, look.best, max(metric, key=lambda name: metric[name]), behind,
        behind[0] <= ACCURACY_BAR or behind[1] <= LOSS_BAR,
        used_compute(store, spec.id, look) / rows,
        sum(store.result(spec.id, one.run).cpu_seconds for one in tries) / seconds,
    )  # fmt: skip


def _worth(store, spec, case, results) -> tuple[dict[str, float], dict[str, float]]:  # type: ignore[no-untyped-def]
    """Return the weighted accuracy (or minus the absolute error) and the weighted loss of each candidate."""
    w, sign = case.weight, -1 if spec.schema.task == "regression" else 1
    path = store.experiment_folder(spec.id) / "fresh.npz"
    if path.is_file():
        with np.load(path) as file:
            fresh = {name: float(value) for name, value in file.items()}
        both = [
            {
                name: (1 - w) * fresh[f"{name}/new/{score}"] + w * fresh[f"{name}/old/{score}"]
                for name in results
            }
            for score in ("metric", "loss")
        ]
    else:
        kind = "mae" if sign < 0 else "accuracy"
        both = [
            {
                name: (1 - w) * getattr(one.new, score) + w * getattr(one.old, score)
                for name, one in results.items()
            }
            for score in (kind, "loss")
        ]
    return {name: sign * value for name, value in both[0].items()}, both[1]


def known(store: Store) -> dict[str, ExperimentSpec]:
    """Return the experiments that have been collected, by name."""
    specs = (store.experiment(path.parent.name) for path in (store.root / "experiments").glob("*/collected"))
    return {spec.name: spec for spec in specs}


def main(folder: Path, seeds: Sequence[int] = (2, 3), tell: Callable[[str], None] = print) -> None:
    """Look at every case, and tell how often the look is right and what it takes."""
    store = Store(folder)
    runner = Runner(store)
    done = known(store)
    try:
        for case in cases(seeds):
            if case.name not in done:
                collect(store, runner, case)
                print(case.name, file=sys.stderr, flush=True)
    finally:
        runner.close()
    done = known(store)
    report([judge(store, done[case.name], case) for case in cases(seeds)], tell)


def report(found: Sequence[Seen], tell: Callable[[str], None]) -> None:
    """Tell what was seen."""
    tell(
        "| world | candidates | weight of old rows | look | best in full | behind | right | rows | processor |"
    )
    tell("|---|---|---|---|---|---|---|---|---|")
    for one in found:
        tell(
            f"| {one.case.world}, seed {one.case.seed} | {one.candidates} | {one.case.weight:g} | {one.best} | {one.truly_best} "
            f"| {one.behind[0]:.4f}, {one.behind[1]:.4f} | {'yes' if one.right else 'no'} | {one.rows:.0%} | {one.processor:.0%} |"
        )
    for title, some in (
        ("Usual candidates", [one for one in found if not one.case.vary and one.case.world != WIDE]),
        ("Options too", [one for one in found if one.case.vary]),
        ("The wide network", [one for one in found if one.case.world == WIDE]),
        ("All", list(found)),
    ):
        if some:
            rows = [one.rows for one in some]
            tell(
                f"\n{title}: right {np.mean([one.right for one in some]):.1%} of {len(some)} (bar: {RIGHT_BAR:.0%}); rows "
                f"{np.mean(rows):.0%} of those in full on average, {max(rows):.0%} at most (bar: {SHARE_BAR:.0%}); "
                f"processor time {np.mean([one.processor for one in some]):.0%}."
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or (2, 3))

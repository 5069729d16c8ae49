"""Whether a quick look finds a winner, and what it takes: against runs in full of all its candidates on the same questions.

``python -m tests.benchmarks.quick_look STORE SEED ...`` keeps the experiments; what is there is not run again. A folder of
``decisions`` has the runs in full of the usual candidates already.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from retrain_core.data.parts import load_parts
from retrain_core.runs import looks
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.quick import KEEP, plan_quick_look
from retrain_core.runs.quick_compute import learning_share, used_compute
from retrain_core.runs.runner import Runner
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec, ModelCard, QuickLook, RunResult, RunSpec, Wishes, from_json
from tests.benchmarks.decisions import (
    CASES,
    STRATEGIES,
    WEIGHTS,
    Case,
    behind_best,
    fill,
    fresh_means,
    is_right,
    prepare,
    score_fresh,
)
from tests.benchmarks.families import FAMILIES
from tests.benchmarks.real_cases import REAL_CASES

SHARE_BAR, RIGHT_BAR = 0.4, 0.9
WITH_OPTIONS = ("rule, many new rows", "labels", "segment", "garments")
LONG: Mapping[str, Case] = {
    case.name: case
    for case in (
        *(
            replace(
                FAMILIES[name],
                name=f"{name}, twelve times the rows, a wide network",
                rows=(48_000, 18_000),
                units=(1_024, 512),
                epochs=2,
            )
            for name in ("mixed", "rule", "segment", "regression")
        ),
        replace(REAL_CASES["garments"], name="garments, a wide network", filters=(64, 128)),
    )
}
WORLDS = {**CASES, **LONG}
GROUPS = ("usual", "options", "long")


@dataclass(frozen=True)
class Asked:
    """A question to look at.

    Args:
        world: A case.
        seed: Of the draw, the split and the runs.
        group: Whether options are tried too, or the runs take long.
    """

    world: str
    seed: int
    group: str = "usual"

    @property
    def name(self) -> str:
        """What its experiment is called."""
        return f"{self.world}/{self.seed}" + ("/options" if self.group == "options" else "")

    @property
    def weight(self) -> float:
        """Of the old rows: they take turns."""
        return WEIGHTS[(list(WORLDS).index(self.world) + self.seed) % len(WEIGHTS)]


@dataclass(frozen=True)
class Seen:
    """A quick look against all runs in full.

    Args:
        asked: The question.
        candidates: How many there were beside keep.
        best: What the look took for the best.
        truly_best: What is best in full on fresh rows, by accuracy or the mean absolute error.
        behind: By how much accuracy and log-loss are worse than the best's; see ``decisions.Judged``.
        rows: Rows trained on, times the share of the network that learns, as a share of all runs in full.
        processor: The same of processor seconds.
        seconds: Processor seconds of all runs in full.
    """

    asked: Asked
    candidates: int
    best: str
    truly_best: str
    behind: tuple[float, float]
    rows: float
    processor: float
    seconds: float


def questions(seeds: Sequence[int]) -> Iterator[Asked]:
    """Yield every case with its usual candidates, some with options too, and long ones."""
    for seed in seeds:
        yield from (Asked(world, seed) for world in CASES)
    yield from (Asked(world, seeds[0], "options") for world in WITH_OPTIONS)
    yield from (Asked(world, seeds[0], "long") for world in LONG)


def look_at(store: Store, runner: Runner, spec: ExperimentSpec, asked: Asked) -> QuickLook:
    """Return the quick look at an experiment, which is done if it is not there."""
    if not looks.exists(store, spec.id):
        runs = plan_runs(spec.id, STRATEGIES, seeds=(asked.seed,), device="cpu")
        wishes = Wishes(old_weight=asked.weight)
        looks.add(store, spec.id, plan_quick_look(runs, wishes, vary=asked.group == "options"))
    _work(runner, lambda: _look(store, spec).status != "running")
    look = _look(store, spec)
    assert look.status == "finished", look.error
    return look


def collect(store: Store, runner: Runner, asked: Asked) -> None:
    """Look at a question that ``decisions`` does not have, run all candidates in full, and score them on fresh rows."""
    case = WORLDS[asked.world]
    spec, fresh = prepare(store, case, asked.seed, asked.name)
    look = look_at(store, runner, spec, asked)
    runs = {
        one.name: RunSpec(f"{one.strategy}-{place}", spec.id, one.strategy, one.options, look.seed, "cpu", order=place)
        for place, one in enumerate(look.candidates)
    }  # fmt: skip
    store.add_runs(list(runs.values()))
    _work(runner, lambda: all(store.result(spec.id, run.id) for run in runs.values()))
    score_fresh(store, spec, case, runs, fresh)


def _work(runner: Runner, done: Callable[[], bool]) -> None:
    while not done():
        runner.step()
        time.sleep(0.01)


def _look(store: Store, spec: ExperimentSpec) -> QuickLook:
    look = looks.read(store, spec.id)
    assert look is not None
    return look


def in_full(store: Store, spec: ExperimentSpec, look: QuickLook) -> dict[str, RunResult]:
    """Return the result of the run in full of each candidate."""
    runs = store.runs(spec.id)
    found = {}
    for one in look.candidates:
        (run,) = (run for run in runs if (run.strategy, run.options) == (one.strategy, one.options))
        result = store.result(spec.id, run.id)
        assert result is not None
        found[one.name] = result
    return found


def judge(store: Store, spec: ExperimentSpec, asked: Asked) -> Seen:
    """Hold a quick look against all runs in full."""
    look = _look(store, spec)
    results = in_full(store, spec, look)
    folder = store.experiment_folder(spec.id) / "data"
    card = from_json((folder / "card.json").read_bytes(), ModelCard)
    targets = np.asarray(load_parts(folder)["new_holdout"].targets)
    behind, best = behind_best(
        fresh_means(store, spec.id), look.best, asked.weight, WORLDS[asked.world].task, targets
    )
    tries = [
        store.result(spec.id, one.run) for rung in look.rungs for one in rung.tries if one.candidate != KEEP
    ]
    rows = sum(results[one.name].rows_seen * learning_share(one, card) for one in look.candidates)
    seconds = sum(result.cpu_seconds for name, result in results.items() if name != KEEP)
    return Seen(
        asked, len(look.candidates) - 1, look.best, best, behind, used_compute(store, spec.id, look) / rows,
        sum(one.cpu_seconds for one in tries if one) / seconds, seconds,
    )  # fmt: skip


def known(store: Store) -> dict[str, ExperimentSpec]:
    """Return the experiments that have been collected, by name."""
    paths = (store.root / "experiments").glob("*/fresh.npz")
    specs = (store.experiment(path.parent.name) for path in paths)
    return {spec.name: spec for spec in specs}


def main(folder: Path, seeds: Sequence[int] = (8, 9), tell: Callable[[str], None] = print) -> None:
    """Look at every question, and tell how often the look is right and what it takes."""
    store = fill(folder, seeds)
    runner = Runner(store)
    try:
        for asked in questions(seeds):
            if asked.name not in (there := known(store)):
                collect(store, runner, asked)
            else:
                look_at(store, runner, there[asked.name], asked)
            print(asked, file=sys.stderr, flush=True)
    finally:
        runner.close()
    there = known(store)
    report([judge(store, there[asked.name], asked) for asked in questions(seeds)], tell)


def report(found: Sequence[Seen], tell: Callable[[str], None]) -> None:
    """Tell what was seen."""
    tell(
        "| world | candidates | weight of old rows | look | best in full | behind | right | rows | processor | in full, s |"
    )
    tell("|---|---|---|---|---|---|---|---|---|---|")
    for one in found:
        tell(
            f"| {one.asked.world}, seed {one.asked.seed} | {one.candidates} | {one.asked.weight:g} | {one.best} | {one.truly_best} "
            f"| {one.behind[0]:.4f}, {one.behind[1]:.4f} | {'yes' if is_right(one.behind) else 'no'} | {one.rows:.0%} "
            f"| {one.processor:.0%} | {one.seconds:.0f} |"
        )
    titles = {"usual": "Usual candidates", "options": "Options too", "long": "Runs that take long"}
    for group in (*GROUPS, "all"):
        some = [one for one in found if group in (one.asked.group, "all")]
        if some:
            rows, processor = [one.rows for one in some], [one.processor for one in some]
            tell(
                f"\n{titles.get(group, 'All')}: right {np.mean([is_right(one.behind) for one in some]):.1%} of {len(some)} (bar: "
                f"{RIGHT_BAR:.0%}); rows {np.mean(rows):.0%} of those in full on average, {max(rows):.0%} at most (bar: "
                f"{SHARE_BAR:.0%}); processor time {np.mean(processor):.0%}, {max(processor):.0%} at most."
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]] or (8, 9))

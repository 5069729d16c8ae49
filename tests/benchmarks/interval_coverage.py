"""How often the 95 % intervals of scores, and of differences of two candidates, hold the value on 2,000,000 fresh rows.

python -m tests.benchmarks.interval_coverage [TRIALS]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import numpy as np
from scipy.special import log_softmax, logit
from scipy.stats import norm

from retrain_core.compare.differences import paired
from retrain_core.compare.evidence import Evidence, Held
from retrain_core.compare.measures import SCORES, scores_of
from retrain_core.compare.predicted import Predicted
from retrain_core.compare.resampling import resample
from retrain_core.compare.scores import score_interval
from retrain_core.types import Holdout, Task

SIZES = (60, 200, 1_000, 5_000)
FRESH = 2_000_000
DRAWS = 300
LOW, HIGH = 0.93, 0.97
ALIKE = 0.3  # share of the chance that rows of a group have in common
CANDIDATES = ("keep", "candidate")
Rows = Callable[[], np.ndarray]  # a standard normal number a row, alike within a group


@dataclass(frozen=True)
class Covered:
    """What became of the intervals of one score over all trials of one case.

    Args:
        case: What was drawn.
        rows: How many rows the score is measured on.
        score: Name in ``SCORES``.
        value: Share of intervals that held the candidate's score; ``None`` if none is given.
        difference: The same of its difference to keep.
    """

    case: str
    rows: int
    score: str
    value: float | None
    difference: float | None


def of_two_classes(normal: Rows, rng: np.random.Generator, share: float) -> tuple[Task, Any, list[Any]]:
    """Draw a number that tells two classes apart; keep sees it less well and is too sure of it."""
    second = normal() > norm.isf(share)
    seen = np.where(second, 0.8, -0.8) + normal()
    by_noise = {0.6: 1.5, 0.3: 1.0}  # and how much too sure
    outputs = [
        sure * 1.6 / (1 + noise**2) * (seen + noise * rng.normal(size=len(seen))) + logit(share)
        for noise, sure in by_noise.items()
    ]
    return "binary", second.astype(int), [one[:, None] for one in outputs]


def of_four_classes(normal: Rows, rng: np.random.Generator) -> tuple[Task, Any, list[Any]]:
    """Draw a number a class, higher for the one that comes; keep sees them less well and is too sure."""
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    came = np.searchsorted(np.cumsum(shares)[:-1], norm.cdf(normal()))
    seen = 1.8 * (came[:, None] == np.arange(4)) + np.column_stack([normal() for _ in range(4)])
    by_noise = {0.6: 1.5, 0.3: 1.0}
    outputs = [
        sure * 1.8 / (1 + noise**2) * (seen + noise * rng.normal(size=seen.shape)) + np.log(shares)
        for noise, sure in by_noise.items()
    ]
    return "multiclass", came, outputs


def of_numbers(normal: Rows, rng: np.random.Generator, freedom: float) -> tuple[Task, Any, list[Any]]:
    """Draw numbers whose errors are Student's; keep sees them less well and too low."""
    seen, size = normal(), len(normal())
    tails = np.sqrt(rng.chisquare(freedom, size) / freedom)
    targets = seen + 0.5 * normal() / tails
    outputs = [0.9 * seen + 0.3 * rng.normal(size=size), seen + 0.2 * rng.normal(size=size)]
    return "regression", targets, [one[:, None] for one in outputs]


CASES: dict[str, tuple[Callable[..., tuple[Task, Any, list[Any]]], int]] = {
    "two classes": (partial(of_two_classes, share=0.5), 1),
    "two classes, 5 % of the second": (partial(of_two_classes, share=0.05), 1),
    "four classes": (of_four_classes, 1),
    "numbers, heavy tails (t5)": (partial(of_numbers, freedom=5), 1),
    "two classes, groups of 5 rows": (partial(of_two_classes, share=0.5), 5),
    "numbers, heavy tails (t5), groups of 5 rows": (partial(of_numbers, freedom=5), 5),
}  # what is drawn, and rows a group


def evidence(case: str, rows: int, seed: int) -> Evidence:
    """Draw rows, and what keep and one candidate predict for them."""
    draw, together = CASES[case]
    rng = np.random.default_rng(seed)
    groups = np.arange(rows) // together

    def normal() -> np.ndarray:
        own = rng.normal(size=rows)
        if together == 1:
            return own
        return np.sqrt(ALIKE) * rng.normal(size=groups[-1] + 1)[groups] + np.sqrt(1 - ALIKE) * own

    task, targets, outputs = draw(normal, rng)
    predicted = {name: (predict(task, targets, one),) for name, one in zip(CANDIDATES, outputs, strict=True)}
    held = Held(targets, None if together == 1 else groups)
    return Evidence(task, cast(Holdout, None), (), {"new": predicted}, {"new": held})


def with_draws(found: Evidence) -> Evidence:
    """Return the evidence with all scores drawn at once, and less often than for a report, to save time."""
    names = [
        score
        for score in found.scores
        if SCORES[score].by_row is None or found.held["new"].groups is not None
    ]
    draws = resample(found.predicted["new"], names, seed=1, draws=DRAWS, groups=found.held["new"].groups)
    return replace(found, _draws={("new", score): each for score, each in draws.items()})


def predict(task: Task, targets: Any, outputs: Any) -> Predicted:
    """Return predictions with the loss and the metric of each row; classes are given as logits."""
    if task == "regression":
        errors = outputs[:, 0] - targets
        return Predicted(task, targets, outputs, np.square(errors), np.abs(errors))
    logits = np.hstack([np.zeros_like(outputs), outputs]) if task == "binary" else outputs
    loss = -log_softmax(logits, axis=1)[np.arange(len(targets)), targets]
    right = (logits.argmax(axis=1) == targets).astype(float)
    return Predicted(task, targets, outputs, loss, right, from_logits=True)


def truths(case: str) -> dict[str, tuple[float, float]]:
    """Return each score of the candidate on fresh rows, and how much higher it is than that of keep."""
    fresh = evidence(case, FRESH, seed=2**32)
    found = {}
    for score in scores_of(fresh.task):
        values = fresh.values("new", score)
        found[score] = values["candidate"][0], values["candidate"][0] - values["keep"][0]
    return found


def covered(case: str, rows: int, trials: int, truth: Mapping[str, tuple[float, float]]) -> list[Covered]:
    """Return the coverage of every score's intervals in one case."""
    held: dict[str, list[tuple[bool | None, bool | None]]] = {score: [] for score in truth}
    for trial in range(trials):
        found = with_draws(evidence(case, rows, seed=trial))
        for score, (value, difference) in truth.items():
            own = score_interval(found, "candidate", "new", score)
            gap = paired(found, "candidate", "keep", {"new": 1.0}, score)
            held[score].append((holds(own, value), holds(gap.interval if gap.known else None, difference)))
    return [
        Covered(case, rows, score, *(share(each) for each in zip(*pairs, strict=True)))
        for score, pairs in held.items()
    ]


def holds(interval: tuple[float, float] | None, truth: float) -> bool | None:
    """Return whether an interval holds the value; ``None`` if none is given."""
    return None if interval is None else interval[0] <= truth <= interval[1]


def share(held: Sequence[bool | None]) -> float | None:
    """Return the share of intervals that hold; ``None`` if they are given in fewer than half of the trials."""
    given = [one for one in held if one is not None]
    return sum(given) / len(given) if 2 * len(given) >= len(held) else None


def coverage(trials: int = 1_000, workers: int = 2) -> Iterator[Covered]:
    """Go through all cases; by case, large ones first."""
    with ProcessPoolExecutor(workers) as pool:
        of_case = dict(zip(CASES, pool.map(truths, CASES), strict=True))
        jobs = [
            pool.submit(covered, case, rows, trials, truth)
            for rows in reversed(SIZES)
            for case, truth in of_case.items()
        ]
        for job in jobs:
            yield from job.result()


def main(trials: int = 1_000, tell: Callable[[str], None] = print) -> None:
    """Tell the coverage of scores and of differences, in %, a line for each case and score."""
    found: dict[tuple[str, str], dict[int, Covered]] = {}
    for item in coverage(trials):
        found.setdefault((item.case, item.score), {})[item.rows] = item
    sizes = " | ".join(f"{rows:,}" for rows in SIZES)
    tell(f"| case | score | {sizes} rows | difference: {sizes} rows |")
    tell("|---|---|" + "---|" * (2 * len(SIZES)))
    for case, score in sorted(found, key=lambda pair: list(CASES).index(pair[0])):
        items = [found[case, score][rows] for rows in SIZES]
        cells = [percent(item.value) for item in items] + [percent(item.difference) for item in items]
        tell(f"| {case} | {score} | {' | '.join(cells)} |")
    every = [
        one for each in found.values() for item in each.values() for one in (item.value, item.difference)
    ]
    given = [one for one in every if one is not None]
    inside = sum(LOW <= one <= HIGH for one in given)
    below = sum(one < LOW for one in given)
    tell(
        f"\n{inside} of {len(given)} within 93 to 97 % (bold: not), {below} below, {len(given) - inside - below} above; "
        f"“none”: no interval is shown, as too few rows are of one class. {trials:,} trials a case: an interval of 95 % "
        f"is told as 95 ± {100 * 2 * math.sqrt(0.05 * 0.95 / trials):.1f} %."
    )


def percent(share: float | None) -> str:
    """Return a coverage in %, bold if it is outside the bar."""
    if share is None:
        return "none"
    return f"{100 * share:.1f}" if LOW <= share <= HIGH else f"**{100 * share:.1f}**"


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000)

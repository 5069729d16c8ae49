"""Is the kind of a made shift told right? Five kinds, many tables; and is a turned correlation found?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift import shift_report
from retrain_core.types import KindOfShift, ShiftKinds, ShiftReport, Task

Array = NDArray[Any]
KINDS: tuple[KindOfShift, ...] = ("none", "covariate", "label", "concept", "mixed")
TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")
# What each kind leaves as it was.
STILL: tuple[tuple[str, KindOfShift], ...] = (
    ("x", "none"),
    ("y", "none"),
    ("y|x", "none"),
    ("x|y", "none"),
    ("y|x", "covariate"),
    ("x|y", "label"),
    ("x", "concept"),
)
Confusion = dict[KindOfShift, Counter[KindOfShift | None]]


@dataclass(frozen=True)
class World:
    """How a label follows from ten columns.

    Args:
        task: Kind of label.
        curved: Whether it follows a curve and a product rather than a straight line.
        rare: Whether the second of two classes is a fifth of the rows rather than half.
        move: How far a covariate shift moves a column, in standard deviations; other columns follow it in part.
        turn: How much of the slope on the strongest column a concept shift takes away; 1.5 turns half of it round.
    """

    task: Task
    curved: bool
    rare: bool
    move: float
    turn: float

    def inputs(self, rng: np.random.Generator, rows: int, moved: bool) -> pd.DataFrame:
        """Return the columns; moved, ``x0`` and what goes with it is higher and category ``b`` more frequent."""
        frame = pd.DataFrame(rng.normal(0, 1, (rows, 6))).add_prefix("x")
        frame["x0"] += self.move * moved
        frame["x1"] = 0.5 * frame["x0"] + 0.8 * frame["x1"]
        frame["skewed"] = np.exp(0.5 * frame["x2"] + 0.5 * rng.normal(0, 1, rows))
        frame["gaps"] = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(0, 1, rows))
        shares = [0.3, 0.5, 0.15, 0.05] if moved else [0.5, 0.3, 0.15, 0.05]
        frame["kind"] = rng.choice(list("abcd"), rows, p=shares)
        frame["flag"] = rng.random(rows) < 0.3
        return frame

    def label(self, rng: np.random.Generator, frame: pd.DataFrame, changed: bool) -> Array:
        """Return the label; changed, it follows ``x0`` less or the other way round, and ``x3`` more."""
        x0, x3 = frame["x0"].to_numpy(), frame["x3"].to_numpy()
        keep = 1 - self.turn * changed
        if self.curved:
            score = (
                1.6 * keep * np.sin(1.5 * x0) + (0.8 + 0.4 * changed) * x3 + 0.5 * x3 * frame["x4"].to_numpy()
            )
        else:
            score = 1.2 * keep * x0 + (0.8 + 0.4 * changed) * x3
        score = score + 0.6 * (frame["kind"] == "a").to_numpy()
        if self.task == "regression":
            return 100 + 20 * (score + rng.normal(0, 1, len(frame)))
        if self.task == "binary":
            return (rng.random(len(frame)) < 1 / (1 + np.exp(-(score - 0.3 - 1.9 * self.rare)))).astype(int)
        third = 0.8 * frame["x4"].to_numpy() - 0.5 * keep * x0
        drawn = np.stack([score, third, np.zeros(len(frame))]) + rng.gumbel(0, 1, (3, len(frame)))
        return np.array(["red", "green", "blue"])[np.argmax(drawn, axis=0)]

    def side(self, rng: np.random.Generator, rows: int, kind: KindOfShift) -> pd.DataFrame:
        """Return rows after a shift of a kind."""
        frame = self.inputs(rng, rows if kind != "label" else 12 * rows, kind in ("covariate", "mixed"))
        frame["y"] = self.label(rng, frame, kind in ("concept", "mixed"))
        if kind != "label":
            return frame
        y = frame[
            "y"
        ].to_numpy()  # rows of each label are as they were; only how many there are of it changes
        if self.task == "regression":
            weight = np.exp(0.8 * self.move * np.clip((y - y.mean()) / y.std(), -2, 2))
        else:
            weight = np.where(y == (1 if self.task == "binary" else "red"), np.exp(1.8 * self.move), 1.0)
        keys = np.log(rng.random(len(frame))) / weight  # without replacement, so that no row is a copy
        return frame.iloc[np.argsort(-keys)[:rows]].reset_index(drop=True)


def some_world(rng: np.random.Generator) -> World:
    """Return a world drawn at random, with shifts of about half to one standard deviation."""
    return World(
        task=TASKS[rng.integers(3)],
        curved=bool(rng.integers(2)),
        rare=bool(rng.integers(2)),
        move=float(rng.uniform(0.5, 1.0)),
        turn=float(rng.uniform(0.8, 1.6)),
    )


def made_shift(
    seed: int, kind: KindOfShift, rows: tuple[int, int] = (1_000, 5_000)
) -> tuple[World, ShiftReport]:
    """Return a world and the report of a shift made in it.

    Args:
        seed: Decides about everything.
        kind: Which kind of shift to make.
        rows: Fewest and most rows a side.
    """
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    world = some_world(rng)
    old_rows, new_rows = rng.integers(rows[0], rows[1] + 1, 2).tolist()
    old, new = world.side(rng, old_rows, "none"), world.side(rng, new_rows, kind)
    return world, shift_report(old, new, label="y", task=world.task)


def made_shifts(
    trials: int, rows: tuple[int, int] = (1_000, 5_000), first: int = 0
) -> Iterator[tuple[KindOfShift, ShiftKinds]]:
    """Yield each kind that was made, as often as is said, with what was found."""
    for kind in KINDS:
        for seed in range(first, first + trials):
            found = made_shift(seed, kind, rows)[1].kinds
            assert found is not None
            yield kind, found


def confusion(found: Iterable[tuple[KindOfShift, ShiftKinds]]) -> Confusion:
    """Return how often each made kind was taken for which."""
    counts: Confusion = {kind: Counter() for kind in KINDS}
    for kind, kinds in found:
        counts[kind][kinds.kind] += 1
    return counts


def right(counts: Confusion) -> dict[KindOfShift, float]:
    """Return the share of trials that were told right, by kind."""
    return {kind: taken[kind] / taken.total() for kind, taken in counts.items()}


def false_alarms(
    found: Iterable[tuple[KindOfShift, ShiftKinds]],
) -> dict[tuple[str, KindOfShift], tuple[float, int]]:
    """Return how often p is below 0.05, and in how many trials, for each question where nothing had moved."""
    p: dict[tuple[str, KindOfShift], list[float]] = {still: [] for still in STILL}
    for kind, kinds in found:
        for question, test in kinds.tests.items():
            if (question, kind) in p:
                p[question, kind].append(test.p)
    return {
        still: (float(np.mean(np.array(values) < 0.05)), len(values)) for still, values in p.items() if values
    }

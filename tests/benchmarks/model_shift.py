"""How often the old model's view of a shift is right: the steps of its loss, and the regions where it is worse.

The world and the model are made, so the truth is known. Run it as ``python -m tests.benchmarks.model_shift``; the tests
use a small form of each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retrain_core.shift.columns import pair_columns
from retrain_core.shift.features import Features, build_features
from retrain_core.shift.loss_change import loss_change
from retrain_core.shift.regions import worst_regions
from retrain_core.types import LossChange, Region

PLANTED = ("LIMIT_BAL", "PAY_0")  # the columns of the planted region


@dataclass(frozen=True)
class Rows:
    """Some rows of one side: inputs, what the old model predicts, its loss and its error."""

    frame: pd.DataFrame
    chance: np.ndarray
    loss: np.ndarray
    error: np.ndarray


def credit(rng: np.random.Generator, rows: int, *, move: float = 0.0, turn: float = 1.0) -> Rows:
    """Return rows of a world whose old model is a logistic regression that misses a product of two columns.

    Args:
        rng: Draws everything.
        rows: How many.
        move: How far the first column has moved: covariate shift.
        turn: What becomes of the first column's part in the label: concept shift, unless 1.
    """
    x = rng.normal(0, 1, (rows, 5))
    x[:, 0] += move
    truth = 1.5 * turn * x[:, 0] + x[:, 1] - 0.5 + 0.8 * x[:, 2] * x[:, 3]
    label = rng.random(rows) < 1 / (1 + np.exp(-truth))
    chance = 1 / (1 + np.exp(-(1.2 * x[:, 0] + 0.8 * x[:, 1] - 0.4)))
    loss = -np.log(np.where(label, chance, 1 - chance))
    return Rows(pd.DataFrame(x).add_prefix("x"), chance, loss, ((chance > 0.5) != label).astype(float))


def features_of(old: pd.DataFrame, new: pd.DataFrame) -> Features:
    """Return the inputs of all rows as features."""
    pairs = [pair_columns(old[name], new[name]) for name in old.columns]
    return build_features(pairs, (np.arange(len(old)), np.arange(len(new))))


def change_of(old: Rows, new: Rows) -> LossChange:
    """Return where the change of the loss comes from."""
    features = features_of(*(side.frame.assign(model=side.chance) for side in (old, new)))
    change = loss_change(np.concatenate([old.loss, new.loss]), features)
    assert change is not None
    return change


def loss_trials(trials: int, rows: tuple[int, int], **shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the three steps of each trial, and whether their intervals and that of the whole hold 0."""
    values, holds = [], []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        change = change_of(credit(rng, rows[0]), credit(rng, rows[1], **shift))
        values.append([step.value for step in change.steps])
        intervals = [*(step.interval for step in change.steps), change.interval]
        holds.append([low <= 0 <= high for low, high in intervals])
    return np.array(values), np.array(holds)


def true_steps(rows: int = 200_000, **shift: float) -> np.ndarray:
    """Return the three steps from very many rows, weighed by the true chances of a side."""
    rng, move = np.random.default_rng(123), shift.get("move", 0.0)
    means, shared = [], []
    for side, given in enumerate(({}, shift)):
        drawn = credit(rng, rows, **given)
        new = 1 / (1 + np.exp(move**2 / 2 - move * drawn.frame["x0"].to_numpy()))  # q / (p + q)
        means.append(drawn.loss.mean())
        shared.append(np.average(drawn.loss, weights=1 - new if side else new))
    return np.array([shared[0] - means[0], shared[1] - shared[0], means[1] - shared[1]])


def region_rows(
    rng: np.random.Generator, rows: int, *, planted: bool, error: float, everywhere: float = 0.0
) -> Rows:
    """Return rows of twenty columns whose error is 12 %, more for large ``x5``, and ``error`` in the planted region."""
    frame = pd.DataFrame(rng.normal(0, 1, (rows, 12))).add_prefix("x")
    frame["LIMIT_BAL"] = np.round(np.exp(rng.normal(11.7, 0.9, rows)), -4)
    frame["PAY_0"] = rng.choice([-2, -1, 0, 1, 2, 3], rows, p=[0.1, 0.2, 0.4, 0.1, 0.15, 0.05])
    frame["AGE"] = rng.integers(21, 70, rows)
    frame["town"] = rng.choice(list("abcde"), rows)
    for levels in (3, 4, 5, 6):
        frame[f"code{levels}"] = rng.integers(0, levels, rows)
    inside = planted & (frame["LIMIT_BAL"] <= 90_000) & (frame["PAY_0"] >= 1)
    chance = np.where(inside, error, 0.12) + 0.1 * (frame["x5"] > 0.5) + everywhere
    wrong = (rng.random(rows) < chance).astype(float)
    return Rows(frame, chance, wrong, wrong)


def regions_of(old: Rows, new: Rows) -> tuple[Region, ...]:
    """Return the regions where the error has grown."""
    features = features_of(old.frame, new.frame)
    pairs = [pair_columns(old.frame[name], new.frame[name]) for name in old.frame.columns]
    error = np.concatenate([old.error, new.error])
    return worst_regions(pairs, error, features.side, features.folds(2), shares=True)


def region_trials(
    trials: int, rows: tuple[int, int], *, planted: bool, error: float = 0.4, everywhere: float = 0.0
) -> list[tuple[Region, ...]]:
    """Return what was found in each trial."""
    found = []
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        old = region_rows(rng, rows[0], planted=False, error=error)
        new = region_rows(rng, rows[1], planted=planted, error=error, everywhere=everywhere)
        found.append(regions_of(old, new))
    return found


def names_planted(regions: tuple[Region, ...]) -> bool:
    """Return whether the worst region is made of both columns of the planted one."""
    return bool(regions) and all(name in regions[0].rule for name in PLANTED)


def main(trials: int = 200, tell: Callable[[str], None] = print) -> None:
    """Tell all figures."""
    for rows in ((300, 300), (2_000, 1_000)):
        for shift in ({}, {"move": 1.0}, {"move": 2.0}, {"turn": 0.2}):
            values, holds = loss_trials(trials, rows, **shift)
            tell(
                f"- loss, {rows} rows, {shift or 'no shift'}: steps {values.mean(axis=0).round(3)}, true "
                f"{true_steps(**shift).round(3)}, intervals that hold 0 {holds.mean(axis=0).round(3)}"
            )
    for rows, error in (((5_000, 5_000), 0.31), ((2_000, 2_000), 0.4), ((1_000, 1_000), 0.6)):
        found = region_trials(trials // 2, rows, planted=True, error=error)
        tell(
            f"- region, {rows} rows, 12 % to {error:.0%}: found {np.mean([*map(bool, found)]):.0%}, both columns named "
            f"{np.mean([*map(names_planted, found)]):.0%}"
        )
    for rows, everywhere in (((5_000, 5_000), 0.0), ((1_000, 1_000), 0.0), ((5_000, 5_000), 0.1)):
        found = region_trials(trials // 2, rows, planted=False, everywhere=everywhere)
        tell(
            f"- no region, {rows} rows, {everywhere:.0%} more everywhere: reported {np.mean([*map(bool, found)]):.0%}"
        )


if __name__ == "__main__":
    main()

"""Where the change of the old model's loss comes from: harder inputs, changed labels, unseen inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift import wording
from retrain_core.shift.chances import LEAST_OVERLAP, chance_if_equal, overlap_of, side_chances
from retrain_core.shift.estimate import Values
from retrain_core.shift.features import FOLDS, Features
from retrain_core.shift.ridge import cross_fit
from retrain_core.types import LossChange, LossStep

FEWEST_ROWS = 50  # a side
REPLICATES = 500
COVERAGE = (0.025, 0.975)
CHUNK = 100  # replicates at a time, to keep memory low
STEPS: tuple[str, str, str] = ("harder inputs", "changed labels", "unseen inputs")


def loss_change(loss: Values, features: Features) -> LossChange | None:
    """Return the way from the old model's loss on old rows to that on new rows, in three steps that add up to it.

    Between both stands the loss on inputs that both sides share: S, with a density like ``p q / (p + q)`` of the old
    density p and the new one q. *Harder inputs* is what old rows lose by going from p to S, *changed labels* what
    S loses by taking new labels for old ones, *unseen inputs* what new rows lose by going from S to q.

    The rows of a side stand for S by their chance of being of the other side, learned on other rows. A ridge
    regression of the loss on the inputs, learned on other rows too, takes off what those weights miss, so that each
    step is right if the one or the other is.

    Args:
        loss: Of the old model on each row, shape ``(rows,)``, finite; old rows first.
        features: The inputs of these rows.

    Returns:
        ``None`` if there are too few rows or no features. Intervals are by bootstrap over rows, duplicates drawn
        together, the weights kept.

    Source: Cai, Namkoong and Yadlowsky (2023), arXiv 2303.02011 (the steps); Mao, Li and Greene (2019), Statistical
        Methods in Medical Research 28(8) (weights and regression together); Rubin (1981), Annals of Statistics 9(1)
        (the bootstrap).
    """
    side = features.side
    if not features.matrix.shape[1] or min(int((side == 0).sum()), int((side == 1).sum())) < FEWEST_ROWS:
        return None
    folds = features.folds()
    if len(np.unique(folds)) < FOLDS or any(np.ptp(side[folds != fold]) == 0 for fold in range(FOLDS)):
        return None
    chance, share = side_chances(features, folds), float(side.mean())
    new = chance_if_equal(chance, share)
    weight = np.where(side == 0, new, 1 - new)
    expected = cross_fit(features.matrix, loss[:, None], features.owner, folds)[:, 0]
    value = _steps(np.ones((1, len(loss))), loss, expected, weight, side)[0]
    draws = _bootstrap(loss, expected, weight, features)
    ends = np.quantile(draws, COVERAGE, axis=0)
    whole = np.quantile(draws.sum(axis=1), COVERAGE)
    steps = tuple(
        LossStep(name, float(value[i]), (float(ends[0, i]), float(ends[1, i])))
        for i, name in enumerate(STEPS)
    )
    before, after = float(loss[side == 0].mean()), float(loss[side == 1].mean())
    interval = float(whole[0]), float(whole[1])
    overlap = overlap_of(chance, side)
    summary = _summary(before, after, interval, steps, overlap)
    return LossChange(before, after, interval, steps, summary, overlap)


def _bootstrap(loss: Values, expected: Values, weight: Values, features: Features) -> Values:
    """Return the steps for reweighted rows, shape ``(REPLICATES, 3)``."""
    rng = np.random.default_rng(0)
    groups = int(features.group.max()) + 1
    draws = []
    for _ in range(0, REPLICATES, CHUNK):
        times = rng.standard_exponential((CHUNK, groups), dtype=np.float32)[:, features.group]
        draws.append(_steps(times, loss, expected, weight, features.side))
    return np.vstack(draws)


def _steps(
    times: NDArray[np.floating], loss: Values, expected: Values, weight: Values, side: NDArray[np.int64]
) -> Values:
    """Return the three steps where each row counts as often as ``times`` says, shape ``(replicates, 3)``."""
    table = np.column_stack(
        [np.ones_like(loss), loss, weight, weight * (loss - expected), weight * expected]
    ).astype(times.dtype)
    means, left, shared = [], [], []
    for which in (0, 1):
        rows = side == which
        count, total, mass, residual, fitted = (times[:, rows] @ table[rows]).astype(np.float64).T
        means.append(total / count)
        left.append(residual / mass)
        shared.append(fitted / mass)
    middle = (shared[0] + shared[1]) / 2
    return np.column_stack(
        [middle + left[0] - means[0], left[1] - left[0], means[1] - middle - left[1]],
    )


def _summary(
    old: float, new: float, interval: tuple[float, float], steps: tuple[LossStep, ...], overlap: float
) -> str:
    told = [step for step in steps if not step.interval[0] <= 0 <= step.interval[1]]
    told.sort(key=lambda step: -abs(step.value))
    ways = f"{wording.number(old)} → {wording.number(new)}"
    changed = not interval[0] <= 0 <= interval[1]
    if not changed:
        said = f"The old model's loss did not change by more than chance ({ways})"
    else:
        said = f"The old model's loss {'rose' if new > old else 'fell'}: {ways}"
    if overlap < LEAST_OVERLAP:
        shared = wording.percent(overlap)
        return f"{said}. Old and new inputs hardly overlap ({shared} at most), so its causes cannot be told apart."
    if not told:
        return f"{said}; no single cause stands out." if changed else f"{said}."
    parts = wording.listed([f"{step.name} ({signed(step.value)})" for step in told])
    if not changed:
        return f"{said}, but parts of it did and outweigh each other: {parts}."
    return f"{said}; what is more than chance: {parts}."


def signed(value: float) -> str:
    """Return a change with its sign.

    >>> signed(0.1234), signed(-2.0)
    ('+0.123', '−2')
    """
    return f"{'−' if value < 0 else '+'}{wording.number(abs(value))}"

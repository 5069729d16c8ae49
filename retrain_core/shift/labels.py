"""How the label moved, and the label as numbers for the concept check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.estimate import Values
from retrain_core.types import Kind, Task

SHOWN = 5  # classes named in the summary
MOST_CLASSES = 10  # classes the concept check tells apart


def pair_labels(old: pd.Series[Any], new: pd.Series[Any], task: Task | None) -> ColumnPair:
    """Return the label column on both sides, read as the task wants it (or as it looks)."""
    kind: Kind | None = None if task is None else "numeric" if task == "regression" else "categorical"
    return pair_columns(old, new, kind)


def label_summary(pair: ColumnPair, effect: float) -> str:
    """Return how the label moved, with the share of each class or the mean, as one sentence."""
    name = wording.short(pair.name)
    if pair.kind == "numeric":
        old, new = pair.values()
        before, after = wording.number(float(old.mean())), wording.number(float(new.mean()))
        return f"{name}: mean {before} → {after}; moved by {wording.deviations(effect)}."
    shares = class_shares(pair)
    if len(shares) == 2:
        shares = sorted(shares)[1:]
    shown = "; ".join(_moved(name, *share) for share in shares[:SHOWN])
    more = f"; and {len(shares) - SHOWN:,} more classes" if len(shares) > SHOWN else ""
    return f"{shown}{more}."


def label_clause(pair: ColumnPair) -> str:
    """Return how the label moved for the page's one sentence.

    >>> label_clause(pair_columns(pd.Series([0, 1] * 5, name="y"), pd.Series([1] * 10, name="y")))
    'the label moved from 50 % to 100 % (y = 1)'
    """
    if pair.kind == "numeric":
        old, new = pair.values()
        return f"the label's mean moved from {wording.number(float(old.mean()))} to {wording.number(float(new.mean()))}"
    shares = class_shares(pair)
    name, before, after = sorted(shares)[1] if len(shares) == 2 else shares[0]
    value = f"{wording.short(pair.name)} = {wording.short(name)}"
    return f"the label moved from {wording.percent(before)} to {wording.percent(after)} ({value})"


def class_shares(pair: ColumnPair) -> list[tuple[str, float, float]]:
    """Return each class with its old and its new share, the one that moved most first."""
    old, new = pair.counts()
    before, after = old / old.sum(), new / new.sum()
    order = np.argsort(-np.abs(after - before), kind="stable")
    return [(pair.categories[i], float(before[i]), float(after[i])) for i in order]


def label_target(pair: ColumnPair, rows: tuple[NDArray[np.intp], ...]) -> Values:
    """Return the label of the given rows as numbers, shape ``(rows, outputs)``; NaN where it is missing.

    Two classes: 0 and 1. More: one column a class, for the most frequent ones. A number: itself, long tails clipped.
    """
    values = np.concatenate([pair.old[rows[0]], pair.new[rows[1]]])
    if pair.kind == "numeric":
        held = values[np.isfinite(values)]
        if not len(held):
            return np.full((len(values), 1), np.nan)
        low, high = np.quantile(held, [0.25, 0.75])
        reach = 5 * (high - low) or np.inf
        clipped: Values = np.where(np.isfinite(values), np.clip(values, low - reach, high + reach), np.nan)
        return clipped[:, None]
    if len(pair.categories) == 2:
        columns = [pair.categories.index(max(pair.categories))]
    else:
        columns = list(range(min(len(pair.categories), MOST_CLASSES)))
    target: Values = np.asarray(values[:, None] == columns, dtype=float)
    target[values < 0] = np.nan
    return target


def _moved(name: str, label: str, before: float, after: float) -> str:
    return f"{name} = {wording.short(label)}: {wording.percent(before)} → {wording.percent(after)}"

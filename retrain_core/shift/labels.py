"""How the label moved, and the label as numbers for the concept check."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair, is_usable, pair_columns
from retrain_core.shift.estimate import Values
from retrain_core.shift.sides import number_first
from retrain_core.types import Aspect, ColumnShift, Reading, Task

MOST_CLASSES = 10  # classes the concept check tells apart
MOST_LABELS = 10  # label columns it looks at
MEASURED = ("numeric", "integer code", "categorical", "high-cardinality")


def pair_labels(
    old: pd.Series[Any], new: pd.Series[Any], task: Task | None, reading: Reading | None = None
) -> ColumnPair:
    """Return the label column on both sides, read as the task wants it (or as it looks).

    Args:
        old: The old side.
        new: The new side.
        task: Kind of problem; told from the values by default.
        reading: What to take it for if the task is not known.
    """
    if task is not None:
        return pair_columns(old, new, "numeric" if task == "regression" else "categorical")
    pair = pair_columns(old, new, reading=reading)
    if reading is None and pair.reading not in MEASURED:  # a label is always compared
        return pair_columns(
            old, new, "numeric" if pair.reading == "id" and pair.kind == "numeric" else "categorical"
        )
    return pair


def label_summary(pair: ColumnPair, effect: float) -> str:
    """Return how the label moved, with the share of a class or the mean, as one sentence.

    >>> label_summary(pair_columns(pd.Series([0, 1] * 5, name="y"), pd.Series([1] * 10, name="y")), 1.35)
    'Share of y = 1: 50 % → 100 %; like a mean shift of 1.4 standard deviations.'
    """
    name = wording.short(pair.name)
    if pair.kind == "numeric":
        old, new = pair.values()
        before, after = wording.number(float(old.mean())), wording.number(float(new.mean()))
        return f"Mean of {name}: {before} → {after}; {wording.like(effect)}."
    label, before_share, after_share = shown_class(pair)
    size = len(pair.categories)
    among = f" (the largest change among {size:,} classes)" if size > 2 else ""
    return (
        f"Share of {name} = {wording.short(label)}: {wording.percent(before_share)} → {wording.percent(after_share)}"
        f"{among}; {wording.like(effect)}."
    )


def labels_aspect(labels: Sequence[ColumnShift], names: Sequence[str], lacking: Sequence[str]) -> Aspect:
    """Return the answer for all labels together: that of the one that moved most, and how many did.

    Args:
        labels: Those that both sides have, most moved first; their p-values are adjusted over all tests of a report.
        names: All label columns.
        lacking: Which columns one side lacks, as ends of sentences.
    """
    if not names:
        return Aspect(None, "It cannot be told: no label column is chosen.")
    if not labels:
        return Aspect(None, f"It cannot be told: {' '.join(lacking)}")
    worst = _most_moved(labels)
    level = worst.level if "effect_size" in worst.measures else None
    said = " ".join([worst.summary, *(finding.text for finding in worst.findings)])
    if len(names) == 1:
        return Aspect(level, said, worst.measures)
    moved = sum(label.level != "none" for label in labels)
    size = f"{len(labels):,}"
    count = (
        f"{moved:,} of {size} labels moved" if moved else f"None of the {size} labels moved enough to matter"
    )
    missing = [sentence[0].upper() + sentence[1:] for sentence in lacking]
    return Aspect(level, " ".join([f"{count}. Most: {said}", *missing]), worst.measures)


def labels_clause(labels: Sequence[ColumnShift], pairs: Sequence[ColumnPair]) -> str:
    """Return how the label moved, or the one of several that moved most, for the page's one sentence.

    Args:
        labels: Most moved first.
        pairs: Their columns.
    """
    worst = _most_moved(labels)
    pair = next(pair for pair in pairs if pair.name == worst.name)
    if len(labels) == 1:
        return label_clause(pair)
    moved = sum(label.level != "none" for label in labels)
    most = f"the mean of {wording.short(pair.name)}" if pair.kind == "numeric" else "one"
    return f"{moved:,} of {len(labels):,} labels moved, most {most} {_from_to(pair)}"


def _most_moved(labels: Sequence[ColumnShift]) -> ColumnShift:
    """Return the first label that could be compared."""
    return next((label for label in labels if "effect_size" in label.measures), labels[0])


def label_clause(pair: ColumnPair) -> str:
    """Return how the label moved for the page's one sentence.

    >>> label_clause(pair_columns(pd.Series([0, 1] * 5, name="y"), pd.Series([1] * 10, name="y")))
    'the label moved from 50 % to 100 % (y = 1)'
    """
    subject = "the label's mean" if pair.kind == "numeric" else "the label"
    return f"{subject} moved {_from_to(pair)}"


def _from_to(pair: ColumnPair) -> str:
    if pair.kind == "numeric":
        old, new = pair.values()
        return f"from {wording.number(float(old.mean()))} to {wording.number(float(new.mean()))}"
    name, before, after = shown_class(pair)
    value = f"{wording.short(pair.name)} = {wording.short(name)}"
    return f"from {wording.percent(before)} to {wording.percent(after)} ({value})"


def shown_class(pair: ColumnPair) -> tuple[str, float, float]:
    """Return a class with its old and its new share: the second of two, else the one that moved most."""
    old, new = pair.counts()
    before, after = old / old.sum(), new / new.sum()
    i = positive_class(pair) if len(pair.categories) == 2 else int(np.argmax(np.abs(after - before)))
    return pair.categories[i], float(before[i]), float(after[i])


def positive_class(pair: ColumnPair) -> int:
    """Return the position of the class that stands for "yes": the last one in the order of numbers, then of letters.

    >>> positive_class(pair_columns(pd.Series([9, 10] * 5), pd.Series([9] * 10))), "of 9 and 10"
    (1, 'of 9 and 10')
    """
    return max(range(len(pair.categories)), key=lambda i: number_first(pair.categories[i]))


def labels_target(pairs: Sequence[ColumnPair], rows: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Values:
    """Return the first labels of the given rows side by side; several numbers each on the scale of their spread."""
    targets = [label_target(pair, rows) for pair in pairs[:MOST_LABELS]]
    if len(targets) == 1:
        return targets[0]
    scaled = []
    for pair, target in zip(pairs, targets, strict=False):
        spread = np.nanstd(target) if pair.kind == "numeric" and np.isfinite(target).any() else 1.0
        scaled.append(target / (spread if spread > 0 else 1.0))
    return np.hstack(scaled)


def label_target(pair: ColumnPair, rows: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Values:
    """Return the label of the given rows as numbers, shape ``(rows, outputs)``; NaN where it is missing.

    Two classes: 0 and 1. More: one column a class, for the most frequent ones. A number: itself, long tails clipped.
    """
    values = np.concatenate([pair.old[rows[0]], pair.new[rows[1]]])
    if pair.kind == "numeric":
        usable = is_usable(values)
        held = values[usable]
        if not len(held):
            return np.full((len(values), 1), np.nan)
        low, high = np.quantile(held, [0.25, 0.75])
        reach = 5 * (high - low) or np.inf
        clipped: Values = np.where(usable, np.clip(values, low - reach, high + reach), np.nan)
        return clipped[:, None]
    if len(pair.categories) == 2:
        columns = [positive_class(pair)]
    else:
        columns = list(range(min(len(pair.categories), MOST_CLASSES)))
    target: Values = np.asarray(values[:, None] == columns, dtype=float)
    target[values < 0] = np.nan
    return target

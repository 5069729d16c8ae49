"""Rows on which a candidate and keep differ: how many got worse, how many better, and which to look at.

A row flips negatively if keep was right and the candidate is wrong. Users of a model notice such rows, however much better
the model is on the whole.

Source: Yan et al. (2021), CVPR (negative flips).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.compare.evidence import Evidence, Side
from retrain_core.compare.predicted import Floats, Predicted
from retrain_core.data.values import text_of

ROW, CAME, BEFORE, NOW, SURE = "row in the file", "should be", "keep says", "it says", "how sure (%)"
ERROR_BEFORE, ERROR_NOW = "error before", "error now"
FLIP_COLUMNS = (ROW, CAME, BEFORE, NOW, SURE, ERROR_BEFORE, ERROR_NOW)


@dataclass(frozen=True)
class Flips:
    """How many rows of one part a candidate has changed, as the mean over its seeds.

    Args:
        rows: Rows of the part.
        negative: Rows that were right and are wrong now. For numbers to predict: rows whose absolute error has grown by more
            than keep's mean absolute error.
        positive: Rows that were wrong and are right now, or whose error has shrunk by as much.
        seeds: Seeds the means are over.
    """

    rows: int
    negative: float
    positive: float
    seeds: int

    @property
    def negative_share(self) -> float:
        """Share of the rows, 0 to 1."""
        return self.negative / self.rows

    @property
    def positive_share(self) -> float:
        """Share of the rows, 0 to 1."""
        return self.positive / self.rows


def flips(evidence: Evidence, side: Side) -> dict[str, Flips]:
    """Return the flips of every candidate against keep on one part; empty without keep.

    Each seed stands against keep's run with the same place; with several labels a row, a row is right if all are.
    """
    found = evidence.predicted.get(side, {})
    keep = found.get("keep")
    if not keep:
        return {}
    counted = {}
    for name, seeds in found.items():
        if name != "keep":
            pairs = [(keep[min(at, len(keep) - 1)], one) for at, one in enumerate(seeds)]
            negative = np.mean([worse(before, now).sum() for before, now in pairs])
            positive = np.mean([worse(now, before, keep[0]).sum() for before, now in pairs])
            counted[name] = Flips(keep[0].rows, float(negative), float(positive), len(seeds))
    return counted


def worse(before: Predicted, now: Predicted, scale: Predicted | None = None) -> NDArray[np.bool_]:
    """Return which rows are worse now than before, see :class:`Flips`.

    Args:
        before: One model.
        now: Another, on the same rows.
        scale: Whose mean absolute error is the smallest change of a number that counts; that of ``before`` by default.
    """
    if before.task == "regression":
        least = float(np.mean((scale or before).metric))
        return np.asarray(now.metric - before.metric > least)
    return np.asarray(np.equal(before.metric, 1) & np.less(now.metric, 1))


# --- rows to look at ------------------------------------------------------------------------------


def flipped_rows(
    evidence: Evidence,
    side: Side,
    candidate: str,
    places: Sequence[int],
    columns: pd.DataFrame | None = None,
    classes: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the rows that a candidate has made worse, those it is surest of first, as far as its first seed goes.

    For numbers to predict, the rows whose absolute error has grown, most first.

    Args:
        evidence: All predictions.
        side: Part of the holdout.
        candidate: Whose rows.
        places: Where in its file each row of the part stands, counted from 0.
        columns: The held-out rows as they came; experiments prepared by an older version have none.
        classes: Names of the classes or labels; numbers by default.

    Returns:
        One row each: its number in the file, counted from 1; what should have come, what keep says, what the candidate says;
        how sure it is, or both errors; then the row's columns, see :func:`beside_own`.
    """
    keep, now = (evidence.predicted[side][name][0] for name in ("keep", candidate))
    if keep.task == "regression":
        grown = now.metric - keep.metric
        rows = np.flatnonzero(grown > 0)
        rows = rows[np.argsort(-grown[rows], kind="stable")]
    else:
        sure = _sureness(now)
        rows = np.flatnonzero(worse(keep, now))
        rows = rows[np.argsort(-sure[rows], kind="stable")]
    frame = {
        ROW: np.asarray(places, np.intp)[rows] + 1,
        CAME: _words(keep.targets, rows, classes),
        BEFORE: _said(keep, rows, classes),
        NOW: _said(now, rows, classes),
    }
    frame |= (
        {ERROR_BEFORE: keep.metric[rows], ERROR_NOW: now.metric[rows]}
        if keep.task == "regression"
        else {SURE: 100 * sure[rows]}
    )
    shown = pd.DataFrame(frame)
    return shown if columns is None else pd.concat([shown, _as_they_came(columns, rows)], axis=1)


def _sureness(predicted: Predicted) -> Floats:
    """Return the chance given to the class that is said; of several labels, to the wrong answer it is surest of."""
    if predicted.task != "multilabel":
        return np.asarray(predicted.chances.max(axis=1))
    said = np.where(predicted.decided, predicted.chances, 1 - predicted.chances)
    return np.asarray(np.where(predicted.decided == predicted.labels, 0.0, said).max(axis=1))


def _said(predicted: Predicted, rows: NDArray[np.intp], classes: Sequence[str]) -> Any:
    if predicted.task == "regression":
        return _words(np.asarray(predicted.outputs, np.float64).reshape(predicted.rows, -1), rows, ())
    said = predicted.decided if predicted.task == "multilabel" else predicted.classes
    return _words(said, rows, classes)


def _words(values: NDArray[Any], rows: NDArray[np.intp], classes: Sequence[str]) -> Any:
    """Return numbers as numbers, classes by their names, several of either joined by commas."""
    chosen = np.asarray(values)[rows]
    if chosen.ndim == 2 and chosen.shape[1] == 1:
        chosen = chosen[:, 0]
    numbers = chosen.dtype.kind == "f"
    if chosen.ndim == 1:
        return chosen.astype(np.float64) if numbers else [_name(int(one), classes) for one in chosen]
    if numbers:
        return [", ".join(f"{value:.6g}" for value in row) for row in chosen]
    return [", ".join(_name(int(at), classes) for at in np.flatnonzero(row)) or "none" for row in chosen]


def _name(number: int, classes: Sequence[str]) -> str:
    return classes[number] if number < len(classes) else str(number)


def _as_they_came(columns: pd.DataFrame, rows: NDArray[np.intp]) -> pd.DataFrame:
    return columns.iloc[rows].set_axis(beside_own(map(str, columns)), axis=1).reset_index(drop=True)


def beside_own(names: Iterable[str]) -> list[str]:
    """Return what columns of a file are called beside the table's own: the same, and "(column)" if that name is taken.

    >>> beside_own(["age", "it says", "it says (column)", "keep says"])
    ['age', 'it says (column) (column)', 'it says (column)', 'keep says (column)']
    """
    given = list(names)
    taken, shown = {*FLIP_COLUMNS, *given}, []
    for name in given:
        title = name
        while name in FLIP_COLUMNS and title in taken:
            title = f"{title} (column)"
        taken.add(title)
        shown.append(title)
    return shown


def matching(rows: pd.DataFrame, wanted: Mapping[str, Sequence[Any] | tuple[Any, Any]]) -> NDArray[np.bool_]:
    """Return which rows a filter lets pass; columns that are not there let all pass.

    Args:
        rows: Rows with their columns.
        wanted: By column, a list of values as text, of which an empty one means a missing value; or a pair (low, high), both
            ends taken.

    >>> matching(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}), {"a": (2, 3), "b": ["y", ""]}).tolist()
    [False, True, True]
    """
    passing = np.ones(len(rows), bool)
    for name, values in wanted.items():
        if name not in rows:
            continue
        column = rows[name]
        if isinstance(values, tuple):
            passing &= column.between(*values).to_numpy(bool, na_value=False)
        else:
            passing &= np.isin(text_of(column), [str(value) for value in values])
    return passing

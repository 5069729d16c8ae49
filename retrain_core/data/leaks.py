"""Columns that alone give the label away, and held-out rows that training all but holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.encode import row_keys
from retrain_core.types import Dataset, Finding, Schema

Numbers = NDArray[np.floating[Any]]
Codes = NDArray[np.int64]

ENOUGH = 0.99  # share of labels told, or of the spread of numbers, from which a column gives the label away
OF_THE_REST = 0.9  # of what the most frequent label leaves wrong, the share that the column has to set right
FEWEST_OTHERS = 10  # rows that have not the most frequent label; with fewer, chance could tell them
BINS = 256
VALUES = 4_000_000  # looked at over all columns
MOST_ROWS, LEAST_ROWS = 50_000, 1_000
DIGITS = 4
MOST_ROUNDED = 50_000_000  # values
FEWEST_NEAR = 5
WHETHER = "Is it known when the model has to answer? If not, every score is too good to be true."


def leaks(schema: Schema, data: Dataset, rows: NDArray[np.intp]) -> list[Finding]:
    """Return a warning for each input column that alone gives the label away in these rows.

    A class is told by the best threshold of a number, or as the most frequent label among the other rows with the
    same value (of numbers: in the same of 256 ranges). A number is told by its neighbours in order of the column: what
    they leave unexplained is the mean of 2/3 (y - (before + after) / 2)². Images are not looked at.

    Source: Gasser, Sroka and Jennen-Steinmetz (1986), Biometrika 73(3), 625-633 (neighbours).
    """
    columns = list(_columns(schema, data))
    most = int(np.clip(VALUES // max(1, len(columns)), LEAST_ROWS, MOST_ROWS))
    rows = np.random.default_rng(0).permutation(rows)[:most]  # rows of equal values in no order of labels
    if len(rows) < 2 * FEWEST_OTHERS:
        return []
    find = _number_told if data.task == "regression" else _classes_told
    return [
        found
        for name, values in columns
        if (found := find(name, np.asarray(values[rows]), np.asarray(data.targets[rows]), schema)) is not None
    ]


def _columns(schema: Schema, data: Dataset) -> Iterator[tuple[str, NDArray[Any]]]:
    for binding in schema.bindings:
        values = data.inputs[binding.input]
        values = values.reshape(len(values), -1)
        for place, name in enumerate(binding.columns):
            yield name, values[:, place]


# --- classes --------------------------------------------------------------------------------------


def _classes_told(name: str, values: NDArray[Any], targets: NDArray[Any], schema: Schema) -> Finding | None:
    several = targets.ndim > 1
    order, codes = _coded(values)
    for place, labels in enumerate(targets.T if several else [targets]):
        labels = labels.astype(np.int64)
        usual = int(np.bincount(labels).max())
        if len(labels) - usual < FEWEST_OTHERS:
            continue
        right = _told_by_value(codes, labels)
        if order is not None and labels.max() == 1:
            right = max(right, _told_by_threshold(values[order], labels[order]))
        share, base = right / len(labels), usual / len(labels)
        if share >= ENOUGH and share - base >= OF_THE_REST * (1 - base):
            what = f"label '{schema.classes[place]}'" if several else "label"
            return Finding(
                "warning",
                f"'{name}' alone tells the {what} of {100 * share:.1f} % of the new training rows",
                f"The most frequent answer would be right on {100 * base:.1f} %. {WHETHER}",
            )
    return None


def _coded(values: NDArray[Any]) -> tuple[NDArray[np.intp] | None, Codes]:
    """Return the order of numbers (none of texts), and a code for each value: of many numbers, for each range of them."""
    if values.dtype.kind not in "fiub":
        return None, pd.factorize(values.astype(object))[0].astype(np.int64)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    new = np.append(True, ordered[1:] != ordered[:-1])
    number = np.cumsum(new) - 1
    if number[-1] >= BINS:
        first = np.flatnonzero(new)[number]  # equal values stay in one range
        number = first * BINS // len(values)
    codes = np.empty(len(values), np.int64)
    codes[order] = number
    return order, codes


def _told_by_value(codes: Codes, labels: Codes) -> int:
    """Return how many rows have the label that is the most frequent of the other rows with their code.

    >>> _told_by_value(np.array([0, 0, 0, 1, 2]), np.array([1, 1, 0, 1, 0]))
    0
    >>> _told_by_value(np.array([0, 0, 0, 0, 2]), np.array([1, 1, 1, 0, 0]))
    3
    """
    classes = int(labels.max()) + 1
    cells, counts = np.unique(codes * classes + labels, return_counts=True)
    by_size = np.lexsort((counts, cells // classes))
    owner, counts = (cells // classes)[by_size], counts[by_size]
    last = np.flatnonzero(np.append(owner[1:] != owner[:-1], True))
    before = np.maximum(last - 1, 0)
    second = np.where((last > 0) & (owner[before] == owner[last]), counts[before], 0)
    return int(counts[last][counts[last] - 1 > second].sum())


def _told_by_threshold(ordered: NDArray[Any], labels: Codes) -> int:
    """Return on how many rows the best threshold is right, for labels 0 and 1 in the order of the numbers."""
    edges = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], False)) + 1
    if not len(edges):
        return 0
    ones = np.cumsum(labels)
    right = edges - ones[edges - 1] + ones[-1] - ones[edges - 1]  # 0 up to the edge, 1 beyond it
    return int(max(right.max(), len(labels) - right.min()))


# --- numbers --------------------------------------------------------------------------------------


def _number_told(name: str, values: NDArray[Any], targets: NDArray[Any], schema: Schema) -> Finding | None:
    several = targets.ndim > 1
    order, codes = _coded(values)
    order = np.argsort(codes, kind="stable") if order is None else order
    for place, numbers in enumerate(targets.T if several else [targets]):
        share = _explained(numbers[order].astype(np.float64))
        if share >= ENOUGH:
            what = f"'{schema.labels[place]}'" if several else "the label"
            return Finding(
                "warning",
                f"'{name}' alone explains {100 * share:.1f} % of the variance of {what} in the new training rows",
                WHETHER,
            )
    return None


def _explained(numbers: Numbers) -> float:
    """Return the share of the variance that neighbours explain."""
    spread = float(numbers.var())
    left = numbers[1:-1] - (numbers[:-2] + numbers[2:]) / 2
    return 1 - float(np.mean(left**2)) * 2 / 3 / spread if spread > 0 else 0.0


# --- near copies ----------------------------------------------------------------------------------


def near_copies(held: Dataset, trained: Sequence[tuple[Dataset, NDArray[np.intp]]]) -> list[Finding]:
    """Return a warning if many held-out rows equal a training row once numbers are rounded to 4 digits.

    Coarse data has such pairs by chance, among training rows too: there have to be twice as many as that.

    Args:
        held: Rows of a holdout file.
        trained: Data and which of its rows are trained on.
    """
    size = sum(
        values.size for rows in (held, *(data for data, _ in trained)) for values in rows.inputs.values()
    )
    if size > MOST_ROUNDED or not any(values.dtype.kind == "f" for values in held.inputs.values()):
        return []
    exact = np.concatenate([row_keys(data.inputs)[rows] for data, rows in trained])
    keys = np.concatenate([_near_keys(data)[rows] for data, rows in trained])
    copies = np.isin(row_keys(held.inputs), exact)
    found = int((np.isin(_near_keys(held), keys) & ~copies).sum())
    _, distinct = np.unique(exact, return_index=True)
    _, counts = np.unique(keys[distinct], return_counts=True)
    usual = float(counts[counts > 1].sum()) / len(distinct) * held.rows
    if found < FEWEST_NEAR + 2 * usual:
        return []
    return [
        Finding(
            "warning",
            f"{found:,} of {held.rows:,} holdout rows equal a training row, once numbers are rounded to {DIGITS} digits",
            "They may be copies that were saved otherwise. They are not taken out, and flatter what was trained.",
        )
    ]


def _near_keys(data: Dataset) -> NDArray[np.uint64]:
    return row_keys(
        {
            name: _rounded(values) if values.dtype.kind == "f" else values
            for name, values in data.inputs.items()
        }
    )


def _rounded(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return numbers of 4 digits.

    >>> _rounded(np.array([9.99961, 10.0, 0.0, -123456.0])).tolist()
    [10.0, 10.0, 0.0, -123500.0]
    """
    numbers = values.astype(np.float64)
    size = np.abs(numbers)
    scale = 10.0 ** (np.floor(np.log10(np.where(size > 0, size, 1))) - (DIGITS - 1))
    return (np.round(numbers / scale) * scale).astype(np.float32)

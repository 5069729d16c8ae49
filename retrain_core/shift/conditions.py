"""Conditions on single columns that a reader understands: what rules for regions are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift import wording
from retrain_core.shift.columns import MISSING, ColumnPair, is_usable
from retrain_core.shift.estimate import Values

DECILES = np.arange(1, 10) / 10
STEPS = 50  # a threshold is rounded to about this part of the way between the outer deciles
MOST_CATEGORIES = 20
MOST_LISTED = 4  # codes that a condition names one by one


@dataclass(frozen=True)
class Condition:
    """One condition on one column.

    Args:
        text: As people write it.
        column: Position of the column.
        sign: ``≤``, ``≥``, ``=`` or ``is``.
        holds: In which rows, shape ``(rows,)``, old rows first.
    """

    text: str
    column: int
    sign: str
    holds: NDArray[np.bool_]


def conditions(
    pair: ColumnPair, column: int, rows: tuple[NDArray[np.intp], NDArray[np.intp]], *, ordered: bool = True
) -> list[Condition]:
    """Return the conditions on one column: at deciles of a number, for each frequent category, and on gaps.

    Args:
        pair: The column.
        column: Its position.
        rows: Which rows of the old and of the new side.
        ordered: Whether codes that are numbers are compared as such too.
    """
    values = np.concatenate([pair.old[rows[0]], pair.new[rows[1]]])
    name = wording.short(pair.name)
    if pair.kind == "numeric":
        missing = np.isnan(values)
        found = _thresholds(name, column, values, pair.dates)
    else:
        missing = values == MISSING
        found = _codes(name, column, values, pair.categories, ordered)
    if missing.any():
        found.append(Condition(f"{name} is missing", column, "is", missing))
    return found


def _thresholds(name: str, column: int, values: Values, dates: bool) -> list[Condition]:
    usable = is_usable(values)
    if not usable.any():
        return []
    cuts = np.quantile(values[usable], DECILES)
    rounded, digits = (np.floor(cuts), 0) if dates else readable(cuts)
    found = []
    for cut in np.unique(rounded).tolist():
        shown = wording.day(cut) if dates else _shown(cut, digits)
        found.append(Condition(f"{name} ≤ {shown}", column, "≤", values <= cut))
        found.append(Condition(f"{name} ≥ {shown}", column, "≥", values >= cut))
    return found


def readable(cuts: Values) -> tuple[Values, int]:
    """Return thresholds with no more digits than tell them apart, and how many decimal places that takes.

    >>> readable(np.array([12_345.6, 250_123.4]))[0].tolist()
    [12000.0, 250000.0]
    >>> readable(np.array([-1.2816, 0.0013, 1.2816]))
    (array([-1.28,  0.  ,  1.28]), 2)
    """
    way = float(np.ptp(cuts)) or abs(float(cuts[0])) or 1.0
    digits = -int(np.floor(np.log10(way / STEPS)))
    return np.round(cuts, digits) + 0.0, max(0, digits)


def _shown(value: float, digits: int) -> str:
    if abs(value) >= 1e12 or digits > 6:
        return f"{value:.6g}"
    return f"{value:,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{value:,.0f}"


def _codes(
    name: str, column: int, codes: NDArray[np.int64], categories: tuple[str, ...], ordered: bool
) -> list[Condition]:
    found = [  # the most frequent come first
        Condition(f"{name} = {wording.short(category)}", column, "=", codes == code)
        for code, category in enumerate(categories[:MOST_CATEGORIES])
    ]
    numbers = _as_numbers(categories) if ordered else None
    if numbers is None or len(numbers) <= 2:
        return found
    values = np.append(numbers, np.nan)[codes]  # a missing value is the last one
    ascending = sorted(zip(numbers.tolist(), categories, strict=True))
    for place, (number, category) in enumerate(ascending[1:-1], start=1):
        below, above = ([code for _, code in part] for part in (ascending[: place + 1], ascending[place:]))
        found.append(Condition(_among(name, "≤", category, below), column, "≤", values <= number))
        found.append(Condition(_among(name, "≥", category, above), column, "≥", values >= number))
    return found


def _among(name: str, sign: str, category: str, members: Sequence[str]) -> str:
    """Return a condition on codes: which they are if they are few, since their order may mean nothing."""
    return f"{name} in {', '.join(members)}" if len(members) <= MOST_LISTED else f"{name} {sign} {category}"


def _as_numbers(categories: tuple[str, ...]) -> Values | None:
    if len(categories) > MOST_CATEGORIES:
        return None
    try:
        numbers = np.array([float(category) for category in categories])
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None

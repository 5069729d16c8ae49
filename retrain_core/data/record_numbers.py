"""Record numbers: whole numbers that name the rows rather than measure something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from retrain_core.data.natures import Values

FEWEST_RECORDS = 20  # rows that have to differ; with fewer, whatever is counted differs in every row
DENSITY = 2 / 3  # share of the numbers between the smallest and the largest that record numbers use
NAMED_ID = re.compile(r"(?i:(.*[^a-z])?(id|uuid|guid)|index|row|unnamed: 0)|.*[a-z]I[dD]")


def record_numbers(
    name: str, ordered: Sequence[Values], rows: Iterable[Values]
) -> Literal["named", "dense", "ascending"] | None:
    """Return what tells that whole numbers, each only once on its side, are record numbers; ``None`` if nothing does.

    That they differ is not enough: incomes and areas mostly differ too.

    Args:
        name: The column.
        ordered: The numbers of each side in ascending order, of the old side first if there are two.
        rows: The same as they came; they are looked at only if need be.

    >>> numbers = np.arange(40.0)
    >>> record_numbers("n", [numbers], [numbers[::-1]]), record_numbers("n", [numbers * 9], [numbers * 9])
    ('dense', 'ascending')
    >>> record_numbers("income", [numbers * 9], [numbers[::-1] * 9])
    """
    if len(ordered[0]) < FEWEST_RECORDS or not all(map(len, ordered)):
        return None
    if any(np.any(values[1:] == values[:-1]) for values in ordered):
        return None
    if NAMED_ID.fullmatch(name):
        return "named"
    both = np.unique(np.concatenate(ordered))
    if _dense(both) or all(_dense(values) or len(values) < FEWEST_RECORDS for values in ordered):
        return "dense"
    return "ascending" if all(np.all(side[1:] > side[:-1]) for side in rows) else None


def _dense(ordered: Values) -> bool:
    return bool(len(ordered) >= DENSITY * (ordered[-1] - ordered[0] + 1))

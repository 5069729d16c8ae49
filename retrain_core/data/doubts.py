"""What makes scores on the held-out rows doubtful, as far as the rows themselves tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.data.groups import INPUTS, Ties, groups_of
from retrain_core.data.leaks import leaks, near_copies
from retrain_core.data.marks import Rows
from retrain_core.data.power import DISAGREE, half_width, rows_for, smallest_difference
from retrain_core.types import Dataset, Finding, Part, Schema, Task

TELLING = 0.05  # of accuracy: rows that cannot tell even so large a difference are too few
FEWEST_COPIES, MANY_COPIES = 5, 0.01  # held-out new rows that are old rows too; fewer hardly move a score
NEARLY_ALL = 0.9
LEAST_UNITS = 30  # for a mean of errors; with fewer its interval is wider than ±0.37 standard deviations
SEEN = Finding(
    "warning",
    "The old model has probably trained on the old rows that are held out here",
    "That flatters keep, and what starts from the old model, on the old part.",
)


def doubts(
    schema: Schema,
    data: Mapping[str, Dataset],
    parts: Mapping[Part, Rows],
    ids: Mapping[str, NDArray[np.str_]],
    ties: Ties,
) -> list[Finding]:
    """Return what makes the scores doubtful.

    Args:
        schema: How the rows are read.
        data: The rows by side: ``new``, and if there are any ``old`` and ``holdout``.
        parts: How they were split.
        ids: Whose each row is, by the same sides; no side if no column is named.
        ties: What ties rows to others, see ``ties_of``.
    """
    found = leaks(schema, data["new"], parts["new_train"])
    if "holdout" in data:
        found += near_copies(
            data["holdout"],
            [(data[name.split("_")[0]], parts[name]) for name in TRAINED if name in parts],
        )
    own = "holdout" in data
    if "old" in data:
        found += _known_copies(ties["holdout" if own else "new"][parts["new_holdout"]], ties["old"])
    found += _too_few(schema.task, _units(parts, ids, own=own), own=own)
    return [*found, SEEN] if "old_holdout" in parts else found


TRAINED: tuple[Part, ...] = ("new_train", "new_validation", "old_train")


def _known_copies(held: NDArray[np.uint64], old: NDArray[np.uint64]) -> list[Finding]:
    """Warn of held-out new rows that are old rows too, which the old model knows wherever they were put.

    Coarse data has such pairs by chance, among old rows too: there have to be twice as many as that.
    """
    copies = int(np.isin(held[:, INPUTS], old[:, INPUTS]).sum())
    _, counts = np.unique(old[:, INPUTS], return_counts=True)
    by_chance = float(counts[counts > 1].sum()) / len(old) * len(held)
    coarse = min(
        FEWEST_COPIES + 2 * by_chance, NEARLY_ALL * len(held)
    )  # an old file may have all its rows twice
    if copies < max(coarse, MANY_COPIES * len(held)):
        return []
    return [
        Finding(
            "warning",
            f"{copies:,} of {len(held):,} held-out new rows have the same inputs as an old row",
            "The old model has probably trained on those. That flatters keep, and what starts from the old model, on the "
            "new part.",
        )
    ]


@dataclass(frozen=True)
class _Units:
    """What stands for itself among the held-out new rows: each row, or each id if rows of one hang together."""

    held: int
    every: int  # of all new rows, those of a holdout file left out
    noun: str


def _units(parts: Mapping[Part, Rows], ids: Mapping[str, NDArray[np.str_]], *, own: bool) -> _Units:
    held = parts["new_holdout"]
    new = [rows for part, rows in parts.items() if part.startswith("new") and not (own and rows is held)]
    every = np.concatenate(new)
    if not ids:
        return _Units(len(held), len(every), "new rows")
    held_ids = ids["holdout" if own else "new"][held]
    return _Units(_count(held_ids), _count(ids["new"][every]), "ids")


def _count(ids: NDArray[np.str_]) -> int:
    return int(groups_of(ids).max()) + 1


def _too_few(task: Task, units: _Units, *, own: bool) -> list[Finding]:
    """Say how little the held-out rows tell, if it is very little."""
    if task in ("binary", "multiclass"):
        return _few_to_tell(units, own=own) if smallest_difference(units.held) > TELLING else []
    return _few_to_average(units, own=own) if units.held < LEAST_UNITS else []


def _few_to_tell(units: _Units, *, own: bool) -> list[Finding]:
    wanted = rows_for(TELLING)
    return [
        Finding(
            "warning",
            f"{units.held:,} held-out {units.noun} tell differences in accuracy from "
            f"{_points(smallest_difference(units.held))} on",
            f"For {_points(TELLING)}, about {_rounded(wanted)} would do"
            f"{_of_all(wanted, units, own=own)}. Reckoned with candidates that differ on {100 * DISAGREE:.0f} % of them, "
            "the 95 % level and a chance of 80 % to find it.",
        )
    ]


def _few_to_average(units: _Units, *, own: bool) -> list[Finding]:
    now = f"±{half_width(units.held):.2g} standard deviations wide" if units.held > 1 else "not known"
    return [
        Finding(
            "warning",
            f"Few {units.noun} are held out: {units.held:,}",
            f"The 95 % interval of a mean over them is {now}; {LEAST_UNITS} would make it ±{half_width(LEAST_UNITS):.2g}"
            f"{_of_all(LEAST_UNITS, units, own=own)}.",
        )
    ]


def _of_all(wanted: int, units: _Units, *, own: bool) -> str:
    return "" if own else f", of {_rounded(wanted * units.every / units.held)} {units.noun} in all"


def _points(share: float) -> str:
    """Return a difference of shares for people.

    >>> _points(0.005), _points(0.0351), _points(1.0)
    ('0.5 points', '3.5 points', '100 points')
    """
    return f"{100 * share:.2g} points" if share < 0.995 else "100 points"


def _rounded(rows: float) -> str:
    """Return about how many rows, in two digits.

    >>> _rounded(31394), _rounded(38)
    ('31,000', '38')
    """
    return f"{float(f'{rows:.2g}'):,.0f}"

"""The one level and the one sentence that stand at the top of the report."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from retrain_core.shift import wording
from retrain_core.shift.deciding import what_moved
from retrain_core.shift.levels import highest, is_largest
from retrain_core.shift.measures import MEASURES
from retrain_core.types import Aspect, ColumnShift, Measure, Thresholds


def overall_aspect(
    columns: Sequence[ColumnShift],
    *,
    label: Aspect,
    label_moved: str,
    concept: Aspect,
    multivariate: Aspect,
    one_sided: Sequence[str],
    detectable: float,
    rows: tuple[int, int],
    thresholds: Thresholds,
) -> Aspect:
    """Return the most severe level of all parts, and what is behind it.

    Args:
        columns: In order of importance.
        label: How the label moved.
        label_moved: The same as a clause.
        concept: Whether the label given the columns moved.
        multivariate: Whether all columns together moved.
        one_sided: Sentences about columns that one side lacks; they make the level at least minor.
        detectable: Smallest movement of a column that is likely to be found, in d.
        rows: Old and new rows.
        thresholds: When a movement counts.
    """
    levels = [column.level for column in columns]
    levels += [aspect.level for aspect in (label, concept, multivariate) if aspect.level]
    clauses = [_columns_clause(columns)]
    if label.level in ("minor", "major"):
        clauses.append(label_moved)
    if concept.level in ("minor", "major"):
        clauses.append("rows with the same values get other labels than before")
    if multivariate.level in ("minor", "major") and all(column.level == "none" for column in columns):
        clauses.append("all columns together tell old rows from new ones")
    level = highest([*levels, "minor" if one_sided else "none"])
    if columns and detectable >= thresholds.major:
        only = "at best" if is_largest(detectable) else "only"
        clauses.append(f"with {_fewest(rows)}, {only} shifts of {wording.at_least(detectable)} would be seen")
    elif columns and level == "none" and detectable > thresholds.minor:
        clauses.append(f"with so few rows, a move below {wording.deviations(detectable)} may go unseen")
    measures = {"detectable_effect": Measure(detectable, unit=MEASURES["effect_size"].unit)}
    return Aspect(level, " ".join(["; ".join(clauses) + ".", *one_sided]), measures)


def one_sided(old: pd.DataFrame, new: pd.DataFrame, labels: Sequence[str] = ()) -> list[str]:
    """Return which columns only one side has, labels left out, a sentence for each side."""
    findings = []
    for here, there, where in ((old, new, "old"), (new, old, "new")):
        only = [str(name) for name in here.columns if name not in there.columns and name not in labels]
        if only:
            findings.append(f"Only the {where} data has {wording.listed(only)}.")
    return findings


def _fewest(rows: tuple[int, int]) -> str:
    """Return the side with fewer rows, which limits what can be seen."""
    count, side = min(zip(rows[::-1], ("new", "old"), strict=True), key=lambda pair: pair[0])
    return f"{count:,} {side} row{'s'[: count != 1]}"


def _columns_clause(columns: Sequence[ColumnShift]) -> str:
    moved = [column for column in columns if column.level != "none"]
    if not columns:
        return "Old and new data have no input column in common"
    if not moved:
        return (
            "The only column did not move enough to matter"
            if len(columns) == 1
            else f"None of the {len(columns):,} columns moved enough to matter"
        )
    most = what_moved(moved[0])
    if len(columns) == 1:
        return f"The only column moved: {most}"
    if len(moved) == 1:
        return f"1 of {len(columns):,} columns moved: {most}"
    count = f"All {len(columns):,}" if len(moved) == len(columns) else f"{len(moved):,} of {len(columns):,}"
    return f"{count} columns moved; most: {most}"

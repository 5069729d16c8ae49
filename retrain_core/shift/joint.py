"""The two checks that take all columns together: the evidence they give, and what they say."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from retrain_core.shift import wording
from retrain_core.shift.chances import LEAST_OVERLAP, chance_if_equal, effective_rows, overlap_of
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.concept import ConceptCheck
from retrain_core.shift.equivalence import d_from_auc
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.evidence import Evidence, Test, Verdict
from retrain_core.shift.labels import MOST_LABELS, positive_class
from retrain_core.shift.multivariate import DomainCheck
from retrain_core.shift.together import Together
from retrain_core.types import Aspect, Driver, JointShift, Level, NewestRow

DRIVERS = 3
SHOWN_DRIVERS, SHOWN_VALUES, NEWEST = 10, 4, 8
LEAST_SHARE = 0.1  # of the separation, for a column to be named


def domain_evidence(check: DomainCheck | None) -> Evidence:
    """Return the measures and the test of the domain check."""
    if check is None or check.auc.p is None or check.auc.interval is None:
        return Evidence()
    value, low, high = (max(0.0, d_from_auc(auc)) for auc in (check.auc.value, *check.auc.interval))
    measures = {"domain_auc": check.auc, "effect_size": Estimate(value, (low, high))}
    return Evidence(measures, (Test("domain_auc", check.auc.p, value),))


def concept_evidence(check: ConceptCheck | None) -> Evidence:
    """Return the measure and the test of the concept check; nothing if the sides hardly overlap."""
    if check is None or check.change.p is None or check.overlap < LEAST_OVERLAP:
        return Evidence()
    test = Test("concept_change", check.change.p, check.change.value)
    return Evidence({"concept_change": check.change}, (test,))


def domain_aspect(check: DomainCheck | None, verdict: Verdict) -> Aspect:
    """Return the answer to: do all columns together tell old rows from new ones?"""
    if check is None:
        return Aspect(None, "It cannot be told: there are too few rows, or no values that differ.")
    aspect = _domain_aspect(check, verdict)
    if check.taken is None:
        return aspect
    some, of = check.taken
    return replace(
        aspect,
        summary=f"{aspect.summary} (By {some:,} of {of:,} columns: those that moved most, and others.)",
    )


def _domain_aspect(check: DomainCheck, verdict: Verdict) -> Aspect:
    said, moved = told_apart("A classifier", check, verdict)
    if not moved:
        return Aspect(verdict.level, f"{said}: no sign of a shift.", verdict.measures)
    named = [name for name, share in check.drivers[:DRIVERS] if share >= LEAST_SHARE]
    drivers = f", mainly by {wording.listed(named)}" if named else ""
    return Aspect(verdict.level, f"{said}{drivers}.", verdict.measures)


def told_apart(who: str, check: DomainCheck, verdict: Verdict) -> tuple[str, bool]:
    """Return how well ``who`` tells new rows from old ones, without a full stop, and whether that is no chance."""
    p = verdict.measures["domain_auc"].p_adjusted
    p = 1.0 if p is None else p
    moved = p < verdict.thresholds.alpha
    weight = ", too little to matter" if moved and verdict.level == "none" else ""
    pairs = wording.percent(check.auc.value)
    said = f"{who} ranks a new row above an old one in {pairs} of pairs (chance: 50 %; {wording.chance(p)})"
    return f"{said}{weight}", moved


def joint_shift(
    together: Together, level: Level | None, new: pd.DataFrame, old_rows: int
) -> JointShift | None:
    """Return how all columns moved together; ``None`` if there is too little to tell.

    Args:
        together: The checks of all columns together.
        level: How much they moved; rows are called new only if they did.
        new: All new rows, for the values of those that are shown.
        old_rows: How many old rows there are.
    """
    check = together.domain
    if check is None:
        return None
    side = together.features.side
    chance, share = together.chance[side == 0], float(side.mean())
    ratio = chance / (1 - chance) * (1 - share) / share  # of the new density to the old one
    covered = min(1.0, float(ratio.mean()))  # share of what is new that old rows stand for at all
    worth = covered * effective_rows(ratio) / len(ratio)
    drivers = [Driver(name, share) for name, share in check.drivers[:SHOWN_DRIVERS] if share > 0]
    return JointShift(
        drivers=tuple(drivers),
        newest=() if level in (None, "none") else _newest(together, check.columns[:SHOWN_VALUES], new),
        overlap=overlap_of(together.chance, side),
        effective_old_rows=worth * old_rows,
    )


def _newest(together: Together, columns: Sequence[str], new: pd.DataFrame) -> tuple[NewestRow, ...]:
    """Return the new rows that look least like old ones, copies once."""
    side, group = together.features.side, together.features.group
    likeness = 1 - chance_if_equal(together.chance, float(side.mean()))
    first_new = len(side) - int(side.sum())
    order = first_new + np.argsort(-together.scores[first_new:], kind="stable")
    _, first = np.unique(group[order], return_index=True)
    found = []
    for position in order[np.sort(first)][:NEWEST].tolist():
        row = int(together.rows[1][position - first_new])
        values = {name: _value(new[name].iloc[row]) for name in columns}
        found.append(NewestRow(row, float(likeness[position]), values))
    return tuple(found)


def _value(value: Any) -> str:
    r"""Return one value of a table as short text.

    >>> _value(1234.5), _value("a\nb"), _value(True), _value(None), _value(pd.Timestamp("2026-01-02"))
    ('1,234', 'a b', 'True', 'missing', '2026-01-02')
    """
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "missing"
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return wording.number(float(value))
    if isinstance(value, datetime.date):
        return value.isoformat().removesuffix("T00:00:00")
    return wording.short(value)


def concept_aspect(
    check: ConceptCheck | None, labels: Sequence[ColumnPair], verdict: Verdict, obstacle: str = ""
) -> Aspect:
    """Return the answer to: do rows with the same values get other labels now?

    Args:
        check: What was found.
        labels: The labels.
        verdict: What was decided.
        obstacle: Why nothing was found, as a clause.
    """
    if check is None:
        return Aspect(None, f"It cannot be told: {obstacle}.")
    aspect = _concept_aspect(check, labels, verdict)
    if len(labels) <= MOST_LABELS:
        return aspect
    return replace(aspect, summary=f"{aspect.summary} (The first {MOST_LABELS} of {len(labels):,} labels.)")


def _concept_aspect(check: ConceptCheck, labels: Sequence[ColumnPair], verdict: Verdict) -> Aspect:
    if not verdict.measures:
        shared = wording.percent(check.overlap)
        return Aspect(
            None,
            f"It cannot be told: old and new rows hardly overlap ({shared} at most), so there are no like rows to compare.",
        )
    measure = verdict.measures["concept_change"]
    p = measure.p_adjusted if measure.p_adjusted is not None else 1.0
    if p >= verdict.thresholds.alpha:
        high = wording.deviations(measure.interval[1] if measure.interval else 0.0)
        said = f"No sign that rows with the same values get other labels now ({wording.chance(p)}); a change below {high} might not show."
    else:
        weight = ", but too little to matter" if verdict.level == "none" else ""
        said = (
            f"Rows with the same values get other labels now{weight}: the expected label{'s together' if len(labels) > 1 else ''} moved by "
            f"{wording.deviations(measure.value)} ({wording.chance(p)}){_where(check)}{_average(check, labels[0])}."
        )
    return Aspect(verdict.level, said, verdict.measures)


def _where(check: ConceptCheck) -> str:
    names = [name for name, share in check.drivers[:DRIVERS] if name and share >= LEAST_SHARE]
    return f", depending on {wording.listed(names)}" if names else ""


def _average(check: ConceptCheck, label: ColumnPair) -> str:
    if len(check.average) > 1:
        return ""
    change = check.average[0]
    if label.kind == "numeric":
        return f"; on average, {wording.short(label.name)} changed by {change:+.3g}"
    more = "more" if change >= 0 else "less"
    name = f"{wording.short(label.name)} = {wording.short(label.categories[positive_class(label)])}"
    return f"; on average, {name} is {abs(100 * change):.1f} percentage points {more} frequent"

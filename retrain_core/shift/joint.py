"""The two checks that take all columns together: the evidence they give, and what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.concept import FEWEST_ROWS, LEAST_OVERLAP, ConceptCheck
from retrain_core.shift.equivalence import d_from_auc
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.evidence import Evidence, Test, Verdict
from retrain_core.shift.labels import MOST_LABELS, positive_class
from retrain_core.shift.multivariate import DomainCheck
from retrain_core.types import Aspect

DRIVERS = 3
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
    p = verdict.measures["domain_auc"].p_adjusted or 0.0
    said = f"A classifier ranks a new row above an old one in {wording.percent(check.auc.value)} of pairs (chance: 50 %; {wording.chance(p)})"
    if p >= verdict.thresholds.alpha:
        return Aspect(verdict.level, f"{said}: no sign of a shift.", verdict.measures)
    weight = ", too little to matter" if verdict.level == "none" else ""
    named = [name for name, share in check.drivers[:DRIVERS] if share >= LEAST_SHARE]
    drivers = f", mainly by {wording.listed(named)}" if named else ""
    return Aspect(verdict.level, f"{said}{weight}{drivers}.", verdict.measures)


def concept_aspect(check: ConceptCheck | None, labels: Sequence[ColumnPair], verdict: Verdict) -> Aspect:
    """Return the answer to: do rows with the same values get other labels now?"""
    aspect = _concept_aspect(check, labels, verdict)
    if len(labels) <= MOST_LABELS:
        return aspect
    return replace(aspect, summary=f"{aspect.summary} (The first {MOST_LABELS} of {len(labels):,} labels.)")


def _concept_aspect(check: ConceptCheck | None, labels: Sequence[ColumnPair], verdict: Verdict) -> Aspect:
    if check is None:
        return Aspect(
            None,
            f"It cannot be told: that takes {FEWEST_ROWS} labelled rows on each side, and labels that differ.",
        )
    if not verdict.measures:
        shared = wording.percent(check.overlap)
        return Aspect(
            None,
            f"It cannot be told: old and new rows hardly overlap ({shared}), so there are no like rows to compare.",
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

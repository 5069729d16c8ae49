"""The two checks that take all columns together, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.concept import FEWEST_ROWS, LEAST_OVERLAP, ConceptCheck, check_concept
from retrain_core.shift.effect import d_from_auc
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.evidence import Test
from retrain_core.shift.features import Features, build_features, sample_rows
from retrain_core.shift.labels import label_target
from retrain_core.shift.multivariate import DomainCheck, check_domain

DRIVERS = 3
LEAST_SHARE = 0.1  # of the separation, for a column to be named
LIMITS = (
    "The check is a linear one on the columns and their products: it compares rows that occur on both sides, "
    "cannot see columns that were not recorded, and says nothing about where only one side has rows."
)


@dataclass(frozen=True)
class TableChecks:
    """What the two checks found."""

    domain: DomainCheck | None
    concept: ConceptCheck | None
    domain_summary: str
    concept_summary: str

    @property
    def domain_estimates(self) -> Mapping[str, Estimate]:
        """The measures of the domain check."""
        return (
            {}
            if self.domain is None
            else {"domain_auc": self.domain.auc, "effect_size": _domain_effect(self.domain)}
        )

    @property
    def domain_tests(self) -> tuple[Test, ...]:
        """Its test."""
        if self.domain is None or self.domain.auc.p is None:
            return ()
        return (Test("domain_auc", self.domain.auc.p, _domain_effect(self.domain).value),)

    @property
    def concept_estimates(self) -> Mapping[str, Estimate]:
        """The measures of the concept check."""
        return {} if not self._concept_told else {"concept_change": self._told.change}

    @property
    def concept_tests(self) -> tuple[Test, ...]:
        """Its test; none if the sides hardly overlap."""
        if not self._concept_told or self._told.change.p is None:
            return ()
        return (Test("concept_change", self._told.change.p, self._told.change.value),)

    @property
    def _concept_told(self) -> bool:
        return self.concept is not None and self.concept.overlap >= LEAST_OVERLAP

    @property
    def _told(self) -> ConceptCheck:
        assert self.concept is not None
        return self.concept


def run(pairs: Sequence[ColumnPair], label: ColumnPair | None, seed: int) -> TableChecks:
    """Run both checks on a sample of the rows.

    Args:
        pairs: The columns both sides have, label left out.
        label: The label, if both sides have it.
        seed: Of the sample and the folds.
    """
    pairs = [pair for pair in pairs if pair.missing != (len(pair.old), len(pair.new))]
    if not pairs:
        nothing = "There is no column to look at."
        return TableChecks(None, None, nothing, nothing)
    rows = sample_rows(len(pairs[0].old), len(pairs[0].new), seed)
    features = build_features(pairs, rows)
    domain = check_domain(features, seed)
    if label is None:
        concept, why = (
            None,
            "Labels on both sides are needed to tell whether the same row gets another label now.",
        )
    else:
        concept, why = _concept(features, label, rows, seed)
    return TableChecks(domain, concept, _domain_summary(domain), why)


def _concept(
    features: Features, label: ColumnPair, rows: tuple[np.ndarray, ...], seed: int
) -> tuple[ConceptCheck | None, str]:
    target = label_target(label, rows)
    held = np.isfinite(target).all(axis=1)
    kept = replace(
        features,
        matrix=features.matrix[held],
        side=features.side[held],
        rows=features.rows[held],
        group=np.unique(features.group[held], return_inverse=True)[1],
    )
    check = check_concept(kept, target[held], seed)
    return check, _concept_summary(check, label)


def _domain_effect(domain: DomainCheck) -> Estimate:
    low, high = domain.auc.interval or (domain.auc.value, domain.auc.value)
    return Estimate(d_from_auc(domain.auc.value), (max(0.0, d_from_auc(low)), max(0.0, d_from_auc(high))))


def _domain_summary(domain: DomainCheck | None) -> str:
    if domain is None:
        return "There are too few rows, or no values that differ, to tell old rows from new ones."
    auc, p = domain.auc.value, domain.auc.p or 0.0
    said = f"A classifier puts a new row above an old one in {wording.percent(auc)} of pairs (50 % is chance, {wording.chance(p)})"
    named = [
        f"{wording.short(n)} ({wording.percent(round(s, 2))})"
        for n, s in domain.drivers[:DRIVERS]
        if s >= LEAST_SHARE
    ]
    if p >= 0.05 or not named:
        return f"{said}."
    return f"{said}; it goes by {', '.join(named)}."


def _concept_summary(check: ConceptCheck | None, label: ColumnPair) -> str:
    if check is None:
        return f"It cannot be told: at least {FEWEST_ROWS} rows with a label are needed on each side, and labels that differ."
    if check.overlap < LEAST_OVERLAP:
        return (
            f"It cannot be told whether the same row gets another label now: old and new rows hardly overlap "
            f"({wording.percent(check.overlap)}), so there are no like rows to compare."
        )
    size, p = check.change, check.change.p if check.change.p is not None else 1.0
    how = wording.chance(p)
    if p >= 0.05:
        high = size.interval[1] if size.interval else 0.0
        return (
            f"No sign that rows with the same values get other labels now ({how}; a change of up to "
            f"{wording.deviations(high)} would not show). {LIMITS}"
        )
    where = [wording.short(n) for n, s in check.drivers[:DRIVERS] if n and s >= LEAST_SHARE]
    names = f", depending on {', '.join(where)}" if where else ""
    return (
        f"Rows with the same values get other labels now: the expected label moved by about "
        f"{wording.deviations(size.value)} of what the columns leave open ({how}){names}{_average(check, label)}. {LIMITS}"
    )


def _average(check: ConceptCheck, label: ColumnPair) -> str:
    if len(check.average) > 1:
        return ""
    change = check.average[0]
    if label.kind == "numeric":
        return f"; on average {wording.short(label.name)} is {change:+.3g} at the same values"
    name = f"{wording.short(label.name)} = {wording.short(max(label.categories))}"
    return f"; on average {name} is {100 * change:+.1f} points more frequent at the same values"

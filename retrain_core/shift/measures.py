"""All measures in one table: what each is counted in, and what it is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from retrain_core.shift.binned import js, psi
from retrain_core.shift.categorical import chi2, cramers_v, total_variation
from retrain_core.shift.concept import check_concept
from retrain_core.shift.effect import categorical_effect, numeric_effect
from retrain_core.shift.estimate import Counts, Estimate, Values
from retrain_core.shift.multivariate import domain_auc
from retrain_core.shift.numeric import ks, wasserstein
from retrain_core.shift.rates import rate_change


@dataclass(frozen=True)
class MeasureInfo:
    """What a measure is called and counted in, and the function for each thing it can be computed from.

    Args:
        title: For tables.
        unit: What the value is counted in.
        values: From the sorted values of a numeric column, old and new.
        bins: From the counts of a numeric column in ten bins of equal old share.
        categories: From the counts of a categorical column, rare categories pooled.
        rows: From how often something happens: hits and rows of the old side, then of the new.
        table: From all columns together.
    """

    title: str
    unit: str
    values: Callable[[Values, Values], Estimate] | None = None
    bins: Callable[[Counts, Counts], Estimate] | None = None
    categories: Callable[[Counts, Counts], Estimate] | None = None
    rows: Callable[[int, int, int, int], Estimate] | None = None
    table: Callable[..., object] | None = None


D = "standard deviations (d)"

MEASURES: dict[str, MeasureInfo] = {
    "effect_size": MeasureInfo("effect (sd)", D, values=numeric_effect, categories=categorical_effect),
    "ks": MeasureInfo("KS", "0 to 1", values=ks),
    "wasserstein": MeasureInfo("Wasserstein (old sd)", "old standard deviations", values=wasserstein),
    "psi": MeasureInfo("PSI (nats)", "nats", bins=psi),
    "chi2": MeasureInfo("chi²", "chi-squared", categories=chi2),
    "cramers_v": MeasureInfo("Cramér's V", "0 to 1", categories=cramers_v),
    "total_variation": MeasureInfo("total variation", "share of rows", categories=total_variation),
    "js": MeasureInfo("JS", "0 to 1", bins=js, categories=js),
    "missing_rate": MeasureInfo("missing (change)", "share of rows", rows=rate_change),
    "infinite_rate": MeasureInfo("infinite (change)", "share of rows", rows=rate_change),
    "word_rate": MeasureInfo("most changed word", "share of rows", rows=rate_change),
    "domain_auc": MeasureInfo("AUC old against new", "share of pairs", table=domain_auc),
    "concept_change": MeasureInfo("concept (sd)", D, table=check_concept),
}

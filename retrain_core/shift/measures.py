"""All measures in one table: what each is counted in, what it is computed from, and what it is for two normals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retrain_core.shift.binned import bin_counts, js, psi, quantile_cuts
from retrain_core.shift.categorical import chi2, cramers_v, total_variation
from retrain_core.shift.concept import check_concept
from retrain_core.shift.detectable import LARGEST_GAP
from retrain_core.shift.effect import categorical_effect, numeric_effect
from retrain_core.shift.equivalence import cramers_v_at, d_from_overlap, js_at, overlap_at, psi_at
from retrain_core.shift.estimate import Counts, Estimate, Values
from retrain_core.shift.multivariate import domain_auc
from retrain_core.shift.numeric import ks, wasserstein
from retrain_core.shift.rates import rate_change
from retrain_core.shift.sorted_pair import SortedPair

OfValues = Callable[[Values, Values, SortedPair | None], Estimate]
Rows = tuple[int, int]
AtD = Callable[[float, Rows, int], float]


@dataclass(frozen=True)
class MeasureInfo:
    """What a measure is called and counted in, and the function for each thing it can be computed from.

    Args:
        title: For tables.
        unit: What the value is counted in.
        values: From the values of a numeric column, old and new, and both sorted.
        bins: From the counts of a numeric column in ten bins of equal old share.
        categories: From the counts of a categorical column, rare categories pooled.
        rows: From how often something happens: hits and rows of the old side, then of the new.
        table: From all columns together.
        at_d: Its value for two normals so many standard deviations apart, given the rows of both sides and, if it is
            of categories, how many: then for those that differ in the way that is hardest to find.
    """

    title: str
    unit: str
    values: OfValues | None = None
    bins: Callable[[Counts, Counts], Estimate] | None = None
    categories: Callable[[Counts, Counts], Estimate] | None = None
    rows: Callable[[int, int, int, int], Estimate] | None = None
    table: Callable[..., object] | None = None
    at_d: AtD | None = None


def _effect(d: float, rows: Rows, categories: int) -> float:
    return d_from_overlap(min(d / 2, LARGEST_GAP)) if categories else d


def _variation(d: float, rows: Rows, categories: int) -> float:
    return min(d / 2, 1.0)  # the least that goes with this chi-squared


def _gap(d: float, rows: Rows, categories: int) -> float:
    return overlap_at(d)


def _way(d: float, rows: Rows, categories: int) -> float:
    return d


def _psi(d: float, rows: Rows, categories: int) -> float:
    return psi_at(d)


def _js(d: float, rows: Rows, categories: int) -> float:
    return js_at(d)


def _v(d: float, rows: Rows, categories: int) -> float:
    return cramers_v_at(d, rows)


D = "standard deviations (d)"
OLD_SD = "old standard deviations"
SHARE = "share of rows"

MEASURES: dict[str, MeasureInfo] = {
    "effect_size": MeasureInfo(
        "effect (sd)", D, values=numeric_effect, categories=categorical_effect, at_d=_effect
    ),
    "ks": MeasureInfo("KS", "0 to 1", values=ks, at_d=_gap),
    "wasserstein": MeasureInfo("Wasserstein (old sd)", OLD_SD, values=wasserstein, at_d=_way),
    "psi": MeasureInfo("PSI (nats)", "nats", bins=psi, at_d=_psi),
    "chi2": MeasureInfo("chi²", "chi-squared", categories=chi2),
    "cramers_v": MeasureInfo("Cramér's V", "0 to 1", categories=cramers_v, at_d=_v),
    "total_variation": MeasureInfo("total variation", SHARE, categories=total_variation, at_d=_variation),
    "js": MeasureInfo("JS", "0 to 1", bins=js, categories=js, at_d=_js),
    "missing_rate": MeasureInfo("missing (change)", SHARE, rows=rate_change),
    "infinite_rate": MeasureInfo("infinite (change)", SHARE, rows=rate_change),
    "word_rate": MeasureInfo("most changed word", SHARE, rows=rate_change),
    "domain_auc": MeasureInfo("AUC old against new", "share of pairs", table=domain_auc),
    "concept_change": MeasureInfo("concept (sd)", D, table=check_concept),
}


def measure_numbers(pair: SortedPair) -> dict[str, Estimate]:
    """Return every measure of a numeric column that is finite.

    >>> measured = measure_numbers(SortedPair(np.arange(100.0), np.arange(100.0) + 10))
    >>> sorted(measured)
    ['effect_size', 'js', 'ks', 'psi', 'wasserstein']
    """
    cuts = quantile_cuts(pair.old)
    counts = bin_counts(pair.old, cuts), bin_counts(pair.new, cuts)
    found = {name: info.values(pair.old, pair.new, pair) for name, info in MEASURES.items() if info.values}
    found |= {name: info.bins(*counts) for name, info in MEASURES.items() if info.bins}
    return {name: estimate for name, estimate in found.items() if np.isfinite(estimate.value)}


def measure_categories(old: Counts, new: Counts) -> dict[str, Estimate]:
    """Return every measure of a categorical column from its counts, rare categories pooled.

    >>> sorted(measure_categories(np.array([60, 40]), np.array([50, 50])))
    ['chi2', 'cramers_v', 'effect_size', 'js', 'total_variation']
    """
    return {name: info.categories(old, new) for name, info in MEASURES.items() if info.categories}

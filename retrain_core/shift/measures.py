"""All measures in one table: what they take, what they are counted in, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from retrain_core.shift.binned import js, psi
from retrain_core.shift.categorical import chi2, cramers_v, total_variation
from retrain_core.shift.concept import check_concept
from retrain_core.shift.effect import effect_size
from retrain_core.shift.multivariate import domain_auc
from retrain_core.shift.numeric import ks, wasserstein
from retrain_core.shift.rates import rate_change


@dataclass(frozen=True)
class MeasureInfo:
    """What there is to know about a measure.

    Args:
        function: Computes it; its docstring has the details.
        kind: Which columns it is for; ``table`` for one that takes all columns together.
        takes: ``values`` or ``counts`` of both sides, or arguments of its own.
        unit: What the value is counted in.
        glossary: One sentence for people.
        source: Where it comes from.
    """

    function: Callable[..., object]
    kind: Literal["numeric", "categorical", "any", "table"]
    takes: Literal["values", "counts", "other"]
    unit: str
    glossary: str
    source: str


D = "standard deviations (d)"

MEASURES: dict[str, MeasureInfo] = {
    "ks": MeasureInfo(
        ks,
        "numeric",
        "values",
        "0 to 1",
        "Kolmogorov-Smirnov: the largest gap between the cumulative distributions; 0 is no shift, 1 no overlap.",
        "Hodges (1958), Arkiv för Matematik 3",
    ),
    "wasserstein": MeasureInfo(
        wasserstein,
        "numeric",
        "values",
        "old standard deviations",
        "How far values had to travel on average, in standard deviations of the old values; 0 is no shift.",
        "Ramdas, Trillos and Cuturi (2017), Entropy 19(2), 47",
    ),
    "psi": MeasureInfo(
        psi,
        "numeric",
        "counts",
        "nats",
        "Population stability index over ten bins of equal old share; 0 is no shift, small samples raise it.",
        "Yurdakul and Naranjo (2020), Journal of Risk Model Validation 14(4)",
    ),
    "js": MeasureInfo(
        js,
        "any",
        "counts",
        "0 to 1",
        "Jensen-Shannon distance (base 2) between the shares; 0 is no shift, 1 no overlap.",
        "Endres and Schindelin (2003), IEEE Transactions on Information Theory 49(7)",
    ),
    "chi2": MeasureInfo(
        chi2,
        "categorical",
        "counts",
        "chi-squared statistic",
        "Tests whether the shares differ by more than chance; the statistic grows with rows and is no effect size.",
        "Pearson (1900), Philosophical Magazine 50(302)",
    ),
    "cramers_v": MeasureInfo(
        cramers_v,
        "categorical",
        "counts",
        "0 to 1",
        "Strength of association between category and side, bias corrected; 0 is no shift, 1 no overlap.",
        "Bergsma (2013), Journal of the Korean Statistical Society 42(3)",
    ),
    "total_variation": MeasureInfo(
        total_variation,
        "categorical",
        "counts",
        "share of rows",
        "Share of rows that would have to change category to undo the shift; 0 is no shift.",
        "Levin, Peres and Wilmer (2017), Markov Chains and Mixing Times, chapter 4",
    ),
    "effect_size": MeasureInfo(
        effect_size,
        "any",
        "values",
        D,
        "The mean shift of a normal distribution that would look the same; comparable over all columns.",
        "Cohen (1988), Statistical Power Analysis, section 2.2",
    ),
    "missing_rate": MeasureInfo(
        rate_change,
        "any",
        "other",
        "share of rows",
        "New share of rows without a value minus the old one; 0 is no change.",
        "Newcombe (1998), Statistics in Medicine 17",
    ),
    "infinite_rate": MeasureInfo(
        rate_change,
        "numeric",
        "other",
        "share of rows",
        "New share of rows with an infinite value minus the old one; 0 is no change.",
        "Newcombe (1998), Statistics in Medicine 17",
    ),
    "domain_auc": MeasureInfo(
        domain_auc,
        "table",
        "other",
        "0.5 to 1",
        "Chance that a classifier ranks a new row above an old one; 0.5 means that nothing tells them apart.",
        "Hanley and McNeil (1982), Radiology 143; Lopez-Paz and Oquab (2017), arXiv 1610.06545",
    ),
    "concept_change": MeasureInfo(
        check_concept,
        "table",
        "other",
        D,
        "How far the expected label moved for rows with the same columns; 0 means that the old relation still holds.",
        "Shah and Peters (2020), Annals of Statistics 48(3)",
    ),
}

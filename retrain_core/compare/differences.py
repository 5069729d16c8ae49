"""Whether one candidate is better than another: tests on the same rows, and what can be said from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.compare.evidence import Evidence
from retrain_core.compare.head_start import lag
from retrain_core.compare.intervals import Z95, by_few, drawn_error, paired_error, seed_half_width
from retrain_core.compare.measures import SCORES, has_interval, sign_of
from retrain_core.types import ScoredSide, Verdict

FEW_DIFFERING = 25  # rows on which two candidates differ: with fewer, McNemar's test is exact

LEVEL = 0.05  # of a test, adjusted over the candidates
CHANCE = float(stats.norm.ppf(0.8))  # standard errors for a chance of 80 % to find what is there
CHANCE_OF_BOTH = float(
    stats.norm.ppf(0.9)
)  # the same where both ends of an interval have to lie within the margin


@dataclass(frozen=True)
class Gap:
    """How much higher one candidate's score is than another's on the same rows.

    Args:
        value: The difference of the means over seeds.
        rows: Its standard error from the rows; infinite if they are too few to tell.
        seeds: Its standard error from the seeds; 0 for one seed, where it is unknown.
    """

    value: float
    rows: float
    seeds: float

    @property
    def error(self) -> float:
        """Standard error from both."""
        return math.hypot(self.rows, self.seeds)

    @property
    def known(self) -> bool:
        """Whether anything can be told."""
        return math.isfinite(self.error)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; infinite if nothing can be told."""
        return self.value - Z95 * self.error, self.value + Z95 * self.error

    @property
    def p(self) -> float:
        """Two-sided p-value of its being 0."""
        if not self.error:
            return float(self.value == 0)
        return float(2 * stats.norm.sf(abs(self.value) / self.error))


UNKNOWN = Gap(0.0, math.inf, 0.0)


def paired(
    evidence: Evidence, candidate: str, base: str, weights: Mapping[ScoredSide, float], score: str
) -> Gap:
    """Return the difference of two candidates in a score, weighted over the parts of the holdout.

    Where one of them has never been trained on rows that the other knows, what that flatters the other is taken off.

    Args:
        evidence: All predictions.
        candidate: Whose score.
        base: Less whose.
        weights: Of each part that counts.
        score: Name in ``SCORES``.
    """
    if candidate == base:
        return Gap(0.0, 0.0, 0.0)
    values = {
        name: sum(weight * evidence.values(side, score)[name] for side, weight in weights.items())
        for name in (candidate, base)
    }
    behind = {
        name: sum(weight * lag(evidence, name, side, score) for side, weight in weights.items())
        for name in values
    }
    value = float(np.mean(values[candidate]) - np.mean(values[base]))
    value += sign_of(score) * (behind[candidate] - behind[base])
    rows = math.hypot(
        *(w * rows_error(evidence, candidate, base, side, score) for side, w in weights.items() if w)
    )
    if not math.isfinite(value):
        return UNKNOWN
    seeds = math.hypot(*(seed_half_width(np.asarray(found)) / Z95 for found in values.values()))
    return Gap(value, rows, seeds)


def rows_error(evidence: Evidence, candidate: str, base: str, side: ScoredSide, score: str) -> float:
    """Return the standard error of a difference on one part, from its rows; infinite if they are too few to tell."""
    key = (side, score, min(candidate, base), max(candidate, base))
    if key not in evidence.errors:
        evidence.errors[key] = _new_rows_error(evidence, candidate, base, side, score)
    return evidence.errors[key]


def _new_rows_error(evidence: Evidence, candidate: str, base: str, side: ScoredSide, score: str) -> float:
    mine, theirs = evidence.predicted[side][candidate], evidence.predicted[side][base]
    if not has_interval(score, mine[0]):
        return math.inf
    if score == "accuracy" and evidence.held[side].groups is None:
        rows = [np.mean([one.metric for one in seeds], axis=0) for seeds in (mine, theirs)]
        return paired_error(rows[0] - rows[1], share=True) * by_few(mine[0].rows)
    draws = evidence.draws(side, score)
    return drawn_error(draws[candidate].mean(axis=0) - draws[base].mean(axis=0), evidence.units(side))


def ends_of(gap: Gap, score: str) -> tuple[float, float]:
    """Return the 95 % interval of a difference in a score."""
    return possible(score, gap.interval)


def possible(score: str, ends: tuple[float, float]) -> tuple[float, float]:
    """Return what of an interval of differences there can be: shares differ by 1 at most.

    >>> possible("accuracy", (-0.2, 1.3)), possible("log_loss", (-0.2, 1.3))
    ((-0.2, 1.0), (-0.2, 1.3))
    """
    low, high = ends
    return (max(low, -1.0), min(high, 1.0)) if SCORES[score].share else (low, high)


def mcnemar(candidate: NDArray[np.bool_], base: NDArray[np.bool_]) -> float:
    """Return the p-value of two candidates being right equally often on the same rows.

    Exact if they differ on few rows, else from chi-squared with a correction for continuity.

    Args:
        candidate: Which rows it has right, shape ``(rows,)``.
        base: The same of the other.

    Source: McNemar (1947), Psychometrika 12; Edwards (1948) for the correction.

    >>> right = np.arange(100) < 90
    >>> round(mcnemar(right, np.roll(right, 3)), 4), mcnemar(right, right)
    (1.0, 1.0)
    """
    gained, lost = int((candidate & ~base).sum()), int((base & ~candidate).sum())
    if gained + lost == 0:
        return 1.0
    if gained + lost < FEW_DIFFERING:
        return float(stats.binomtest(gained, gained + lost).pvalue)
    return float(stats.chi2.sf((abs(gained - lost) - 1) ** 2 / (gained + lost), 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for how many there are.

    Source: Holm (1979), Scandinavian Journal of Statistics 6.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def verdict(value: float, error: float, p: float, margin: float) -> Verdict:
    """Return what can be said of a difference.

    Args:
        value: The difference; positive is better.
        error: Its standard error.
        p: Of its being 0, adjusted.
        margin: Differences smaller than this do not matter.

    Source: Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15: equivalent at the 5 % level if the
    90 % interval lies inside the margin.

    >>> verdict(0.001, 0.001, 0.3, 0.005), verdict(0.03, 0.01, 0.003, 0.005), verdict(0.02, 0.02, 0.3, 0.005)
    ('no material difference', 'better', 'cannot tell')
    """
    if abs(value) + stats.norm.ppf(0.95) * error < margin:
        return "no material difference"
    if p < LEVEL:
        return "better" if value > 0 else "worse"
    return "cannot tell"


def more_rows(
    gap: Gap, rows: int, margin: float, *, p: float | None = None, adjusted: float | None = None
) -> int | None:
    """Return about how many more rows would tell, if the difference is as it seems; ``None`` if no number would.

    Either so many that the difference is proven, or so many that it is proven not to matter, whichever are fewer, each with
    a chance of 80 %. More rows make the error from the rows smaller, and leave that from the seeds as it is.

    Args:
        gap: The difference.
        rows: How many there are.
        margin: See :func:`verdict`.
        p: Of its being 0, if another test than the gap's own tells.
        adjusted: The same, adjusted for how many there are.

    >>> more_rows(Gap(0.02, 0.02, 0.0), 400, 0.005), more_rows(Gap(0.0, 0.01, 0.0), 400, 0.005)
    (2700, 13000)
    >>> more_rows(Gap(0.02, 0.02, 0.0), 400, 0.005, adjusted=0.63), more_rows(Gap(0.02, 0.02, 0.02), 400, 0.005)
    (3400, None)
    """
    p = gap.p if p is None else p
    times = 1.0 if adjusted is None or not p else max(1.0, adjusted / p)
    told = abs(gap.value) / float(stats.norm.isf(p / 2)) if p < 1 and gap.value else gap.error
    needed, inside = stats.norm.isf(0.025 / times) + CHANCE, stats.norm.ppf(0.95) + CHANCE_OF_BOTH
    proven = _rows_for(abs(gap.value) / float(needed), told, gap.seeds, rows)
    equal = _rows_for((margin - abs(gap.value)) / float(inside), gap.error, gap.seeds, rows)
    more = min(proven, equal) - rows
    if not 0 < more < math.inf:
        return None
    step = 10 ** max(0, math.floor(math.log10(max(more, 1))) - 1)
    return int(max(step, round(more / step) * step))


def _rows_for(error: float, now: float, seeds: float, rows: int) -> float:
    """Return with how many rows a standard error comes down to ``error``, of which ``seeds`` stays; infinite if never."""
    left = error**2 - seeds**2
    if error <= 0 or left <= 0 or not math.isfinite(now):
        return math.inf
    return rows * max(now**2 - seeds**2, 0.0) / left

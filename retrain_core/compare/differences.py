"""Whether one candidate is better than another: tests on the same rows, and what can be said from them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.compare.evidence import Evidence
from retrain_core.compare.intervals import Z95, drawn_error, paired_error, seed_half_width
from retrain_core.compare.measures import SCORES, has_interval
from retrain_core.types import ScoredSide

FEW_DIFFERING = 25  # rows on which two candidates differ: with fewer, McNemar's test is exact
Verdict = Literal["better", "worse", "no material difference", "cannot tell"]


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
        return float(2 * stats.norm.sf(abs(self.value) / self.error)) if self.error else 1.0


def paired(
    evidence: Evidence, candidate: str, base: str, weights: Mapping[ScoredSide, float], score: str
) -> Gap:
    """Return the difference of two candidates in a score, weighted over the parts of the holdout.

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
    value = float(np.mean(values[candidate]) - np.mean(values[base]))
    rows = math.hypot(
        *(w * _rows_error(evidence, candidate, base, side, score) for side, w in weights.items() if w)
    )
    seeds = math.hypot(*(seed_half_width(np.asarray(found)) / Z95 for found in values.values()))
    return Gap(value, rows, seeds)


def _rows_error(evidence: Evidence, candidate: str, base: str, side: ScoredSide, score: str) -> float:
    """Return the standard error of a difference on one part, from its rows."""
    key = (side, score, min(candidate, base), max(candidate, base))
    if key not in evidence.errors:
        evidence.errors[key] = _new_rows_error(evidence, candidate, base, side, score)
    return evidence.errors[key]


def _new_rows_error(evidence: Evidence, candidate: str, base: str, side: ScoredSide, score: str) -> float:
    by_row, groups = SCORES[score].by_row, evidence.held[side].groups
    mine, theirs = evidence.predicted[side][candidate], evidence.predicted[side][base]
    if not has_interval(score, mine[0]):
        return math.inf
    if by_row is not None and groups is None:
        rows = [np.mean([by_row(one) for one in seeds], axis=0) for seeds in (mine, theirs)]
        return paired_error(rows[0] - rows[1], share=score == "accuracy")
    draws = evidence.draws(side, score)
    units = mine[0].rows if groups is None else int(groups.max()) + 1
    return drawn_error(draws[candidate].mean(axis=0) - draws[base].mean(axis=0), units)


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
    if p < 0.05:
        return "better" if value > 0 else "worse"
    return "cannot tell"


def more_rows(value: float, error: float, rows: int, margin: float) -> int | None:
    """Return about how many more rows would tell, if the difference is as it seems; ``None`` if none would.

    Either so many that the difference is proven, or so many that it is proven not to matter, whichever are fewer.

    Args:
        value: The difference.
        error: Its standard error on ``rows`` rows.
        rows: How many there are.
        margin: See :func:`verdict`.

    >>> more_rows(0.02, 0.02, 400, 0.005), more_rows(0.0, 0.01, 400, 0.005)
    (1100, 3900)
    """
    enough = []
    if abs(value) > 0:
        enough.append(rows * (stats.norm.ppf(0.975) * error / abs(value)) ** 2)
    if abs(value) < margin:
        enough.append(rows * (stats.norm.ppf(0.95) * error / (margin - abs(value))) ** 2)
    more = min(enough, default=math.inf) - rows
    if not math.isfinite(more):
        return None
    step = 10 ** max(0, math.floor(math.log10(max(more, 1))) - 1)
    return int(max(step, round(more / step) * step))

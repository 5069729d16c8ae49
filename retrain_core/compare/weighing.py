"""What each candidate is worth against keep: one number, from all rows that tell it, with how sure it is.

Gains are counted in margins, the smallest differences that matter, so that accuracy and log-loss can be weighed together.
Log-loss tells candidates apart with fewer rows, as it counts how sure a model is of each row rather than which side of the
border it lies on.

Which rows are weighed. New: those of the holdout, and those that told when to stop training. Old: where the old model
was trained on the old rows, it has an advantage on the held-out ones over a model that was trained afresh without them. So
candidates are compared on old rows that both have been trained on, which also are four times as many.

How much is luck. A small holdout makes large gains by luck, so a gain is expected to be smaller than it looks, the more so
the larger its error is against what gains can be expected at all: little where the data has not moved, much where it has.

Source: Efron and Morris (1973), JASA 68 (shrinking what was measured towards what is expected); figures in
``tests/benchmarks/results.md`` ("Is the recommendation right?").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.compare.differences import UNKNOWN, Gap, more_rows, rows_error
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.head_start import lag
from retrain_core.compare.intervals import Z95, seed_half_width
from retrain_core.compare.measures import SCORES, sign_of
from retrain_core.compare.predicted import Floats
from retrain_core.strategies import CHOOSE_BY_VALIDATION
from retrain_core.types import Level, ScoredSide, Wishes

EXPECTED: Mapping[Level, float] = {"none": 0.2, "minor": 6.0, "major": 20.0}  # gains in margins, by shift
PROVEN = 0.05  # level at which a gain says that something has moved, where nothing else tells
INDIFFERENT = 0.6  # margins: of those expected to be closer to the best than that, a cheap one is taken
CHEAPER = 1.5  # times the time of the cheapest, and
SECONDS = 1.0  # more than it, are as cheap: times scatter
ONE_SIDED = 0.9  # share of the commonest label from which accuracy alone would mislead,
FEWEST_ROWS = 20  # if there are so many: of a handful, all may have one label by chance
LOG_LOSSES = 2  # margins of accuracy to one of log-loss
NEW: Mapping[ScoredSide, float] = {"new": 1.0}


@dataclass(frozen=True)
class Weighing:
    """What candidates are weighed by.

    Args:
        margins: By score, the smallest difference that matters, in the score's unit.
        weights: Of the rows of each part; together 1.
    """

    margins: Mapping[str, float]
    weights: Mapping[ScoredSide, float]


@dataclass(frozen=True)
class Weights:
    """Each candidate's worth in margins, up to a constant that is the same for all.

    Args:
        evidence: All predictions.
        factors: How much each score counts on each part, by part and score.
        values: With each seed, shape ``(seeds,)``.
        draws: In draws of the rows, shape ``(seeds, draws)``.
    """

    evidence: Evidence
    factors: Mapping[ScoredSide, Mapping[str, float]]
    values: Mapping[str, Floats]
    draws: Mapping[str, Floats]

    def gap(self, name: str, base: str) -> Gap:
        """Return how much more one candidate is worth than another."""
        if name == base:
            return Gap(0.0, 0.0, 0.0)
        mine, theirs = self.values[name], self.values[base]
        value = float(mine.mean() - theirs.mean())
        rows = math.hypot(*(self._rows_error(side, name, base) for side in self.factors))
        seeds = math.hypot(seed_half_width(mine), seed_half_width(theirs)) / Z95
        return Gap(value, rows, seeds) if math.isfinite(value) else UNKNOWN

    def more_rows(self, name: str, base: str) -> int | None:
        """Return how many more held-out rows would tell whether one is better; ``None`` if no number would.

        Old training rows stay as many as they are: nobody can collect more of them.
        """
        gap = self.gap(name, base)
        stays = self._rows_error("trained", name, base) if "trained" in self.factors else 0.0
        if not gap.known:
            return None
        grows = math.sqrt(max(gap.rows**2 - stays**2, 0.0))
        rows = sum(len(self.evidence.held[side].targets) for side in self.factors if side != "trained")
        return more_rows(Gap(gap.value, grows, math.hypot(gap.seeds, stays)), rows, 1.0)

    def errors(self, names: Sequence[str]) -> Floats:
        """Return the standard error of each gain over keep, by which it is shrunk; ``(names,)``.

        What the seeds add is pooled over the candidates: few seeds tell one candidate's scatter too badly to rank by.
        """
        each = [values.var(ddof=1) / values.size for values in self.values.values() if values.size > 1]
        seeds = float(np.mean(each)) if each else 0.0
        rows = np.array([self.gap(name, "keep").rows for name in names])
        return np.where([name == "keep" for name in names], 0.0, np.sqrt(np.square(rows) + seeds))

    def _rows_error(self, side: ScoredSide, name: str, base: str) -> float:
        """Return the standard error from the rows of one part: those of its scores, as far as they scatter alike."""
        factors = self.factors[side]
        errors = np.array([f * rows_error(self.evidence, name, base, side, s) for s, f in factors.items()])
        if not np.isfinite(errors).all():
            return math.inf
        together = errors @ _alike(self.evidence, side, name, base, tuple(factors)) @ errors
        return math.sqrt(max(float(together), 0.0))


def _alike(evidence: Evidence, side: ScoredSide, name: str, base: str, scores: tuple[str, ...]) -> Floats:
    """Return how the differences in several scores go together in draws of the rows: their correlations."""
    if len(scores) == 1:
        return np.ones((1, 1))
    key = (side, min(name, base), max(name, base), scores)
    if key not in evidence.alike:
        draws = [evidence.draws(side, score) for score in scores]
        apart = np.stack([each[name].mean(axis=0) - each[base].mean(axis=0) for each in draws])
        scatter = apart.std(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.cov(apart, bias=True) / np.outer(scatter, scatter)
        np.fill_diagonal(found, 1.0)
        evidence.alike[key] = np.nan_to_num(found)
    return evidence.alike[key]


def weighing_of(evidence: Evidence, wishes: Wishes) -> Weighing:
    """Return what candidates are weighed by."""
    sides = weights_of(evidence, wishes)
    scores = scores_weighed(evidence, wishes)
    return Weighing({name: margin_of(evidence, name, wishes.margin, sides) for name in scores}, sides)


def gains_to_expect(level: Level | None, gains: Floats, errors: Floats) -> Floats:
    """Return how large gains can be expected to be, as their standard deviation in margins; ``(...)``.

    At least as large as the largest gain that is proven (one-sided, Bonferroni): it is there, whatever the shift says.

    Args:
        level: How far the data has moved. Without old data nobody knows: then it is as if it had moved if a gain is proven,
            and else as if it had not.
        gains: What each candidate gains over keep, shape ``(..., names)``.
        errors: Their standard errors, shape ``(names,)``.

    >>> gains_to_expect("none", np.array([[9.0, 1.0], [0.5, 1.0]]), np.array([1.0, 1.0])).round(2).tolist()
    [7.04, 0.2]
    >>> float(gains_to_expect(None, np.array([1.0]), np.array([9.0])))
    0.2
    """
    enough = float(stats.norm.ppf(1 - PROVEN / max(1, gains.shape[-1])))
    proven = np.max(gains - enough * errors, axis=-1, initial=0.0)
    least = np.where(proven > 0, EXPECTED["minor"], EXPECTED["none"]) if level is None else EXPECTED[level]
    return np.asarray(np.maximum(least, proven))


def scores_weighed(evidence: Evidence, wishes: Wishes) -> tuple[str, ...]:
    """Return the scores that candidates are weighed by: accuracy and log-loss together, if nobody says otherwise.

    Where nine rows of ten have one label, log-loss alone: a model that always names that label is right on nine of ten.
    """
    if wishes.score is not None:
        return (wishes.score,)
    if evidence.task == "regression":
        return ("mae",)
    return ("log_loss",) if one_sided(evidence) else ("accuracy", "log_loss")


def one_sided(evidence: Evidence) -> bool:
    """Whether nearly all new rows have the same label."""
    targets = np.asarray(evidence.held["new"].targets)
    if evidence.task not in ("binary", "multiclass") or len(targets) < FEWEST_ROWS:
        return False
    return bool(np.bincount(targets.astype(np.intp)).max() >= ONE_SIDED * len(targets))


def margin_of(
    evidence: Evidence, score: str, margin: float, sides: Mapping[ScoredSide, float] = NEW
) -> float:
    """Return the smallest difference that matters in the score's unit; errors of numbers count in shares of keep's.

    Args:
        evidence: All predictions.
        score: Name in ``SCORES``.
        margin: See ``Wishes``.
        sides: The parts that are judged, with their weights.
    """
    if score == "log_loss":
        return LOG_LOSSES * margin
    if SCORES[score].share or score in ("brier", "r2"):
        return margin
    keep = abs(
        sum(weight * float(evidence.values(side, score)["keep"].mean()) for side, weight in sides.items())
    )
    return (LOG_LOSSES if score == "loss" else 1) * margin * max(keep, np.finfo(float).tiny)


def weights_of(evidence: Evidence, wishes: Wishes) -> dict[ScoredSide, float]:
    """Return how much the rows of each part count."""
    old = wishes.old_weight if "old" in evidence.predicted else 0.0
    weights: dict[ScoredSide, float] = {}
    if old > 0:
        weights[old_side(evidence, wishes)] = old
    if old < 1:
        sides = new_sides(evidence)
        rows = {side: len(evidence.held[side].targets) for side in sides}
        weights |= {side: (1 - old) * count / sum(rows.values()) for side, count in rows.items()}
    return weights


def new_sides(evidence: Evidence) -> tuple[ScoredSide, ...]:
    """Return the parts of the new rows that are weighed: those that tell when to stop too, if no model was chosen by them."""
    chosen = any(name in CHOOSE_BY_VALIDATION for name in evidence.predicted["new"])
    return ("new", "validation") if _scored(evidence, "validation") and not chosen else ("new",)


def old_side(evidence: Evidence, wishes: Wishes) -> ScoredSide:
    """Return the old rows that are weighed."""
    return "trained" if wishes.old_seen and _scored(evidence, "trained") else "old"


def _scored(evidence: Evidence, side: ScoredSide) -> bool:
    """Whether every candidate with a score has one on this part, with every seed."""
    counts = {
        part: {name: len(seeds) for name, seeds in evidence.predicted.get(part, {}).items()}
        for part in ("new", side)
    }
    return counts[side] == counts["new"]


def weights(evidence: Evidence, weighing: Weighing) -> Weights:
    """Return what each candidate with a score is worth."""
    names = list(evidence.predicted["new"])
    factors: dict[ScoredSide, dict[str, float]] = {
        side: {score: weight / len(weighing.margins) / margin * sign_of(score) for score, margin in weighing.margins.items()}
        for side, weight in weighing.weights.items()
    }  # fmt: skip
    each = {(side, score): factor for side, some in factors.items() for score, factor in some.items()}
    draws = {key: evidence.draws(*key) for key in each}
    least = min(next(iter(found.values())).shape[1] for found in draws.values())
    values, drawn = {}, {}
    for name in names:
        behind = sum(abs(factor) * lag(evidence, name, *key) for key, factor in each.items())
        values[name] = behind + sum_of(factor * evidence.values(*key)[name] for key, factor in each.items())
        drawn[name] = behind + sum_of(factor * draws[key][name][:, :least] for key, factor in each.items())
    return Weights(evidence, factors, values, drawn)


def sum_of(arrays: Iterable[Floats]) -> Floats:
    """Return the sum of arrays of one shape."""
    return np.asarray(np.sum(list(arrays), axis=0))


def expected_gains(level: Level | None, found: Floats, errors: Floats) -> Floats:
    """Return what gains are to be expected of other rows, given those that were found.

    Args:
        level: How far the data has moved.
        found: Gains over keep, shape ``(..., names)``, keep's own first.
        errors: Their standard errors, shape ``(names,)``.

    >>> expected_gains("minor", np.array([0.0, 2.0]), np.array([0.0, 6.0])).tolist()
    [0.0, 1.0]
    """
    squares = np.square(gains_to_expect(level, found[..., 1:], errors[1:]))[..., None]
    return np.asarray(found * squares / (squares + np.square(errors)))


def choose(expected: Floats, effort: Sequence[float]) -> NDArray[np.intp]:
    """Return the place of the candidate to take: of those that are expected to be nearly the best, the best of the cheap ones.

    Args:
        expected: Expected gains in margins, shape ``(..., names)``; minus infinity for one that is excluded.
        effort: Seconds that each takes to make; keep none.

    >>> int(choose(np.array([0.0, 1.9, 2.2]), [0, 3, 9])), int(choose(np.array([0.0, 1.9, 2.2]), [0, 8, 9]))
    (1, 2)
    """
    near = expected >= expected.max(axis=-1, keepdims=True) - INDIFFERENT
    times = np.where(near, np.asarray(effort, np.float64), np.inf)
    cheap = as_cheap(times, times.min(axis=-1, keepdims=True))
    return np.asarray(np.where(cheap, expected, -np.inf).argmax(axis=-1))


def as_cheap(seconds: Floats | float, least: Floats | float) -> Any:
    """Return whether what takes so many seconds is about as cheap as what takes ``least``; keep, which takes none, is cheaper.

    >>> bool(as_cheap(5.3, 4.8)), bool(as_cheap(9.0, 4.0)), bool(as_cheap(0.5, 0.0))
    (True, False, False)
    """
    most = np.where(np.greater(least, 0), np.maximum(CHEAPER * np.asarray(least), least + SECONDS), 0.0)
    return seconds <= most


def drawn_gains(draws: Mapping[str, Floats], names: Sequence[str], seed: int = 0) -> Floats:
    """Return by how much each is above keep in draws of the rows, with a seed drawn at random; ``(draws, names)``.

    Args:
        draws: By candidate, shape ``(seeds, draws)``; of the same shapes, the same seeds are drawn.
        names: Candidates, keep first.
        seed: Of the drawing.
    """
    rng = np.random.default_rng(seed)
    columns = []
    for name in names:
        seeds, count = draws[name].shape
        columns.append(draws[name][rng.integers(0, seeds, count), np.arange(count)])
    table = np.column_stack(columns)
    return np.asarray(np.nan_to_num(table - table[:, :1]))

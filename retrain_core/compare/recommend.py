"""What to do, in one sentence, and why. Keep is a candidate like the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.intervals import Z95, seed_half_width, standard_error
from retrain_core.types import CandidateScores, Metric, Recommendation

MARGIN = 0.005  # differences in accuracy smaller than this do not matter; for an error, this share of keep's
TITLES = {
    "keep": "Keep the old model",
    "incremental": "Train incrementally",
    "full_retrain": "Retrain in full",
}

Rows = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class _Difference:
    """How much better one candidate is than another in the weighted score; ``error`` is its standard error."""

    value: float
    error: float

    @property
    def low(self) -> float:
        return self.value - Z95 * self.error

    @property
    def high(self) -> float:
        return self.value + Z95 * self.error


def recommend(
    rows: Mapping[str, Rows], scores: Mapping[str, CandidateScores], metric: Metric, old_weight: float
) -> Recommendation:
    """Return the candidate to take: the best weighted score, or a simpler one that is not materially worse.

    A candidate replaces the old model only if it is better by more than chance makes likely (one standard error of
    the paired difference); the choice is called clear if the 95 % interval agrees.

    Args:
        rows: By strategy, per-row scores of shape ``(seeds, rows)``: ``new_metric`` and, with old data, ``old_metric``.
        scores: By strategy, for the words.
        metric: Which way is better.
        old_weight: Weight of the old part, 0 to 1; 0 without old data.
    """
    sign = 1.0 if metric.direction == "max" else -1.0
    margin = MARGIN if metric.name == "accuracy" else MARGIN * float(rows["keep"]["new_metric"].mean())
    names = list(rows)
    to_keep = {name: _difference(rows[name], rows["keep"], old_weight, sign) for name in names}
    worth = [
        name for name in names if name == "keep" or to_keep[name].value > max(margin, to_keep[name].error)
    ]
    best = max(worth, key=lambda name: to_keep[name].value)
    near = [name for name in worth if to_keep[best].value - to_keep[name].value <= margin]
    choice = min(near, key=lambda name: (name != "keep", scores[name].seconds))
    others = [name for name in names if name != choice]
    versus = {name: _difference(rows[choice], rows[name], old_weight, sign) for name in others}
    clear = all(diff.low > -margin for diff in versus.values()) and (
        choice == "keep" or to_keep[choice].low > 0
    )
    reasons = [
        *_gain(choice, scores, metric),
        *_rivals(choice, versus, near, margin, metric),
        *_cost(choice, scores),
    ]
    reasons += _doubts(scores, old_weight)
    return Recommendation(
        choice, clear, _summary(choice, clear, to_keep, scores, metric, margin), tuple(reasons)
    )


def _difference(candidate: Rows, base: Rows, old_weight: float, sign: float) -> _Difference:
    """Return how much better ``candidate`` is than ``base`` on the same rows, weighted over both parts."""
    value, variance = 0.0, 0.0
    seeds = {"candidate": 0.0, "base": 0.0}
    for side, weight in (("new", 1 - old_weight), ("old", old_weight)):
        if not weight:
            continue
        mine, theirs = candidate[f"{side}_metric"], base[f"{side}_metric"]
        per_row = sign * (mine.mean(axis=0) - theirs.mean(axis=0))
        value += weight * float(per_row.mean())
        variance += (weight * standard_error(per_row)) ** 2
        seeds["candidate"] += weight * seed_half_width(mine.mean(axis=1)) / Z95
        seeds["base"] += weight * seed_half_width(theirs.mean(axis=1)) / Z95
    return _Difference(value, float(np.sqrt(variance + seeds["candidate"] ** 2 + seeds["base"] ** 2)))


# --- words ----------------------------------------------------------------------------------------


def title(name: str) -> str:
    """Return what doing ``name`` is called in a sentence.

    >>> title("incremental"), title("keep")
    ('Train incrementally', 'Keep the old model')
    """
    return TITLES.get(name, name.replace("_", "-").capitalize())


def score_text(value: float, metric: Metric) -> str:
    """Return a score as people read it.

    >>> score_text(0.7123, Metric("accuracy", "max")), score_text(12.3456, Metric("mae", "min"))
    ('71.2 %', '12.35')
    """
    return f"{value * 100:.1f} %" if metric.name == "accuracy" else f"{value:.4g}"


def gap_text(value: float, metric: Metric) -> str:
    """Return the size of a difference as people read it.

    >>> gap_text(-0.0123, Metric("accuracy", "max"))
    '1.2 points'
    """
    return f"{abs(value) * 100:.1f} points" if metric.name == "accuracy" else f"{abs(value):.4g}"


def _summary(
    choice: str,
    clear: bool,
    to_keep: Mapping[str, _Difference],
    scores: Mapping[str, CandidateScores],
    metric: Metric,
    margin: float,
) -> str:
    what = "accuracy" if metric.name == "accuracy" else "mean absolute error"
    mine, keep = scores[choice], scores["keep"]
    assert mine.new is not None and keep.new is not None
    new, new_keep = mine.new[metric.name], keep.new[metric.name]
    if choice == "keep":
        top = max(
            (name for name in to_keep if name != "keep"), key=lambda name: to_keep[name].value, default=None
        )
        if top is None:
            return f"Keep the old model: nothing else was run. Its {what} on the new rows is {score_text(new, metric)}."
        if clear or to_keep[top].value <= margin:
            return f"Keep the old model: no candidate is materially better (its {what} on the new rows is {score_text(new, metric)})."
        return (
            f"Keep the old model for now: {title(top).lower()} looks better by {gap_text(to_keep[top].value, metric)}, "
            "but that may be chance."
        )
    sentence = (
        f"{title(choice)}: {what} goes from {score_text(new_keep, metric)} to {score_text(new, metric)} "
        "on the new rows"
    )
    if mine.old and keep.old:
        before, after = keep.old[metric.name], mine.old[metric.name]
        sentence += f" and from {score_text(before, metric)} to {score_text(after, metric)} on the old"
    return sentence + ("." if clear else ", but that is not certain.")


def _gain(choice: str, scores: Mapping[str, CandidateScores], metric: Metric) -> list[str]:
    reasons = []
    for side in ("new", "old"):
        delta = (scores[choice].delta.get(side) or {}).get(metric.name)
        if choice == "keep" or delta is None:
            continue
        sign = 1 if metric.direction == "max" else -1
        low, high = sorted(sign * end for end in delta.interval)
        better = "better" if sign * delta.value > 0 else "worse"
        sure = "" if low > 0 or high < 0 else ", so it may be no difference"
        reasons.append(
            f"On the {side} rows it is {gap_text(delta.value, metric)} {better} than keep "
            f"(95 % interval: {_signed(low, metric)} to {_signed(high, metric)}{sure})."
        )
    return reasons


def _signed(value: float, metric: Metric) -> str:
    """Return a gain (plus) or a loss (minus) as people read it."""
    return f"{value * 100:+.1f} points" if metric.name == "accuracy" else f"{value:+.3g}"


def _rivals(
    choice: str, versus: Mapping[str, _Difference], near: list[str], margin: float, metric: Metric
) -> list[str]:
    reasons = []
    for name, diff in sorted(versus.items(), key=lambda item: item[1].value):
        if name in near:
            reasons.append(
                f"{title(name)} is not materially different ({gap_text(diff.value, metric)}); the cheaper one is taken."
            )
        elif name != "keep" and diff.value > 0:
            sure = "clearly" if diff.low > 0 else "though not clearly"
            reasons.append(
                f"{title(name)} is {gap_text(diff.value, metric)} worse in the weighted score, {sure}."
            )
        elif name != "keep" and diff.value <= 0:
            reasons.append(
                f"{title(name)} is {gap_text(diff.value, metric)} better in the weighted score, which may be chance."
            )
    return reasons


def _cost(choice: str, scores: Mapping[str, CandidateScores]) -> list[str]:
    mine = scores[choice]
    if choice == "keep":
        return []
    return [
        f"Training took {mine.seconds:.1f} s on {mine.device} and {mine.peak_memory_mb:,.0f} MB of memory."
    ]


def _doubts(scores: Mapping[str, CandidateScores], old_weight: float) -> list[str]:
    doubts = []
    if max(len(candidate.per_seed) for candidate in scores.values()) == 1:
        doubts.append(
            "One seed a strategy: how much luck of the seed matters is not known; three or more would tell."
        )
    if old_weight:
        doubts.append(
            "The old model has probably seen the old rows in training, which flatters keep on the old part."
        )
    failed = [title(name) for name, candidate in scores.items() if candidate.new is None]
    if failed:
        doubts.append(f"Without a score: {', '.join(failed)}.")
    return doubts

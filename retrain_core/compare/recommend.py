"""What to do, in one sentence, and why. Keep is a candidate like the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.compare.intervals import Z95, paired_error, seed_half_width
from retrain_core.strategies.naming import noun, title
from retrain_core.types import CandidateScores, Metric, Recommendation

MARGIN = 0.005  # differences in accuracy smaller than this do not matter; for an error, this share of keep's
BY_LOSS = "By loss, "  # begins the reason that the loss prefers another candidate
MOST_RIVALS = 2  # that a sentence names
MOST_NAMED = 3  # rivals that get a reason of their own, one more if it is the only one left
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
    """Return the candidate to take: the best weighted score, or a cheaper one that is not materially worse.

    Keep is replaced only by a candidate that is better by more than chance makes likely: at the 95 % level, corrected
    for how many candidates are compared with it (Bonferroni). The choice is called clear if, beside that, no rival may
    be materially better (95 % interval).

    Args:
        rows: By strategy, per-row scores of shape ``(seeds, rows)``: ``new_metric`` and ``new_loss``, and with old
            data ``old_metric`` and ``old_loss``.
        scores: By strategy, for the words.
        metric: Which way is better.
        old_weight: Weight of the old part, 0 to 1; 0 without old data.
    """
    sign = 1.0 if metric.direction == "max" else -1.0
    share = metric.name == "accuracy"
    margin = MARGIN if share else MARGIN * float(rows["keep"]["new_metric"].mean())

    def better(candidate: str, base: str) -> _Difference:
        return _difference(rows[candidate], rows[base], old_weight, sign, "metric", share)

    to_keep = {name: better(name, "keep") for name in rows}
    level = float(stats.norm.ppf(1 - 0.025 / max(1, len(rows) - 1)))
    proven = [
        name for name, gain in to_keep.items() if gain.value > margin and gain.value > level * gain.error
    ]
    worth = ["keep", *(name for name in proven if name != "keep")]
    best = max(worth, key=lambda name: to_keep[name].value)
    near = [name for name in worth if to_keep[best].value - to_keep[name].value <= margin]
    choice = min(near, key=lambda name: (name != "keep", scores[name].seconds))
    versus = {name: better(choice, name) for name in rows if name != choice}
    nearest = sorted(versus, key=lambda name: versus[name].value)
    rivals = [name for name in nearest if versus[name].low <= -margin]
    reasons = [
        *_gain(choice, scores, metric),
        *_rivals(versus, near, metric, old_weight),
        *_by_loss(choice, rows, scores, old_weight),
        *_cost(choice, scores),
        *_doubts(scores),
    ]
    sentence = _sentence(choice, to_keep, scores, metric, margin, rivals)
    return Recommendation(choice, not rivals, sentence, tuple(reasons))


def _difference(
    candidate: Rows, base: Rows, old_weight: float, sign: float, score: str, share: bool
) -> _Difference:
    """Return how much better ``candidate`` is than ``base`` on the same rows, weighted over both parts."""
    value, variance = 0.0, 0.0
    seeds = {"candidate": 0.0, "base": 0.0}
    for side, weight in (("new", 1 - old_weight), ("old", old_weight)):
        if not weight:
            continue
        mine, theirs = candidate[f"{side}_{score}"], base[f"{side}_{score}"]
        per_row = sign * (mine.mean(axis=0) - theirs.mean(axis=0))
        value += weight * float(per_row.mean())
        variance += (weight * paired_error(per_row, share=share)) ** 2
        seeds["candidate"] += weight * seed_half_width(mine.mean(axis=1)) / Z95
        seeds["base"] += weight * seed_half_width(theirs.mean(axis=1)) / Z95
    return _Difference(value, float(np.sqrt(variance + seeds["candidate"] ** 2 + seeds["base"] ** 2)))


# --- words ----------------------------------------------------------------------------------------


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


def _sentence(
    choice: str,
    to_keep: Mapping[str, _Difference],
    scores: Mapping[str, CandidateScores],
    metric: Metric,
    margin: float,
    rivals: Sequence[str],
) -> str:
    """Return what to do, what it brings, and what could still turn out otherwise."""
    what = "accuracy" if metric.name == "accuracy" else "mean absolute error"
    mine, keep = scores[choice], scores["keep"]
    assert mine.new is not None and keep.new is not None
    now = f"its {what} on the new rows is {score_text(keep.new[metric.name], metric)}"
    if choice == "keep":
        if len(to_keep) == 1:
            return f"Keep the old model: nothing else has a score; {now}."
        top = max((name for name in to_keep if name != "keep"), key=lambda name: to_keep[name].value)
        if to_keep[top].value <= margin:
            return f"Keep the old model: no candidate is materially better; {now}{_doubt(rivals)}"
        gap = gap_text(to_keep[top].value, metric)
        return f"Keep the old model for now: {noun(top)} looks better by {gap}, which may be chance."
    before, after = keep.new[metric.name], mine.new[metric.name]
    sentence = f"{title(choice)}: {what} goes from {score_text(before, metric)} to {score_text(after, metric)} on the new rows"
    if mine.old and keep.old:
        before, after = keep.old[metric.name], mine.old[metric.name]
        sentence += f" and from {score_text(before, metric)} to {score_text(after, metric)} on the old"
    return sentence + _doubt(rivals)


def _doubt(rivals: Sequence[str]) -> str:
    """Return how the sentence ends: what could still turn out otherwise."""
    if not rivals:
        return "."
    if len(rivals) > MOST_RIVALS:  # names of several words, some with a comma, are no list to read
        return f"; {len(rivals)} others cannot be ruled out."
    names = " or ".join(noun(name) for name in rivals)
    return f"; {names} cannot be ruled out."


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
    versus: Mapping[str, _Difference], near: Sequence[str], metric: Metric, old_weight: float
) -> list[str]:
    reasons, where = [], _where(old_weight)
    nearest = sorted(versus, key=lambda name: versus[name].value)
    others = [name for name in nearest if name in near or name != "keep"]  # of keep each part is told
    named = _named(others)
    for name in named:
        diff = versus[name]
        gap, who = gap_text(diff.value, metric), noun(name).capitalize()
        if name in near:
            reasons.append(
                f"{who} is not materially {'worse' if diff.value > 0 else 'better'} ({gap}); the cheaper one is taken."
            )
        elif diff.value > 0:
            sure = "clearly" if diff.low > 0 else "though not clearly"
            reasons.append(f"{who} is {gap} worse {where}, {sure}.")
        else:
            reasons.append(f"{who} is {gap} better {where}, which may be chance.")
    rest = [versus[name] for name in others[len(named) :]]
    if rest:
        clearly = sum(diff.low > 0 for diff in rest)
        sure = {0: "though not clearly", len(rest): "clearly"}.get(clearly, f"{clearly} of them clearly")
        reasons.append(
            f"{len(rest)} others are {_span(rest[0].value, rest[-1].value, metric)} {where}, {sure}."
        )
    return reasons


def _named(names: Sequence[str]) -> list[str]:
    """Return those that are named: the first ones, or all if only one would be left.

    >>> _named("abcd"), _named("abcde")
    (['a', 'b', 'c', 'd'], ['a', 'b', 'c'])
    """
    return list(names if len(names) <= MOST_NAMED + 1 else names[:MOST_NAMED])


def _span(low: float, high: float, metric: Metric) -> str:
    """Return a range of losses against the choice; a negative one is a gain.

    >>> _span(0.01, 0.034, Metric("accuracy", "max")), _span(-0.01, 0.02, Metric("accuracy", "max"))
    ('1.0 points to 3.4 points worse', '1.0 points better to 2.0 points worse')
    """
    ends = [(gap_text(value, metric), "worse" if value >= 0 else "better") for value in (low, high)]
    if ends[0] == ends[1]:
        ends = ends[1:]
    elif ends[0][1] == ends[1][1]:
        ends[0] = (ends[0][0], "")
    return " to ".join(" ".join(filter(None, end)) for end in ends)


def _where(old_weight: float) -> str:
    """Return on what rows candidates are weighed."""
    if 0 < old_weight < 1:
        return "in the weighted score"
    return "on the old rows" if old_weight else "on the new rows"


def _by_loss(
    choice: str, rows: Mapping[str, Rows], scores: Mapping[str, CandidateScores], old_weight: float
) -> list[str]:
    """Say it if the loss clearly prefers another candidate: its outputs fit better where its decisions do not."""
    gains = {
        name: _difference(values, rows[choice], old_weight, -1.0, "loss", share=False)
        for name, values in rows.items()
        if name != choice
    }
    best = max(gains, key=lambda name: gains[name].value, default=None)
    if best is None or gains[best].low <= 0:
        return []
    mine, other = scores[choice].new, scores[best].new
    assert mine is not None and other is not None
    return [
        f"{BY_LOSS}{noun(best)} is clearly better {_where(old_weight)} "
        f"({other['loss']:.4g} against {mine['loss']:.4g} on the new rows)."
    ]


def _cost(choice: str, scores: Mapping[str, CandidateScores]) -> list[str]:
    mine = scores[choice]
    if choice == "keep":
        return []
    return [
        f"Training took {mine.seconds:.1f} s on {mine.device.upper()}, other runs may have shared it, "
        f"and {mine.peak_memory_mb:,.0f} MB of memory."
    ]


def _doubts(scores: Mapping[str, CandidateScores]) -> list[str]:
    doubts = []
    if max(len(candidate.per_seed) for candidate in scores.values()) == 1:
        doubts.append(
            "One seed a strategy: how much luck of the seed matters is not known; three or more would tell."
        )
    if scores["keep"].old is not None:
        doubts.append(
            "The old model has probably seen the old rows in training, which flatters keep on the old part."
        )
    stopped = [
        noun(name) for name, candidate in scores.items() if candidate.status == "stopped" and candidate.new
    ]
    if stopped:
        doubts.append(f"Stopped before the end, scored with what it had: {', '.join(stopped)}.")
    failed = [noun(name) for name, candidate in scores.items() if candidate.new is None]
    if failed:
        doubts.append(f"Without a score: {', '.join(failed)}.")
    return doubts

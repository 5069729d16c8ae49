"""Numbers and charts in words, for those who cannot see a chart or do not want to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from retrain_core.compare.basis_words import several_seeds
from retrain_core.compare.cost import main_score
from retrain_core.compare.measures import sign_of
from retrain_core.compare.score_words import gain_text, range_text, score_range_text, score_text
from retrain_core.figures.curves import FROM_OLD_MODEL
from retrain_core.figures.style import keep_first, look_of, trains
from retrain_core.report.content import Curves
from retrain_core.report.tables import best_on, parts_of, scores_on
from retrain_core.types import CandidateScores, Comparison, Delta

SCORE_NAMES: Mapping[str, str] = {"accuracy": "accuracy", "mae": "mean absolute error", "loss": "loss"}
Verdict = Literal["better", "worse", "same"]
SIGNS: Mapping[Verdict, str] = {"better": "▲", "worse": "▼", "same": "≈"}


@dataclass(frozen=True)
class ScoreCell:
    """One score of one candidate on one part, in words.

    Args:
        value: The mean over seeds.
        interval: Its 95 % interval.
        change: The difference to keep with its sign; empty for keep itself.
        change_interval: Its 95 % interval.
        verdict: How the difference is to be read; ``same`` if its interval includes no difference.
        best: Whether no candidate has a better mean.
    """

    value: str
    interval: str = ""
    change: str = ""
    change_interval: str = ""
    verdict: Verdict | None = None
    best: bool = False

    @property
    def sign(self) -> str:
        """The verdict as one sign."""
        return SIGNS[self.verdict] if self.verdict else ""


def score_cell(comparison: Comparison, strategy: str, part: str, score: str) -> ScoreCell:
    """Return a score with its interval and its difference to keep, in words; a dash if there is none."""
    candidate = comparison.strategies[strategy]
    value = scores_on(candidate, part).get(score)
    if value is None:
        return ScoreCell("–")
    best = score == comparison.metric.name and strategy in best_on(comparison, part)
    cell = ScoreCell(score_text(score, value), interval_text(candidate, part, score), best=best)
    delta = delta_of(candidate, strategy, part, score)
    if delta is None:
        return cell
    return ScoreCell(
        cell.value, cell.interval, gain_text(score, delta.value),
        range_text(score, *delta.interval).removesuffix(" points"), verdict_of(score, delta), best,
    )  # fmt: skip


def delta_of(candidate: CandidateScores, strategy: str, part: str, score: str) -> Delta | None:
    """Return the difference to keep; ``None`` for keep itself."""
    return None if strategy == "keep" else (candidate.delta.get(part) or {}).get(score)


def verdict_of(score: str, delta: Delta) -> Verdict:
    """Return how a difference to keep is to be read.

    >>> verdict_of("loss", Delta(-0.2, (-0.3, -0.1))), verdict_of("accuracy", Delta(0.01, (-0.01, 0.03)))
    ('better', 'same')
    """
    low, high = delta.interval
    if low <= 0 <= high:
        return "same"
    return "better" if sign_of(score) * delta.value > 0 else "worse"


def interval_text(candidate: CandidateScores, part: str, score: str) -> str:
    """Return the 95 % interval of a score; empty if there is none."""
    ends = (candidate.interval.get(part) or {}).get(score)
    return score_range_text(score, *ends) if ends and all(map(math.isfinite, ends)) else ""


def dots_words(comparison: Comparison, score: str) -> str:
    """Return all scores of one kind, the best first."""
    sentences = []
    means = ", mean over seeds" if several_seeds(comparison.strategies) else ""
    for part in parts_of(comparison):
        found = {
            name: scores_on(candidate, part)[score]
            for name, candidate in comparison.strategies.items()
            if score in scores_on(candidate, part)
        }
        order = sorted(found, key=lambda name: found[name], reverse=sign_of(score) > 0)
        listed = ", ".join(f"{look_of(name).title} {score_text(score, found[name])}" for name in order)
        if listed:
            sentences.append(
                f"{SCORE_NAMES[score].capitalize()} on the {part} part{means}, best first: {listed}."
            )
    return " ".join(sentences) or "No candidate has a score."


def tradeoff_words(comparison: Comparison) -> str:
    """Return what each strategy gains on the new part and loses on the old one."""
    score, sentences = main_score(comparison), []
    for name in keep_first(comparison.strategies):
        candidate = comparison.strategies[name]
        new, old = (delta_of(candidate, name, part, score) for part in ("new", "old"))
        if new and old:
            sentences.append(
                f"{look_of(name).title}: {gain_words(score, new, 'new')}, {gain_words(score, old, 'old')}."
            )
    if sentences and several_seeds(comparison.strategies):
        sentences.append("These are means over seeds.")
    return " ".join(sentences) or "No candidate can be set against keep on both parts."


def gain_words(score: str, delta: Delta, part: str) -> str:
    """Return a difference to keep without a sign.

    >>> gain_words("accuracy", Delta(0.158, (0.126, 0.19)), "new")
    '15.8 points better than keep on the new part'
    """
    better = "better" if sign_of(score) * delta.value > 0 else "worse"
    size = gain_text(score, abs(delta.value)).removeprefix("+")
    doubt = " (which may be chance)" if verdict_of(score, delta) == "same" else ""
    return f"{size} {better} than keep on the {part} part{doubt}"


def curves_words(curves: Curves, strategies: Mapping[str, str], score: str) -> str:
    """Return where each strategy's validation score began and ended, as means over seeds.

    Args:
        curves: By run id, the values along its training.
        strategies: By run id, its strategy.
        score: Which score.
    """
    key, sentences = f"validation_{score}", []
    for name in dict.fromkeys(strategies.values()):
        runs = [
            [float(point[key]) for point in curve if point.get(key) is not None]
            for run, curve in curves.items()
            if strategies.get(run) == name
        ]
        runs = [run for run in runs if run]
        if not runs:
            continue
        start, end = (score_text(score, float(np.mean([run[place] for run in runs]))) for place in (0, -1))
        begin = "the old model's" if name in FROM_OLD_MODEL else "its first"
        seeds = f" (mean of {len(runs)} seeds)" if len(runs) > 1 else ""
        sentences.append(f"{look_of(name).title} goes from {begin} {start} to {end}{seeds}.")
    if not sentences:
        return "No candidate has trained."
    return f"{SCORE_NAMES[score].capitalize()} on the validation rows: " + " ".join(sentences)


def lines_words(curves: Curves, score: str) -> str:
    """Return what the line patterns of the training curves mean."""
    keys = {key for curve in curves.values() for point in curve for key in point}
    lines = {
        f"validation_{score}": "solid: validation rows",
        score: "dotted: training rows",
        f"prequential_{score}": "dash-dot: prequential score",
    }
    found = ", ".join(words for key, words in lines.items() if key in keys)
    return f"{found.capitalize()}; dashed and grey: keep." if found else ""


def cost_words(comparison: Comparison) -> str:
    """Return which strategy cost most."""
    trained = {name: c for name, c in comparison.strategies.items() if trains(name) and c.new is not None}
    if not trained:
        return "No candidate has trained to its end."
    slow = max(trained, key=lambda name: trained[name].seconds)
    fast = min(trained, key=lambda name: trained[name].seconds)
    large = max(trained, key=lambda name: trained[name].peak_memory_mb)
    words = f"{look_of(slow).title} trained longest, {trained[slow].seconds:,.1f} s"
    if fast != slow:
        words += f"; {look_of(fast).title} shortest, {trained[fast].seconds:,.1f} s"
    if several_seeds(comparison.strategies):
        words += " (means over seeds)"
    return f"{words}. The most memory was held by {look_of(large).title}, {trained[large].peak_memory_mb:,.0f} MB."

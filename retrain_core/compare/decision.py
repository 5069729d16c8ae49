"""One choice under the user's wishes, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrain_core.compare.differences import Gap, paired
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.measures import sign_of
from retrain_core.compare.predicted import Floats
from retrain_core.compare.score_words import gap_text, name_of
from retrain_core.compare.weighing import (
    Weighing,
    Weights,
    choose,
    expected_gains,
    gains_to_expect,
    margin_of,
    old_side,
    scores_weighed,
    weighing_of,
    weights,
)
from retrain_core.types import CandidateScores, Level, Wishes


@dataclass(frozen=True)
class Decision:
    """One choice under the user's wishes, and what it rests on.

    Args:
        choice: The candidate to take.
        names: Candidates with a score, keep first.
        gaps: By name, how much more it is worth than keep, in margins.
        errors: Standard errors by which it is shrunk, in the order of the names.
        expected: What of it is to be expected of other rows.
        scale: How large gains can be expected to be, in margins.
        excluded: By name, which limit it breaks.
        weighing: What they were weighed by.
        found: What they are worth.
    """

    choice: str
    names: tuple[str, ...]
    gaps: Mapping[str, Gap]
    errors: Floats
    expected: Mapping[str, float]
    scale: float
    excluded: Mapping[str, str]
    weighing: Weighing
    found: Weights


def decide(
    evidence: Evidence, scores: Mapping[str, CandidateScores], wishes: Wishes, level: Level | None
) -> Decision:
    """Return the choice under the user's wishes."""
    weighing = weighing_of(evidence, wishes)
    found = weights(evidence, weighing)
    names = ("keep", *(name for name in found.values if name != "keep"))
    gaps = {name: found.gap(name, "keep") for name in names}
    values, errors = np.array([gap.value for gap in gaps.values()]), found.errors(names)
    scale = gains_to_expect(level, values[1:], errors[1:])
    expected = expected_gains(values, errors, scale)
    excluded = _excluded(evidence, scores, wishes, names)
    allowed = np.where([name in excluded for name in names], -np.inf, expected)
    choice = names[int(choose(allowed, effort(scores, names)))]
    by_name = dict(zip(names, expected.tolist(), strict=True))
    return Decision(choice, names, gaps, errors, by_name, scale, excluded, weighing, found)


def effort(scores: Mapping[str, CandidateScores], names: Sequence[str]) -> list[float]:
    """Return what each takes to make, in seconds of training without those that it waited for others; keep nothing."""
    return [0.0 if name == "keep" else scores[name].own_seconds for name in names]


def _excluded(
    evidence: Evidence, scores: Mapping[str, CandidateScores], wishes: Wishes, names: Sequence[str]
) -> dict[str, str]:
    """Return by name which of the user's limits a candidate breaks; keep breaks none."""
    found = {}
    for name in names[1:]:
        if wishes.most_seconds is not None and scores[name].own_seconds > wishes.most_seconds:
            found[name] = _too_long(scores[name].own_seconds, wishes.most_seconds)
        elif wishes.most_forgetting is not None and "old" in evidence.predicted:
            lost, score = forgetting(evidence, wishes, name)
            most = margin_of(evidence, score, wishes.most_forgetting, {old_side(evidence, wishes): 1.0})
            if lost > most:
                rows = "old training rows" if old_side(evidence, wishes) == "trained" else "old rows"
                found[name] = _forgets(lost, most, score, rows)
    return found


def forgetting(evidence: Evidence, wishes: Wishes, name: str) -> tuple[float, str]:
    """Return how much worse than keep a candidate is on the old rows, in the first score, and that score's name."""
    score = scores_weighed(evidence, wishes)[0]
    gap = paired(evidence, name, "keep", {old_side(evidence, wishes): 1.0}, score)
    return -sign_of(score) * gap.value, score


def _too_long(seconds: float, most: float) -> str:
    """Return which limit on the time is broken."""
    return f"it trains for {seconds:,.3g} s, and the limit is {most:,.3g} s"


def _forgets(lost: float, most: float, score: str, rows: str) -> str:
    """Return which limit on forgetting is broken."""
    return f"it loses {gap_text(score, lost)} of {name_of(score)} on the {rows}, and the limit is {gap_text(score, most)}"

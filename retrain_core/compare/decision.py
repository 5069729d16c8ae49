"""One choice under the user's wishes, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from retrain_core.compare.basis_words import old_rows
from retrain_core.compare.differences import Gap, paired
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.head_start import lag
from retrain_core.compare.measures import sign_of
from retrain_core.compare.predicted import Floats
from retrain_core.compare.score_words import gap_text, name_of
from retrain_core.compare.weighing import (
    Weighing,
    Weights,
    choose,
    expected_gains,
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
        excluded: By name, which limit it breaks.
        weighing: What they were weighed by.
        found: What they are worth.
    """

    choice: str
    names: tuple[str, ...]
    gaps: Mapping[str, Gap]
    errors: Floats
    expected: Mapping[str, float]
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
    expected = expected_gains(level, values, errors)
    excluded = _excluded(evidence, scores, wishes, names)
    allowed = np.where([name in excluded for name in names], -np.inf, expected)
    choice = names[int(choose(allowed, effort(scores, names)))]
    by_name = dict(zip(names, expected.tolist(), strict=True))
    return Decision(choice, names, gaps, errors, by_name, excluded, weighing, found)


def effort(scores: Mapping[str, CandidateScores], names: Sequence[str]) -> list[float]:
    """Return what each takes to make, in seconds of training without those that it waited for others; keep nothing."""
    return [0.0 if name == "keep" else scores[name].own_seconds for name in names]


def _excluded(
    evidence: Evidence, scores: Mapping[str, CandidateScores], wishes: Wishes, names: Sequence[str]
) -> dict[str, str]:
    """Return by name which of the user's limits a candidate breaks; keep breaks none."""
    found = {name: why for name in names[1:] if (why := too_long(scores[name], wishes))}
    if (forgotten := forgetting(evidence, wishes, names)) is not None:
        too_much = {
            name: forgotten.words(lost)
            for name, lost in zip(names, forgotten.lost, strict=True)
            if lost > forgotten.most
        }
        found = too_much | found
    return found


def too_long(scores: CandidateScores, wishes: Wishes) -> str:
    """Return that the limit on the time is broken; empty if it is not."""
    most, took = wishes.most_seconds, scores.own_seconds
    if most is None or took <= most:
        return ""
    return f"it trains for {took:,.3g} s, and the limit is {most:,.3g} s"


@dataclass(frozen=True)
class Forgotten:
    """How much worse than keep candidates are on the old rows, in the first score they are weighed by.

    Args:
        score: Name in ``SCORES``.
        rows: Which old rows, in words.
        most: What the user allows, in the score's unit.
        lost: By how much each is worse, shape ``(names,)``.
        draws: How good each is in draws of the rows, by name, shape ``(seeds, draws)``; higher is better.
    """

    score: str
    rows: str
    most: float
    lost: Floats
    draws: Mapping[str, Floats]

    def words(self, lost: float) -> str:
        """Return that the limit is broken by what is lost."""
        return (
            f"it loses {gap_text(self.score, lost)} of {name_of(self.score)} on the {self.rows}, "
            f"and the limit is {gap_text(self.score, self.most)}"
        )


def forgetting(evidence: Evidence, wishes: Wishes, names: Sequence[str]) -> Forgotten | None:
    """Return how much worse than keep, the first of the names, each is on the old rows; ``None`` without a limit on it."""
    if wishes.most_forgetting is None or "old" not in evidence.predicted:
        return None
    side, score = old_side(evidence, wishes), scores_weighed(evidence, wishes)[0]
    sign, only = sign_of(score), {side: 1.0}
    lost = np.array([-sign * paired(evidence, name, "keep", only, score).value for name in names])
    draws = evidence.draws(side, score)
    good = {name: sign * draws[name] + lag(evidence, name, side, score) for name in names}
    most = margin_of(evidence, score, wishes.most_forgetting, only)
    return Forgotten(score, old_rows(evidence, wishes), most, lost, good)

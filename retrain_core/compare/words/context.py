"""What there is to say something about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from retrain_core.compare.decision import Decision
from retrain_core.compare.differences import LEVEL, holm, paired
from retrain_core.compare.evidence import Evidence, Side
from retrain_core.compare.measures import sign_of
from retrain_core.types import CandidateScores, Level, Wishes


@dataclass(frozen=True)
class Context:
    """One choice, and what it rests on.

    Args:
        evidence: All predictions.
        scores: By candidate.
        wishes: What the user wants.
        level: How far the data has moved; ``None`` if that is not known.
        decision: The choice.
        rivals: Candidates that may be materially better than the choice, the likeliest first.
        stability: Share of resamples in which the same candidate is chosen.
    """

    evidence: Evidence
    scores: Mapping[str, CandidateScores]
    wishes: Wishes
    level: Level | None
    decision: Decision
    rivals: Sequence[str]
    stability: float = 1.0

    @property
    def choice(self) -> str:
        """The candidate to take."""
        return self.decision.choice

    @property
    def main(self) -> str:
        """The score that is told first: the one that candidates are weighed by, accuracy if it is among them."""
        return next(iter(self.decision.weighing.margins))

    def value(self, name: str, side: Side, score: str) -> float:
        """Return a candidate's score on one part of the holdout."""
        return float(self.evidence.values(side, score)[name].mean())

    def gain(self, name: str, base: str, score: str) -> float:
        """Return how much better a candidate is over all rows that are weighed."""
        return sign_of(score) * paired(self.evidence, name, base, self.decision.weighing.weights, score).value

    @cached_property
    def _adjusted(self) -> Mapping[str, float]:
        """By candidate, the p-value of its being worth as much as the choice, after Holm over all."""
        others = [name for name in self.decision.names if name != self.choice]
        return dict(
            zip(others, holm([self.decision.found.gap(name, self.choice).p for name in others]), strict=True)
        )

    def ahead(self, name: str) -> bool:
        """Return whether a candidate was better than the choice beyond chance, as measured."""
        return self._told_apart(name) and self.decision.found.gap(name, self.choice).value > 0

    def behind(self, name: str) -> bool:
        """Return whether a candidate was worse than the choice beyond chance, as measured."""
        return self._told_apart(name) and self.decision.found.gap(name, self.choice).value < 0

    def _told_apart(self, name: str) -> bool:
        known = self.decision.found.gap(name, self.choice).known
        return known and self._adjusted[name] < LEVEL

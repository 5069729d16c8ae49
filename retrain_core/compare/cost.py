"""What a better model costs and when it pays: candidates that no other beats, and the break-even with its sensitivity.

Training costs money once, then each prediction is worth a little more than keep's would have been. The gain is that on new
rows, and is taken to stay as it is for as long as the model is used; where the data moves on it will fade, so a horizon no
longer than the time between two trainings is the honest one.

Source: Mahadevan and Mathioudakis (2024), Knowledge-Based Systems 293 (CARA): to keep a model costs what its wrong answers
cost, to retrain it costs the computing, and the cheaper of both is chosen. Regol et al. (2025), ICML: the ratio of both
costs is hard to say, so a decision is to be looked at with it misjudged; and what a retrained model will be worth is uncertain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from retrain_core.compare.decision import effort
from retrain_core.compare.differences import ends_of, paired
from retrain_core.compare.evidence import Evidence
from retrain_core.compare.measures import sign_of
from retrain_core.compare.weighing import weights_of
from retrain_core.types import CandidateScores, Comparison, Stakes, Wishes

Factor = Literal["gain", "value", "a_day", "days", "an_hour"]
TRIED: tuple[Factor, ...] = ("value", "a_day", "days", "an_hour")  # halved and doubled


# --- candidates that no other beats ---------------------------------------------------------------


def front(comparison: Comparison, score: str) -> tuple[str, ...]:
    """Return candidates that no other beats on all of the score on new rows, that on old rows, and time; keep takes none.

    Args:
        comparison: The candidates.
        score: Name in ``SCORES``.
    """
    sign, scored = sign_of(score), scored_by(comparison, score)
    seconds = effort(comparison.strategies, scored)
    points = {}
    for name, taken in zip(scored, seconds, strict=True):
        candidate = comparison.strategies[name]
        sides = [side for side in (candidate.new, candidate.old) if side is not None]
        points[name] = (*(sign * side[score] for side in sides), -taken)
    return undominated(points)


def main_score(comparison: Comparison) -> str:
    """Return the first score that candidates are weighed by."""
    found = comparison.recommendation
    return found.scores[0] if found else comparison.metric.name


def scored_by(comparison: Comparison, score: str) -> list[str]:
    """Return candidates that have a score on the new rows."""
    return [
        name
        for name, candidate in comparison.strategies.items()
        if candidate.new is not None and math.isfinite(candidate.new.get(score, math.nan))
    ]


def undominated(points: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """Return points that no other beats: none is at least as high in all and higher in one.

    >>> undominated({"a": (0.7, 0.0), "b": (0.8, -3.0), "c": (0.75, -9.0)})
    ('a', 'b')
    """
    return tuple(
        name
        for name, point in points.items()
        if not any(
            all(theirs >= mine for theirs, mine in zip(other, point, strict=True))
            and tuple(other) != tuple(point)
            for other in points.values()
        )
    )


# --- when it pays ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Payoff:
    """What a candidate brings over keep, in the currency of the stakes.

    Args:
        gain: How much better a prediction is on new rows: of accuracy (a share), or of the mean absolute error.
        gain_interval: Its 95 % interval.
        cost: Of training it once.
        stakes: What that is worth.
    """

    gain: float
    gain_interval: tuple[float, float]
    cost: float
    stakes: Stakes

    def net_of(self, gain: float, days: float) -> float:
        """Return what is left of a gain after so many days."""
        return gain * self.stakes.value * self.stakes.a_day * days - self.cost

    @property
    def net(self) -> float:
        """What is left after all days."""
        return self.net_of(self.gain, self.stakes.days)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of that, from the gain's."""
        low, high = self.gain_interval
        return self.net_of(low, self.stakes.days), self.net_of(high, self.stakes.days)

    @property
    def days(self) -> float | None:
        """Days until the training has paid; ``None`` if it never does."""
        return self._days(self.gain)

    @property
    def days_interval(self) -> tuple[float | None, float | None]:
        """The 95 % interval of that, the earliest day first."""
        low, high = self.gain_interval
        return self._days(high), self._days(low)

    def _days(self, gain: float) -> float | None:
        a_day = gain * self.stakes.value * self.stakes.a_day
        return self.cost / a_day if a_day > 0 else None


def break_even(
    evidence: Evidence, scores: Mapping[str, CandidateScores], stakes: Stakes
) -> dict[str, Payoff]:
    """Return what each candidate with a score brings over keep.

    Args:
        evidence: All predictions; keep has a score.
        scores: By candidate, for the time it trained.
        stakes: What a better prediction is worth, and what an hour of the machine costs.
    """
    names = [name for name in evidence.predicted["new"] if name != "keep"]
    weights = weights_of(evidence, Wishes(old_weight=0.0))
    sign, found = sign_of(evidence.metric), {}
    for name, seconds in zip(names, effort(scores, names), strict=True):
        gap = paired(evidence, name, "keep", weights, evidence.metric)
        low, high = sorted(sign * end for end in ends_of(gap, evidence.metric))
        found[name] = Payoff(sign * gap.value, (low, high), seconds / 3600 * stakes.an_hour, stakes)
    return found


def in_focus(payoffs: Mapping[str, Payoff], choice: str | None) -> str | None:
    """Return the candidate to tell about: the recommended one, or the one that brings most if that is keep."""
    if choice in payoffs:
        return choice
    return max(payoffs, key=lambda name: payoffs[name].net, default=None)


# --- what if an entry is wrong --------------------------------------------------------------------


@dataclass(frozen=True)
class Swing:
    """What is left after all days if one factor is another.

    Args:
        factor: Which.
        less: With half of it; of the gain, with the lower end of its interval.
        more: With twice as much; of the gain, with the upper end.
    """

    factor: Factor
    less: float
    more: float

    @property
    def effect(self) -> float:
        """How far both lie apart."""
        return abs(self.more - self.less)

    def turns(self, net: float) -> bool:
        """Whether what is left changes its sign."""
        return any((end > 0) != (net > 0) for end in (self.less, self.more))


def sensitivity(payoff: Payoff) -> tuple[Swing, ...]:
    """Return what is left with each of the stakes halved and doubled, and at the ends of the gain, the widest first."""
    swings = [Swing("gain", *payoff.interval)]
    swings += [Swing(factor, _with(payoff, factor, 0.5), _with(payoff, factor, 2.0)) for factor in TRIED]
    return tuple(sorted(swings, key=lambda swing: -swing.effect))


def _with(payoff: Payoff, factor: Factor, times: float) -> float:
    """Return what is left if a factor is so many times as large."""
    stakes = payoff.stakes
    if factor == "an_hour":
        return replace(payoff, cost=times * payoff.cost).net
    return replace(payoff, stakes=replace(stakes, **{factor: times * getattr(stakes, factor)})).net

"""Every candidate on the same holdout, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from retrain_core.types.data import Finding, Holdout
from retrain_core.types.text import Scalar, ScoredSide, Task

Verdict = Literal["better", "worse", "no material difference", "cannot tell"]


@dataclass(frozen=True)
class Metric:
    """What accuracy-like number is compared, and which way is better."""

    name: Literal["accuracy", "mae"]
    direction: Literal["max", "min"]


@dataclass(frozen=True)
class Stakes:
    """What a better model is worth, and what an hour of training costs; all money in one currency.

    Args:
        value: Of one prediction that is right instead of wrong; for numbers, of an absolute error smaller by 1.
        a_day: Predictions a day.
        days: How long the next model is used.
        an_hour: Price of an hour of the machine.
    """

    value: float
    a_day: float
    days: float
    an_hour: float


@dataclass(frozen=True)
class Wishes:
    """What the user wants of the next model, and knows of the old one; to change it takes no further run.

    Args:
        score: What candidates are weighed by, a name in ``SCORES``; ``None`` takes those that fit the labels.
        old_weight: Weight of the old part of the holdout, 0 to 1.
        margin: The smallest difference that matters: of shares such as accuracy; twice of it for log-loss; for errors of
            numbers, a share of keep's.
        most_forgetting: What the first score may get worse on the old part at most, in the unit of ``margin``; ``None``:
            anything.
        most_seconds: How long training may take; ``None``: any time.
        old_seen: Whether the old model was trained on the old rows.
        stakes: What a better model is worth; ``None`` if nobody has said.
    """

    score: str | None = None
    old_weight: float = 0.5
    margin: float = 0.005
    most_forgetting: float | None = None
    most_seconds: float | None = None
    old_seen: bool = True
    stakes: Stakes | None = None


@dataclass(frozen=True)
class Difference:
    """Whether a candidate is better than another on the same rows.

    Args:
        candidate: Whose score.
        base: Against whose.
        side: Which part of the holdout.
        score: Name in ``SCORES``.
        value: How much better it is; negative is worse, whichever way the score runs.
        interval: Its 95 % interval.
        seeds: Its standard deviation over seeds alone; ``None`` if none that trains has several.
        p: Of no difference: McNemar's for accuracy with one seed, else from the paired bootstrap.
        p_adjusted: Adjusted over the candidates (Holm).
        verdict: What can be said.
        more_rows: About how many more rows of this part would tell with a chance of 80 %, if it cannot be told.
        rows: On which rows it is told: those of this part of the holdout, or ``trained``, old training rows.
    """

    candidate: str
    base: str
    side: Literal["new", "old"]
    score: str
    value: float
    interval: tuple[float, float]
    seeds: float | None
    p: float
    p_adjusted: float
    verdict: Verdict
    more_rows: int | None = None
    rows: ScoredSide = "new"


@dataclass(frozen=True)
class Delta:
    """A difference to keep on the same rows, with its 95 % interval."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class CandidateScores:
    """One strategy over its seeds; the fields are those of ``comparison.json``.

    Args:
        status: ``finished`` if at least one seed is, else ``stopped`` if one is, else ``failed``.
        error: Why, if one failed.
        new: Mean over seeds of the scores on the new part, by name; ``None`` if there are none.
        old: The same on the old part.
        interval: 95 % intervals of those means, by part and name.
        per_seed: Scores and status of each seed.
        seconds: Mean training time of a seed.
        peak_memory_mb: Largest resident memory of its workers.
        device: Where it ran.
        model: Path of its model, that of the first seed.
        rows_seen: Mean number of training rows used, counted each time.
        options: What it ran with.
        delta: Difference to keep on the same rows, by part and name: ``value`` and ``interval``.
        prequential: Mean score on arriving batches before training on them, incremental only.
        steps: Mean number of training steps.
        way: How steps were computed, see ``RunResult``.
        shared: Whether the device was shared with another run, which makes times longer.
        forecast: Seconds that were forecast for a seed, least and most; ``None`` if nobody asked.
        cpu_seconds: Mean processor time of a seed.
        own_seconds: Mean of what a seed would have taken alone, see ``RunResult``: candidates are judged by it.
        energy_joules: Mean energy of the machine while a seed trained; ``None`` where it does not tell.
    """

    status: Literal["finished", "failed", "stopped"]
    error: str | None
    new: Mapping[str, float] | None
    old: Mapping[str, float] | None
    interval: Mapping[str, Mapping[str, tuple[float, float]] | None]
    per_seed: tuple[Mapping[str, Any], ...]
    seconds: float
    peak_memory_mb: float
    device: str
    model: str | None
    rows_seen: int = 0
    options: Mapping[str, Scalar | None] = field(default_factory=dict)
    delta: Mapping[str, Mapping[str, Delta] | None] = field(default_factory=dict)
    prequential: float | None = None
    steps: int = 0
    way: str = "plain"
    shared: bool = False
    forecast: tuple[float, float] | None = None
    cpu_seconds: float = 0.0
    own_seconds: float = 0.0
    energy_joules: float | None = None


@dataclass(frozen=True)
class Weighed:
    """What a candidate is worth against keep, in the weighted score.

    Args:
        gains: By score, how much better it is than keep over the rows that are weighed; negative is worse.
        worth: That gain over all scores, as a multiple of the smallest difference that matters.
        interval: Its 95 % interval; ``None`` if there are too few rows for one.
        expected: What of it is to be expected on other rows, as gains that were found are partly luck.
        share: Of resamples of the rows and seeds in which it is chosen.
        excluded: Which limit it breaks; empty if none.
    """

    gains: Mapping[str, float]
    worth: float
    interval: tuple[float, float] | None
    expected: float
    share: float
    excluded: str = ""


@dataclass(frozen=True)
class Recommendation:
    """What to do, and why.

    Args:
        choice: The candidate to take.
        clear: Whether no other candidate may be materially better.
        summary: One sentence.
        reasons: In order of weight, with numbers.
        changes: What would change the choice.
        doubts: What makes it doubtful.
        stability: Share of resamples of the rows and seeds in which the same candidate is chosen.
        scores: What candidates were weighed by, names in ``SCORES``.
        rows: How many rows of each part were weighed: ``new`` and ``old``.
        weighed: Each candidate.
    """

    choice: str
    clear: bool
    summary: str
    reasons: tuple[str, ...]
    changes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    stability: float = 1.0
    scores: tuple[str, ...] = ("accuracy",)
    rows: Mapping[str, int] = field(default_factory=dict)
    weighed: Mapping[str, Weighed] = field(default_factory=dict)

    @property
    def nearest(self) -> tuple[str, ...]:
        """Candidates, the choice first, then those from which most is to be expected."""
        return tuple(
            sorted(self.weighed, key=lambda name: (name != self.choice, -self.weighed[name].expected))
        )


@dataclass(frozen=True)
class Comparison:
    """Every candidate on the same holdout rows.

    Args:
        schema: Version of ``comparison.json``.
        task: Kind of problem.
        metric: The score that is told first.
        holdout: The rows.
        strategies: Each candidate.
        recommendation: What to do; ``None`` without a score of keep.
        notes: To be shown beside the scores.
        warnings: What the split makes doubtful.
        differences: Each pair of candidates.
        wishes: What the user wants.
        loss_is_log_loss: Whether the training loss of every row is its log-loss: then both scores are the same.
    """

    schema: int
    task: Task
    metric: Metric
    holdout: Holdout
    strategies: Mapping[str, CandidateScores]
    recommendation: Recommendation | None
    notes: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    wishes: Wishes = Wishes()
    loss_is_log_loss: bool = False
    warnings: tuple[Finding, ...] = ()

"""What all candidates made of the held-out rows: gathered once, whatever is asked of it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.measures import LABELS, SCORES, log_loss_rows, scores_of
from retrain_core.compare.predicted import Floats, Predicted
from retrain_core.compare.resampling import resample
from retrain_core.errors import RunError
from retrain_core.types import CandidateScores, Holdout, Outcome, Schema, ScoredSide, Task

Side = Literal["new", "old"]
SIDES: tuple[Side, ...] = ("new", "old")
DRAW_SEEDS: Mapping[ScoredSide, int] = {
    "new": 1,
    "old": 2,
    "validation": 3,
    "trained": 4,
}  # independent draws
ROUNDING = 1e-4  # of the loss of a row, which workers compute with single precision


@dataclass(frozen=True)
class Held:
    """The rows of one part of the holdout.

    Args:
        targets: What came, see ``Dataset.targets``.
        groups: Number of each row's group, if rows belong together; ``None`` if each stands alone.
    """

    targets: NDArray[Any]
    groups: NDArray[np.intp] | None = None


@dataclass(frozen=True)
class Evidence:
    """All candidates' predictions on the same rows.

    Args:
        task: Kind of problem.
        holdout: The rows.
        outcomes: Every run that has ended.
        predicted: By part and candidate, one for each seed that has a score.
        held: The rows of each part. Beside the two of the holdout, ``validation`` (new rows that only tell when to stop)
            and ``trained`` (old rows that are trained on) are weighed; what is shown is the holdout's.
        errors: Standard errors of differences, kept once they are known.
        alike: How alike two scores' differences scatter, kept likewise.
        candidates: Scores of each candidate, kept likewise, by whether the old model was trained on the old rows.
    """

    task: Task
    holdout: Holdout
    outcomes: tuple[Outcome, ...]
    predicted: Mapping[ScoredSide, Mapping[str, tuple[Predicted, ...]]]
    held: Mapping[ScoredSide, Held]
    errors: dict[tuple[ScoredSide, str, str, str], float] = field(
        default_factory=dict, repr=False, compare=False
    )
    alike: dict[tuple[ScoredSide, str, str, tuple[str, ...]], Floats] = field(
        default_factory=dict, repr=False, compare=False
    )
    candidates: dict[tuple[str, bool], CandidateScores] = field(
        default_factory=dict, repr=False, compare=False
    )
    _values: dict[tuple[ScoredSide, str], dict[str, Floats]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _draws: dict[tuple[ScoredSide, str], dict[str, Floats]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def names(self) -> list[str]:
        """Candidates in the order they were asked for, with a score or without."""
        return list(dict.fromkeys(outcome.spec.strategy for outcome in self.outcomes))

    @property
    def metric(self) -> str:
        """The score that is told first: accuracy, or the mean absolute error."""
        return "mae" if self.task == "regression" else "accuracy"

    @cached_property
    def loss_is_log_loss(self) -> bool:
        """Whether the training loss of every row is its log-loss, whoever predicts it."""
        return self.task in LABELS and all(
            np.allclose(one.loss, log_loss_rows(one), rtol=0, atol=ROUNDING)
            for each in self.predicted.values()
            for seeds in each.values()
            for one in seeds
        )

    @property
    def scores(self) -> list[str]:
        """Names of the scores to choose from; a loss that is the log-loss is not named twice."""
        names = list(scores_of(self.task))
        return [name for name in names if name != "loss"] if self.loss_is_log_loss else names

    def values(self, side: ScoredSide, score: str) -> dict[str, Floats]:
        """Return a score of each candidate on one part, shape ``(seeds,)``."""
        key = (side, score)
        if key not in self._values:
            self._values[key] = {
                name: np.concatenate([SCORES[score].of(one, np.ones((1, one.rows))) for one in seeds])
                for name, seeds in self.predicted.get(side, {}).items()
            }
        return self._values[key]

    def units(self, side: ScoredSide) -> int:
        """Return how many rows of one part stand alone, or how many groups of rows that belong together."""
        held = self.held[side]
        return len(held.targets) if held.groups is None else int(held.groups.max()) + 1

    def draws(self, side: ScoredSide, score: str) -> dict[str, Floats]:
        """Return a score of each candidate in draws of one part's rows, shape ``(seeds, draws)``."""
        key = (side, score)
        if key not in self._draws:
            groups = self.held[side].groups
            found = resample(self.predicted[side], [score], seed=DRAW_SEEDS[side], groups=groups)
            self._draws[key] = found[score]
        return self._draws[key]


def gather(
    outcomes: Sequence[Outcome], holdout: Holdout, schema: Schema, held: Mapping[ScoredSide, Held]
) -> Evidence:
    """Return the evidence of runs that have ended.

    Raises:
        RunError: If a run was scored on other rows: then no order would be fair.
    """
    predicted: dict[ScoredSide, dict[str, tuple[Predicted, ...]]] = {}
    for outcome in outcomes:
        _check_rows(outcome, held)
    for side in held:
        for outcome in outcomes:
            if f"{side}_loss" in outcome.rows:
                one = Predicted(
                    schema.task,
                    held[side].targets,
                    outcome.rows[f"{side}_outputs"],
                    outcome.rows[f"{side}_loss"],
                    outcome.rows[f"{side}_metric"],
                    schema.from_logits,
                )
                each = predicted.setdefault(side, {})
                each[outcome.spec.strategy] = (*each.get(outcome.spec.strategy, ()), one)
    return Evidence(schema.task, holdout, tuple(outcomes), predicted, held)


def _check_rows(outcome: Outcome, held: Mapping[ScoredSide, Held]) -> None:
    for side, rows in held.items():
        values, expected = outcome.rows.get(f"{side}_loss"), len(rows.targets)
        if values is not None and len(values) != expected:
            raise RunError(
                f"{outcome.spec.strategy} was scored on {len(values)} {side} rows, there are {expected}.",
                "Candidates can only be ranked on the same rows.",
                "Start the runs again.",
            )

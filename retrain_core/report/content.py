"""All that a report says, gathered before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retrain_core.diagnosis import first_guess, volume_of
from retrain_core.types import (
    Comparison,
    ExperimentSpec,
    FirstGuess,
    ModelCard,
    Outcome,
    Sensitivity,
    ShiftReport,
    SplitSummary,
)

Curves = Mapping[str, tuple[Mapping[str, Any], ...]]


@dataclass(frozen=True)
class ReportContent:
    """One experiment and its answer.

    Args:
        spec: The question.
        card: The old model.
        split: How the rows were split.
        comparison: Scores and recommendation.
        shift: How the data moved; ``None`` without old data.
        curves: By run id, the values along its training.
        versions: Version of each package that matters.
        outcomes: The runs that the comparison was made from, to weigh them again.
        sensitivities: How each model bears disturbed rows, the old one first; empty if nobody asked.
        complete: Whether all runs have ended; before, others may yet win.
    """

    spec: ExperimentSpec
    card: ModelCard
    split: SplitSummary
    comparison: Comparison
    shift: ShiftReport | None
    curves: Curves
    versions: Mapping[str, str] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
    complete: bool = True

    @property
    def guess(self) -> FirstGuess | None:
        """What the shift points to, and how the measurement agrees; ``None`` without old data."""
        if self.shift is None:
            return None
        return first_guess(self.shift, volume_of(self.shift), self.comparison if self.complete else None)

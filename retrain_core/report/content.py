"""All that a report says, gathered before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from retrain_core.compare.evidence import Evidence
from retrain_core.data.doubts import SEEN
from retrain_core.diagnosis import first_guess, volume_of
from retrain_core.types import (
    Comparison,
    ExperimentSpec,
    Finding,
    FirstGuess,
    LearningCurve,
    Machine,
    ModelCard,
    Sensitivity,
    ShiftReport,
    SplitSummary,
    Volume,
    Work,
)

COMMANDS_WHERE = (
    "Typed in the folder of this project, with the files beside it; else give their paths. It takes the Python of the "
    "project, such as .venv/bin/python."
)
Curves = Mapping[str, tuple[Mapping[str, Any], ...]]


@dataclass(frozen=True)
class Commands:
    """The same from the command line.

    Args:
        lines: Commands as they are typed: the comparison, and the shift if it is measured otherwise than usual.
        left_out: What they do not do, in sentences.
    """

    lines: tuple[str, ...]
    left_out: tuple[str, ...] = ()


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
        evidence: What the comparison was made from, for charts and for other wishes.
        sensitivities: What disturbed rows cost each model, the old one first; empty if nobody asked.
        learning_curves: What more new rows would bring, as far as somebody has asked.
        errors: Why something could not be measured, by kind of work and strategy.
        machine: What there was to compute on; ``None`` if that is not known.
        commands: The same from the command line.
        complete: Whether all runs have ended; before, others may yet win.
        quick: Whether a quick look has chosen what was run.
    """

    spec: ExperimentSpec
    card: ModelCard
    split: SplitSummary
    comparison: Comparison
    shift: ShiftReport | None
    curves: Curves
    versions: Mapping[str, str] = field(default_factory=dict)
    evidence: Evidence | None = None
    sensitivities: tuple[Sensitivity, ...] = ()
    learning_curves: tuple[LearningCurve, ...] = ()
    errors: Mapping[tuple[Work, str], str] = field(default_factory=dict)
    machine: Machine | None = None
    commands: Commands | None = None
    complete: bool = True
    quick: bool = False

    @property
    def guess(self) -> FirstGuess | None:
        """What the shift points to, and how the measurement agrees; ``None`` without old data."""
        if self.shift is None:
            return None
        return first_guess(self.shift, volume_of(self.shift), self.comparison if self.complete else None)

    @property
    def volume(self) -> Volume | None:
        """How much new data there is; ``None`` without a shift that was measured."""
        return volume_of(self.shift) if self.shift else None

    @property
    def split_doubts(self) -> tuple[Finding, ...]:
        """What the split makes doubtful.

        That the old model knows the old rows is left out where the user says otherwise, and where it is among the doubts of
        the recommendation.
        """
        told = self.comparison.recommendation is not None or not self.comparison.wishes.old_seen
        return tuple(doubt for doubt in self.split.warnings if not (told and doubt == SEEN))

"""From evidence to a first guess at the strategy, before anything is trained; the measurement decides.

The rules are those of the field's literature on kinds of shift: what moved says what has to be learned anew. They are
a guess where to begin, and say so.
"""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.diagnosis import guess_words as words
from retrain_core.diagnosis.volume import concept_moved
from retrain_core.shift import wording
from retrain_core.shift.chances import LEAST_OVERLAP
from retrain_core.strategies.naming import noun
from retrain_core.types import (
    Comparison,
    FirstGuess,
    KindOfShift,
    LossChange,
    LossStep,
    ShiftReport,
    Volume,
)

TOLERANCE = 0.05  # share of the old loss by which it may rise before the model counts as hurt
FEW_ROWS = 1_000  # new rows below which a network is not trained from fresh weights on their account
MOST_OF_IT = 0.5  # share of the rise of the error that lies in a region, for the shift to be in it
CHANGED_LABELS = "changed labels"  # a step of the loss


@dataclass(frozen=True)
class _Evidence:
    """What the report says, ``None`` where it cannot.

    Args:
        kind: Which kind of shift it is.
        hurt: Whether the old model's loss rose by more than chance and tolerance.
        x: Whether the inputs moved.
        y: Whether the labels did.
        concept: Whether the labels of the same inputs did, y given x.
        x_given_y: Whether the inputs of the same labels did.
        main: The step that makes up most of the change of the loss; ``None`` if the sides hardly overlap.
        apart: Whether they do.
    """

    kind: KindOfShift | None
    hurt: bool | None
    x: bool | None
    y: bool | None
    concept: bool | None
    x_given_y: bool | None
    main: LossStep | None
    apart: bool

    @property
    def doubted(self) -> bool:
        """Whether the tests say that what the main step is made of did not move."""
        if self.main is None:
            return False
        if self.main.name == CHANGED_LABELS:
            return self.concept is False and self.kind != "label"
        return self.x is False

    @property
    def step(self) -> str | None:
        """The main step, unless the tests speak against it."""
        return None if self.main is None or self.doubted else self.main.name


def first_guess(report: ShiftReport, volume: Volume, comparison: Comparison | None) -> FirstGuess:
    """Return which strategy the evidence points to and why, and how the measurement compares with it.

    Args:
        report: How the data moved, with as much of the model's view as there is.
        volume: How much new data there is.
        comparison: The measured candidates, once there are some; what to do is what they say.

    Source: Cai, Namkoong and Yadlowsky (2023), arXiv 2303.02011 (which part of a loss change calls for what);
        Lipton, Wang and Smola (2018), arXiv 1802.03916 (label shift).
    """
    found = _evidence(report)
    strategy, why = _choice(report, volume, found)
    measured = words.measured(strategy, comparison)
    start = "Before measuring, this pointed to" if measured else "First guess:"
    points = (
        words.moved(report),
        words.kind(report),
        words.harm(report, hurt=found.hurt, main=found.main, doubted=found.doubted),
    )
    return FirstGuess(
        strategy, f"{start} {noun(strategy)}, because {why}.", tuple(filter(None, points)), measured
    )


# --- evidence -------------------------------------------------------------------------------------


def _evidence(report: ShiftReport) -> _Evidence:
    tests = report.kinds.tests if report.kinds else {}
    moved = {name: tests[name].moved if name in tests else None for name in ("x", "y", "x|y")}
    x, y, concept = moved["x"], moved["y"], concept_moved(report)
    if x is None and report.multivariate.level is not None:
        x = report.multivariate.level != "none" or any(column.level != "none" for column in report.columns)
    if y is None and report.label.level is not None:
        y = report.label.level != "none"
    loss = report.model.loss if report.model else None
    apart = loss is not None and loss.overlap < LEAST_OVERLAP
    main = None if loss is None or apart else max(loss.steps, key=lambda step: step.value, default=None)
    kind = report.kinds.kind if report.kinds else None
    return _Evidence(kind, _hurt(loss), x, y, concept, moved["x|y"], main, apart)


def _hurt(loss: LossChange | None) -> bool | None:
    if loss is None:
        return None
    return loss.interval[0] > 0 and loss.new - loss.old > TOLERANCE * abs(loss.old)


# --- from evidence to a strategy, and why, as the end of a sentence -------------------------------


def _choice(report: ShiftReport, volume: Volume, found: _Evidence) -> tuple[str, str]:
    if not volume.old_rows:
        return _without_old(volume)
    if found.hurt is False:
        return "keep", "the old model is not hurt"
    if found.hurt and found.kind == "none":
        return "keep", "nothing moved enough to matter, and it may just know the old rows it was trained on"
    if _is_label_shift(found):
        return _label_shift(report, found)
    if found.step == CHANGED_LABELS or (found.step is None and found.concept):
        return _concept_shift(report, volume)
    if found.step is not None or found.x:
        return "replay", f"{_why_replay(found)}; it learns the new rows without forgetting the old"
    if found.hurt:
        return "fine_tune", "the old model is hurt, though no kind of shift stands out"
    if found.x is None and found.y is None:
        return "keep", "nothing says that anything moved"
    return "keep", "nothing moved enough to matter"


def _is_label_shift(found: _Evidence) -> bool:
    if found.step not in (None, CHANGED_LABELS):
        return False
    untold = found.kind is None and found.y and not found.concept and not found.x_given_y
    return found.kind == "label" or bool(untold)


def _why_replay(found: _Evidence) -> str:
    if found.apart:
        return "the new rows are unlike nearly all old ones"
    if found.step == "harder inputs":
        return "inputs that the old model was always worse at have become more frequent"
    if found.step == "unseen inputs":
        known = ", while known ones keep their labels" if found.concept is False else ""
        return f"most of the harm is from inputs that were rare or unseen{known}"
    if found.concept is False:
        return "the inputs moved, and labels given the inputs did not move enough to matter"
    return "the inputs moved, and whether labels given the inputs did cannot be told"


def _without_old(volume: Volume) -> tuple[str, str]:
    if volume.new_rows < FEW_ROWS:
        return "fine_tune", "there is no old data to compare with, and there are few new rows"
    return "incremental", "there is no old data to compare with, and there are new rows enough to go on with"


def _label_shift(report: ShiftReport, found: _Evidence) -> tuple[str, str]:
    if any(label.kind == "numeric" for label in report.labels):
        return "fine_tune", "the label's level moved, and the last layers set it"
    if any(finding.what == "new categories" for label in report.labels for finding in label.findings):
        return "fine_tune", "there are new classes, which take training"
    alike = ", and each looks as it did before" if found.x_given_y is False else ""
    return "recalibrate", f"the labels became more or less frequent{alike}"


def _concept_shift(report: ShiftReport, volume: Volume) -> tuple[str, str]:
    regions = report.model.regions if report.model else ()
    for region in regions:
        if region.share < words.WIDE and region.explained >= MOST_OF_IT:
            share = wording.percent(region.share)
            return (
                "fine_tune",
                f"the same inputs get other labels, mostly in a region of {share} of the new rows",
            )
    if volume.new_rows < FEW_ROWS:
        few = f"{volume.new_rows:,} new rows are few to train from fresh weights on"
        return "fine_tune", f"the same inputs get other labels, and {few}"
    return "full_retrain", "the same inputs get other labels"

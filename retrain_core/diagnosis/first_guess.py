"""From evidence to a first guess at the strategy, before anything is trained; the measurement decides.

The rules are those of the field's literature on kinds of shift: what moved says what has to be learned anew. They are
a guess where to begin, and say so.
"""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.strategies import STRATEGIES
from retrain_core.types import ColumnShift, Comparison, FirstGuess, LossChange, LossStep, ShiftReport, Volume

TOLERANCE = 0.05  # share of the old loss by which it may rise before the model counts as hurt
FEW_ROWS = 1_000  # new rows below which a network is not trained from fresh weights on their account
WIDE = 0.5  # share of the new rows from which a region is everywhere
MOST_OF_IT = 0.5  # share of the rise of the error that lies in a region, for the shift to be in it
SMALL_OVERLAP = 0.2  # of old and new inputs, below which the steps of the loss cannot be told apart
NAMED = 3  # columns
LONGEST_NAME = 40


@dataclass(frozen=True)
class _Evidence:
    """What the report says, ``None`` where it cannot.

    Args:
        hurt: Whether the old model's loss rose by more than chance and tolerance.
        x: Whether the inputs moved.
        y: Whether the labels did.
        concept: Whether the labels of the same inputs did, y given x.
        x_given_y: Whether the inputs of the same labels did.
        main: The step that makes up most of the change of the loss; ``None`` if the sides hardly overlap.
        apart: Whether they do.
    """

    hurt: bool | None
    x: bool | None
    y: bool | None
    concept: bool | None
    x_given_y: bool | None
    main: str | None
    apart: bool = False


def first_guess(report: ShiftReport, volume: Volume, comparison: Comparison | None) -> FirstGuess:
    """Return which strategy the evidence points to and why, and how the measurement compares with it.

    Args:
        report: How the data moved, with as much of the model's view as there is.
        volume: How much new data there is.
        comparison: The measured candidates, once there are some; what to do is what they say.

    Source: Cai, Namkoong and Yadlowsky (2023), arXiv 2303.02011 (which part of a loss change calls for what);
        Lipton, Wang and Smola (2018), arXiv 1802.03916 (label shift).
    """
    evidence = _evidence(report)
    strategy, why = _choice(report, volume, evidence)
    measured = _measured(strategy, comparison)
    sentences = [_moved(report), _kind(report), *_harm(report), volume.summary]
    if measured:
        sentences.append(f"Before measuring, this pointed to {_name(strategy)}, because {why}.")
    else:
        sentences.append(f"First guess: {_name(strategy)}, because {why}. Measuring the strategies decides.")
    return FirstGuess(strategy, " ".join(sentence for sentence in sentences if sentence), measured)


# --- evidence to strategy -------------------------------------------------------------------------


def _evidence(report: ShiftReport) -> _Evidence:
    tests = report.kinds.tests if report.kinds else {}
    moved = {name: tests[name].moved if name in tests else None for name in ("x", "y", "y|x", "x|y")}
    x, y, concept = moved["x"], moved["y"], moved["y|x"]
    if x is None and report.multivariate.level is not None:
        x = report.multivariate.level != "none" or any(column.level != "none" for column in report.columns)
    if y is None and report.label.level is not None:
        y = report.label.level != "none"
    if concept is None and report.concept.level is not None:
        concept = report.concept.level != "none"
    loss = report.model.loss if report.model else None
    apart = loss is not None and loss.overlap < SMALL_OVERLAP
    main = _main(loss)
    return _Evidence(_hurt(loss), x, y, concept, moved["x|y"], None if main is None else main.name, apart)


def _main(loss: LossChange | None) -> LossStep | None:
    """Return the step that makes up most of the change of the loss, where the steps can be told apart."""
    if loss is None or loss.overlap < SMALL_OVERLAP:
        return None
    return max(loss.steps, key=lambda step: step.value, default=None)


def _hurt(loss: LossChange | None) -> bool | None:
    if loss is None:
        return None
    return loss.interval[0] > 0 and loss.new - loss.old > TOLERANCE * abs(loss.old)


def _choice(report: ShiftReport, volume: Volume, found: _Evidence) -> tuple[str, str]:
    """Return the strategy, and why it, as the end of a sentence."""
    if not volume.old_rows:
        return _without_old(volume)
    if found.hurt is False:
        return "keep", "the old model is not hurt"
    if found.y and not found.concept and not found.x_given_y and found.main in (None, "changed labels"):
        return _label_shift(report)
    if found.main == "changed labels" or (found.main is None and found.concept):
        return _concept_shift(report, volume)
    if found.main is not None or found.x:
        if found.apart:
            why = "the new rows are unlike nearly all old ones"
        elif found.main == "harder inputs":
            why = "inputs that the old model was always worse at have become more frequent"
        elif found.main == "unseen inputs":
            why = "most of the harm is from inputs that were rare or unseen"
            why += ", while known ones keep their labels" if found.concept is False else ""
        else:
            why = "the inputs moved, and their labels did not as far as can be told"
        return "replay", f"{why}: learn the new rows without forgetting the old"
    if found.hurt:
        return "fine_tune", "the old model is hurt, though no kind of shift stands out"
    if found.x is None and found.y is None:
        return "keep", "nothing says that anything moved"
    return "keep", "nothing moved by more than chance and size allow"


def _without_old(volume: Volume) -> tuple[str, str]:
    if volume.new_rows < FEW_ROWS:
        return "fine_tune", "there is no old data to compare with, and there are few new rows"
    return "incremental", "there is no old data to compare with, and there are new rows enough to go on with"


def _label_shift(report: ShiftReport) -> tuple[str, str]:
    if any(label.kind == "numeric" for label in report.labels):
        return "fine_tune", "the label's level moved, and the last layers set it"
    if any(finding.what == "new categories" for label in report.labels for finding in label.findings):
        return "fine_tune", "there are new classes, which take training"
    return "recalibrate", "the labels became more or less frequent, and each looks as it did before"


def _concept_shift(report: ShiftReport, volume: Volume) -> tuple[str, str]:
    regions = report.model.regions if report.model else ()
    for region in regions:
        if region.share < WIDE and region.explained >= MOST_OF_IT:
            return "fine_tune", (
                f"the same inputs get other labels, mostly in a region of {_percent(region.share)} of the new rows"
            )
    if volume.new_rows < FEW_ROWS:
        few = f"{volume.new_rows:,} new rows are few to train from fresh weights on"
        return "fine_tune", f"the same inputs get other labels, and {few}"
    return "full_retrain", "the same inputs get other labels, and not in one region only"


# --- words ----------------------------------------------------------------------------------------


def _moved(report: ShiftReport) -> str:
    """Return what moved, most first."""
    columns = [column for column in report.columns if column.level != "none"]
    labels = [label.name for label in report.labels if label.level != "none"]
    if not report.old_rows:
        return ""
    if not columns and not labels:
        together = report.multivariate.level not in (None, "none")
        return (
            "No single column moved by more than chance and size allow, but all together did."
            if together
            else "No column moved by more than chance and size allow."
        )
    parts = []
    if columns:
        of = f"{len(columns):,} of {len(report.columns):,} columns moved, most {_listed(columns)}"
        parts.append(
            of if len(columns) > 1 else f"1 of {len(report.columns):,} columns moved, {_listed(columns)}"
        )
    if labels:
        parts.append(
            f"the label {_short(labels[0])} moved" if len(labels) == 1 else f"{len(labels):,} labels moved"
        )
    text = ", and ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _listed(columns: list[ColumnShift]) -> str:
    names = [f"{_short(column.name)} (d = {column.effect:.2f})" for column in columns[:NAMED]]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _short(name: str) -> str:
    """Return a user's name on one line, cut short.

    >>> _short("a" * 50)[-3:]
    'aa…'
    """
    text = " ".join(name.split()) or "(blank)"
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def _kind(report: ShiftReport) -> str:
    if report.kinds and report.kinds.summary:
        return report.kinds.summary
    return "Which kind of shift it is cannot be told."


def _harm(report: ShiftReport) -> list[str]:
    loss = report.model.loss if report.model else None
    if loss is None:
        return [
            "Whether the old model is hurt cannot be told: that takes its loss on old and new rows with labels."
        ]
    low, high = loss.interval
    text = (
        f"The old model's loss went from {loss.old:.3g} on old rows to {loss.new:.3g} on new ones "
        f"(95 % of the change: {_signed(low)} to {_signed(high)})"
    )
    if not _hurt(loss):
        return [f"{text}, so it is not hurt."]
    main = _main(loss)
    most = f", most of it from {main.name} ({_signed(main.value)})" if main else ""
    regions = report.model.regions if report.model else ()
    return [f"{text}: it is hurt{most}.", *(f"Most of all where {region.summary}" for region in regions[:1])]


def _measured(strategy: str, comparison: Comparison | None) -> str:
    """Return how the measurement compares with the guess; what to do is what was measured."""
    advised = comparison.recommendation if comparison else None
    if comparison is None or advised is None:
        return ""
    if advised.choice == strategy:
        return f"The measurement agrees with the first guess. {advised.summary}"
    untried = (
        ""
        if strategy in comparison.strategies
        else f" {_capital(_name(strategy))} was not among the candidates."
    )
    return (
        f"First guess: {_name(strategy)}.{untried} Measured: {advised.summary} "
        f"The measurement decides: {_advice(advised.choice)}."
    )


def _name(strategy: str) -> str:
    title = STRATEGIES[strategy].title if strategy in STRATEGIES else strategy.replace("_", " ")
    return title[:1].lower() + title[1:]


def _advice(strategy: str) -> str:
    advice = STRATEGIES[strategy].advice if strategy in STRATEGIES else _name(strategy)
    return advice[:1].lower() + advice[1:]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"

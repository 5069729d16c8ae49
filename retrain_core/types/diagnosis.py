"""The other three questions: volume of new data, computing resources, sensitivity of the model; and the first guess."""

from __future__ import annotations

from dataclasses import dataclass

# --- volume ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CurvePoint:
    """What one run on a part of the new training rows scored on the new part of the holdout."""

    rows: int
    seed: int
    loss: float
    metric: float


@dataclass(frozen=True)
class CurveBand:
    """The fitted score at a number of rows: the middle and the ends of its 95 % interval."""

    rows: int
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class LearningCurve:
    """What more new rows would bring.

    Args:
        strategy: Which strategy was run on parts of the rows.
        metric: ``accuracy`` or ``mae``.
        points: What was measured.
        band: What was fitted, from the fewest rows to beyond those there are; empty if what more rows bring cannot be told.
        further_rows: A round number of further rows.
        gain: What they would change the metric by, and its 95 % interval; ``None`` if nothing could be fitted.
        summary: One plain sentence.
        rows_now: New training rows there are.
    """

    strategy: str
    metric: str
    points: tuple[CurvePoint, ...]
    band: tuple[CurveBand, ...]
    further_rows: int
    gain: tuple[float, float, float] | None
    summary: str
    rows_now: int


@dataclass(frozen=True)
class Volume:
    """How much new data there is.

    Args:
        new_rows: Rows of the new data.
        old_rows: Rows of the old data, 0 without it.
        effective_old_rows: How many rows like the new ones the old rows are worth by their inputs; ``None`` if unknown.
        summary: One plain sentence.
    """

    new_rows: int
    old_rows: int
    effective_old_rows: float | None
    summary: str


# --- resources ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Machine:
    """What there is to compute on.

    Args:
        cores: CPU cores that may be used.
        memory_mb: Main memory of the machine, or what its limits leave.
        free_mb: What is free of it now.
        gpus: A title each.
    """

    cores: int
    memory_mb: float
    free_mb: float
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Affordable:
    """Whether a strategy fits a budget of time and memory.

    Args:
        strategy: Its name.
        fits: ``None`` if it cannot be told.
        why: What decides it, in a few words.
    """

    strategy: str
    fits: bool | None
    why: str


# --- sensitivity ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Disturbed:
    """What a model scores on disturbed rows.

    Args:
        what: The disturbance, such as ``noise`` or ``blur``; with a column, ``permuted`` or ``moved``.
        severity: How strong it is, in the disturbance's own unit.
        loss: Mean loss.
        metric: Accuracy or mean absolute error.
        column: The column disturbed, if it is a single one.
        interval: 95 % interval of the metric's change against the same rows undisturbed; ``None`` in old results.
    """

    what: str
    severity: float
    loss: float
    metric: float
    column: str = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Sensitivity:
    """What a model scores once its inputs are disturbed.

    Args:
        model: Which one: the name of its strategy, ``keep`` for the old one.
        rows: Held-out new rows that were disturbed.
        loss: On the rows as they are.
        metric: The same.
        metric_name: ``accuracy`` or ``mae``.
        points: What it scored on disturbed rows.
        robustness: Share of the score that is left on average over all disturbances of all columns, 0 to 1; see the glossary.
        notes: What could not be disturbed, and why.
        commonest: Share of the commonest class in those rows; ``None`` if they have no one class each.
    """

    model: str
    rows: int
    loss: float
    metric: float
    metric_name: str
    points: tuple[Disturbed, ...]
    robustness: float
    notes: tuple[str, ...] = ()
    commonest: float | None = None


# --- the first guess ------------------------------------------------------------------------------


@dataclass(frozen=True)
class FirstGuess:
    """What the evidence points to before anything is trained, and how the measurement compares with it.

    Args:
        strategy: Its name.
        lead: Which strategy that is, and why, in one sentence.
        points: What moved, of which kind, whether the model is hurt and where; a sentence or two each.
        measured: How the measured comparison agrees or differs; empty before there is one.
    """

    strategy: str
    lead: str
    points: tuple[str, ...]
    measured: str = ""

    @property
    def paragraph(self) -> str:
        """The points and what they lead to, as one text."""
        return " ".join((*self.points, self.lead))

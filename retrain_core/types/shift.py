"""How new data differs from old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from retrain_core.types.text import Kind, Level

Reading = Literal[
    "numeric", "integer code", "categorical", "high-cardinality", "free text", "id", "date", "constant"
]
KindOfShift = Literal["none", "covariate", "label", "concept", "mixed"]

# --- what the user decides ------------------------------------------------------------------------


@dataclass(frozen=True)
class Thresholds:
    """When a movement counts: it has to be real and large enough to matter.

    Args:
        alpha: Share of chance findings that is tolerated; an adjusted p-value has to be below it. At 0.05, 5.1 % of 1,000
            reports without a shift raised an alarm where all p-values are exact.
        minor: Effect from which a movement matters, in d.
        major: Effect from which it matters much, in d.
    """

    alpha: float = 0.04
    minor: float = 0.1
    major: float = 0.5


@dataclass(frozen=True)
class ShiftSettings:
    """How shift is measured, as far as the user decides it.

    Args:
        thresholds: When a movement counts.
        readings: How columns are read, by name, where the user says so.
        time: The column that puts rows in order of time; none if they are in no order.
    """

    thresholds: Thresholds = Thresholds()
    readings: Mapping[str, Reading] = field(default_factory=dict)
    time: str | None = None


# --- single columns -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measure:
    """One number about one column.

    Args:
        value: The effect, as the field defines it.
        interval: Its 95 % interval.
        p_adjusted: Adjusted over all columns; ``None`` for a measure that is no test.
        unit: What the value is counted in.
        corrected: The value without what sampling alone adds to it; ``None`` where nothing is added.
        d: The shift of a normal's mean, in standard deviations, that would give the corrected value.
        detectable: The smallest true value that would be found with a chance of about 80 %, in the measure's unit.
    """

    value: float
    interval: tuple[float, float] | None = None
    p_adjusted: float | None = None
    unit: str = ""
    corrected: float | None = None
    d: float | None = None
    detectable: float | None = None


@dataclass(frozen=True)
class ColumnFinding:
    """Something about a column that deserves attention beside its distribution, with a level of its own."""

    what: Literal[
        "missing",
        "infinite",
        "new categories",
        "vanished categories",
        "new words",
        "type",
        "range",
        "reading",
    ]
    text: str
    level: Level = "none"


@dataclass(frozen=True)
class Distribution:
    """A column on both sides as a chart shows it; no single row can be told from it.

    Args:
        old: Share of the old values in each bin or category, 0 to 1.
        new: The same of the new values.
        old_values: How many old values there are, missing ones left out.
        new_values: The same of the new side.
        edges: Ends of the bins of a numeric column, one more than there are shares; empty for categories.
        categories: Names; those of fewer than five rows are one. Empty for a numeric column.
        outside: Share of the old and of the new values that lie beyond the first or last edge.
        dates: Whether the edges are days since 1970-01-01.
    """

    old: tuple[float, ...]
    new: tuple[float, ...]
    old_values: int
    new_values: int
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    outside: tuple[float, float] = (0.0, 0.0)
    dates: bool = False


@dataclass(frozen=True)
class ColumnShift:
    """How one column moved.

    Args:
        name: The column.
        kind: Which measures were taken.
        level: Real *and* large enough to matter.
        effect: Size of the movement as a mean shift in standard deviations (d), bias corrected; comparable over columns.
        measures: By name, as in the table ``MEASURES`` of ``retrain_core.shift``.
        summary: One plain sentence.
        findings: Missing values, new and vanished categories, and the like.
        reading: What the column was taken for.
        reason: Why, in a sentence.
        detectable: Smallest movement that would be found with a chance of about 80 %, in d.
        distribution: Both sides for a chart; ``None`` if neither has a usable value, or if values are names or record numbers.
    """

    name: str
    kind: Kind
    level: Level
    effect: float
    measures: Mapping[str, Measure]
    summary: str
    findings: tuple[ColumnFinding, ...] = ()
    reading: Reading = "numeric"
    reason: str = ""
    detectable: float | None = None
    distribution: Distribution | None = None


@dataclass(frozen=True)
class Aspect:
    """One whole-table question (label, concept, all columns together) and its answer."""

    level: Level | None
    summary: str
    measures: Mapping[str, Measure] = field(default_factory=dict)


# --- all columns together -------------------------------------------------------------------------


@dataclass(frozen=True)
class Driver:
    """A column, or a pair of columns joined by ×, and its share of what tells new rows from old, 0 to 1."""

    name: str
    share: float


@dataclass(frozen=True)
class NewestRow:
    """A new row that looks least like the old ones.

    Args:
        row: Its number in the new file, from 0.
        likeness: Estimated chance that a row with these values is an old one, if both sides were equally many.
        values: Its values in the columns that drive the separation, as text.
    """

    row: int
    likeness: float
    values: Mapping[str, str]


@dataclass(frozen=True)
class JointShift:
    """How all columns moved together, beyond what the one answer says.

    Args:
        drivers: Largest share first.
        newest: The rows that look newest, most unlike the old ones first.
        overlap: Share of rows that could be from either side: 1 if P(x) is the same, 0 if nothing is shared.
        effective_old_rows: How many rows drawn like the new ones the old rows are worth (Kish's effective sample size).
    """

    drivers: tuple[Driver, ...] = ()
    newest: tuple[NewestRow, ...] = ()
    overlap: float = 1.0
    effective_old_rows: float = 0.0


# --- which kind of shift --------------------------------------------------------------------------


@dataclass(frozen=True)
class KindTest:
    """One of the four questions that tell kinds of shift apart.

    Args:
        moved: Whether it moved: real and large enough to matter.
        p: Not adjusted.
        effect: Size in d.
        share: Its share of the whole shift of inputs and label in its decomposition, 0 to 1: P(x) and P(y given x) add up
            to 1, and so do P(y) and P(x given y). ``None`` if nothing moved.
        interval: 95 % interval of the effect.
    """

    moved: bool
    p: float
    effect: float
    share: float | None = None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class ShiftKinds:
    """Which kind of shift it is.

    Args:
        kind: ``None`` if it cannot be told.
        summary: One plain sentence.
        tests: By question: ``x``, ``y``, ``y|x``, ``x|y``.
    """

    kind: KindOfShift | None
    summary: str
    tests: Mapping[str, KindTest] = field(default_factory=dict)


# --- in time --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chunk:
    """Rows that follow each other in time."""

    side: Literal["old", "new"]
    start: str
    end: str
    rows: int


@dataclass(frozen=True)
class TimeLine:
    """How far one subject was from the old data, chunk by chunk.

    Args:
        name: A column, a label, or ``all columns``.
        values: Effect in d, one a chunk; ``None`` where a chunk has no usable value.
        band: What is to be expected without a shift, from 0 to this, one a chunk.
    """

    name: str
    values: tuple[float | None, ...]
    band: tuple[float, ...]


@dataclass(frozen=True)
class TimeShift:
    """Drift over chunks of rows in order of time; the lines that left their band most come first."""

    column: str
    chunks: tuple[Chunk, ...]
    lines: tuple[TimeLine, ...]
    summary: str


# --- what other tools would say -------------------------------------------------------------------


@dataclass(frozen=True)
class PeerVerdict:
    """What another tool's default rule says about a column.

    Args:
        peer: Its name.
        column: The column; empty for the data set as a whole.
        drifted: ``None`` if the tool would not judge it.
        value: What its rule looks at.
        threshold: Where its rule draws the line.
        rule: The rule in a few words.
    """

    peer: str
    column: str
    drifted: bool | None
    value: float | None
    threshold: float | None
    rule: str


# --- as the old model sees it ---------------------------------------------------------------------


@dataclass(frozen=True)
class LossStep:
    """One step on the way from the old model's loss on old rows to that on new rows."""

    name: str
    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class LossChange:
    """Where the change of the old model's loss comes from; the steps add up to ``new - old``.

    Args:
        old: Mean loss on old rows.
        new: Mean loss on new rows.
        interval: 95 % interval of ``new - old``.
        steps: Harder inputs, changed labels, unseen inputs.
        summary: One plain sentence.
        overlap: Share of rows that could be from either side; where it is small, the steps cannot be told apart well.
    """

    old: float
    new: float
    interval: tuple[float, float]
    steps: tuple[LossStep, ...]
    summary: str
    overlap: float = 1.0


@dataclass(frozen=True)
class Region:
    """Rows that a readable rule picks out, in which the old model has become worse.

    Args:
        rule: Such as ``LIMIT_BAL ≤ 30,000 and PAY_0 ≥ 2``.
        old_error: Share of wrong answers, or mean absolute error, among the old rows in it.
        new_error: The same among the new rows in it.
        interval: 95 % interval of ``new_error - old_error``, from rows that did not choose the rule.
        share: Share of the new rows that are in it.
        summary: One plain sentence.
        explained: Share of the rise of the error over all rows that lies in it, 0 to 1.
    """

    rule: str
    old_error: float
    new_error: float
    interval: tuple[float, float]
    share: float
    summary: str
    explained: float = 0.0


@dataclass(frozen=True)
class ModelShift:
    """The shift as the old model sees it.

    Args:
        predictions: Whether its predictions moved.
        outputs: Each output, or the predicted class, as a column.
        layer: Name of the layer whose values are meant by features.
        features: Whether that layer's values tell new rows from old.
        loss: Where the change of its loss comes from; ``None`` without labels on both sides.
        regions: Where it has become worst, worst first.
        unusual: Numbers of the new rows that look least like the old ones to it, from 0.
        rows: Old and new rows that were looked at.
        notes: What should be known about it.
    """

    predictions: Aspect
    outputs: tuple[ColumnShift, ...] = ()
    layer: str = ""
    features: Aspect = Aspect(None, "")
    loss: LossChange | None = None
    regions: tuple[Region, ...] = ()
    unusual: tuple[int, ...] = ()
    rows: tuple[int, int] = (0, 0)
    notes: tuple[str, ...] = ()


# --- the report -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShiftReport:
    """How the new data differs from the old; columns and labels in order of importance.

    ``label`` answers for all label columns; ``labels`` holds each that both sides have. ``model`` is there once the old
    model has looked at the rows. ``orders`` names the columns of both files that could put rows in order of time,
    ``others`` holds those of both files that the model does not take: they are measured too, and count for nothing.
    """

    overall: Aspect
    columns: tuple[ColumnShift, ...]
    label: Aspect
    concept: Aspect
    multivariate: Aspect
    old_rows: int
    new_rows: int
    labels: tuple[ColumnShift, ...] = ()
    joint: JointShift | None = None
    kinds: ShiftKinds | None = None
    time: TimeShift | None = None
    peers: tuple[PeerVerdict, ...] = ()
    settings: ShiftSettings = ShiftSettings()
    model: ModelShift | None = None
    orders: tuple[str, ...] = ()
    others: tuple[ColumnShift, ...] = ()

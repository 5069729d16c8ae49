"""The values that cross borders: frozen dataclasses, JSON both ways, arrays by file.

Nothing here computes. ``to_json`` and ``from_json`` are the only way in and out of text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec
import pandas as pd
from numpy.typing import NDArray

Task = Literal["binary", "multiclass", "multilabel", "regression"]
Level = Literal["none", "minor", "major"]
Kind = Literal["numeric", "categorical"]
Part = Literal["new_train", "new_validation", "new_holdout", "old_train", "old_holdout"]
RunStatus = Literal["queued", "running", "finished", "failed", "stopped"]
Scalar = str | int | float | bool
T = TypeVar("T")
CLASS_NUMBER_LOSSES = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")


def to_json(value: object) -> bytes:
    """Return ``value`` (a dataclass or plain containers) as indented UTF-8 JSON; NaN becomes null."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1)


def from_json(text: bytes | str, kind: type[T]) -> T:
    """Return the ``kind`` that ``text`` describes.

    Raises:
        msgspec.ValidationError: If a field is missing or of another type.
    """
    return msgspec.json.decode(text, type=kind)


# --- the data -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """What a file holds, before anyone has said what it means.

    Args:
        name: The file's name as the user knows it.
        sha256: Hash of the file's bytes.
        columns: One row an example; arrays of an NPZ file with one or two axes are columns too.
        arrays: Arrays of an NPZ file with three or more axes by their name, each of shape ``(rows, ...)``.
        flattened: The columns that an array of an NPZ file has become, by its name.
        notes: What the reader noticed and the user should know.
    """

    name: str
    sha256: str
    columns: pd.DataFrame
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    flattened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Number of examples."""
        return len(self.columns)


@dataclass(frozen=True)
class Binding:
    """Which columns feed one model input; no columns means an array of the file does."""

    input: str
    columns: tuple[str, ...]
    dtype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Schema:
    """How a table becomes arrays for a model: all that was inferred, and what the user overruled.

    Args:
        task: Kind of problem.
        labels: The label column. Several: one an output unit, for several labels or several numbers a row; or one a
            class, if the file holds one-hot labels.
        bindings: One an input of the model, in the model's order.
        classes: What each output unit stands for, in unit order (for one unit: the 0 and the 1), and behind them the
            labels that are new to the model; with several labels a row, their names; empty for regression.
        units: Output units of the model.
        from_logits: Whether the outputs are logits, or other scores with the border at 0, rather than probabilities.
        loss: Keras name of the loss to train and score with, such as ``binary_crossentropy``.
    """

    task: Task
    labels: tuple[str, ...]
    bindings: tuple[Binding, ...]
    classes: tuple[str, ...]
    units: int
    from_logits: bool
    loss: str

    @property
    def new_classes(self) -> tuple[str, ...]:
        """Labels that the model does not know."""
        return self.classes[self.units :] if self.task == "multiclass" else ()

    @property
    def one_hot(self) -> bool:
        """Whether the loss wants one-hot targets."""
        classes = self.task in ("binary", "multiclass") and self.units > 1
        return classes and self.loss not in CLASS_NUMBER_LOSSES

    @property
    def one_hot_columns(self) -> bool:
        """Whether the file holds the classes as one-hot columns."""
        return self.task in ("binary", "multiclass") and len(self.labels) > 1

    @property
    def label(self) -> str:
        """The label column as people read it; several joined by commas."""
        return ", ".join(self.labels)


@dataclass(frozen=True)
class Dataset:
    """Examples as a model takes them.

    Args:
        inputs: One array an input, shape ``(rows, ...)``.
        targets: Shape ``(rows,)``: class index (int32) or number (float32). Shape ``(rows, units)`` with several labels
            (int8, 0 or 1) or several numbers (float32) a row.
        task: Kind of problem.
        names: Feature names, for messages and charts.
        fingerprint: SHA-256 over inputs and targets.
    """

    inputs: Mapping[str, NDArray[Any]]
    targets: NDArray[Any]
    task: Task
    names: tuple[str, ...]
    fingerprint: str

    @property
    def rows(self) -> int:
        """Number of examples."""
        return len(self.targets)


@dataclass(frozen=True)
class Finding:
    """One thing that was checked, and how it came out."""

    status: Literal["ok", "warning", "error"]
    title: str
    detail: str = ""


@dataclass(frozen=True)
class Holdout:
    """The rows that no strategy trains on."""

    sha256: str
    new_rows: int
    old_rows: int


@dataclass(frozen=True)
class SplitSummary:
    """How many rows each part has, and what was done to get there.

    Args:
        rows: By part.
        holdout: What all candidates are scored on.
        notes: What the user should know about the split.
        held_labels: How many rows of the new holdout part have each label; empty for regression.
    """

    rows: Mapping[Part, int]
    holdout: Holdout
    notes: tuple[str, ...] = ()
    held_labels: Mapping[str, int] = field(default_factory=dict)


# --- the model ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output, without the batch axis."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class LayerCard:
    """One layer as the file describes it."""

    name: str
    class_name: str
    parameters: int
    trainable: bool
    summary: str = ""


@dataclass(frozen=True)
class ModelCard:
    """What a model file says about itself, read without loading it.

    Args:
        format: Container of the file.
        name: The model's own name.
        sha256: Hash of the file's bytes.
        inputs: In the order the model takes them.
        outputs: In the order the model gives them.
        layers: From input to output; nested models are one entry each.
        parameters: Weights in the file, optimiser state not counted.
        output_activation: Activation of the last layer, ``None`` if it has none or cannot be told.
        loss: Keras name of the compiled loss, ``None`` if the model was saved uncompiled.
        from_logits: Whether the compiled loss says so; ``None`` if unknown, or a loss that cannot say it.
        optimizer: Keras class name of the compiled optimiser.
        learning_rate: Its learning rate, if constant.
        task: First guess of the kind of problem.
        task_reason: Why, in one sentence.
        keras_version: Version that wrote the file.
        findings: What was checked and what deserves attention.
    """

    format: Literal["keras", "h5"]
    name: str
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layers: tuple[LayerCard, ...]
    parameters: int
    output_activation: str | None
    loss: str | None
    from_logits: bool | None
    optimizer: str | None
    learning_rate: float | None
    task: Task | None
    task_reason: str
    keras_version: str
    findings: tuple[Finding, ...] = ()


# --- the shift ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measure:
    """One number about one column.

    Args:
        value: The effect.
        interval: Its 95 % interval.
        p_adjusted: Adjusted over all columns; ``None`` for a measure that is no test.
        unit: What the value is counted in.
    """

    value: float
    interval: tuple[float, float] | None = None
    p_adjusted: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class ColumnShift:
    """How one column moved.

    Args:
        name: The column.
        kind: How it was read.
        level: Real *and* large enough to matter.
        effect: Size of the movement as a mean shift in standard deviations (d); comparable over columns.
        measures: By name, as in the table ``MEASURES`` of ``retrain_core.shift``.
        summary: One plain sentence.
        findings: Missing values, new and vanished categories, and the like.
    """

    name: str
    kind: Kind
    level: Level
    effect: float
    measures: Mapping[str, Measure]
    summary: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Aspect:
    """One whole-table question (label, concept, all columns together) and its answer."""

    level: Level | None
    summary: str
    measures: Mapping[str, Measure] = field(default_factory=dict)


@dataclass(frozen=True)
class ShiftReport:
    """How the new data differs from the old; columns and labels in order of importance.

    ``label`` answers for all label columns; ``labels`` holds each that both sides have.
    """

    overall: Aspect
    columns: tuple[ColumnShift, ...]
    label: Aspect
    concept: Aspect
    multivariate: Aspect
    old_rows: int
    new_rows: int
    labels: tuple[ColumnShift, ...] = ()


# --- the runs -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FileRef:
    """A file in the store: its content's hash and the name its owner gave it."""

    sha256: str
    name: str


@dataclass(frozen=True)
class ExperimentSpec:
    """One question: an old model, old data (optional), new data, one holdout.

    Args:
        id: Folder name in the store.
        name: Shown to people.
        created: Seconds since 1970, UTC.
        model: The old model.
        new: The new data.
        old: The old data, if there is any.
        holdout: A holdout file, if the user brought one; it becomes the new part.
        schema: How tables become arrays.
        split_seed: Seed of the split.
        note: Anything to show beside the name, such as "the shift is made".
    """

    id: str
    name: str
    created: float
    model: FileRef
    new: FileRef
    schema: Schema
    old: FileRef | None = None
    holdout: FileRef | None = None
    split_seed: int = 0
    note: str = ""


@dataclass(frozen=True)
class Device:
    """Something to compute on.

    Args:
        name: ``cpu`` or ``gpu:N``.
        title: For people.
        cores: CPU cores; 1 for a GPU.
    """

    name: str
    title: str
    cores: int


@dataclass(frozen=True)
class Limits:
    """What a run may use; ``None`` means no limit.

    Args:
        seconds: Wall time; a run over it ends with its best weights.
        steps: Training steps of one batch each. With it every strategy does exactly as many, however many epochs that
            is ("equal compute"); without it, each trains for its epochs or until it stops improving.
    """

    seconds: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Estimate:
    """What a run will cost, from a few real steps of that very model on that very device.

    Args:
        seconds: Training time, least and most; early stopping makes the range wide.
        peak_memory_mb: Largest resident memory of the worker.
        rows_seen: Training rows, counted each time one is used, least and most.
        way: How a step is computed, see ``RunResult.way``.
        energy_joules: Least and most, ``None`` where the machine does not tell.
        advice: What to change if it does not fit in memory, else empty.
    """

    seconds: tuple[float, float]
    peak_memory_mb: float
    rows_seen: tuple[int, int]
    way: str = "plain"
    energy_joules: tuple[float, float] | None = None
    advice: str = ""


@dataclass(frozen=True)
class RunSpec:
    """One strategy with its options and one seed.

    Args:
        id: Folder name inside the experiment.
        experiment: The experiment's id.
        strategy: Name in ``STRATEGIES``.
        options: The fields of that strategy's dataclass.
        seed: Seeds weights, shuffling and dropout.
        device: ``auto``, ``cpu``, ``gpu`` or ``gpu:N`` as asked for.
        limits: What it may use.
        order: Place among the strategies of the experiment.
        rehearse: Whether only to do a few steps and write an ``Estimate``.
        forecast: What was estimated before it started, if it was.
    """

    id: str
    experiment: str
    strategy: str
    options: Mapping[str, Scalar | None]
    seed: int
    device: str = "auto"
    limits: Limits = Limits()
    order: int = 0
    rehearse: bool = False
    forecast: Estimate | None = None


@dataclass(frozen=True)
class RunEvent:
    """One line of ``events.jsonl``; ``number`` counts from 0 without gaps."""

    run: str
    number: int
    time: float
    kind: Literal["started", "progress", "epoch", "notice", "scored", "finished", "failed"]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PartScores:
    """Scores on one part of the holdout; means over its rows."""

    loss: float
    rows: int
    accuracy: float | None = None
    mae: float | None = None


@dataclass(frozen=True)
class RunResult:
    """How one run ended.

    Args:
        status: ``finished``, ``failed`` or ``stopped``.
        new: Scores on the new part of the holdout.
        old: Scores on the old part; ``None`` without old data.
        seconds: Wall time of the training alone.
        peak_memory_mb: Largest resident memory of the worker.
        device: Where it really ran.
        rows_seen: Training rows, counted each time one was used.
        model: Path of the model inside the run folder.
        error: What, why and what next, if it failed.
        prequential: Incremental only: mean score on each arriving batch before training on it.
        steps: Training steps done.
        way: How a step was computed: ``plain`` (TensorFlow's graph) or ``compiled`` (by XLA).
        cpu_seconds: Processor time of the worker while it trained.
        energy_joules: Energy of the whole machine meanwhile, ``None`` where it does not tell.
        shared: Whether another run used the device at the same time, which makes times longer.
        estimate: Of a rehearsal only.
    """

    status: Literal["finished", "failed", "stopped"]
    new: PartScores | None = None
    old: PartScores | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    device: str = "cpu"
    rows_seen: int = 0
    model: str | None = None
    error: str | None = None
    prequential: float | None = None
    steps: int = 0
    way: str = "plain"
    cpu_seconds: float = 0.0
    energy_joules: float | None = None
    shared: bool = False
    estimate: Estimate | None = None


@dataclass(frozen=True)
class Outcome:
    """A run that has ended, with what it scored on each row of the holdout.

    Args:
        spec: What it did.
        result: How it ended.
        rows: Per-row arrays by name: ``new_loss`` and ``new_metric`` (1 for right and 0 for wrong, the share of right
            labels if there are several, or the mean absolute error), shape ``(rows,)``; ``new_outputs``, shape ``(rows,
            units)``, more where the output layer was grown; the same for ``old``. Empty if it failed.
    """

    spec: RunSpec
    result: RunResult
    rows: Mapping[str, NDArray[Any]] = field(default_factory=dict)


# --- the answer -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Metric:
    """What accuracy-like number is compared, and which way is better."""

    name: Literal["accuracy", "mae"]
    direction: Literal["max", "min"]


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
    energy_joules: float | None = None


@dataclass(frozen=True)
class Recommendation:
    """What to do, and why."""

    choice: str
    clear: bool
    summary: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Every candidate on the same holdout rows."""

    schema: int
    task: Task
    metric: Metric
    holdout: Holdout
    strategies: Mapping[str, CandidateScores]
    recommendation: Recommendation | None
    old_weight: float = 0.5
    notes: tuple[str, ...] = ()

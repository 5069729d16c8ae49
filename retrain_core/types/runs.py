"""Questions, runs, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from retrain_core.types.data import Schema, SplitSettings
from retrain_core.types.shift import ShiftSettings
from retrain_core.types.text import Scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

Work = Literal["train", "rehearse", "quick", "observe", "sensitivity", "shift", "explain"]


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
        split: How rows are held out.
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
    split: SplitSettings = SplitSettings()
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
        memory_mb: Resident memory of its worker; a run over it ends with its best weights.
        silence_seconds: Time without a sign of life, after which it is taken to hang, and ends the same way.
    """

    seconds: float | None = None
    steps: int | None = None
    memory_mb: float | None = None
    silence_seconds: float | None = 900.0


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
        ways: How a step is computed in each fit of the run, in their order.
    """

    seconds: tuple[float, float]
    peak_memory_mb: float
    rows_seen: tuple[int, int]
    way: str = "plain"
    energy_joules: tuple[float, float] | None = None
    advice: str = ""
    ways: tuple[str, ...] = ()


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
        work: What is to be done: ``train`` and score; ``rehearse`` a few steps for an ``Estimate``; ``quick``, train on some
            rows and score without the holdout; ``observe`` what the old model makes of the rows; ``sensitivity`` to
            disturbed rows; ``shift``, measured without a model; ``explain`` what was observed.
        new_rows: How many of the new training rows to use, drawn at random; ``None`` means all.
        old_rows: The same of the old training rows, for ``quick``.
        spare: For ``quick``: whether the new training rows that are not used are scored.
        after: The id of a run or another piece of work that has to end first; empty if none.
        shift: How shift is measured, for ``shift`` and ``explain``.
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
    work: Work = "train"
    new_rows: int | None = None
    old_rows: int | None = None
    spare: bool = False
    after: str = ""
    shift: ShiftSettings | None = None
    forecast: Estimate | None = None

    @property
    def rehearse(self) -> bool:
        """Whether it only does a few steps, to forecast the rest."""
        return self.work == "rehearse"


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
        seconds: Wall time of the training alone, of all attempts together.
        peak_memory_mb: Largest resident memory of the worker.
        device: Where it really ran.
        rows_seen: Training rows, counted each time one was used.
        model: Path of the model inside the run folder.
        error: What, why and what next, if it failed; the reason, if a limit stopped it.
        prequential: Incremental only: mean score on each arriving batch before training on it.
        steps: Training steps done.
        way: How a step was computed: ``plain`` (TensorFlow's graph) or ``compiled`` (by XLA).
        cpu_seconds: Processor time of the worker while it trained.
        energy_joules: Energy of the whole machine meanwhile, ``None`` where it does not tell.
        shared: Whether another run used the device at the same time, which makes times longer.
        estimate: Of a rehearsal only.
        resumed: How often it was cut off and went on from a checkpoint.
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
    resumed: int = 0

    @property
    def own_seconds(self) -> float:
        """What it would take alone, at least: of a run that shared the CPU, its processor time.

        >>> RunResult("finished", seconds=7.2, cpu_seconds=1.3, shared=True).own_seconds
        1.3
        """
        waited = self.shared and self.device == "cpu" and self.cpu_seconds
        return min(self.seconds, self.cpu_seconds) if waited else self.seconds


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

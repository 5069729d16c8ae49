"""The data: tables, how they are read, and what a model is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from retrain_core.types.text import CLASS_NUMBER_LOSSES, Part, Task

if TYPE_CHECKING:  # not loaded by what only passes values on, such as the process that reads model files
    import pandas as pd
    from numpy.typing import NDArray


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
        unclear: The columns of text whose numbers can be read in two ways, with one of their values.
    """

    name: str
    sha256: str
    columns: pd.DataFrame
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    flattened: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unclear: Mapping[str, str] = field(default_factory=dict)

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
        fill: What takes the place of a missing or infinite number, by column of an input; empty if rows that have one
            are left out.
    """

    task: Task
    labels: tuple[str, ...]
    bindings: tuple[Binding, ...]
    classes: tuple[str, ...]
    units: int
    from_logits: bool
    loss: str
    fill: Mapping[str, float] = field(default_factory=dict)

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
    """The rows that no strategy trains on.

    Args:
        sha256: Hash of both parts.
        new_rows: How many are new.
        old_rows: How many are old.
        labels: How many rows of each part, ``new`` and ``old``, have each label; empty for regression.
    """

    sha256: str
    new_rows: int
    old_rows: int
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitSettings:
    """How rows are held out, as far as the user decides it.

    Args:
        seed: Same seed, same split.
        time: The column that says when a row came: the latest rows are held out; rows are drawn at random without one.
        id: The column that says whose a row is: rows of one are never trained on and held out.
    """

    seed: int = 0
    time: str | None = None
    id: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are named; they are no inputs unless the model needs them."""
        return tuple(name for name in (self.time, self.id) if name is not None)


@dataclass(frozen=True)
class SplitSummary:
    """How many rows each part has, and what was done to get there.

    Args:
        rows: By part.
        holdout: What all candidates are scored on.
        notes: What was done, as far as the user should know it.
        warnings: What makes the scores doubtful.
    """

    rows: Mapping[Part, int]
    holdout: Holdout
    notes: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()

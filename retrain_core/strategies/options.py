"""Options of a strategy: dataclass fields that know how to be shown as a form."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, cast, get_args, get_type_hints

from retrain_core.errors import DataError, RunError
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Scalar, Task

T = TypeVar("T")
ALL_TASKS: tuple[Task, ...] = get_args(Task)


class Strategy(Protocol):
    """A way to get the next model: a frozen dataclass of options with ``train``."""

    name: ClassVar[str]
    title: ClassVar[str]
    advice: ClassVar[str]  # what to do, as a recommendation says it
    default_on: ClassVar[bool]  # whether it is run unless somebody says otherwise
    needs_old: ClassVar[bool]  # whether it cannot be run without old data
    without_old: ClassVar[str]  # what is different then; empty if nothing is
    tasks: ClassVar[tuple[Task, ...]]  # that it can be run for
    learns_classes: ClassVar[bool]  # whether it can learn classes that the old model does not know
    source: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the next model, made from training rows only."""
        ...


@dataclass(frozen=True)
class Option:
    """One field of a strategy, as a form needs it."""

    name: str
    kind: type
    default: Scalar
    label: str
    help: str
    low: float | None
    high: float | None


def option(default: T, label: str, help: str, low: float | None = None, high: float | None = None) -> T:
    """Return a dataclass field with what its form needs: a label with its unit, a help text and bounds."""
    metadata = {"label": label, "help": help, "low": low, "high": high}
    return dataclasses.field(default=default, metadata=metadata)


# Options that several strategies have; each call makes a field of its own.


def epochs_option(rows: str) -> int:
    """Return the field for the passes over ``rows``."""
    return option(10, "Epochs", f"Most passes over the {rows}.", 1, 1000)


def batch_size_option(rows: str = "Rows") -> int:
    """Return the field for the ``rows`` of a training step."""
    return option(32, "Batch size (rows)", f"{rows} a training step.", 1, 65536)


def patience_option() -> int:
    """Return the field for early stopping."""
    help = "Stop after this many epochs without a better validation loss; 0 never stops."
    return option(3, "Patience (epochs)", help, 0, 1000)


def balanced_option() -> bool:
    """Return the field for class weights."""
    help = "Rows of rare classes weigh more in the loss, so that all classes weigh alike."
    return option(False, "Balance classes", help)


def arrival_option() -> int:
    """Return the field for the rows of a batch of arrival."""
    help = "Rows that arrive together: scored first, then trained on."
    return option(256, "Batch of arrival (rows)", help, 1, 10_000_000)


def passes_option() -> int:
    """Return the field for the passes over each batch of arrival."""
    return option(1, "Passes", "Passes over each arriving batch.", 1, 1000)


def rate_option(default: float) -> float:
    """Return the field for the learning rate."""
    help = "Step size, as a multiple of the one the model was compiled with; smaller moves less."
    return option(default, "Learning rate (times the model's own)", help, 1e-4, 100.0)


@functools.cache
def options_of(strategy: type[Strategy]) -> tuple[Option, ...]:
    """Return the options of ``strategy`` in the order they are declared."""
    kinds = get_type_hints(strategy)
    return tuple(
        Option(f.name, kinds[f.name], cast(Scalar, f.default), **f.metadata)
        for f in dataclasses.fields(strategy)
    )


def needs_old_rows(strategy: Strategy) -> RunError:
    """Return the error of a strategy that cannot do without old rows."""
    return RunError(
        f"{strategy.title} needs old data, and there is none.",
        strategy.without_old,
        "Add the data that the old model was trained on.",
    )


def check_bounds(strategy: Strategy) -> None:
    """Raise a DataError if an option of ``strategy`` lies outside its bounds."""
    for item in options_of(type(strategy)):
        value = getattr(strategy, item.name)
        low, high = item.low, item.high
        if (low is not None and value < low) or (high is not None and value > high):
            raise DataError(
                f"{strategy.title}: {item.label.lower()} is {value}.",
                f"It can lie between {low:g} and {high:g}."
                if high is not None
                else f"It must be at least {low:g}.",
                "Choose another value.",
            )

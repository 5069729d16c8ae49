"""What a strategy may do with a model, without knowing TensorFlow.

The worker's engine implements it; a strategy gets training rows only, so no holdout row can reach a fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from retrain_core.types import Dataset, Schema

Model = Any  # a keras.Model, opaque outside retrain_core.training
Penalty = Any  # something to add to the loss, opaque as well
Teacher = Any  # the old model's outputs, to be kept close to


class Pace(Protocol):
    """How fast and how long to train; a strategy's own options are one."""

    @property
    def epochs(self) -> int:
        """Most passes over the rows."""
        ...

    @property
    def batch_size(self) -> int:
        """Rows a step."""
        ...

    @property
    def rate(self) -> float:
        """Learning rate, times the old model's own."""
        ...

    @property
    def patience(self) -> int:
        """Stop after this many epochs without a better validation loss; 0 never stops early."""
        ...

    @property
    def balanced(self) -> bool:
        """Whether classes weigh alike in the loss, however many rows they have."""
        ...


class Arrivals(Protocol):
    """How to train on batches of arrival; the options of an incremental strategy are one."""

    @property
    def arrival_rows(self) -> int:
        """Rows that arrive together."""
        ...

    @property
    def passes(self) -> int:
        """Passes over each arriving batch."""
        ...

    @property
    def batch_size(self) -> int:
        """New rows a step."""
        ...

    @property
    def rate(self) -> float:
        """Learning rate, times the old model's own."""
        ...

    @property
    def balanced(self) -> bool:
        """Whether classes weigh alike in the loss, however many rows they have."""
        ...


@dataclass(frozen=True)
class Replay:
    """Rows seen before, mixed into each step.

    Args:
        old: What the memory begins with.
        ratio: Rows replayed a new row.
        memory_rows: Size of the memory, a uniform sample (reservoir) of old rows and new ones already seen; 0 holds
            all old rows, and no new one.
        class_balanced: Whether each class is replayed as often as any other.
    """

    old: Dataset
    ratio: float
    memory_rows: int
    class_balanced: bool


class Toolbox(Protocol):
    """Verbs that strategies are written in."""

    schema: Schema

    @property
    def stopped(self) -> bool:
        """Whether the run was asked to end; what is trained after that stays as it is."""
        ...

    def old_model(self) -> Model:
        """Return the old model exactly as it is."""
        ...

    def load_model(self) -> Model:
        """Return the old model; its output layer is grown if the new rows have new classes."""
        ...

    def fresh_model(self, adapt_on: Dataset) -> Model:
        """Return the old model's architecture with fresh weights.

        Stateful preprocessing layers (Normalization, StringLookup, ...) are adapted again on ``adapt_on``.
        """
        ...

    def freeze(self, model: Model, *, all_but_last: int) -> None:
        """Freeze all layers but the last ones with weights; BatchNormalization is always frozen."""
        ...

    def thaw(self, model: Model) -> None:
        """Let every layer learn that was saved as trainable, BatchNormalization apart."""
        ...

    def block_count(self, model: Model, most: int) -> int:
        """Return into how many blocks of layers ``model`` can be divided, at most ``most``."""
        ...

    def freeze_all_but_block(self, model: Model, block: int, blocks: int) -> str:
        """Let one block of layers learn, counted from the input; return what to call it."""
        ...

    def fit(
        self,
        model: Model,
        rows: Dataset,
        pace: Pace,
        *,
        weights: NDArray[Any] | None = None,
        penalty: Penalty | None = None,
        share: float = 1.0,
    ) -> Model:
        """Train on shuffled ``rows`` and return ``model`` with its best weights on the validation rows.

        Args:
            model: Changed in place.
            rows: Training rows.
            pace: How fast and how long.
            weights: Of each row in the loss, shape ``(rows,)``.
            penalty: Added to the loss.
            share: Of the run's work; of its budget of steps, if it has one.
        """
        ...

    def fit_in_order(
        self,
        model: Model,
        rows: Dataset,
        arrivals: Arrivals,
        *,
        replay: Replay | None = None,
        penalty: Penalty | None = None,
        teacher: Teacher | None = None,
    ) -> Model:
        """Train on ``rows`` as they arrive: score each arriving batch, then train on it.

        Args:
            model: Changed in place.
            rows: Training rows in the order of arrival.
            arrivals: How many arrive together, and how to train on them.
            replay: Old rows mixed into each step.
            penalty: Added to the loss.
            teacher: Its distance is added to the loss.
        """
        ...

    def pull_to_old(self, model: Model, strength: float) -> Penalty:
        """Return half the squared distance of the learning weights from where they are now, times ``strength``."""
        ...

    def pull_by_importance(
        self, model: Model, old: Dataset, strength: float, most_rows: int, rate: float
    ) -> Penalty:
        """Return the same, with ``strength`` times each weight's Fisher information on old rows as its strength.

        Args:
            model: Whose weights.
            old: Old rows.
            strength: Of the hold.
            most_rows: Old rows to measure on.
            rate: Learning rate to train at, times the model's own: a hold too firm for it would overshoot.
        """
        ...

    def teacher(self, rows: Dataset, weight: float, temperature: float) -> Teacher:
        """Return the old model as a teacher for ``rows``."""
        ...

    def best_validation_loss(self) -> float:
        """Return the validation loss of the model that the last ``fit`` returned."""
        ...

    def each_unit(self, model: Model) -> bool:
        """Whether each output unit has a probability of its own, rather than a share of one distribution."""
        ...

    def logits(self, model: Model, rows: Dataset) -> NDArray[Any]:
        """Return the outputs of ``model`` as logits, shape ``(rows, units)``; up to a constant a row for softmax."""
        ...

    def scale_logits(self, model: Model, scale: float, shift: NDArray[Any]) -> Model:
        """Return ``model`` with its logits times ``scale`` plus ``shift``, shape ``(units,)``."""
        ...

    def shrink_and_perturb(self, model: Model, shrink: float, noise: float) -> Model:
        """Return ``model`` with its weights times ``shrink`` plus ``noise`` times a fresh draw of its initialisers."""
        ...

    def learning_weights(self, model: Model) -> list[NDArray[Any]]:
        """Return a copy of the weights that learn, as they are now."""
        ...

    def blend(self, model: Model, before: list[NDArray[Any]], share: float) -> Model:
        """Return ``model`` with ``share`` of each learning weight and the rest of what it was ``before``."""
        ...

    def notice(self, text: str) -> None:
        """Tell the user something about this run."""
        ...

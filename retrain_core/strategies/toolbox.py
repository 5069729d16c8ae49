"""What a strategy may do with a model, without knowing TensorFlow.

The worker's engine implements it; a strategy gets training rows only, so no holdout row can reach a fit.
"""

from __future__ import annotations

from typing import Any, Protocol

from retrain_core.types import Dataset

Model = Any  # a keras.Model, opaque outside retrain_core.training


class Toolbox(Protocol):
    """Verbs that strategies are written in."""

    def load_model(self) -> Model:
        """Return the old model, ready to train."""
        ...

    def fresh_model(self, adapt_on: Dataset) -> Model:
        """Return the old model's architecture with fresh weights.

        Stateful preprocessing layers (Normalization, StringLookup, ...) are adapted again on ``adapt_on``.
        """
        ...

    def freeze(self, model: Model, *, all_but_last: int) -> None:
        """Freeze all layers but the last ones with weights; BatchNormalization is always frozen."""
        ...

    def fit(
        self,
        model: Model,
        rows: Dataset,
        *,
        epochs: int,
        batch_size: int,
        rate: float,
        patience: int,
    ) -> Model:
        """Train on shuffled ``rows`` and return ``model`` with its best weights on the validation rows.

        Args:
            model: Changed in place.
            rows: Training rows.
            epochs: Most passes over ``rows``.
            batch_size: Rows a step.
            rate: Learning rate, times the old model's own.
            patience: Stop after this many epochs without a better validation loss; 0 never stops early.
        """
        ...

    def fit_in_order(
        self,
        model: Model,
        rows: Dataset,
        *,
        arrival_rows: int,
        passes: int,
        batch_size: int,
        rate: float,
        replay: Dataset | None,
        replay_ratio: float,
    ) -> Model:
        """Train on ``rows`` as they arrive: score each arriving batch, then train on it.

        Args:
            model: Changed in place.
            rows: Training rows in the order of arrival.
            arrival_rows: Rows that arrive together.
            passes: Passes over each arriving batch.
            batch_size: New rows a step.
            rate: Learning rate, times the old model's own.
            replay: Old rows to draw from, or ``None``.
            replay_ratio: Old rows a new row in each step.
        """
        ...

    def notice(self, text: str) -> None:
        """Tell the user something about this run."""
        ...

"""Model cards and tables for the tests of how data is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from retrain_core.models.compiled import Compiled, task_of
from retrain_core.types import ModelCard, Table, TensorSpec

SIGMOID = ModelCard(
    format="keras", name="m", sha256="", inputs=(TensorSpec("row", (2,), "float32"),), outputs=(TensorSpec("out", (1,), "float32"),),
    layers=(), parameters=9, output_activation="sigmoid", loss="binary_crossentropy", from_logits=False, optimizer="Adam",
    learning_rate=0.001, task="binary", task_reason="One sigmoid unit.", keras_version="3.15.1",
)  # fmt: skip


def card(
    units: int,
    activation: str | None,
    loss: str | None,
    *,
    from_logits: bool | None = None,
    inputs: tuple[TensorSpec, ...] = SIGMOID.inputs,
) -> ModelCard:
    """Return the card of a model with such an output, its task told as the static reading tells it."""
    output = TensorSpec("out", (units,), "float32")
    task, reason = task_of(activation, output, Compiled(loss, from_logits))
    return replace(
        SIGMOID, inputs=inputs, outputs=(output,), output_activation=activation, loss=loss, from_logits=from_logits,
        task=task, task_reason=reason,
    )  # fmt: skip


def table(rows: int = 40, name: str = "new.csv", **labels: object) -> Table:
    """Return two columns of numbers, and label columns."""
    features = {"a": np.arange(rows) + 0.5, "b": np.arange(rows)[::-1] * 2.0}
    return Table(name, "", pd.DataFrame({**features, **labels}))

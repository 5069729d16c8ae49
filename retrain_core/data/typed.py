"""How files are read, from options as they are typed on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from retrain_core.data.names import split_labels
from retrain_core.data.schema import infer_schema
from retrain_core.types import ModelCard, Schema, Table, Task

Outputs = Literal["probabilities", "logits"]


def read_as(
    card: ModelCard,
    new: Table,
    old: Table | None,
    *,
    label: str | None = None,
    columns: str | None = None,
    classes: str | None = None,
    outputs: Outputs | None = None,
    task: Task | None = None,
    gaps: Literal["leave-out", "fill"] | None = None,
    apart: Sequence[str] = (),
) -> Schema:
    """Return how the files become arrays for the model; several names are separated by commas.

    Raises:
        DataError: If the files cannot be read in this way.
    """
    return infer_schema(
        card,
        new,
        old,
        label=label,
        task=task,
        from_logits=None if outputs is None else outputs == "logits",
        classes=None if classes is None else split_labels(classes),
        columns=None if columns is None else split_labels(columns),
        apart=apart,
        gaps="fill" if gaps == "fill" else None,
    )

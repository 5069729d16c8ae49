"""What the columns mean for a model: inferred, shown, and the user may overrule each part."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from retrain_core.data.bindings import find_bindings
from retrain_core.data.classes import find_classes
from retrain_core.data.encode import numeric_columns
from retrain_core.data.gaps import Gaps, middle_values
from retrain_core.data.labels import (
    check_labels,
    chosen_labels,
    guessed_because,
    infer_labels,
    infer_task,
    units_of,
)
from retrain_core.data.losses import choose_loss, reads_logits
from retrain_core.data.number_marks import refuse_unclear
from retrain_core.errors import DataError
from retrain_core.types import ModelCard, Schema, Table, Task


def infer_schema(
    card: ModelCard,
    new: Table,
    old: Table | None = None,
    *,
    label: str | Sequence[str] | None = None,
    task: Task | None = None,
    from_logits: bool | None = None,
    classes: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    apart: Sequence[str] = (),
    gaps: Gaps | None = None,
) -> Schema:
    """Return how ``new`` (and ``old``) become arrays for the model.

    Args:
        card: The old model.
        new: The new data.
        old: The old data; gives the order of the columns, and tells which labels the model knows.
        label: The label column, if the user says so; several as a sequence or separated by commas.
        task: The kind of problem, if the user says so.
        from_logits: Whether outputs are logits, if the user says so.
        classes: The label of each output unit, in unit order, and behind them any new ones, if the user says so.
        columns: The columns of a single flat input, in order, if the user says so.
        apart: Columns that say when a row came or whose it is: no inputs, unless the model needs them.
        gaps: What becomes of rows with a missing or infinite input; left out, unless the user says ``fill``: then such
            inputs get the middle value of their column, in the old data if there is any.

    Raises:
        DataError: If the columns do not match the inputs, the labels do not match the outputs, or either can be read in
            two ways.
    """
    if apart and columns is None:
        with contextlib.suppress(DataError):
            return infer_schema(
                card,
                _without(new, apart),
                None if old is None else _without(old, apart),
                label=label,
                task=task,
                from_logits=from_logits,
                classes=classes,
                gaps=gaps,
            )
    labels = chosen_labels(new, label) if label else infer_labels(card, new, task, old)
    units = units_of(card)
    task = task or infer_task(card, new, labels)
    tables = [new] if old is None else [new, old]
    try:
        for table in tables:
            refuse_unclear(table, labels)
        check_labels(card, task, labels)
        found = find_classes(task, units, labels, new, old, classes)
        bindings = find_bindings(card, new, old, labels, columns)
        for table in tables:
            refuse_unclear(table, numeric_columns(bindings))
    except DataError as error:
        if label or new.flattened.get("y") == labels:
            raise
        guess = guessed_because(card, new, labels)
        raise DataError(error.what, f"{error.why} {guess}", error.next_step) from error
    if from_logits is None:
        from_logits = reads_logits(card, task, units)
    schema = Schema(
        task=task,
        labels=labels,
        bindings=bindings,
        classes=found,
        units=units,
        from_logits=from_logits,
        loss=choose_loss(card.loss, task, units, from_logits=from_logits),
        fill=middle_values(bindings, new if old is None else old) if gaps == "fill" else {},
    )
    return replace(schema, task="multiclass") if units > 1 and len(found) > units else schema


def _without(table: Table, columns: Sequence[str]) -> Table:
    return replace(table, columns=table.columns.drop(columns=list(columns), errors="ignore"))

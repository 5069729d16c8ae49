"""What is checked about the data before anything trains, and how it came out."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.at_random import LEAST_IN_STRATUM
from retrain_core.data.bindings import beside
from retrain_core.data.doubts import SEEN
from retrain_core.data.encode import encode
from retrain_core.data.gaps import fill_notes, gaps_found
from retrain_core.data.losses import LOSSES, takes_scores, why_not
from retrain_core.data.marks import Rows, marks_of
from retrain_core.data.names import listed, numbered
from retrain_core.data.split import Split, split
from retrain_core.data.targets import label_counts
from retrain_core.data.values import label_text
from retrain_core.data.zeros import as_classes, zeros_found
from retrain_core.errors import InputError
from retrain_core.types import Binding, Dataset, Finding, ModelCard, Schema, SplitSettings, Table
from retrain_core.types.text import counted

MISSING_WHY = (
    "Their label or a numeric input is missing or infinite. Fill the gaps, or go on without these rows."
)
FILL_THEM = "Missing and infinite inputs can be filled in when the file is read."
FILLED_WHY = "Each value is the median of its column in the {side} data. These rows are trained on and scored like the others."
ONE_SIDED_WHY = "Scores cannot say how a model does on labels that do not occur."
NO_OLD_WHY = "Shift and forgetting cannot be measured, and full retrain uses the new rows only."
ORDER_WHY = "The model does not name them: make sure the order is the one it was trained with."
TRAINED_ON_WHY = "The model does not name them; the old data is what it was trained on."
GROW_WHY = (
    "Strategies that train add an output unit for each. Keep cannot answer with them, so those rows count as wrong "
    "for it; recalibrating does not teach them either."
)
TOO_FEW_WHY = (
    "Without training rows no strategy learns it; without held-out rows no score tells whether one has."
)
# Numbers to predict at which a loss says little: below the first it is not defined, at the second it is huge.
LEAST_NUMBER = {"poisson": 0.0, "mean_squared_logarithmic_error": 0.0}
HUGE_AT_ZERO = ("mean_absolute_percentage_error",)


def check(
    card: ModelCard, schema: Schema, tables: dict[str, Table], settings: SplitSettings = SplitSettings()
) -> tuple[Finding, ...]:
    """Return what was checked about the data and how it came out; nothing here raises.

    Args:
        card: The old model.
        schema: How tables become arrays.
        tables: By role: ``new``, and if there are any ``old`` and ``holdout``.
        settings: How rows are held out.
    """
    findings = [
        *_inputs_found(schema, tables),
        _labels_found(card, schema, tables["new"]),
        *_loss_found(card, schema),
    ]
    findings += zeros_found(schema, tables, settings)
    encoded: dict[str, Dataset] = {}
    usable: dict[str, Rows] = {}
    for role, table in tables.items():
        try:
            data, rows = encode(schema, table)
        except InputError as error:
            findings.append(_refusal(error, f"{role.capitalize()} data: "))
            continue
        encoded[role], usable[role] = data, rows
        findings += [
            _rows_found(schema, table, role, len(rows)),
            *_fill_found(schema, table, role, "old" if "old" in tables else "new"),
            *_column_warnings(schema, table, role),
            *_label_warnings(schema, data, role),
        ]
    if "new" in encoded:
        findings += _new_classes_found(schema, encoded["new"])
    if "new" in encoded and len(encoded) == len(tables):
        try:
            marks = marks_of(settings, tables, usable)
            done = split(schema, **encoded, settings=settings, marks=marks)
            findings += _new_classes_split(schema, done, encoded["new"], encoded.get("holdout"))
            findings += [doubt for doubt in done.summary.warnings if doubt != SEEN]  # nothing to do about it
        except InputError as error:
            findings.append(_refusal(error))
    if "old" not in tables:
        findings.append(Finding("warning", "No old data", NO_OLD_WHY))
    return tuple(findings)


def _refusal(error: InputError, before: str = "") -> Finding:
    return Finding("error", f"{before}{error.what}", f"{error.why} {error.next_step}")


# --- how the data is read -------------------------------------------------------------------------


def _inputs_found(schema: Schema, tables: dict[str, Table]) -> list[Finding]:
    bound = [column for binding in schema.bindings for column in binding.columns]
    unused = [name for name in beside(schema.labels, tables["new"]) if name not in bound]
    not_used = f"Not used: {listed(unused)}." if unused else ""
    if len(schema.bindings) > 1:
        return [_several_found(schema, tables["new"], not_used)]
    if not bound:
        return [Finding("ok", "The examples have the shape that the model takes", not_used)]
    feed = f"feed{'s' if len(bound) == 1 else ''} the input '{schema.bindings[0].input}'"
    if len(bound) == 1:
        return [Finding("ok", f"The column '{bound[0]}' {feed}", not_used)]
    orders = {
        role: [name for name in beside(schema.labels, tables[role]) if name in bound]
        for role in ("old", "new")
        if role in tables
    }
    source = next((role for role, order in orders.items() if order == bound), None)
    order = f"in the order of the {source} data" if source else "in the order that was chosen"
    why = TRAINED_ON_WHY if source == "old" else ORDER_WHY
    names = f"{listed(bound)}."
    found = [Finding("ok", f"{len(bound)} columns {feed}, {order}", f"{names} {why} {not_used}".strip())]
    if len(orders) == 2 and orders["old"] != orders["new"] and set(orders["old"]) == set(orders["new"]):
        found.append(
            Finding(
                "warning",
                "Old and new data have the same columns in different orders",
                f"Both are fed {order}: {listed(bound)}. Make sure that the model was trained with this order.",
            )
        )
    return found


def _several_found(schema: Schema, table: Table, not_used: str) -> Finding:
    title = f"All {len(schema.bindings)} inputs are matched to columns by name"
    for binding in schema.bindings:
        if binding.columns and not _is_named(binding, table):
            title += f"; '{binding.input}' takes the {len(binding.columns)} columns left, in order"
            names = f"{listed(binding.columns)}. {ORDER_WHY}"
            return Finding("ok", title, f"{names} {not_used}".strip())
    return Finding("ok", title, not_used)


def _is_named(binding: Binding, table: Table) -> bool:
    own = (binding.input,), table.flattened.get(binding.input), numbered(binding.input, binding.columns)
    return binding.columns in own


def _labels_found(card: ModelCard, schema: Schema, table: Table) -> Finding:
    how = card.task_reason if schema.task == card.task else "Told from the labels, or chosen."
    if schema.task == "regression":
        several = len(schema.labels) > 1
        names = listed([f"'{name}'" for name in schema.labels])
        return Finding("ok", f"{names} {'are numbers' if several else 'is a number'} to predict", how)
    details = [how, _outputs_are(schema)]
    if schema.task == "multilabel":
        title = f"Each row has {len(schema.labels)} labels, each yes or no: {listed(schema.classes)}"
        return Finding("ok", title, " ".join(details))
    known = schema.classes[: len(schema.classes) - len(schema.new_classes)]
    title = f"'{schema.label}' has {len(known)} outcomes: {listed(known)}"
    if schema.one_hot_columns:
        title = f"{len(schema.labels)} label columns are one-hot: the column with the 1 is the class"
        details.insert(0, f"{listed(schema.labels)} stand for {listed(schema.classes)}.")
    elif schema.labels[0] in table.columns and not set(known) & set(
        as_classes(label_text(table.columns[schema.label].drop_duplicates()), known).tolist()
    ):
        details.insert(0, "The file has their numbers, counted from 0.")
    if card.task == "multilabel":
        details.append("Each output unit is one class against all others; the largest output is the answer.")
    return Finding("ok", title, " ".join(details))


def _outputs_are(schema: Schema) -> str:
    if not schema.from_logits:
        return "Outputs are read as probabilities."
    if takes_scores(schema.loss):
        return f"The loss {schema.loss} makes outputs that are neither probabilities nor logits: above 0 means yes."
    return "Outputs are read as logits."


def _loss_found(card: ModelCard, schema: Schema) -> list[Finding]:
    if not LOSSES[schema.loss].each_row:
        detail = f"{schema.loss.capitalize()} is the loss of a batch, so a row is scored by the usual loss of the task."
        return [Finding("warning", f"Training uses the loss {schema.loss}, scores use another", detail)]
    if card.loss in (None, schema.loss):
        return []
    why = why_not(card.loss or "", schema.task, schema.units, from_logits=schema.from_logits)
    return [
        Finding(
            "warning",
            f"Training and scores use the loss {schema.loss}, not {card.loss}",
            f"The model was compiled with {card.loss}, which {why}. "
            "Every strategy is trained, and keep is scored, with the other one.",
        )
    ]


# --- the rows -------------------------------------------------------------------------------------


def _rows_found(schema: Schema, table: Table, role: str, used: int) -> Finding:
    if used == table.rows:
        return Finding("ok", f"{role.capitalize()} data: all {table.rows:,} rows can be used")
    left_out = table.rows - used
    title = f"{role.capitalize()} data: {left_out:,} of {counted(table.rows, 'row')} {'is' if left_out == 1 else 'are'} left out"
    offer = not schema.fill and bool(gaps_found(schema.bindings, table))
    return Finding("warning", title, f"{MISSING_WHY} {FILL_THEM}" if offer else MISSING_WHY)


def _fill_found(schema: Schema, table: Table, role: str, side: str) -> list[Finding]:
    notes = fill_notes(schema, table)
    if not notes:
        return []
    return [
        Finding(
            "warning",
            f"{role.capitalize()} data: gaps are filled in",
            f"{listed(notes)}. {FILLED_WHY.format(side=side)}",
        )
    ]


def _label_warnings(schema: Schema, data: Dataset, role: str) -> list[Finding]:
    if schema.task == "regression":
        return _number_warnings(schema, data, role)
    counts = label_counts(data.targets, len(schema.classes))
    expected = (
        schema.classes if role != "old" else schema.classes[: len(schema.classes) - len(schema.new_classes)]
    )
    absent = [name for name, count in zip(expected, counts, strict=False) if not count]
    if not absent:
        return []
    return [
        Finding("warning", f"{role.capitalize()} data: no row with label {listed(absent)}", ONE_SIDED_WHY)
    ]


def _number_warnings(schema: Schema, data: Dataset, role: str) -> list[Finding]:
    least = LEAST_NUMBER.get(schema.loss, -np.inf)
    below, zero = int((data.targets < least).sum()), int((data.targets == 0).sum())
    where, why = f"{role.capitalize()} data: ", ""
    if below:
        where += f"{below:,} label{'s are' if below > 1 else ' is'} below {least:g}"
        why = f"The loss {schema.loss} is made for numbers from {least:g} up."
    elif zero and schema.loss in HUGE_AT_ZERO:
        where += f"{zero:,} label{'s are' if zero > 1 else ' is'} 0"
        why = f"The loss {schema.loss} divides by the label, so these rows outweigh all others."
    return [Finding("warning", where, why)] if why else []


def _new_classes_found(schema: Schema, new: Dataset) -> list[Finding]:
    if not schema.new_classes:
        return []
    counts = label_counts(new.targets, len(schema.classes))[-len(schema.new_classes) :]
    named = [
        f"'{name[:40]}' ({counted(count, 'row')})"
        for name, count in zip(schema.new_classes, counts, strict=True)
    ]
    count = "A label" if len(named) == 1 else f"{len(named)} labels"
    return [Finding("warning", f"New data: {count} that the model does not know: {listed(named)}", GROW_WHY)]


def _new_classes_split(schema: Schema, done: Split, new: Dataset, holdout: Dataset | None) -> list[Finding]:
    """Say which new classes have hardly a row to learn from or to be scored on."""
    if not schema.new_classes:
        return []
    trained = label_counts(new.targets[done.parts["new_train"]], len(schema.classes))
    held = label_counts((holdout or new).targets[done.parts["new_holdout"]], len(schema.classes))
    found = []
    for name in schema.new_classes:
        number = schema.classes.index(name)
        if trained[number] + held[number] < LEAST_IN_STRATUM or not trained[number] or not held[number]:
            title = f"New label '{name[:40]}': {counted(trained[number], 'row')} to train on, {held[number]} held out"
            found.append(Finding("warning", title, TOO_FEW_WHY))
    return found


def _column_warnings(schema: Schema, table: Table, role: str) -> list[Finding]:
    found = []
    features = [
        column for binding in schema.bindings for column in binding.columns if column in table.columns
    ]
    constant = [name for name in features if table.columns[name].nunique(dropna=False) == 1]
    if constant:
        found.append(
            Finding(
                "warning",
                f"{role.capitalize()} data: {listed(constant, 5)} {'is' if len(constant) == 1 else 'are'} constant",
                "A model trained on these rows alone learns nothing from such a column, and may fail where it varies.",
            )
        )
    labels = [label_text(table.columns[name]) for name in schema.labels if name in table.columns]
    copies = [
        name
        for name in features
        if name not in constant and any(_reads(table.columns[name], label) for label in labels)
    ]
    if copies:
        found.append(
            Finding(
                "warning",
                f"{role.capitalize()} data: {listed(copies, 5)} equal{'s' if len(copies) == 1 else ''} the label",
                "It gives the answer away.",
            )
        )
    return found


def _reads(column: pd.Series, text: NDArray[np.str_]) -> bool:
    """Whether a column reads as ``text``; the first rows tell most apart, at little cost."""
    return all(np.array_equal(label_text(column.iloc[rows]), text[rows]) for rows in (slice(20), slice(None)))

"""What the columns mean for a model: inferred, shown, and the user may overrule each part."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from retrain_core.data.encode import encode, label_text
from retrain_core.data.split import split
from retrain_core.errors import DataError, InputError
from retrain_core.types import Binding, Dataset, Finding, ModelCard, Schema, Table, Task, TensorSpec

LABEL_NAMES = ("label", "target", "y", "class", "outcome", "result")
LOSSES: dict[Task, tuple[str, ...]] = {
    "binary": ("binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy"),
    "multiclass": ("sparse_categorical_crossentropy", "categorical_crossentropy"),
    "regression": (
        "mean_squared_error",
        "mean_absolute_error",
        "huber",
        "log_cosh",
        "mean_squared_logarithmic_error",
    ),
}
MANY_CLASSES = 200


def infer_label(card: ModelCard, table: Table) -> str:
    """Return the column that most likely holds the label.

    Raises:
        DataError: If the table has no column left for one.
    """
    columns = [str(name) for name in table.columns.columns]
    inputs = {spec.name for spec in card.inputs}
    left = [name for name in columns if name not in inputs]
    if not left:
        raise DataError(
            f"{table.name} has no label.",
            "Every column is an input of the model." if columns else "The file has no array `y`.",
            "Add the column that the model should predict.",
        )
    named = [name for name in left if name.lower() in LABEL_NAMES]
    return named[0] if named else left[-1]


def infer_schema(
    card: ModelCard,
    new: Table,
    old: Table | None = None,
    *,
    label: str | None = None,
    task: Task | None = None,
    from_logits: bool | None = None,
    classes: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> Schema:
    """Return how ``new`` (and ``old``) become arrays for the model.

    Args:
        card: The old model.
        new: The new data.
        old: The old data; gives the order of the columns, and helps to know all classes.
        label: The label column, if the user says so.
        task: The kind of problem, if the user says so.
        from_logits: Whether outputs are logits, if the user says so.
        classes: The label of each output unit, in unit order, if the user says so.
        columns: The columns of a single flat input, in order, if the user says so.

    Raises:
        DataError: If the columns do not match the inputs, or the labels do not match the outputs.
    """
    guessed = label is None
    label = label or infer_label(card, new)
    if label not in new.columns:
        raise DataError(
            f"{new.name} has no column '{label}'.",
            f"It is needed as the label. {_columns_are(new)}",
            "Choose another label column.",
        )
    units = _units(card)
    task = task or card.task or _task_from_labels(new.columns[label], units)
    _refuse_units(task, units)
    if from_logits is None:
        from_logits = _looks_like_logits(card, task)
    try:
        found = _classes(task, units, label, new, old, classes)
    except DataError as error:
        if not guessed:
            raise
        why = f"{error.why} That '{label}' is the label was only guessed; the file may have none."
        raise DataError(error.what, why, error.next_step) from error
    return Schema(
        task=task,
        label=label,
        bindings=_bindings(card, new, old, label, columns),
        classes=found,
        units=units,
        from_logits=from_logits,
        loss=_loss(card, task, units),
    )


def _columns_are(table: Table) -> str:
    names = [str(name) for name in table.columns.columns]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"Its columns are: {', '.join(names[:12])}{more}."


def _units(card: ModelCard) -> int:
    shape = card.outputs[0].shape
    return int(shape[-1] or 1) if shape else 1


def _refuse_units(task: Task, units: int) -> None:
    if task == "regression" and units > 1:
        raise DataError(
            f"The model predicts {units} numbers a row.",
            "One label column can be compared so far.",
            "Use a model with one output unit, or say that it predicts classes.",
        )
    if task == "multiclass" and units == 1:
        raise DataError(
            "The model has one output unit, which cannot stand for several classes.",
            "Several classes need one output unit each; one unit tells two classes apart, or is a number.",
            "Say that the model predicts two classes or a number, or choose another model.",
        )
    if task == "binary" and units > 2:
        raise DataError(
            f"The model has {units} output units, too many for two classes.",
            "Two classes need one or two output units.",
            "Say that the model predicts several classes, or choose another model.",
        )


def _task_from_labels(labels: pd.Series, units: int) -> Task:
    if units > 1:
        return "binary" if units == 2 else "multiclass"
    return "binary" if labels.dropna().nunique() <= 2 else "regression"


def _looks_like_logits(card: ModelCard, task: Task) -> bool:
    if task == "regression":
        return False
    if card.from_logits is not None:
        return card.from_logits
    return card.output_activation in (None, "linear")


def _loss(card: ModelCard, task: Task, units: int) -> str:
    allowed = LOSSES[task] if task != "binary" else LOSSES[task][:1] if units == 1 else LOSSES[task][1:]
    return card.loss if card.loss in allowed else allowed[0]


def _bindings(
    card: ModelCard, new: Table, old: Table | None, label: str, columns: Sequence[str] | None
) -> tuple[Binding, ...]:
    if new.array is not None:
        if len(card.inputs) != 1:
            raise DataError(
                f"{new.name} holds one array, the model has {len(card.inputs)} inputs.",
                f"The inputs are: {', '.join(spec.name for spec in card.inputs)}.",
                "Use a CSV or Parquet file with one column an input.",
            )
        return (_binding(card.inputs[0], ()),)
    available = _beside(label, new)
    if len(card.inputs) == 1:
        before = _beside(label, old) if old else []
        return (_binding(card.inputs[0], _flat_columns(card.inputs[0], new, available, before, columns)),)
    missing = [spec.name for spec in card.inputs if spec.name not in available]
    if missing:
        close = {name: difflib.get_close_matches(name, available, 1, 0.6) for name in missing}
        hints = [f"'{name}' (is it '{match[0]}'?)" if match else f"'{name}'" for name, match in close.items()]
        raise DataError(
            f"{new.name} lacks columns for {len(missing)} of the model's {len(card.inputs)} inputs: {', '.join(hints[:8])}.",
            f"Inputs are matched to columns by name. {_columns_are(new)}",
            "Rename the columns, or choose the file that belongs to this model.",
        )
    for spec in card.inputs:
        if spec.shape not in ((1,), ()):
            raise DataError(
                f"The model's input '{spec.name}' takes {spec.shape} values a row.",
                "With several inputs, each can take one column so far.",
                "Use a model with one input, or with one input a column.",
            )
    return tuple(_binding(spec, (spec.name,)) for spec in card.inputs)


def _binding(spec: TensorSpec, columns: tuple[str, ...]) -> Binding:
    return Binding(input=spec.name, columns=columns, dtype=spec.dtype, shape=spec.shape)


def _beside(label: str, table: Table) -> list[str]:
    return [str(name) for name in table.columns.columns if str(name) != label]


def _flat_columns(
    spec: TensorSpec, new: Table, available: list[str], before: list[str], chosen: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the columns of a single flat input, in the order the model was trained with as far as can be told.

    Args:
        spec: The input.
        new: The new data, for messages.
        available: Its columns beside the label.
        before: Those of the old data, which the model was trained on; empty without old data.
        chosen: What the user says.
    """
    if len(spec.shape) > 1:
        shape = " x ".join(str(size or "any") for size in spec.shape)
        raise DataError(
            f"{new.name} holds columns, the model takes arrays.",
            f"Each example of its input '{spec.name}' has shape {shape}.",
            f"Use an NPZ file whose `x` has shape rows x {shape}.",
        )
    size = spec.shape[0] if spec.shape else 1
    if chosen is None and spec.name in available and size == 1:
        return (spec.name,)
    shared = [name for name in before if name in available]
    known = bool(shared) and size in (None, len(shared))
    columns = list(chosen) if chosen is not None else shared if known else available
    if size is not None and len(columns) != size:
        lacking = [name for name in before if name not in available] if len(before) == size else []
        raise DataError(
            f"The model takes {size} value{'s'[: size > 1]} a row; {new.name} has {len(columns)} column{'s'[: len(columns) > 1]} beside the label.",
            f"Unlike the old data, it has no column {', '.join(map(repr, lacking[:12]))}."
            if lacking
            else f"They are matched in order: {', '.join(columns[:12])}{' ...' if len(columns) > 12 else ''}.",
            f"Choose the {size} columns in the model's order, or another label.",
        )
    return tuple(columns)


def _classes(
    task: Task, units: int, label: str, new: Table, old: Table | None, chosen: Sequence[str] | None
) -> tuple[str, ...]:
    if task == "regression":
        return ()
    wanted = max(units, 2)
    if chosen is not None:
        if len(chosen) != wanted or len(set(chosen)) != wanted:
            raise DataError(
                f"{len(chosen)} labels are named, {len(set(chosen))} of them different; the model has {wanted} outcomes.",
                "Each outcome stands for one label.",
                f"Name {wanted} different labels in the order of the output units.",
            )
        return tuple(chosen)
    sides = [
        table.columns[label].dropna() for table in (new, old) if table is not None and label in table.columns
    ]
    found = sorted({str(text) for side in sides for text in np.unique(label_text(side))}, key=_number_first)
    counted = tuple(str(i) for i in range(wanted))
    if set(found) <= set(counted):
        return counted
    if len(found) == wanted:
        return tuple(found)
    known = set(np.unique(label_text(sides[1])).tolist()) if len(sides) == 2 else set()
    if len(known) == wanted and len(found) <= MANY_CLASSES:
        return tuple(sorted(known, key=_number_first))  # encode() names the rows with the other labels
    if len(found) > wanted:
        extra = [text for text in found if text not in counted][:5]
        raise DataError(
            f"The labels in '{label}' do not fit the model: it has {wanted} outcomes, the column has {len(found)} values.",
            f"The model cannot output, for example: {', '.join(repr(text[:40]) for text in extra)}.",
            "Choose another label column, leave those rows out, or use a model that knows them.",
        )
    raise DataError(
        f"Only {len(found)} of the model's {wanted} labels occur in '{label}': {', '.join(found[:5])}.",
        "So the label of each output unit cannot be told.",
        "Name all labels in the order of the output units.",
    )


def _number_first(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


def check(card: ModelCard, schema: Schema, tables: dict[str, Table]) -> tuple[Finding, ...]:
    """Return what was checked about the data and how it came out; nothing here raises.

    Args:
        card: The old model.
        schema: How tables become arrays.
        tables: By role: ``new``, and if there are any ``old`` and ``holdout``.
    """
    findings = [*_inputs_found(schema, tables), _labels_found(card, schema), *_loss_found(card, schema)]
    encoded: dict[str, Dataset] = {}
    for role, table in tables.items():
        try:
            data, rows = encode(schema, table)
        except InputError as error:
            findings.append(_refusal(error, f"{role.capitalize()} data: "))
            continue
        encoded[role] = data
        left_out = table.rows - len(rows)
        findings.append(
            Finding(
                "warning",
                f"{role.capitalize()} data: {left_out:,} of {table.rows:,} rows are left out",
                MISSING_WHY,
            )
            if left_out
            else Finding("ok", f"{role.capitalize()} data: all {table.rows:,} rows can be used")
        )
        findings += _column_warnings(schema, table, role)
        if schema.task != "regression":
            counts = np.bincount(data.targets, minlength=len(schema.classes))
            absent = [name for name, count in zip(schema.classes, counts, strict=True) if not count]
            if absent:
                shown = ", ".join(absent[:8])
                findings.append(
                    Finding("warning", f"{role.capitalize()} data: no row with label {shown}", ONE_SIDED_WHY)
                )
    if "new" in encoded and len(encoded) == len(tables):
        try:
            split(schema, encoded["new"], encoded.get("old"), encoded.get("holdout"))
        except InputError as error:
            findings.append(_refusal(error))
    if "old" not in tables:
        findings.append(Finding("warning", "No old data", NO_OLD_WHY))
    return tuple(findings)


MISSING_WHY = "Their label or a numeric input is missing or infinite."
ONE_SIDED_WHY = "Scores cannot say how a model does on labels that do not occur."
NO_OLD_WHY = "Shift and forgetting cannot be measured, and full retrain uses the new rows only."


def _refusal(error: InputError, before: str = "") -> Finding:
    return Finding("error", f"{before}{error.what}", f"{error.why} {error.next_step}")


def _inputs_found(schema: Schema, tables: dict[str, Table]) -> list[Finding]:
    bound = list(schema.bindings[0].columns)
    if not bound:
        return [Finding("ok", "The examples have the shape that the model takes")]
    if len(schema.bindings) > 1:
        return [Finding("ok", f"All {len(schema.bindings)} inputs are matched to columns by name")]
    feed = f"feed{'s' if len(bound) == 1 else ''} the input '{schema.bindings[0].input}'"
    unused = [name for name in _beside(schema.label, tables["new"]) if name not in bound]
    not_used = f"Not used: {', '.join(unused[:8])}{' ...' if len(unused) > 8 else ''}." if unused else ""
    if len(bound) == 1:
        return [Finding("ok", f"The column '{bound[0]}' {feed}", not_used)]
    orders = {
        role: [name for name in _beside(schema.label, tables[role]) if name in bound]
        for role in ("old", "new")
        if role in tables
    }
    source = next((role for role, order in orders.items() if order == bound), None)
    order = f"in the order of the {source} data" if source else "in the order that was chosen"
    why = TRAINED_ON_WHY if source == "old" else ORDER_WHY
    names = f"{', '.join(bound[:8])}{' ...' if len(bound) > 8 else ''}."
    found = [Finding("ok", f"{len(bound)} columns {feed}, {order}", f"{names} {why} {not_used}".strip())]
    if len(orders) == 2 and orders["old"] != orders["new"] and set(orders["old"]) == set(orders["new"]):
        found.append(
            Finding(
                "warning",
                "Old and new data have the same columns in different orders",
                f"Both are fed {order}: {', '.join(bound[:8])}{' ...' if len(bound) > 8 else ''}. "
                "Make sure that the model was trained with this order.",
            )
        )
    return found


ORDER_WHY = "The model does not name them: make sure the order is the one it was trained with."
TRAINED_ON_WHY = "The model does not name them; the old data is what it was trained on."
KINDS: dict[Task, str] = {"binary": "two classes", "multiclass": "several classes", "regression": "a number"}


def _loss_found(card: ModelCard, schema: Schema) -> list[Finding]:
    if card.loss in (None, schema.loss):
        return []
    units = f"{schema.units} output unit{'s'[: schema.units > 1]}"
    return [
        Finding(
            "warning",
            f"Training and scores use the loss {schema.loss}, not {card.loss}",
            f"The model was compiled with {card.loss}, which cannot be used so far for {KINDS[schema.task]} from {units}. "
            "Every strategy is trained, and keep is scored, with the other one.",
        )
    ]


def _labels_found(card: ModelCard, schema: Schema) -> Finding:
    how = card.task_reason if schema.task == card.task else "Told from the labels, or chosen."
    if schema.task == "regression":
        return Finding("ok", f"'{schema.label}' is a number to predict", how)
    outcomes = ", ".join(schema.classes[:8]) + (" ..." if len(schema.classes) > 8 else "")
    kind = "logits" if schema.from_logits else "probabilities"
    return Finding(
        "ok",
        f"'{schema.label}' has {len(schema.classes)} outcomes: {outcomes}",
        f"{how} Outputs are read as {kind}.",
    )


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
                f"{role.capitalize()} data: {', '.join(constant[:5])} {'is' if len(constant) == 1 else 'are'} constant",
                "A model trained on these rows alone learns nothing from such a column, and may fail where it varies.",
            )
        )
    if schema.label in table.columns:
        label = table.columns[schema.label]
        copies = [
            name for name in features if name not in constant and _same_text(table.columns[name], label)
        ]
        if copies:
            found.append(
                Finding(
                    "warning",
                    f"{role.capitalize()} data: {', '.join(copies[:5])} equal{'s' if len(copies) == 1 else ''} the label",
                    "It gives the answer away.",
                )
            )
    return found


def _same_text(first: pd.Series, second: pd.Series) -> bool:
    """Whether two columns read the same; the first rows tell most apart, at little cost."""
    return all(
        np.array_equal(label_text(first.iloc[rows]), label_text(second.iloc[rows]))
        for rows in (slice(100), slice(None))
    )

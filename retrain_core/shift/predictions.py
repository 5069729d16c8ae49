"""What the old model predicts, as columns: one an output unit, and the predicted class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.shift import wording
from retrain_core.shift.column_evidence import column_evidence
from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.evidence import Evidence, Test
from retrain_core.shift.labels import shown_class
from retrain_core.shift.levels import ORDER
from retrain_core.shift.numeric import ks
from retrain_core.types import Aspect, ColumnShift, Schema

PREDICTED_CLASS = "predicted class"
MOST_SHOWN = 10  # output units that are measured in full


def output_columns(outputs: NDArray[Any], schema: Schema) -> pd.DataFrame:
    """Return one column an output unit, named by what it stands for.

    Of two units that add up to 1, the second is taken alone.

    Args:
        outputs: Shape ``(rows, units)``.
        schema: Says what the units stand for.
    """
    units = outputs.shape[1]
    if schema.task == "regression":
        names = [f"predicted {name}" for name in schema.labels]
    else:
        what = "score" if schema.from_logits else "chance"
        stands_for = schema.classes[1:] if schema.task == "binary" and units == 1 else schema.classes
        names = [f"{what} of {name}" for name in stands_for]
    names += [f"output {number}" for number in range(len(names), units)]
    frame = pd.DataFrame(outputs.astype(np.float64), columns=names[:units])
    mirrored = schema.task in ("binary", "multiclass") and units == 2 and not schema.from_logits
    return frame.iloc[:, 1:] if mirrored else frame


def predicted_classes(outputs: NDArray[Any], schema: Schema) -> NDArray[np.int64] | None:
    """Return the position of each row's class in ``schema.classes``; ``None`` if a row has no single class."""
    if schema.task not in ("binary", "multiclass"):
        return None
    if outputs.shape[1] > 1:
        return np.asarray(outputs.argmax(axis=1), dtype=np.int64)
    return np.asarray(outputs[:, 0] > (0.0 if schema.from_logits else 0.5), dtype=np.int64)


def class_pair(
    old: NDArray[np.int64] | None, new: NDArray[np.int64] | None, schema: Schema
) -> ColumnPair | None:
    """Return the predicted class as a categorical column of both sides, if rows have a single one."""
    if old is None or new is None:
        return None
    names = np.array([*schema.classes, *map(str, range(len(schema.classes), 1 + max(old.max(), new.max())))])
    return pair_columns(
        pd.Series(names[old], name=PREDICTED_CLASS, dtype=object),
        pd.Series(names[new], name=PREDICTED_CLASS, dtype=object),
        "categorical",
    )


def output_evidence(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, Evidence]:
    """Return the evidence of each output unit; in full for those that moved most, of the others the KS test alone.

    All tests count when p-values are adjusted, however few units are shown.

    Args:
        old: One column a unit, shape ``(n, units)``.
        new: The same of the new rows, shape ``(m, units)``.

    Source: Rabanser, Günnemann and Lipton (2019), Failing Loudly, NeurIPS, arXiv 1810.11953.
    """
    if old.shape[1] <= MOST_SHOWN:
        return {name: column_evidence(pair_columns(old[name], new[name], "numeric")) for name in old.columns}
    tests: dict[str, Estimate] = {
        name: ks(np.sort(old[name].to_numpy()), np.sort(new[name].to_numpy())) for name in old.columns
    }
    order = sorted(tests, key=lambda name: -tests[name].value)
    found = {
        name: column_evidence(pair_columns(old[name], new[name], "numeric")) for name in order[:MOST_SHOWN]
    }
    for name in order[MOST_SHOWN:]:
        p = tests[name].p
        assert p is not None
        found[name] = Evidence({"ks": tests[name]}, (Test("ks", p, d_from_overlap(tests[name].value)),))
    return found


def predictions_aspect(
    moved: tuple[ColumnShift, ...],
    classes: ColumnPair | None,
    schema: Schema,
    frames: tuple[pd.DataFrame, pd.DataFrame],
) -> Aspect:
    """Return whether the predictions moved, and how, in one sentence.

    Args:
        moved: The outputs and the predicted class, most moved first.
        classes: The predicted class, if a row has a single one.
        schema: Names the label.
        frames: The outputs of the old and of the new rows, one column a unit.
    """
    worst = next((column for column in moved if column.measures), None)
    if worst is None:
        return Aspect(None, "It cannot be told: there is no prediction to compare.")
    level = worst.level
    if classes is not None:
        said = _classes_said(classes, schema)
        own = next(column for column in moved if column.name == PREDICTED_CLASS)
        if ORDER[worst.level] > ORDER[own.level]:
            said += f"; most moved is the {wording.short(worst.name)}, {wording.like(worst.effect)}"
    elif schema.task == "multilabel":
        said = _label_said(worst.name, schema, frames)
    else:
        before, after = (wording.number(float(frame[worst.name].mean())) for frame in frames)
        said = f"the mean of {wording.short(worst.name)} is now {after}, before {before}"
    if level == "none":
        said = f"the model's predictions did not move enough to matter: {said.replace('the model', 'it', 1)}"
    return Aspect(level, f"{said[0].upper()}{said[1:]}.", worst.measures)


def _classes_said(classes: ColumnPair, schema: Schema) -> str:
    name, before, after = shown_class(classes)
    answer = f"{wording.short(schema.label)} = {wording.short(name)}"
    return f"the model now predicts {answer} for {wording.percent(after)} of the rows, before for {wording.percent(before)}"


def _label_said(name: str, schema: Schema, frames: tuple[pd.DataFrame, pd.DataFrame]) -> str:
    border = 0.0 if schema.from_logits else 0.5
    before, after = (wording.percent(float((frame[name] > border).mean())) for frame in frames)
    label = wording.short(name.removeprefix("score of ").removeprefix("chance of "))
    return f"the model now gives {label} to {after} of the rows, before to {before}"

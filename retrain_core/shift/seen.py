"""The shift as the old model sees it: its predictions, its last layer but one, its loss, and where it has become worse.

This file alone knows how the parts come by their rows: every part takes the rows that were observed, old ones first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from retrain_core.data.observed import MOST_ROWS, Observed, Side
from retrain_core.shift import wording
from retrain_core.shift.column_evidence import column_evidence
from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.evidence import Evidence, Verdict, judge
from retrain_core.shift.features import build_features, is_input, join_features
from retrain_core.shift.frames import label_names
from retrain_core.shift.images import is_summary
from retrain_core.shift.joint import domain_evidence, told_apart
from retrain_core.shift.layer import layer_features
from retrain_core.shift.levels import ORDER
from retrain_core.shift.loss_change import FEWEST_ROWS, loss_change
from retrain_core.shift.multivariate import DomainCheck, check_domain
from retrain_core.shift.predictions import (
    PREDICTED_CLASS,
    class_pair,
    output_columns,
    output_evidence,
    predicted_classes,
    predictions_aspect,
)
from retrain_core.shift.regions import worst_regions
from retrain_core.shift.unusual import unusual_rows
from retrain_core.types import (
    Aspect,
    ColumnShift,
    Kind,
    LossChange,
    ModelShift,
    Region,
    Schema,
    ShiftSettings,
)

AS_INFERRED = ShiftSettings()
LAYER = "layer\0"  # a subject beside the outputs, which no unit's name can be taken for
MOSTLY_DIFFERENT = 0.5  # different values a row from which a column of categories is taken for text
KNEW_OLD_ROWS = (
    "The old model was probably trained on many of the old rows, so a part of the rise of its loss and of its errors "
    "may be that it knew them."
)


def model_shift(
    old: pd.DataFrame,
    new: pd.DataFrame,
    observed: Mapping[Side, Observed],
    layer: str,
    schema: Schema,
    settings: ShiftSettings = AS_INFERRED,
) -> ModelShift:
    """Return how the new rows differ from the old ones to the model that learned on the old ones.

    Args:
        old: All old rows as ``feature_frame`` returns them, labels included.
        new: All new rows, likewise.
        observed: What the old model made of some rows of each side.
        layer: Name of the layer whose values were observed.
        schema: Says what outputs stand for, and which columns are labels.
        settings: When a movement counts, and how columns are read, where the user says so.

    Raises:
        ValueError: If a side was not observed, or an observed row is not in its frame.
    """
    before, after = _side(observed, "old", old), _side(observed, "new", new)
    frames = output_columns(before.outputs, schema), output_columns(after.outputs, schema)
    classes = [predicted_classes(side.outputs, schema) for side in (before, after)]
    predicted = class_pair(classes[0], classes[1], schema)
    seen = layer_features(before.features, after.features)
    domain = check_domain(seen)

    subjects = output_evidence(*frames)
    if predicted is not None:
        subjects[PREDICTED_CLASS] = column_evidence(predicted)
    subjects[LAYER] = domain_evidence(domain)
    verdicts = judge(subjects, settings.thresholds)
    outputs = _outputs(subjects, verdicts)

    pairs = _read_inputs(old, new, before, after, schema, settings)
    rows = np.arange(len(before.rows)), np.arange(len(after.rows))
    inputs = build_features(pairs, rows)
    summaries = is_summary(old) or is_summary(new)
    readable = bool(inputs.matrix.shape[1]) and not summaries and not _hold_text(pairs, len(inputs.side))
    if not readable:
        inputs = seen
    loss = np.concatenate([before.loss, after.loss]).astype(np.float64)
    error = np.concatenate([before.error, after.error]).astype(np.float64)
    measured = bool(np.isfinite(loss).all() and np.isfinite(error).all())
    change: LossChange | None = None
    regions: tuple[Region, ...] = ()
    if measured:
        told = join_features(inputs, layer_features(before.outputs, after.outputs))
        change = loss_change(loss, told)
        shown = [pair for pair in pairs if is_input(pair) and pair.reading != "free text"]
        shown += [predicted] if predicted is not None and not readable else []
        shares = schema.task != "regression"
        regions = worst_regions(
            shown, error, inputs.side, inputs.folds(2), shares=shares, names=(PREDICTED_CLASS,)
        )
    return ModelShift(
        predictions=predictions_aspect(outputs, predicted, schema, frames),
        outputs=outputs,
        layer=layer,
        features=_layer_aspect(domain, verdicts[LAYER], layer),
        loss=change,
        regions=regions,
        unusual=tuple(after.rows[unusual_rows(before.features, after.features, classes[0])].tolist()),
        rows=(len(before.rows), len(after.rows)),
        notes=_notes(change, readable, layer, measured),
    )


def rows_said(looked: tuple[int, int], whole: tuple[int, int]) -> str:
    """Return how many rows of each side the old model looked at, and which; empty if it saw all of both.

    >>> rows_said((2_968, 1_021), (3_000, 1_100))
    'By 2,968 old and 1,021 new rows: all that can be used.'
    """
    if looked == whole:
        return ""
    drawn = [some == MOST_ROWS < of for some, of in zip(looked, whole, strict=True)]
    how = [
        "drawn at random from those that can be used" if side else "all that can be used" for side in drawn
    ]
    if drawn[0] == drawn[1]:
        return f"By {looked[0]:,} old and {looked[1]:,} new rows: {how[0]}."
    return f"By {looked[0]:,} old rows ({how[0]}) and {looked[1]:,} new ones ({how[1]})."


def _side(observed: Mapping[Side, Observed], side: Side, frame: pd.DataFrame) -> Observed:
    if side not in observed or not len(observed[side].rows):
        raise ValueError(f"No {side} row was observed.")
    if observed[side].rows.max() >= len(frame):
        raise ValueError(f"A row was observed that the {side} data does not have: is it another file?")
    return observed[side]


def _read_inputs(
    old: pd.DataFrame,
    new: pd.DataFrame,
    before: Observed,
    after: Observed,
    schema: Schema,
    settings: ShiftSettings,
) -> list[ColumnPair]:
    """Return the model's columns that both sides have, of the rows observed, labels left out."""
    labels = label_names(schema)
    shown = [old.iloc[before.rows], new.iloc[after.rows]]
    frames = [frame.set_axis(frame.columns.map(str), axis=1).reset_index(drop=True) for frame in shown]
    names = [name for name in frames[0].columns if name in frames[1].columns and name not in labels]
    return [
        pair_columns(frames[0][name], frames[1][name], reading=settings.readings.get(name)) for name in names
    ]


def _hold_text(pairs: Sequence[ColumnPair], rows: int) -> bool:
    """Return whether a column holds text: then columns say little about what a row is like."""
    return any(
        pair.reading == "free text" or len(pair.categories) > MOSTLY_DIFFERENT * rows for pair in pairs
    )


def _layer_aspect(domain: DomainCheck | None, verdict: Verdict, layer: str) -> Aspect:
    if domain is None or "domain_auc" not in verdict.measures:
        return Aspect(
            None, "It cannot be told: there are too few rows, or the layer gives every row the same values."
        )
    said, moved = told_apart(f"By the values of layer {wording.short(layer)}, a classifier", domain, verdict)
    alike = "" if moved else ": to the model, new rows look like old ones"
    return Aspect(verdict.level, f"{said}{alike}.", verdict.measures)


def _outputs(subjects: Mapping[str, Evidence], verdicts: Mapping[str, Verdict]) -> tuple[ColumnShift, ...]:
    """Return the predicted class and the output units that moved most, most moved first."""
    kinds: dict[str, Kind] = {PREDICTED_CLASS: "categorical"}
    columns = [
        ColumnShift(
            name=name,
            kind=kinds.get(name, "numeric"),
            level=verdicts[name].level,
            effect=evidence.effect,
            measures=verdicts[name].measures,
            summary=evidence.summary,
            findings=verdicts[name].findings,
            distribution=evidence.distribution,
        )
        for name, evidence in subjects.items()
        if name != LAYER and evidence.summary
    ]
    columns.sort(key=lambda column: (-ORDER[column.level], -column.effect))
    return tuple(columns)


def _notes(change: LossChange | None, readable: bool, layer: str, measured: bool) -> tuple[str, ...]:
    notes = []
    if change is not None:
        notes.append(KNEW_OLD_ROWS)
        if not readable:
            notes.append(
                f"Which inputs are alike is judged by the values of layer {wording.short(layer)}, "
                "since columns say too little about images, arrays or text."
            )
    elif measured:
        notes.append(
            f"Where the change of the loss comes from cannot be told: that takes {FEWEST_ROWS} rows on each side, "
            "and inputs that differ."
        )
    else:
        notes.append("Nothing is said about the loss: it is not a number for some rows.")
    return tuple(notes)

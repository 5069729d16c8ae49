"""The columns of a table that shift is measured on."""

from __future__ import annotations

import pandas as pd

from retrain_core.data.encode import array_for
from retrain_core.data.targets import label_frame
from retrain_core.shift.images import SUMMARIES, image_features
from retrain_core.types import Schema, Table


def feature_frame(table: Table, schema: Schema | None) -> pd.DataFrame:
    """Return the model's columns and the labels; of images what can be measured.

    One-hot labels become one column of classes, see ``label_names``.

    Args:
        table: What a file holds; columns that it lacks are left out.
        schema: Names the columns; without it, all columns count.
    """
    if schema is None:
        summaries, others = _summaries(table, list(table.arrays)), [table.columns]
    else:
        arrays = [binding.input for binding in schema.bindings if not binding.columns]
        alone = len(arrays) == 1
        found = [array_for(name, table, alone=alone) for name in arrays]
        wanted = [column for binding in schema.bindings for column in binding.columns]
        columns = table.columns[[column for column in wanted if column in table.columns]]
        summaries, others = (
            _summaries(table, [name for name in found if name]),
            [columns, label_frame(schema, table)],
        )
    frame = pd.concat([*summaries, *others], axis=1)
    frame.attrs[SUMMARIES] = bool(summaries)
    return frame


def label_names(schema: Schema) -> tuple[str, ...]:
    """Return what the label columns of a ``feature_frame`` are called."""
    return (schema.label,) if schema.one_hot_columns else schema.labels


def _summaries(table: Table, arrays: list[str]) -> list[pd.DataFrame]:
    """Return what can be measured of each example of some arrays; several are told apart by their names."""
    summaries = {
        name: image_features(table.arrays[name]) for name in arrays if table.arrays[name].dtype.kind in "biuf"
    }
    if len(summaries) == 1:
        return list(summaries.values())
    return [summary.add_prefix(f"{name} ") for name, summary in summaries.items()]

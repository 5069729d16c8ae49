"""The columns of a table that shift is measured on."""

from __future__ import annotations

import pandas as pd

from retrain_core.shift.images import image_features
from retrain_core.types import Schema, Table


def feature_frame(table: Table, schema: Schema | None) -> pd.DataFrame:
    """Return the model's columns and the label; for images, what can be measured of each, and the label.

    Args:
        table: What a file holds.
        schema: Names the columns; without it, all columns count.
    """
    if table.array is not None:
        return pd.concat([image_features(table.array), table.columns], axis=1)
    if schema is None:
        return table.columns
    wanted = [column for binding in schema.bindings for column in binding.columns]
    if schema.label in table.columns:
        wanted.append(schema.label)
    return table.columns[wanted]

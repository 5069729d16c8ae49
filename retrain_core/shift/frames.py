"""The columns of a table that shift is measured on."""

from __future__ import annotations

import pandas as pd

from retrain_core.shift.images import image_features
from retrain_core.types import Schema, Table


def feature_frame(table: Table, schema: Schema | None) -> pd.DataFrame:
    """Return the model's columns and the label; for images, what can be measured of each, and the label.

    Args:
        table: What a file holds; columns that it lacks are left out.
        schema: Names the columns; without it, all columns count.
    """
    if table.array is not None:
        labels = {str(name): table.columns[name].to_numpy() for name in table.columns}
        return image_features(table.array).assign(**labels)
    if schema is None:
        return table.columns
    wanted = [column for binding in schema.bindings for column in binding.columns] + [schema.label]
    return table.columns[[column for column in wanted if column in table.columns]]

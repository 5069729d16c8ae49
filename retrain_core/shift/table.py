"""A shift report as a table, one row a column and measure."""

from __future__ import annotations

import pandas as pd

from retrain_core.types import ShiftReport


def shift_table(report: ShiftReport) -> pd.DataFrame:
    """Return every measure of every column, columns in order of importance."""
    rows = [
        {
            "column": column.name,
            "kind": column.kind,
            "level": column.level,
            "measure": name,
            "value": measure.value,
            "95 % from": measure.interval[0] if measure.interval else None,
            "95 % to": measure.interval[1] if measure.interval else None,
            "adjusted p": measure.p_adjusted,
            "unit": measure.unit,
        }
        for column in report.columns
        for name, measure in column.measures.items()
    ]
    return pd.DataFrame(rows)

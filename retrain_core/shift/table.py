"""A shift report as a table, one row a column."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retrain_core.shift.deciding import deciding
from retrain_core.shift.levels import LARGEST_D, OR_MORE
from retrain_core.shift.measures import MEASURES
from retrain_core.shift.wording import chance
from retrain_core.types import ColumnShift, ShiftReport

CAPPED = f"{LARGEST_D:g} means {OR_MORE}."
# What each column of the table holds, for tooltips.
SHIFT_COLUMNS: dict[str, str] = {
    "column": "Most moved first.",
    "level": "Whether the movement is real (adjusted p) and large enough to matter (effect).",
    "effect (sd)": "How far the column moved, as a mean shift in standard deviations; comparable over columns. "
    + CAPPED,
    "95 % from": "Lower end of the 95 % interval of the effect. " + CAPPED,
    "95 % to": "Upper end of the 95 % interval of the effect. " + CAPPED,
    "read as": "What the column is taken for; the level follows from the measures of this kind.",
    "adjusted p": "Chance of a difference this large without any shift, corrected for testing many columns.",
}


def shift_table(report: ShiftReport) -> pd.DataFrame:
    """Return every column with its effect, its p-value and all its measures, in order of importance."""
    frame = pd.DataFrame([_row(column) for column in report.columns])
    return frame.dropna(axis="columns", how="all")


def _row(column: ColumnShift) -> dict[str, Any]:
    found = deciding(column)
    low, high = found.interval or (None, None)
    row: dict[str, Any] = {
        "column": column.name,
        "level": column.level,
        "effect (sd)": column.effect,
        "95 % from": low,
        "95 % to": high,
        "adjusted p": None if found.p is None else chance(found.p).removeprefix("p ").removeprefix("= "),
        "read as": column.reading,
    }
    for name, info in MEASURES.items():
        if name != "effect_size":
            row[info.title] = column.measures[name].value if name in column.measures else None
    return row | {"findings": " ".join(finding.text for finding in column.findings) or None}

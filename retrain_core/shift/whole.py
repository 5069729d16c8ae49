"""The whole report on two files: columns, labels, all together, in time, and what other tools would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from retrain_core.data.natures import nature_of
from retrain_core.data.number_marks import refuse_unclear
from retrain_core.data.time_order import ROW_ORDER, orders
from retrain_core.data.zeros import written_alike
from retrain_core.errors import DataError
from retrain_core.shift.frames import feature_frame
from retrain_core.shift.overall import one_sided
from retrain_core.shift.peers import peer_verdicts
from retrain_core.shift.report import column_shifts, shift_report
from retrain_core.shift.time import time_shift
from retrain_core.shift.wording import listed
from retrain_core.types import Schema, ShiftReport, ShiftSettings, Table, Task


def measure_shift(
    old: Table,
    new: Table,
    *,
    schema: Schema | None,
    labels: Sequence[str],
    task: Task | None = None,
    settings: ShiftSettings | None = None,
) -> ShiftReport:
    """Return how the rows of ``new`` differ from those of ``old``.

    Args:
        old: What the model was trained on.
        new: What arrived.
        schema: Names the columns that the model takes; without it all columns count.
        labels: The label columns; none if there is no label.
        task: Kind of problem; told from the labels by default.
        settings: What the user decided.

    Raises:
        DataError: If a side has no rows, two columns have one name, neither side has a label, one lacks the time, or numbers
            that are compared can be read in two ways.
    """
    settings = settings or ShiftSettings()
    for table, other in ((old, new), (new, old)):
        refuse_unclear(table, [*labels, *(() if schema else _numbers_in(other))])
    old, new, lacking = written_alike(old, new)
    sides = feature_frame(old, schema), feature_frame(new, schema)
    report = shift_report(*sides, label=labels, task=task, settings=settings)
    inputs = [side.drop(columns=[name for name in labels if name in side]) for side in sides]
    rest = [table.columns.drop(columns=_taken(sides, table, schema), errors="ignore") for table in (old, new)]
    said = " ".join([report.overall.summary, *one_sided(rest[0], rest[1]), *_zeros_clause(lacking)])
    report = replace(
        report,
        overall=replace(report.overall, summary=said),
        peers=peer_verdicts(*inputs),
        orders=orders(old, new, (*labels, *(schema.labels if schema else ()))),
        others=column_shifts(rest[0], rest[1], settings),
    )
    if settings.time is None:
        return report
    before, after = (
        _with_time(side, table, settings.time) for side, table in zip(sides, (old, new), strict=True)
    )
    return replace(report, time=time_shift(before, after, settings.time, settings=settings))


def _zeros_clause(lacking: Sequence[str]) -> list[str]:
    """Return that leading zeros were added where one file lacks them."""
    if not lacking:
        return []
    are = "is" if len(lacking) == 1 else "are"
    return [f"{listed(list(lacking))} {are} compared with leading zeros, which one file lacks."]


def _numbers_in(table: Table) -> list[str]:
    """Return the columns of a file that hold numbers; what the other file has in them is compared with these."""
    return [str(name) for name, column in table.columns.items() if nature_of(column) == "numbers"]


def _taken(sides: tuple[pd.DataFrame, pd.DataFrame], table: Table, schema: Schema | None) -> list[str]:
    """Return the columns of a file that the model takes, as they are or in an array, and the labels."""
    arrays = [name for names in table.flattened.values() for name in names]
    labels = schema.labels if schema else ()
    return [*(str(name) for side in sides for name in side.columns), *arrays, *labels]


def _with_time(frame: pd.DataFrame, table: Table, time: str) -> pd.DataFrame:
    if time == ROW_ORDER:
        return frame.assign(**{time: np.arange(1, len(frame) + 1)})
    if time not in table.columns:
        raise DataError(
            f"{table.name} has no column '{time}' to put its rows in order.",
            f"Its columns are: {listed([str(name) for name in table.columns], 12)}.",
            "Choose a column that both files have, or none.",
        )
    return frame if time in frame else frame.assign(**{time: table.columns[time].to_numpy()})

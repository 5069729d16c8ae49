"""The one split: made before anything trains, the same for every strategy."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.data.at_random import at_random
from retrain_core.data.by_time import by_time
from retrain_core.data.doubts import doubts
from retrain_core.data.groups import ties_of
from retrain_core.data.marks import Marks, Rows
from retrain_core.data.natures import Values
from retrain_core.data.part_of import HOLDOUT, TRAIN, VALIDATION, PartOf, or_id
from retrain_core.data.targets import label_counts
from retrain_core.errors import DataError
from retrain_core.types import Dataset, Holdout, Part, Schema, SplitSettings, SplitSummary
from retrain_core.types.text import counted

LEAST_NEW_ROWS = 20


@dataclass(frozen=True)
class Split:
    """Row numbers of each part; in the order of arrival, so that ``incremental`` can follow it."""

    parts: Mapping[Part, Rows]
    summary: SplitSummary


def split(
    schema: Schema,
    new: Dataset,
    old: Dataset | None = None,
    holdout: Dataset | None = None,
    *,
    settings: SplitSettings = SplitSettings(),
    marks: Marks = Marks(),
) -> Split:
    """Split new and old rows into train, validation and holdout.

    Rows with equal inputs or of one id, on either side, are never trained on and held out. Without a time column
    such groups are drawn at random, and labels keep their shares. With one, the latest rows are held out, those before
    them validate; rows that come again later, in another part, are left out. With a ``holdout`` of the user's own, it
    is the new part: its rows are all held out, and rows tied to them are left out everywhere else.

    Rows so alike that hardly any could be trained on may have equal inputs in several parts, and a note says so;
    those of one id never stand apart, and copies of the user's holdout are left out even then.

    Args:
        schema: Names the classes.
        new: Rows seen now.
        old: Rows the old model was trained on.
        holdout: The user's own held-out rows.
        settings: What the user decided.
        marks: What the columns that the settings name say of these rows.

    Raises:
        DataError: If there are too few rows to train, validate and hold out, or the label is named as time or id.
    """
    if new.rows < LEAST_NEW_ROWS:
        raise DataError(
            f"The new data has {counted(new.rows, 'usable row')}.",
            f"At least {LEAST_NEW_ROWS} are needed to train, validate and hold out.",
            "Wait for more rows, or add a file.",
        )
    _refuse_label(schema, settings)
    sides = {"new": new, "old": old, "holdout": holdout}
    data = {side: rows for side, rows in sides.items() if rows is not None}
    ties = ties_of(data, marks.ids)
    if marks.times:
        part_of, notes = by_time(marks.times, ties, settings)
    else:
        part_of, notes = at_random(data, ties, settings)
    parts = _parts(part_of, marks.times, holdout)
    _refuse_empty(parts, settings, holdout)
    summary = _summary(schema, new, old, holdout, parts, notes)
    warnings = doubts(schema, data, parts, marks.ids, ties)
    return Split(parts, replace(summary, warnings=tuple(warnings)))


def _parts(
    part_of: Mapping[str, PartOf], times: Mapping[str, Values], holdout: Dataset | None
) -> dict[Part, Rows]:
    """Return the rows of each part in the order of arrival: of time, or else of the file."""

    def rows(side: str, part: int) -> Rows:
        found = np.flatnonzero(part_of[side] == part)
        return found[np.argsort(times[side][found], kind="stable")] if times else found

    parts: dict[Part, Rows] = {
        "new_train": rows("new", TRAIN),
        "new_validation": rows("new", VALIDATION),
        "new_holdout": np.arange(holdout.rows) if holdout else rows("new", HOLDOUT),
    }
    if "old" in part_of:
        parts |= {"old_train": rows("old", TRAIN), "old_holdout": rows("old", HOLDOUT)}
    return parts


def _refuse_label(schema: Schema, settings: SplitSettings) -> None:
    for name in settings.columns:
        if name in schema.labels:
            raise DataError(
                f"'{name}' is the label.",
                "It can say neither when a row came nor whose it is.",
                "Name another time or id column, or none.",
            )


def _refuse_empty(parts: Mapping[Part, Rows], settings: SplitSettings, holdout: Dataset | None) -> None:
    ways = ["Add rows"]
    if holdout:
        ways.append("leave the holdout file out")
    if settings.columns:
        ways.append(f"do not name {' or '.join(repr(name) for name in settings.columns)}")
    for name, rows in parts.items():
        if not len(rows):
            raise DataError(
                f"No row is left for the part '{name.replace('_', ' ')}'.",
                f"There are too few distinct rows, or all are copies of rows in other parts{or_id(settings.id)}.",
                f"{', or '.join(ways)}.",
            )


def _summary(
    schema: Schema,
    new: Dataset,
    old: Dataset | None,
    holdout: Dataset | None,
    parts: Mapping[Part, Rows],
    notes: list[str],
) -> SplitSummary:
    digest = hashlib.sha256()
    labels: dict[str, dict[str, int]] = {}
    held: tuple[tuple[str, Dataset | None, Part], ...] = (
        ("new", holdout or new, "new_holdout"),
        ("old", old, "old_holdout"),
    )
    for side, data, part in held:
        if data is not None:
            for values in [*data.inputs.values(), data.targets]:
                digest.update(np.ascontiguousarray(values[parts[part]]).tobytes())
            if schema.task != "regression":
                labels[side] = _labels(schema, np.asarray(data.targets[parts[part]]))
    sizes = {name: len(rows) for name, rows in parts.items()}
    return SplitSummary(
        rows=sizes,
        holdout=Holdout(digest.hexdigest(), sizes["new_holdout"], sizes.get("old_holdout", 0), labels),
        notes=tuple(notes),
    )


def _labels(schema: Schema, targets: NDArray[Any]) -> dict[str, int]:
    """Return how many rows have each label."""
    counts = label_counts(targets, len(schema.classes))
    return {label: int(count) for label, count in zip(schema.classes, counts, strict=True)}

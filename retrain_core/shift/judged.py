"""What a shift report rests on: both sides with columns of the same names, each measured, all judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from retrain_core.errors import DataError
from retrain_core.shift import wording
from retrain_core.shift.column_evidence import column_evidence
from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.evidence import Evidence, Verdict, judge
from retrain_core.shift.images import is_summary
from retrain_core.shift.joint import concept_evidence, domain_evidence
from retrain_core.shift.labels import pair_labels
from retrain_core.shift.threads import for_each
from retrain_core.shift.together import Together, check_together
from retrain_core.types import ShiftSettings, Task

# Subjects beside the columns, which a column's name cannot be taken for.
LABEL, MULTIVARIATE, CONCEPT = "label\0", "multivariate\0", "concept\0"


@dataclass(frozen=True)
class Tables:
    """Both sides, with columns of the same names.

    Args:
        old: Rows the model was trained on.
        new: Rows that arrived.
        labels: The label columns that are asked about.
        inputs: Columns of both sides that are no labels.
        targets: Labels that both sides have.
        summaries: Whether the columns are what was measured of images or arrays.
    """

    old: pd.DataFrame
    new: pd.DataFrame
    labels: tuple[str, ...]
    inputs: list[str]
    targets: list[str]
    summaries: bool

    @property
    def rows(self) -> tuple[int, int]:
        """Rows of each side."""
        return len(self.old), len(self.new)


def compared(old: pd.DataFrame, new: pd.DataFrame, labels: tuple[str, ...]) -> Tables:
    """Return what can be compared of both sides.

    Raises:
        DataError: If a side has no rows, two columns have one name, or neither side has a label that is asked about.
    """
    summaries = is_summary(old) or is_summary(new)
    old, new = _named(old, "old"), _named(new, "new")
    _require_labels(old, new, labels)
    shared = [name for name in old.columns if name in new.columns]
    inputs = [name for name in shared if name not in labels]
    return Tables(old, new, labels, inputs, [name for name in labels if name in shared], summaries)


def _named(frame: pd.DataFrame, side: str) -> pd.DataFrame:
    if not len(frame):
        raise DataError(
            f"The {side} data has no rows.",
            "A shift is measured between two sets of rows.",
            "Choose a file with rows.",
        )
    frame = frame.set_axis(frame.columns.map(str), axis=1)
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise DataError(
            f"The {side} data has columns of the same name: {wording.listed(twice)}.",
            "Columns are matched by name, so each name may stand once.",
            "Rename or drop the copies.",
        )
    return frame


def _require_labels(old: pd.DataFrame, new: pd.DataFrame, labels: Sequence[str]) -> None:
    for label in labels:
        if label not in old.columns and label not in new.columns:
            raise DataError(
                f"Neither the old nor the new data has a column '{wording.short(label)}'.",
                f"It is needed as the label. The columns of the new data are: {wording.listed(list(new.columns), 12)}.",
                "Choose another label column.",
            )


@dataclass(frozen=True)
class Judged:
    """What was measured of each subject, and what was decided about it."""

    pairs: list[ColumnPair]
    labels: list[ColumnPair]
    together: Together
    subjects: Mapping[str, Evidence]
    verdicts: Mapping[str, Verdict]


def judge_all(tables: Tables, task: Task | None, settings: ShiftSettings) -> Judged:
    """Measure each column, each label and all together, and give each its level."""
    pairs, evidence = measure_each(tables, task, settings)
    inputs, labels = ([pairs[name] for name in names] for names in (tables.inputs, tables.targets))
    together = check_together(inputs, [] if tables.summaries else labels, tables.rows)
    subjects = {name: evidence[name] for name in tables.inputs}
    subjects |= {f"{LABEL}{name}": evidence[name] for name in tables.targets}
    subjects[MULTIVARIATE] = domain_evidence(together.domain)
    subjects[CONCEPT] = concept_evidence(together.concept)
    return Judged(inputs, labels, together, subjects, judge(subjects, settings.thresholds))


def measure_each(
    tables: Tables, task: Task | None, settings: ShiftSettings
) -> tuple[dict[str, ColumnPair], dict[str, Evidence]]:
    """Read and measure each column; none stays sorted for longer than it takes."""

    def measure(name: str) -> tuple[ColumnPair, Evidence]:
        old, new, reading = tables.old[name], tables.new[name], settings.readings.get(name)
        is_label = name in tables.labels
        pair = pair_labels(old, new, task, reading) if is_label else pair_columns(old, new, reading=reading)
        return pair.released(), column_evidence(pair)

    names = [*tables.inputs, *tables.targets]
    found = dict(zip(names, for_each(measure, names, sum(tables.rows)), strict=True))
    return {name: pair for name, (pair, _) in found.items()}, {name: one for name, (_, one) in found.items()}

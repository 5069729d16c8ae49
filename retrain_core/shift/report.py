"""From two tables to one report: measure, adjust, decide, say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from retrain_core.errors import DataError
from retrain_core.shift import wording
from retrain_core.shift.column_evidence import column_evidence
from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.detectable import detectable_d
from retrain_core.shift.evidence import Evidence, Verdict, judge
from retrain_core.shift.features import is_input
from retrain_core.shift.images import is_summary
from retrain_core.shift.joint import (
    concept_aspect,
    concept_evidence,
    domain_aspect,
    domain_evidence,
    joint_shift,
)
from retrain_core.shift.kinds import RATES, shift_kinds
from retrain_core.shift.labels import label_summary, labels_aspect, labels_clause, pair_labels
from retrain_core.shift.levels import ORDER
from retrain_core.shift.overall import overall_aspect
from retrain_core.shift.threads import for_each
from retrain_core.shift.together import Together, check_together
from retrain_core.types import Aspect, ColumnShift, ShiftReport, ShiftSettings, Task

# Subjects beside the columns, which a column's name cannot be taken for.
LABEL, MULTIVARIATE, CONCEPT = "label\0", "multivariate\0", "concept\0"
NO_LABEL = "that takes a label on both sides"
SUMMARIES_ONLY = "brightness and the like say too little about what an example shows"


def shift_report(
    old: pd.DataFrame,
    new: pd.DataFrame,
    *,
    label: str | Sequence[str] | None,
    task: Task | None = None,
    settings: ShiftSettings = ShiftSettings(),
) -> ShiftReport:
    """Return how the new data differs from the old: each column, the labels, the concept, all columns together.

    Other thresholds take another report: levels, sentences and what may go unseen all follow from them.

    Args:
        old: Rows the model was trained on.
        new: Rows that arrived.
        label: The label column, or several; none if there is no label.
        task: Kind of problem; told from the labels by default.
        settings: When a movement counts, and how columns are read where that is chosen by hand.

    Raises:
        DataError: If a side has no rows, two columns have one name, or neither side has a label.

    >>> rows = pd.DataFrame({"x": range(200)}) ** 0.5
    >>> shift_report(rows, rows + 9, label=None).overall.level
    'major'
    """
    tables = _tables(old, new, (label,) if isinstance(label, str) else tuple(label or ()))
    return _report(tables, _judged(tables, task, settings), settings)


def column_shifts(
    old: pd.DataFrame, new: pd.DataFrame, settings: ShiftSettings = ShiftSettings()
) -> tuple[ColumnShift, ...]:
    """Return how each column that both sides have moved, those that moved most first, and nothing beyond.

    Args:
        old: Rows the model was trained on.
        new: Rows that arrived.
        settings: When a movement counts, and how columns are read where that is chosen by hand.

    Raises:
        DataError: If a side has no rows, or two columns have one name.
    """
    pairs, evidence = _measured(_tables(old, new, ()), None, settings)
    return _columns(list(pairs.values()), evidence, judge(evidence, settings.thresholds))


# --- what is compared -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tables:
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


def _tables(old: pd.DataFrame, new: pd.DataFrame, labels: tuple[str, ...]) -> _Tables:
    summaries = is_summary(old) or is_summary(new)
    old, new = _named(old, "old"), _named(new, "new")
    _require_labels(old, new, labels)
    shared = [name for name in old.columns if name in new.columns]
    inputs = [name for name in shared if name not in labels]
    return _Tables(old, new, labels, inputs, [name for name in labels if name in shared], summaries)


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


# --- measured and judged --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Judged:
    """What was measured of each subject, and what was decided about it."""

    pairs: list[ColumnPair]
    labels: list[ColumnPair]
    together: Together
    subjects: Mapping[str, Evidence]
    verdicts: Mapping[str, Verdict]


def _judged(tables: _Tables, task: Task | None, settings: ShiftSettings) -> _Judged:
    pairs, evidence = _measured(tables, task, settings)
    inputs, labels = ([pairs[name] for name in names] for names in (tables.inputs, tables.targets))
    together = check_together(inputs, [] if tables.summaries else labels, tables.rows)
    subjects = {name: evidence[name] for name in tables.inputs}
    subjects |= {f"{LABEL}{name}": evidence[name] for name in tables.targets}
    subjects[MULTIVARIATE] = domain_evidence(together.domain)
    subjects[CONCEPT] = concept_evidence(together.concept)
    return _Judged(inputs, labels, together, subjects, judge(subjects, settings.thresholds))


def _measured(
    tables: _Tables, task: Task | None, settings: ShiftSettings
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


# --- put into words -------------------------------------------------------------------------------


def _report(tables: _Tables, found: _Judged, settings: ShiftSettings) -> ShiftReport:
    thresholds, verdicts = settings.thresholds, found.verdicts
    columns = _columns(found.pairs, found.subjects, verdicts)
    labels = _in_order([_label(pair, found) for pair in found.labels])
    label = labels_aspect(labels, tables.labels, _lacking(tables))
    multivariate = domain_aspect(found.together.domain, verdicts[MULTIVARIATE])
    why_not = SUMMARIES_ONLY if found.labels else NO_LABEL
    concept = _concept(found, why_not)
    tests = verdicts[MULTIVARIATE].tests
    overall = overall_aspect(
        columns,
        label=label,
        label_moved=labels_clause(labels, found.labels) if label.level else "",
        concept=concept,
        multivariate=multivariate,
        one_sided=_one_sided(tables),
        detectable=detectable_d(tables.rows, tests=tests, alpha=thresholds.alpha),
        minor=thresholds.minor,
    )
    asked = {
        "x": [*(pair.name for pair in found.pairs if is_input(pair)), MULTIVARIATE],
        "y": [f"{LABEL}{pair.name}" for pair in found.labels],
        "y|x": [CONCEPT],
    }
    kinds = shift_kinds(
        found.together, asked, found.subjects, verdicts, why_not=why_not, thresholds=thresholds
    )
    return ShiftReport(
        overall,
        columns,
        label,
        concept,
        multivariate,
        *tables.rows,
        labels,
        settings=settings,
        joint=joint_shift(found.together, multivariate.level, tables.new, len(tables.old)),
        kinds=kinds,
    )


def _concept(found: _Judged, why_not: str) -> Aspect:
    labelled = found.together.labelled
    if labelled is None:
        return Aspect(None, f"It cannot be told: {why_not}.")
    return concept_aspect(found.together.concept, found.labels, found.verdicts[CONCEPT], labelled.obstacle)


def _columns(
    pairs: Sequence[ColumnPair], subjects: Mapping[str, Evidence], verdicts: Mapping[str, Verdict]
) -> tuple[ColumnShift, ...]:
    return _in_order([_shift(pair, subjects[pair.name], verdicts[pair.name]) for pair in pairs])


def _lacking(tables: _Tables) -> list[str]:
    """Return which labels one side lacks, a sentence for each side."""
    found = []
    for frame, where in ((tables.old, "old"), (tables.new, "new")):
        if only := [name for name in tables.labels if name not in frame.columns]:
            found.append(f"the {where} data has no column{'s'[: len(only) > 1]} {wording.listed(only)}.")
    return found


def _shift(pair: ColumnPair, evidence: Evidence, verdict: Verdict, summary: str = "") -> ColumnShift:
    return ColumnShift(
        name=pair.name,
        kind=pair.kind,
        level=verdict.level,
        effect=evidence.effect,
        measures=verdict.measures,
        summary=_said(summary or evidence.summary, evidence, verdict),
        findings=verdict.findings,
        reading=pair.reading,
        reason=pair.reason,
        detectable=_detectable(evidence, verdict),
        distribution=evidence.distribution,
    )


def _said(summary: str, evidence: Evidence, verdict: Verdict) -> str:
    """Return the summary; of a movement that is no chance but does not count it says so. Rates are findings."""
    tested = [
        verdict.measures[test.measure].p_adjusted for test in evidence.tests if test.measure not in RATES
    ]
    real = any(p is not None and p < verdict.thresholds.alpha for p in tested)
    return f"{summary} Real, but negligible." if real and verdict.level == "none" else summary


def _detectable(evidence: Evidence, verdict: Verdict) -> float | None:
    if not evidence.measures or not all(evidence.rows):
        return None
    return detectable_d(evidence.rows, evidence.categories, verdict.tests, verdict.thresholds.alpha)


def _label(pair: ColumnPair, found: _Judged) -> ColumnShift:
    """Return how a label moved; its summary says of which class, or which mean."""
    subjects, verdicts, key = found.subjects, found.verdicts, f"{LABEL}{pair.name}"
    effect = subjects[key].measures.get("effect_size")
    summary = "" if effect is None else label_summary(pair, effect.value)
    return _shift(pair, subjects[key], verdicts[key], summary)


def _in_order(shifts: Sequence[ColumnShift]) -> tuple[ColumnShift, ...]:
    return tuple(sorted(shifts, key=lambda column: (-ORDER[column.level], -column.effect)))


def _one_sided(tables: _Tables) -> list[str]:
    findings, old, new = [], tables.old, tables.new
    for here, there, where in ((old, new, "old"), (new, old, "new")):
        only = [name for name in here.columns if name not in there.columns and name not in tables.labels]
        if only:
            findings.append(f"Only the {where} data has {wording.listed(only)}.")
    return findings

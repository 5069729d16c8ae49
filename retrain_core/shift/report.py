"""From two tables to one report: measure, adjust, decide, say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.detectable import detectable_d
from retrain_core.shift.evidence import Evidence, Verdict, judge
from retrain_core.shift.features import is_input
from retrain_core.shift.joint import (
    concept_aspect,
    domain_aspect,
    joint_shift,
)
from retrain_core.shift.judged import (
    CONCEPT,
    LABEL,
    MULTIVARIATE,
    Judged,
    Tables,
    compared,
    judge_all,
    measure_each,
)
from retrain_core.shift.kinds import RATES, shift_kinds
from retrain_core.shift.labels import label_summary, labels_aspect, labels_clause
from retrain_core.shift.levels import ORDER
from retrain_core.shift.overall import one_sided, overall_aspect
from retrain_core.types import Aspect, ColumnShift, ShiftReport, ShiftSettings, Task

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
    tables = compared(old, new, (label,) if isinstance(label, str) else tuple(label or ()))
    return _report(tables, judge_all(tables, task, settings), settings)


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
    pairs, evidence = measure_each(compared(old, new, ()), None, settings)
    return _columns(list(pairs.values()), evidence, judge(evidence, settings.thresholds))


# --- put into words -------------------------------------------------------------------------------


def _report(tables: Tables, found: Judged, settings: ShiftSettings) -> ShiftReport:
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
        one_sided=one_sided(tables.old, tables.new, tables.labels),
        detectable=detectable_d(tables.rows, tests=tests, alpha=thresholds.alpha),
        rows=tables.rows,
        thresholds=thresholds,
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


def _concept(found: Judged, why_not: str) -> Aspect:
    labelled = found.together.labelled
    if labelled is None:
        return Aspect(None, f"It cannot be told: {why_not}.")
    return concept_aspect(found.together.concept, found.labels, found.verdicts[CONCEPT], labelled.obstacle)


def _columns(
    pairs: Sequence[ColumnPair], subjects: Mapping[str, Evidence], verdicts: Mapping[str, Verdict]
) -> tuple[ColumnShift, ...]:
    return _in_order([_shift(pair, subjects[pair.name], verdicts[pair.name]) for pair in pairs])


def _lacking(tables: Tables) -> list[str]:
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


def _label(pair: ColumnPair, found: Judged) -> ColumnShift:
    """Return how a label moved; its summary says of which class, or which mean."""
    subjects, verdicts, key = found.subjects, found.verdicts, f"{LABEL}{pair.name}"
    effect = subjects[key].measures.get("effect_size")
    summary = "" if effect is None else label_summary(pair, effect.value)
    return _shift(pair, subjects[key], verdicts[key], summary)


def _in_order(shifts: Sequence[ColumnShift]) -> tuple[ColumnShift, ...]:
    return tuple(sorted(shifts, key=lambda column: (-ORDER[column.level], -column.effect)))

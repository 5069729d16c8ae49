"""From two tables to one report: measure, adjust, decide, say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from retrain_core.errors import DataError
from retrain_core.shift import wording
from retrain_core.shift.column_evidence import column_evidence
from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.concept import check_concept
from retrain_core.shift.evidence import Evidence, Verdict, judge
from retrain_core.shift.features import build_features, keep_rows, sample_rows
from retrain_core.shift.images import is_summary
from retrain_core.shift.joint import concept_aspect, concept_evidence, domain_aspect, domain_evidence
from retrain_core.shift.labels import label_clause, label_summary, label_target, pair_labels
from retrain_core.shift.levels import ORDER, detectable_effect
from retrain_core.shift.multivariate import check_domain
from retrain_core.shift.overall import overall_aspect
from retrain_core.types import Aspect, ColumnShift, ShiftReport, Task

# Subjects beside the columns, which a column's name cannot be taken for.
LABEL, MULTIVARIATE, CONCEPT = "label\0", "multivariate\0", "concept\0"
NO_LABEL = "It cannot be told: that takes a label on both sides."
SUMMARIES_ONLY = "It cannot be told: brightness and the like say too little about what an example shows."


def shift_report(
    old: pd.DataFrame,
    new: pd.DataFrame,
    *,
    label: str | None,
    task: Task | None = None,
) -> ShiftReport:
    """Return how the new data differs from the old: each column, the label, the concept, all columns together.

    Args:
        old: Rows the model was trained on.
        new: Rows that arrived.
        label: The label column, if there is one.
        task: Kind of problem; told from the label by default.

    Raises:
        DataError: If a side has no rows, two columns have one name, or neither side has the label.

    >>> rows = pd.DataFrame({"x": range(200)})
    >>> shift_report(rows, rows + 150, label=None).overall.level
    'major'
    """
    summaries = is_summary(old) or is_summary(new)
    old, new = _named(old, "old"), _named(new, "new")
    _require_label(old, new, label)
    pairs = [
        pair_columns(old[name], new[name]) for name in old.columns if name in new.columns and name != label
    ]
    labels = _label_pair(old, new, label, task)
    rows = sample_rows(len(old), len(new))
    features = build_features(pairs, rows)
    domain = check_domain(features)
    concept = None
    if labels is not None and not summaries:
        target = label_target(labels, rows)
        labelled = np.flatnonzero(np.isfinite(target).all(axis=1))
        concept = check_concept(keep_rows(features, labelled), target[labelled])

    subjects = {pair.name: column_evidence(pair) for pair in pairs}
    subjects[LABEL] = column_evidence(labels) if labels else Evidence()
    subjects[MULTIVARIATE], subjects[CONCEPT] = domain_evidence(domain), concept_evidence(concept)
    verdicts = judge(subjects)

    columns = _columns(pairs, subjects, verdicts)
    label_answer = _label_aspect(labels, subjects[LABEL], verdicts[LABEL], label, old)
    multivariate = domain_aspect(domain, verdicts[MULTIVARIATE])
    if labels is None or summaries:
        concept_answer = Aspect(None, NO_LABEL if labels is None else SUMMARIES_ONLY)
    else:
        concept_answer = concept_aspect(concept, labels, verdicts[CONCEPT])
    overall = overall_aspect(
        columns,
        label=label_answer,
        label_moved=label_clause(labels) if labels and label_answer.level else "",
        concept=concept_answer,
        multivariate=multivariate,
        one_sided=_one_sided(old, new, label),
        detectable=detectable_effect(len(old), len(new), len(columns)),
    )
    return ShiftReport(overall, columns, label_answer, concept_answer, multivariate, len(old), len(new))


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


def _require_label(old: pd.DataFrame, new: pd.DataFrame, label: str | None) -> None:
    if label is not None and label not in old.columns and label not in new.columns:
        raise DataError(
            f"Neither the old nor the new data has a column '{wording.short(label)}'.",
            f"It is needed as the label. The columns of the new data are: {wording.listed(list(new.columns), 12)}.",
            "Choose another label column.",
        )


def _label_pair(
    old: pd.DataFrame, new: pd.DataFrame, label: str | None, task: Task | None
) -> ColumnPair | None:
    if label is None or label not in old.columns or label not in new.columns:
        return None
    return pair_labels(old[label], new[label], task)


def _columns(
    pairs: Sequence[ColumnPair], subjects: Mapping[str, Evidence], verdicts: Mapping[str, Verdict]
) -> tuple[ColumnShift, ...]:
    columns = [
        ColumnShift(
            name=pair.name,
            kind=pair.kind,
            level=verdicts[pair.name].level,
            effect=subjects[pair.name].effect,
            measures=verdicts[pair.name].measures,
            summary=subjects[pair.name].summary,
            findings=subjects[pair.name].findings,
        )
        for pair in pairs
    ]
    return tuple(sorted(columns, key=lambda column: (-ORDER[column.level], -column.effect)))


def _label_aspect(
    pair: ColumnPair | None, evidence: Evidence, verdict: Verdict, label: str | None, old: pd.DataFrame
) -> Aspect:
    if label is None:
        return Aspect(None, "It cannot be told: no label column is chosen.")
    if pair is None:
        lacking = "new" if label in old.columns else "old"
        return Aspect(None, f"It cannot be told: the {lacking} data has no column {wording.short(label)}.")
    if "effect_size" not in evidence.measures:
        return Aspect(None, evidence.summary, verdict.measures)
    moved = label_summary(pair, evidence.measures["effect_size"].value)
    return Aspect(verdict.level, " ".join([moved, *evidence.findings]), verdict.measures)


def _one_sided(old: pd.DataFrame, new: pd.DataFrame, label: str | None) -> list[str]:
    findings = []
    for here, there, where in ((old, new, "old"), (new, old, "new")):
        only = [name for name in here.columns if name not in there.columns and name != label]
        if only:
            findings.append(f"Only the {where} data has {wording.listed(only)}.")
    return findings

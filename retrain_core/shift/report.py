"""From two tables to one report: measure, adjust, decide, say it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from retrain_core.errors import DataError
from retrain_core.shift import table_checks, wording
from retrain_core.shift.columns import pair_columns
from retrain_core.shift.decide import Verdicts, decide
from retrain_core.shift.evidence import Evidence, column_evidence
from retrain_core.shift.labels import label_clause, label_summary, pair_labels
from retrain_core.shift.levels import ORDER, Thresholds, detectable_effect, highest
from retrain_core.types import Aspect, ColumnShift, Measure, ShiftReport, Task

# Subjects beside the columns, which a column's name cannot be taken for.
LABEL, MULTIVARIATE, CONCEPT = "label\0", "multivariate\0", "concept\0"


def shift_report(
    old: pd.DataFrame,
    new: pd.DataFrame,
    *,
    label: str | None,
    task: Task | None = None,
    thresholds: Thresholds = Thresholds(),  # noqa: B008 - frozen
    seed: int = 0,
) -> ShiftReport:
    """Return how the new data differs from the old: each column, the label, the concept, all columns together.

    Args:
        old: Rows the model was trained on.
        new: Rows that arrived.
        label: The label column, if there is one.
        task: Kind of problem; told from the label by default.
        thresholds: What counts as a shift.
        seed: Of the row samples and folds.

    Raises:
        DataError: If a side has no rows, or two columns of one name.

    >>> rows = pd.DataFrame({"x": range(200)})
    >>> shift_report(rows, rows + 150, label=None).overall.level
    'major'
    """
    old, new = _named(old, "old"), _named(new, "new")
    label = None if label is None else str(label)
    shared = [name for name in old.columns if name in new.columns and name != label]
    evidence = [column_evidence(pair_columns(old[name], new[name])) for name in shared]
    labels = _label_evidence(old, new, label, task)
    checks = table_checks.run([item.pair for item in evidence], labels.pair if labels else None, seed)
    tests = {item.pair.name: item.tests for item in evidence}
    tests |= {LABEL: labels.tests if labels else ()}
    tests |= {MULTIVARIATE: checks.domain_tests, CONCEPT: checks.concept_tests}
    verdicts = decide(tests, thresholds)
    columns = _columns(evidence, verdicts)
    label_aspect = _label_aspect(labels, label, old, new, verdicts)
    multivariate = Aspect(
        verdicts.levels[MULTIVARIATE] if checks.domain else None,
        checks.domain_summary,
        verdicts.measures(MULTIVARIATE, checks.domain_estimates),
    )
    concept = Aspect(
        verdicts.levels[CONCEPT] if checks.concept_tests else None,
        checks.concept_summary,
        verdicts.measures(CONCEPT, checks.concept_estimates),
    )
    smallest = detectable_effect(len(old), len(new), len(columns), thresholds.alpha)
    one_sided = _one_sided(old, new, label)
    levels = [column.level for column in columns]
    levels += [aspect.level for aspect in (label_aspect, multivariate, concept) if aspect.level]
    level = highest([*levels, "minor" if one_sided else "none"])
    sentence = _sentence(columns, label_aspect, labels, multivariate, concept, smallest, thresholds)
    overall = Aspect(
        level,
        " ".join([sentence, *one_sided]),
        {"detectable_effect": Measure(smallest, unit="standard deviations (d)")},
    )
    return ShiftReport(overall, columns, label_aspect, concept, multivariate, len(old), len(new))


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


def _label_evidence(
    old: pd.DataFrame, new: pd.DataFrame, label: str | None, task: Task | None
) -> Evidence | None:
    if label is None or label not in old.columns or label not in new.columns:
        return None
    return column_evidence(pair_labels(old[label], new[label], task))


def _columns(evidence: Sequence[Evidence], verdicts: Verdicts) -> tuple[ColumnShift, ...]:
    columns = [
        ColumnShift(
            name=item.pair.name,
            kind=item.pair.kind,
            level=verdicts.levels[item.pair.name],
            effect=item.effect,
            measures=verdicts.measures(item.pair.name, item.measures),
            summary=item.summary,
            findings=item.findings,
        )
        for item in evidence
    ]
    return tuple(sorted(columns, key=lambda column: (-ORDER[column.level], -column.effect)))


def _label_aspect(
    labels: Evidence | None, label: str | None, old: pd.DataFrame, new: pd.DataFrame, verdicts: Verdicts
) -> Aspect:
    if labels is None:
        if label is None:
            return Aspect(None, "No label column is chosen, so it cannot be told whether the labels moved.")
        lacking = " and ".join(s for s, frame in (("old", old), ("new", new)) if label not in frame.columns)
        return Aspect(
            None, f"The {lacking} data has no column {wording.short(label)}, so labels cannot be compared."
        )
    if "effect_size" not in labels.measures:
        return Aspect(None, labels.summary, verdicts.measures(LABEL, labels.measures))
    summary = " ".join([label_summary(labels.pair, labels.effect), *labels.findings])
    return Aspect(verdicts.levels[LABEL], summary, verdicts.measures(LABEL, labels.measures))


def _one_sided(old: pd.DataFrame, new: pd.DataFrame, label: str | None) -> list[str]:
    findings = []
    for here, there, where in ((old, new, "old"), (new, old, "new")):
        only = [name for name in here.columns if name not in there.columns and name != label]
        if only:
            findings.append(f"Only the {where} data has: {wording.listed(only)}.")
    return findings


def _sentence(
    columns: Sequence[ColumnShift],
    label: Aspect,
    labels: Evidence | None,
    multivariate: Aspect,
    concept: Aspect,
    smallest: float,
    thresholds: Thresholds,
) -> str:
    moved = [column for column in columns if column.level != "none"]
    parts = []
    if not columns:
        parts.append("Old and new data have no column in common to compare")
    elif moved:
        verb = "moved enough to matter"
        parts.append(f"{len(moved)} of {len(columns)} columns {verb}")
        parts.append(f"most: {wording.short(moved[0].name)} ({wording.deviations(moved[0].effect)})")
    else:
        parts.append(f"None of the {len(columns)} columns moved enough to matter")
    if labels is not None and label.level not in (None, "none"):
        parts.append(label_clause(labels.pair))
    if not moved and multivariate.level not in (None, "none"):
        parts.append("but all columns together tell old rows from new ones")
    if concept.level not in (None, "none"):
        parts.append("rows with the same values get other labels than before")
    if columns and not moved and smallest > thresholds.minor:
        parts.append(
            f"a movement below about {wording.deviations(smallest)} could not be seen with so few rows"
        )
    return "; ".join(parts) + "."

"""From two tables to one report: measure, adjust, decide, say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
from retrain_core.shift.together import check_together
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
    names = (label,) if isinstance(label, str) else tuple(label or ())
    summaries = is_summary(old) or is_summary(new)
    old, new = _named(old, "old"), _named(new, "new")
    _require_labels(old, new, names)
    shared = [name for name in old.columns if name in new.columns]

    def read(name: str) -> ColumnPair:
        wanted = settings.readings.get(name)
        if name in names:
            return pair_labels(old[name], new[name], task, wanted)
        return pair_columns(old[name], new[name], reading=wanted)

    inputs, targets = (
        [name for name in shared if name not in names],
        [name for name in names if name in shared],
    )
    measured = _measure_each(read, [*inputs, *targets], len(old) + len(new))
    pairs, labels = ([measured[name][0] for name in part] for part in (inputs, targets))
    together = check_together(pairs, [] if summaries else labels, (len(old), len(new)))

    subjects = {name: measured[name][1] for name in inputs}
    subjects |= {f"{LABEL}{name}": measured[name][1] for name in targets}
    subjects[MULTIVARIATE], subjects[CONCEPT] = (
        domain_evidence(together.domain),
        concept_evidence(together.concept),
    )
    verdicts = judge(subjects, settings.thresholds)

    columns = _in_order([_shift(pair, subjects[pair.name], verdicts[pair.name]) for pair in pairs])
    moved = _in_order([_label(pair, subjects, verdicts) for pair in labels])
    label_answer = labels_aspect(moved, names, _lacking(old, new, names))
    multivariate = domain_aspect(together.domain, verdicts[MULTIVARIATE])
    why_not = NO_LABEL if not labels else SUMMARIES_ONLY
    if together.labelled is None:
        concept_answer = Aspect(None, f"It cannot be told: {why_not}.")
    else:
        obstacle = together.labelled.obstacle
        concept_answer = concept_aspect(together.concept, labels, verdicts[CONCEPT], obstacle)
    asked = {
        "x": [*(pair.name for pair in pairs if is_input(pair)), MULTIVARIATE],
        "y": [f"{LABEL}{pair.name}" for pair in labels],
        "y|x": [CONCEPT],
    }
    overall = overall_aspect(
        columns,
        label=label_answer,
        label_moved=labels_clause(moved, labels) if label_answer.level else "",
        concept=concept_answer,
        multivariate=multivariate,
        one_sided=_one_sided(old, new, names),
        detectable=detectable_d(
            (len(old), len(new)), tests=verdicts[MULTIVARIATE].tests, alpha=settings.thresholds.alpha
        ),
        minor=settings.thresholds.minor,
    )
    return ShiftReport(
        overall,
        columns,
        label_answer,
        concept_answer,
        multivariate,
        len(old),
        len(new),
        moved,
        settings=settings,
        joint=joint_shift(together, multivariate.level, new, len(old)),
        kinds=shift_kinds(
            together, asked, subjects, verdicts, why_not=why_not, thresholds=settings.thresholds
        ),
    )


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
    old, new = _named(old, "old"), _named(new, "new")

    def read(name: str) -> ColumnPair:
        return pair_columns(old[name], new[name], reading=settings.readings.get(name))

    shared = [name for name in old.columns if name in new.columns]
    measured = _measure_each(read, shared, len(old) + len(new))
    subjects = {name: evidence for name, (_, evidence) in measured.items()}
    verdicts = judge(subjects, settings.thresholds)
    return _in_order([_shift(measured[name][0], subjects[name], verdicts[name]) for name in shared])


def _measure_each(
    read: Callable[[str], ColumnPair], names: Sequence[str], rows: int
) -> dict[str, tuple[ColumnPair, Evidence]]:
    """Read and measure each column; none stays sorted for longer than it takes."""

    def measure(name: str) -> tuple[ColumnPair, Evidence]:
        pair = read(name)
        return pair.released(), column_evidence(pair)

    return dict(zip(names, for_each(measure, names, rows), strict=True))


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


def _lacking(old: pd.DataFrame, new: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """Return which labels one side lacks, a sentence for each side."""
    found = []
    for frame, where in ((old, "old"), (new, "new")):
        if only := [name for name in labels if name not in frame.columns]:
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


def _label(
    pair: ColumnPair, subjects: Mapping[str, Evidence], verdicts: Mapping[str, Verdict]
) -> ColumnShift:
    """Return how a label moved; its summary says of which class, or which mean."""
    key = f"{LABEL}{pair.name}"
    effect = subjects[key].measures.get("effect_size")
    summary = "" if effect is None else label_summary(pair, effect.value)
    return _shift(pair, subjects[key], verdicts[key], summary)


def _in_order(shifts: Sequence[ColumnShift]) -> tuple[ColumnShift, ...]:
    return tuple(sorted(shifts, key=lambda column: (-ORDER[column.level], -column.effect)))


def _one_sided(old: pd.DataFrame, new: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    findings = []
    for here, there, where in ((old, new, "old"), (new, old, "new")):
        only = [name for name in here.columns if name not in there.columns and name not in labels]
        if only:
            findings.append(f"Only the {where} data has {wording.listed(only)}.")
    return findings

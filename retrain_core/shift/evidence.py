"""What was measured about a subject (a column, the label, all columns together), and the level that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from retrain_core.shift.detectable import detectable_value
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.levels import benjamini_hochberg, highest, level_of
from retrain_core.shift.measures import MEASURES
from retrain_core.shift.remarks import Remark
from retrain_core.types import ColumnFinding, Distribution, Level, Measure, Thresholds


@dataclass(frozen=True)
class Test:
    """A test that decides about a level.

    Args:
        measure: Name of the measure that carries the p-value.
        p: Not adjusted.
        effect: How large the movement is, in d.
    """

    measure: str
    p: float
    effect: float


@dataclass(frozen=True)
class Evidence:
    """What was measured about one subject.

    Args:
        measures: By name, as in ``MEASURES``.
        tests: Those of them that decide about the level; none if nothing can be told.
        summary: One plain sentence.
        findings: What deserves attention beside it.
        rows: Usable values that were compared, old and new; what could be detected follows from it.
        categories: How many categories they fall into; 0 for numbers.
        distribution: Both sides for a chart; ``None`` if there is nothing to draw.
    """

    measures: Mapping[str, Estimate] = field(default_factory=dict)
    tests: tuple[Test, ...] = ()
    summary: str = ""
    findings: tuple[Remark, ...] = ()
    rows: tuple[int, int] = (0, 0)
    categories: int = 0
    distribution: Distribution | None = None

    @property
    def effect(self) -> float:
        """The largest movement, in d."""
        return max((test.effect for test in self.tests), default=0.0)


@dataclass(frozen=True)
class Verdict:
    """A subject's level, its measures with p-values adjusted over all subjects, and its findings with their levels.

    Args:
        level: Of the subject as a whole.
        measures: By name.
        findings: What deserves attention beside them.
        thresholds: What the levels follow from.
        tests: How many tests the p-values are adjusted over.
    """

    level: Level
    measures: Mapping[str, Measure]
    findings: tuple[ColumnFinding, ...] = ()
    thresholds: Thresholds = Thresholds()
    tests: int = 1


def judge(subjects: Mapping[str, Evidence], thresholds: Thresholds = Thresholds()) -> dict[str, Verdict]:
    """Adjust all tests together, so that a page without a shift stays quiet, and give each subject its level.

    Args:
        subjects: What was measured, by subject.
        thresholds: From when on a movement counts.
    """
    tests = [(subject, test) for subject, evidence in subjects.items() for test in evidence.tests]
    adjusted = benjamini_hochberg([test.p for _, test in tests])
    p = {(subject, test.measure): float(q) for (subject, test), q in zip(tests, adjusted, strict=True)}

    def finding(subject: str, remark: Remark) -> ColumnFinding:
        level = level_of(remark.effect, p.get((subject, remark.test), 0.0), thresholds)
        return ColumnFinding(remark.what, remark.text, remark.level or level)

    return {
        subject: Verdict(
            highest(level_of(test.effect, p[subject, test.measure], thresholds) for test in evidence.tests),
            {
                name: Measure(
                    e.value,
                    e.interval,
                    p.get((subject, name)),
                    MEASURES[name].unit,
                    e.corrected,
                    e.d,
                    detectable_value(
                        e,
                        MEASURES[name].at_d,
                        evidence.rows,
                        evidence.categories,
                        len(tests),
                        thresholds.alpha,
                    ),
                )
                for name, e in evidence.measures.items()
            },
            tuple(finding(subject, remark) for remark in evidence.findings),
            thresholds,
            len(tests),
        )
        for subject, evidence in subjects.items()
    }

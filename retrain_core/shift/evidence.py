"""What was measured about a subject (a column, the label, all columns together), and the level that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from retrain_core.shift.detectable import detectable_value
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.levels import benjamini_hochberg, highest, level_of
from retrain_core.shift.measures import MEASURES
from retrain_core.types import Level, Measure


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
    """

    measures: Mapping[str, Estimate] = field(default_factory=dict)
    tests: tuple[Test, ...] = ()
    summary: str = ""
    findings: tuple[str, ...] = ()
    rows: tuple[int, int] = (0, 0)
    categories: int = 0

    @property
    def effect(self) -> float:
        """The largest movement, in d."""
        return max((test.effect for test in self.tests), default=0.0)


@dataclass(frozen=True)
class Verdict:
    """A subject's level, and its measures with p-values adjusted over all subjects."""

    level: Level
    measures: Mapping[str, Measure]


def judge(subjects: Mapping[str, Evidence]) -> dict[str, Verdict]:
    """Adjust all tests together, so that a page without a shift stays quiet, and give each subject its level."""
    tests = [(subject, test) for subject, evidence in subjects.items() for test in evidence.tests]
    adjusted = benjamini_hochberg([test.p for _, test in tests])
    p = {(subject, test.measure): float(q) for (subject, test), q in zip(tests, adjusted, strict=True)}
    return {
        subject: Verdict(
            highest(level_of(test.effect, p[subject, test.measure]) for test in evidence.tests),
            {
                name: Measure(
                    e.value,
                    e.interval,
                    p.get((subject, name)),
                    MEASURES[name].unit,
                    e.corrected,
                    e.d,
                    detectable_value(e, MEASURES[name].at_d, evidence.rows, evidence.categories, len(tests)),
                )
                for name, e in evidence.measures.items()
            },
        )
        for subject, evidence in subjects.items()
    }

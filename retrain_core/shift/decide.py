"""Every p-value on the page adjusted together, and the level that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from retrain_core.shift.estimate import Estimate
from retrain_core.shift.evidence import Test
from retrain_core.shift.levels import Thresholds, benjamini_hochberg, highest
from retrain_core.shift.measures import MEASURES
from retrain_core.types import Level, Measure


@dataclass(frozen=True)
class Verdicts:
    """The level and adjusted p-values of each subject: a column, the label, the whole table."""

    levels: Mapping[str, Level]
    p_adjusted: Mapping[tuple[str, str], float]

    def measures(self, subject: str, estimates: Mapping[str, Estimate]) -> dict[str, Measure]:
        """Return a subject's estimates as they cross borders."""
        return {
            name: Measure(e.value, e.interval, self.p_adjusted.get((subject, name)), MEASURES[name].unit)
            for name, e in estimates.items()
        }


def decide(tests: Mapping[str, Iterable[Test]], thresholds: Thresholds) -> Verdicts:
    """Adjust all tests together, so that a page without a shift stays quiet, and give each subject its level.

    Args:
        tests: By subject.
        thresholds: What counts.
    """
    flat = [(subject, test) for subject, own in tests.items() for test in own]
    adjusted = benjamini_hochberg([test.p for _, test in flat])
    p_adjusted = {
        (subject, test.measure): float(p) for (subject, test), p in zip(flat, adjusted, strict=True)
    }
    levels = {
        subject: highest([thresholds.level(test.effect, p_adjusted[subject, test.measure]) for test in own])
        for subject, own in tests.items()
    }
    return Verdicts(levels, p_adjusted)

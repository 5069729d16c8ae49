"""What is said of columns that the model does not take: they count for nothing, and may explain a lot."""

from __future__ import annotations

from retrain_core.shift import wording
from retrain_core.shift.deciding import what_moved
from retrain_core.types import ShiftReport

NAMED = 3


def others_said(report: ShiftReport) -> str:
    """Return how many columns that the model does not take have moved, and which most; empty if there are none."""
    if not report.others:
        return ""
    moved = [column for column in report.others if column.level != "none"]
    why = "for nothing in the levels, but may explain why labels change."
    if len(report.others) == 1:
        name = wording.short(report.others[0].name)
        if not moved:
            return f"The model does not take {name}, which has not moved enough to matter."
        return (
            f"The model does not take {what_moved(moved[0])}, which moved enough to matter. It counts {why}"
        )
    of = f"of the {len(report.others):,} columns that the model does not take moved enough to matter"
    if not moved:
        return f"None {of}."
    most = wording.joined([what_moved(column) for column in moved[:NAMED]])
    return f"{len(moved):,} {of}, most {most}. They count {why}"

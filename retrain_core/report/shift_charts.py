"""The charts of how the data has moved, each with its words."""

from __future__ import annotations

from retrain_core.figures.model_shift import drivers_chart, loss_waterfall, regions_chart
from retrain_core.figures.shift import column_distribution, column_effects
from retrain_core.figures.time_shift import time_lines
from retrain_core.report.chart import Chart
from retrain_core.types import ColumnShift, ShiftReport, Task

MOST_DISTRIBUTIONS = 3
MOST_LINES = 4  # of the drift in time


def effects_chart(report: ShiftReport, top: int) -> Chart:
    """Return how far each column moved."""
    return Chart(
        "effects", "How far each column moved", report.overall.summary, column_effects(report, top=top)
    )


def distribution_charts(report: ShiftReport) -> list[Chart]:
    """Return old and new distribution of the labels and of the columns that moved most."""
    labels = [
        _distribution(f"label-{number}" if number else "label", "Label", label)
        for number, label in enumerate(report.labels[:MOST_DISTRIBUTIONS])
    ]
    shown = [column for column in report.columns if column.measures]
    moved = [column for column in shown if column.level != "none"] or shown[:1]
    return labels + [
        _distribution(f"column-{number}", "Column", column)
        for number, column in enumerate(moved[:MOST_DISTRIBUTIONS])
    ]


def _distribution(key: str, what: str, shift: ColumnShift) -> Chart:
    remarks = tuple(finding.text for finding in shift.findings)
    return Chart(key, f"{what}: {shift.name}", shift.summary, column_distribution(shift), remarks)


def joint_charts(report: ShiftReport) -> list[Chart]:
    """Return which columns tell new rows from old, and the drift in time, as far as they are known."""
    found = []
    if report.joint is not None and report.joint.drivers and report.multivariate.level in ("minor", "major"):
        found.append(
            Chart(
                "drivers",
                "What tells new rows from old",
                report.multivariate.summary,
                drivers_chart(report.joint.drivers),
            )
        )
    if report.time is not None and report.time.lines:
        names = [line.name for line in report.time.lines[:MOST_LINES]]
        found.append(Chart("time", "Drift in time", report.time.summary, time_lines(report.time, names)))
    return found


def model_charts(report: ShiftReport, task: Task) -> list[Chart]:
    """Return where the change of the old model's loss comes from, and where it has become worse."""
    found: list[Chart] = []
    if report.model is None:
        return found
    if report.model.loss is not None:
        loss = report.model.loss
        found.append(
            Chart("waterfall", "The old model's loss, from old to new", loss.summary, loss_waterfall(loss))
        )
    if report.model.regions:
        words = " ".join(region.summary for region in report.model.regions)
        figure = regions_chart(report.model.regions, shares=task != "regression")
        found.append(Chart("regions", "Where it has become worse", words, figure))
    return found

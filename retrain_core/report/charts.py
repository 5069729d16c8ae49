"""The charts of a report, each with its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import plotly.graph_objects as go

from retrain_core.diagnosis import DISTURBANCES, WHISKERS, better_without
from retrain_core.figures.compare import cost_bars, score_dots, tradeoff
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.figures.model_shift import drivers_chart, loss_waterfall, regions_chart
from retrain_core.figures.sensitivity import importance_bars, robustness_lines
from retrain_core.figures.shift import column_distribution, column_effects
from retrain_core.figures.style import look_of
from retrain_core.figures.time_shift import time_lines
from retrain_core.figures.volume import learning_curve_chart
from retrain_core.report.content import ReportContent
from retrain_core.report.words import (
    SCORE_NAMES,
    cost_words,
    curves_words,
    dots_words,
    lines_words,
    tradeoff_words,
)
from retrain_core.types import ColumnShift, Comparison, LearningCurve, Sensitivity, ShiftReport, Task

MOST_DISTRIBUTIONS = 3
MOST_LINES = 4  # of the drift in time


@dataclass(frozen=True)
class Chart:
    """A figure and what it says.

    Args:
        key: Its id in the document.
        title: What it shows.
        words: What is to be seen on it.
        figure: The figure.
        remarks: What else should be known.
    """

    key: str
    title: str
    words: str
    figure: go.Figure
    remarks: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """In pixels, so that the page does not jump when it is drawn."""
        return int(self.figure.layout.height)


def score_charts(comparison: Comparison) -> list[Chart]:
    """Return the scores with their intervals: the metric, then the loss."""
    scores: tuple[Literal["accuracy", "mae", "loss"], ...] = (comparison.metric.name, "loss")
    return [
        Chart(
            f"scores-{score}",
            SCORE_NAMES[score].capitalize(),
            dots_words(comparison, score),
            score_dots(comparison, score),
        )
        for score in scores
    ]


def tradeoff_chart(comparison: Comparison) -> Chart | None:
    """Return new against old; ``None`` without old rows."""
    if not comparison.holdout.old_rows:
        return None
    figure = tradeoff(comparison, comparison.wishes.old_weight)
    return Chart(
        "tradeoff",
        f"{SCORE_NAMES[comparison.metric.name].capitalize()} on both parts",
        tradeoff_words(comparison),
        figure,
    )


def curve_charts(content: ReportContent) -> list[Chart]:
    """Return how training went: the loss, then the metric."""
    strategies = {
        seed["run"]: name
        for name, candidate in content.comparison.strategies.items()
        for seed in candidate.per_seed
    }
    scores: tuple[Literal["loss", "accuracy", "mae"], ...] = ("loss", content.comparison.metric.name)
    return [
        Chart(
            f"curves-{score}",
            f"{SCORE_NAMES[score].capitalize()} along the training",
            curves_words(content.curves, strategies, score),
            training_curves(
                content.curves,
                strategies,
                value=score,
                x="rows_seen",
                keep=keep_on_validation(content.curves, strategies, score),
            ),
            (lines_words(content.curves, score),),
        )
        for score in scores
    ]


def cost_chart(comparison: Comparison) -> Chart:
    """Return what each strategy cost."""
    return Chart("cost", "Time and memory", cost_words(comparison), cost_bars(comparison))


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


def volume_charts(curves: Sequence[LearningCurve]) -> list[Chart]:
    """Return what more new rows would bring, a chart a strategy that was looked at."""
    return [
        Chart(
            f"volume-{curve.strategy}",
            f"More new rows: {look_of(curve.strategy).title}",
            curve.summary,
            learning_curve_chart(curve),
        )
        for curve in curves
        if curve.points
    ]


def sensitivity_charts(found: Sequence[Sensitivity]) -> list[Chart]:
    """Return what the disturbance that costs the old model most costs each, and which columns they depend on."""
    if not found or not found[0].points:
        return []
    charts = []
    whiskers = (WHISKERS,) if any(point.interval for one in found for point in one.points) else ()
    kinds = list(dict.fromkeys(point.what for point in found[0].points if not point.column))
    if kinds:
        sign = 1 if found[0].metric_name == "accuracy" else -1
        worst = min(kinds, key=lambda what: min(sign * p.metric for p in found[0].points if p.what == what))
        costs = "the old model" if found[0].model == "keep" else look_of(found[0].model).title
        words = f"Of the disturbances that were tried, this one costs {costs} most."
        title = DISTURBANCES[worst].title
        charts.append(
            Chart(
                "sensitivity", title[:1].upper() + title[1:], words, robustness_lines(found, worst), whiskers
            )
        )
    if any(point.column for point in found[0].points):
        words = "How each model's score changes once a column's values are given to other rows."
        remarks = (*better_without(found), *whiskers)
        charts.append(
            Chart("importance", "Columns the models depend on", words, importance_bars(found), remarks)
        )
    return charts

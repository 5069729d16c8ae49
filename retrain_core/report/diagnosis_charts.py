"""The charts of what more rows would bring and of what disturbed rows cost, each with its words."""

from __future__ import annotations

from collections.abc import Sequence

from retrain_core.compare.basis_words import FIRST_SEED, several_seeds
from retrain_core.diagnosis import DISTURBANCES, WHISKERS, better_without
from retrain_core.figures.sensitivity import importance_bars, robustness_lines
from retrain_core.figures.style import look_of
from retrain_core.figures.volume import learning_curve_chart
from retrain_core.report.chart import Chart
from retrain_core.report.content import ReportContent
from retrain_core.types import LearningCurve


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


def sensitivity_charts(content: ReportContent) -> list[Chart]:
    """Return what the disturbance that costs the old model most costs each, and which columns they depend on."""
    found, charts = content.sensitivities, []
    if not found or not found[0].points:
        return []
    remarks = (WHISKERS,) if any(point.interval for one in found for point in one.points) else ()
    if several_seeds(content.comparison.strategies):
        remarks = (FIRST_SEED, *remarks)
    kinds = list(dict.fromkeys(point.what for point in found[0].points if not point.column))
    if kinds:
        sign = 1 if found[0].metric_name == "accuracy" else -1
        worst = min(kinds, key=lambda what: min(sign * p.metric for p in found[0].points if p.what == what))
        costs = "the old model" if found[0].model == "keep" else look_of(found[0].model).title
        words = f"Of the disturbances that were tried, this one costs {costs} most."
        title = DISTURBANCES[worst].title
        charts.append(
            Chart(
                "sensitivity", title[:1].upper() + title[1:], words, robustness_lines(found, worst), remarks
            )
        )
    if any(point.column for point in found[0].points):
        words = "How each model's score changes once a column's values are given to other rows."
        charts.append(
            Chart(
                "importance",
                "Columns the models depend on",
                words,
                importance_bars(found),
                (*better_without(found), *remarks),
            )
        )
    return charts

"""The charts of a report, each with its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go

from retrain_core.compare.basis_words import FIRST_SEED, several_seeds
from retrain_core.compare.cost import (
    Payoff,
    break_even,
    in_focus,
    main_score,
    sensitivity,
)
from retrain_core.compare.cost_words import front_told, payoff_remarks, payoff_words, swing_words
from retrain_core.compare.curves import confusion, precision_recall, reliability, roc
from retrain_core.compare.evidence import SIDES
from retrain_core.compare.flips import flips
from retrain_core.compare.predicted import Predicted
from retrain_core.compare.residuals import error_edges, residuals
from retrain_core.compare.score_words import name_of
from retrain_core.diagnosis import DISTURBANCES, WHISKERS, better_without
from retrain_core.figures.compare import cost_bars, score_dots, tradeoff
from retrain_core.figures.cost import net_lines, pareto, tornado
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.figures.errors import (
    confusion_chart,
    precision_recall_chart,
    reliability_chart,
    residual_histogram,
    residual_lines,
    roc_chart,
)
from retrain_core.figures.model_shift import drivers_chart, loss_waterfall, regions_chart
from retrain_core.figures.sensitivity import importance_bars, robustness_lines
from retrain_core.figures.shift import column_distribution, column_effects
from retrain_core.figures.slices import flips_bars
from retrain_core.figures.style import look_of
from retrain_core.figures.time_shift import time_lines
from retrain_core.figures.volume import learning_curve_chart
from retrain_core.report import error_words
from retrain_core.report.content import ReportContent
from retrain_core.report.words import (
    SCORE_NAMES,
    cost_words,
    curves_words,
    dots_words,
    lines_words,
    tradeoff_words,
)
from retrain_core.types import ColumnShift, Comparison, LearningCurve, ShiftReport, Task

MOST_DISTRIBUTIONS = 3
MOST_LINES = 4  # of the drift in time
MOST_LABELS = 3  # with curves of their own


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


def cost_charts(comparison: Comparison) -> list[Chart]:
    """Return what each strategy cost, and which has the best score for its time."""
    score = main_score(comparison)
    title = f"{name_of(score)} against time"
    return [
        Chart("cost", "Time and memory", cost_words(comparison), cost_bars(comparison)),
        Chart(
            "pareto", title[:1].upper() + title[1:], front_told(comparison, score), pareto(comparison, score)
        ),
    ]


# --- when it pays ---------------------------------------------------------------------------------


def payoffs_of(content: ReportContent) -> dict[str, Payoff]:
    """Return what each candidate brings over keep; empty if nobody has said what a prediction is worth."""
    comparison = content.comparison
    stakes, evidence = comparison.wishes.stakes, content.evidence
    if stakes is None or evidence is None or comparison.recommendation is None:
        return {}
    return break_even(evidence, comparison.strategies, stakes)


def payoff_charts(content: ReportContent, payoffs: Mapping[str, Payoff]) -> list[Chart]:
    """Return when it pays, and what that hangs on most."""
    found = content.comparison.recommendation
    name = in_focus(payoffs, found.choice if found else None)
    if name is None:
        return []
    payoff = payoffs[name]
    swings = sensitivity(payoff)
    lines, bars = net_lines(payoffs, name), tornado(swings, payoff)
    remarks = payoff_remarks(content.comparison, payoffs, name)
    return [
        Chart("payoff", "Net benefit along the days", payoff_words(name, payoff), lines, remarks),
        Chart("tornado", "If an entry is wrong", swing_words(swings, payoff.net), bars),
    ]


FAR = "Much: by more than keep's mean absolute error."

# --- behind the scores ----------------------------------------------------------------------------


def error_charts(content: ReportContent) -> list[Chart]:
    """Return what keep and the recommended candidate take for what on the new part, and how reliable they are."""
    evidence, found = content.evidence, content.comparison.recommendation
    if evidence is None or found is None:
        return []
    chosen = {name: evidence.predicted["new"][name] for name in dict.fromkeys(("keep", found.choice))}
    models = {name: seeds[0] for name, seeds in chosen.items()}
    if evidence.task == "regression":
        return _residual_charts(models)
    charts = []
    classes = content.spec.schema.classes
    if evidence.task != "multilabel":
        charts = [_confusion_chart(name, one, classes) for name, one in models.items()]
    what = {"binary": classes[-1], "multiclass": "the likeliest", "multilabel": "a label"}[evidence.task]
    figure = reliability_chart({name: reliability(one) for name, one in models.items()}, what)
    return [
        *charts,
        *_threshold_charts(models, classes),
        Chart("reliability", *error_words.RELIABILITY, figure),
    ]


def _threshold_charts(models: Mapping[str, Predicted], classes: Sequence[str]) -> list[Chart]:
    """Return what thresholds do: of the second of two classes, else of the labels with the most rows."""
    one = next(iter(models.values()))
    rows = one.labels.sum(axis=0)
    labels = [1] if one.task == "binary" else np.argsort(-rows, kind="stable")[:MOST_LABELS].tolist()
    charts = []
    for label in labels:
        name = classes[label]
        found = {model: roc(one, label) for model, one in models.items()}
        precise = {model: precision_recall(one, label) for model, one in models.items()}
        if None in (*found.values(), *precise.values()):
            continue
        charts += [
            Chart(f"roc-{label}", *error_words.roc_words(name), roc_chart(found, name)),
            Chart(
                f"precision-recall-{label}",
                *error_words.precision_recall_words(name),
                precision_recall_chart(precise, name),
            ),
        ]
    return charts


def flip_charts(content: ReportContent) -> list[Chart]:
    """Return how many rows each candidate has made worse and better than keep, on each part of the holdout."""
    if content.evidence is None:
        return []
    numbers, charts = content.evidence.task == "regression", []
    for side in SIDES:
        found = flips(content.evidence, side)
        if found:
            words = " ".join(
                error_words.flip_words(look_of(name).title, one, numbers=numbers)
                for name, one in found.items()
            )
            charts.append(
                Chart(
                    f"flips-{side}", f"Worse and better than keep: {side} part", words, flips_bars(found, numbers=numbers),
                    (FAR,) if numbers else (),
                )
            )  # fmt: skip
    return charts


def _confusion_chart(name: str, one: Predicted, classes: Sequence[str]) -> Chart:
    counts = confusion(one, len(classes))
    right, rows = int(np.trace(counts)), int(counts.sum())
    words = error_words.confusion_words(look_of(name).title, right, rows, "new")
    return Chart(f"confusion-{name}", *words, confusion_chart(counts, classes, name))


def _residual_charts(models: Mapping[str, Predicted]) -> list[Chart]:
    edges = error_edges(list(models.values()))
    found = {name: residuals(one, edges) for name, one in models.items()}
    return [
        Chart("residual-lines", *error_words.ALONG, residual_lines(found)),
        Chart("residual-histogram", *error_words.SPREAD, residual_histogram(found)),
    ]


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

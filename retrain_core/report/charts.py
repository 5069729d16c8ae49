"""The charts of a report, each with its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go

from retrain_core.figures.compare import cost_bars, score_dots, tradeoff
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.figures.shift import column_distribution, column_effects, label_distribution
from retrain_core.report.content import ReportContent
from retrain_core.report.words import (
    SCORE_NAMES,
    cost_words,
    curves_words,
    dots_words,
    lines_words,
    tradeoff_words,
)
from retrain_core.types import ColumnShift, Comparison, ShiftReport, Task

MOST_DISTRIBUTIONS = 3
FEWEST_ROWS = 5  # a category with fewer rows could be one person's
RARE = f"(fewer than {FEWEST_ROWS} rows)"


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
    figure = tradeoff(comparison, comparison.old_weight)
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


def distribution_charts(content: ReportContent) -> list[Chart]:
    """Return old and new distribution of the labels and of the columns that moved most."""
    old, new, report = content.old, content.new, content.shift
    if old is None or report is None:
        return []
    charts = [
        _label(number, label, old, new, content.comparison.task)
        for number, label in enumerate(report.labels[:MOST_DISTRIBUTIONS])
    ]
    shown = [
        column for column in report.columns if column.measures and column.name in old and column.name in new
    ]
    moved = [column for column in shown if column.level != "none"] or shown[:1]
    return charts + [
        _distribution(number, column, old, new) for number, column in enumerate(moved[:MOST_DISTRIBUTIONS])
    ]


def _label(number: int, label: ColumnShift, old: pd.DataFrame, new: pd.DataFrame, task: Task) -> Chart:
    sides = (old[label.name], new[label.name])
    if task != "regression":
        sides = without_rare(*sides)
    figure = label_distribution(*sides, label.name, task)
    key = f"label-{number}" if number else "label"
    return Chart(
        key, f"Label: {label.name}", label.summary, figure, tuple(finding.text for finding in label.findings)
    )


def _distribution(number: int, shift: ColumnShift, old: pd.DataFrame, new: pd.DataFrame) -> Chart:
    sides = (old[shift.name], new[shift.name])
    if shift.kind == "categorical":
        sides = without_rare(*sides)
    figure = column_distribution(*sides, shift)
    return Chart(
        f"column-{number}",
        f"Column: {shift.name}",
        shift.summary,
        figure,
        tuple(finding.text for finding in shift.findings),
    )


def without_rare(old: pd.Series[Any], new: pd.Series[Any]) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Return two categorical columns in which categories of very few rows have become one.

    A report is passed on: a name or a number that only one row has must not be readable from it.
    """
    counts = pd.concat([old.astype(object), new.astype(object)]).value_counts()
    rare = set(counts.index[counts < FEWEST_ROWS])
    if not rare:
        return old, new
    return tuple(side.astype(object).mask(side.isin(rare), RARE) for side in (old, new))  # type: ignore[return-value]

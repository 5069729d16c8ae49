"""The charts of scores, training and cost of a report, each with its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from retrain_core.compare.cost import (
    Payoff,
    break_even,
    in_focus,
    main_score,
    sensitivity,
)
from retrain_core.compare.cost_words import front_told, payoff_remarks, payoff_words, swing_words
from retrain_core.compare.score_words import name_of
from retrain_core.figures.compare import score_dots, tradeoff
from retrain_core.figures.cost import net_lines, pareto, tornado
from retrain_core.figures.cost_bars import cost_bars
from retrain_core.figures.curves import keep_on_validation, training_curves
from retrain_core.report.chart import Chart
from retrain_core.report.content import ReportContent
from retrain_core.report.words import (
    SCORE_NAMES,
    cost_words,
    curves_words,
    dots_words,
    lines_words,
    tradeoff_words,
)
from retrain_core.types import Comparison


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

"""Scores with intervals, new against old, and cost."""

import math
from dataclasses import replace

import numpy as np
import pytest

from retrain_core.compare import compare
from retrain_core.figures.compare import score_dots, tradeoff
from retrain_core.figures.cost import pareto
from retrain_core.figures.cost_bars import cost_bars
from retrain_core.figures.same_utility import same_utility
from retrain_core.figures.scored import MOST_IN_LEGEND
from retrain_core.figures.style import look_of
from retrain_core.types import Comparison, Wishes
from tests.report.example import comparison, evidence

FIGURES = {
    "dots": lambda c: score_dots(c, c.metric.name),
    "loss": lambda c: score_dots(c, "loss"),
    "tradeoff": lambda c: tradeoff(c, c.wishes.old_weight),
    "cost": cost_bars,
}
CASES = {
    "three seeds": {},
    "one seed": {"seeds": 1},
    "regression": {"task": "regression"},
    "several labels": {"task": "multilabel"},
    "no old rows": {"old": False},
    "one failed": {"broken": {"fine_tune": "It fell."}},
    "keep failed": {"broken": {"keep": "It fell."}},
    "all failed": {"broken": dict.fromkeys(("keep", "fine_tune", "incremental", "full_retrain"), "It fell.")},
}


def named(figure, title):
    """Return the traces of one strategy that show values."""
    return [
        trace
        for trace in figure.data
        if trace.name in (title, f"<b>{title}</b>") and "markers" in (trace.mode or "")
    ]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_every_figure_can_be_drawn_and_holds_only_finite_numbers(draw, case) -> None:
    figure = draw(comparison(**case))
    numbers = [v for t in figure.data for axis in (t.x, t.y) for v in (() if axis is None else axis)]
    assert all(math.isfinite(number) for number in numbers)
    assert numbers or "No candidate has a score" in figure.layout.annotations[0].text


@pytest.mark.parametrize("draw", [FIGURES["dots"], FIGURES["tradeoff"]], ids=["dots", "tradeoff"])
def test_a_strategy_has_its_colour_and_marker(draw) -> None:
    figure = draw(comparison())
    for strategy in ("keep", "fine_tune", "incremental", "full_retrain"):
        look = look_of(strategy)
        found = named(figure, look.title)
        assert found and all((t.marker.color, t.marker.symbol) == (look.colour, look.marker) for t in found)


def test_dots_show_the_mean_with_its_interval_and_every_seed() -> None:
    scores = comparison(seeds=3).strategies["incremental"]
    figure = score_dots(comparison(seeds=3), "accuracy")

    new, old = named(figure, "Incremental")
    low, high = scores.interval["new"]["accuracy"]
    assert new.x == (scores.new["accuracy"],) and old.x == (scores.old["accuracy"],)
    assert new.x[0] - new.error_x.arrayminus[0] == pytest.approx(low)
    assert new.x[0] + new.error_x.array[0] == pytest.approx(high)
    seeds = [t for t in figure.data if t.marker.symbol == "square-open"]
    assert [t.x for t in seeds] == [
        tuple(seed[part]["accuracy"] for seed in scores.per_seed) for part in ("new", "old")
    ]


def test_the_score_is_written_beside_the_name_and_so_is_why_there_is_none() -> None:
    broken = comparison(broken={"fine_tune": "It fell."})
    labels = score_dots(broken, "accuracy").layout.yaxis.ticktext
    assert labels[0] == f"Keep<br><b>{100 * broken.strategies['keep'].new['accuracy']:.1f} %</b>"
    assert labels[1] == "Fine-tune<br>(failed: no score)"


def test_a_dashed_line_shows_keep_on_each_part() -> None:
    scores = comparison()
    lines = [t for t in score_dots(scores, "loss").data if t.mode == "lines"]
    keep = scores.strategies["keep"]
    assert [line.x[0] for line in lines] == [keep.new["loss"], keep.old["loss"]]
    assert {(line.line.dash, line.line.color) for line in lines} == {("dash", "#808080")}


def test_without_old_rows_there_is_one_panel_and_no_tradeoff() -> None:
    figure = tradeoff(comparison(old=False), 0.0)
    texts = [note.text.replace("<br>", " ") for note in figure.layout.annotations]
    assert any("no trade-off" in text for text in texts)
    assert not any("old part" in text for text in texts)


def test_up_and_right_is_better_for_an_error_too() -> None:
    accuracy, error = (tradeoff(comparison(task=task), 0.5) for task in ("binary", "regression"))
    assert accuracy.layout.xaxis.range[0] < accuracy.layout.xaxis.range[1]
    assert error.layout.xaxis.range[0] > error.layout.xaxis.range[1]
    assert error.layout.yaxis.range[0] > error.layout.yaxis.range[1]
    assert "label's units" in error.layout.xaxis.title.text and "better" in error.layout.yaxis.title.text


def weighed_by(score: str | None, old_weight: float = 0.5) -> Comparison:
    return compare(evidence(), Wishes(score=score, old_weight=old_weight), "major")


@pytest.mark.parametrize("draw", [FIGURES["tradeoff"], lambda c: pareto(c, "accuracy")])
def test_of_many_candidates_the_legend_names_keep_and_the_likeliest(draw) -> None:
    scores = comparison()
    assert scores.recommendation is not None
    names = ["lwf", "ewc", "blend", "replay", "l2_sp"]
    weighed = {name: replace(scores.recommendation.weighed["fine_tune"], expected=-9.0) for name in names}
    some = replace(
        scores,
        strategies=scores.strategies | dict.fromkeys(names, scores.strategies["fine_tune"]),
        recommendation=replace(scores.recommendation, weighed=scores.recommendation.weighed | weighed),
    )
    marks = {
        t.name.removeprefix("<b>").removesuffix("</b>"): t
        for t in draw(some).data
        if "markers" in (t.mode or "") and t.xaxis != "x2" and t.yaxis != "y2"
    }
    told = {name for name, mark in marks.items() if mark.showlegend is not False}
    assert len(marks) == 9 and len(told) == MOST_IN_LEGEND
    assert told >= {look_of(name).title for name in scores.strategies}


@pytest.mark.parametrize("score", ["accuracy", "auroc"])
def test_the_recommended_strategy_is_bold_and_its_line_has_the_weight_of_the_slider(score: str) -> None:
    scores = weighed_by(score, 0.25)
    figure = tradeoff(scores, 0.25)

    title = look_of(scores.recommendation.choice).title
    assert [t.name for t in figure.data if t.name.startswith("<b>")] == [f"<b>{title}</b>"]
    assert score in figure.layout.xaxis.title.text.lower()
    (line,) = (t for t in figure.data if t.name and t.name.startswith("as good as"))
    assert line.name == f"as good as {title} if old rows count 25 %"
    worth = [0.25 * x + 0.75 * y for x, y in zip(line.x, line.y, strict=True)]
    chosen = scores.strategies[scores.recommendation.choice]
    assert worth == pytest.approx([0.25 * chosen.old[score] + 0.75 * chosen.new[score]] * 2)


def test_where_two_scores_are_weighed_no_line_says_what_is_as_good() -> None:
    scores = weighed_by(None)
    assert len(scores.recommendation.scores) == 2
    assert not [t for t in tradeoff(scores, 0.5).data if (t.name or "").startswith("as good as")]


def test_a_score_without_an_interval_has_no_bar_and_no_words_of_one() -> None:
    scored = comparison()
    for name, bars in (("ece", False), ("accuracy", True)):
        marks = named(score_dots(scored, name), "Incremental")
        assert len(marks) == 2
        for mark in marks:
            assert (mark.error_x.array is not None) == bars == ("95 %" in mark.customdata[0])


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.99, 1.0])
def test_the_line_of_equal_worth_stays_in_the_box(weight) -> None:
    for x, y in same_utility((0.5, 0.5), weight, (0.0, 1.0), (0.4, 0.6)):
        assert 0 <= x <= 1 and 0.4 <= y <= 0.6
        assert weight * x + (1 - weight) * y == pytest.approx(0.5)


def test_cost_begins_at_zero_and_says_what_was_not_measured() -> None:
    figure = cost_bars(comparison(broken={"full_retrain": "It fell."}))
    seconds, memory = figure.data
    assert figure.layout.xaxis.range[0] == figure.layout.xaxis2.range[0] == 0
    assert seconds.text == ("nothing to train", "6.5 s", "3.3 s", "not measured")
    assert memory.text == ("610 MB", "702 MB", "688 MB", "640 MB")
    assert (
        "(s, mean over seeds)" in figure.layout.xaxis.title.text and "(MB)" in figure.layout.xaxis2.title.text
    )


@pytest.mark.parametrize("name", ["log_loss", "auroc", "calibration_error"])
def test_every_score_of_the_problem_can_be_drawn_with_its_seeds(name: str) -> None:
    scored = comparison()
    figure = score_dots(scored, name)
    candidate = scored.strategies["incremental"]
    assert figure.layout.xaxis.title.text is None and "is better" in figure.layout.xaxis2.title.text
    seeds = next(t for t in figure.data if t.marker.symbol == "square-open")
    assert len(seeds.x) == 3 and np.mean(seeds.x) == pytest.approx(candidate.new[name])

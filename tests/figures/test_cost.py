"""Score against time, the break-even and what it hangs on."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from retrain_core.compare.cost import Payoff, front, sensitivity
from retrain_core.compare.cost_words import money
from retrain_core.figures.cost import net_lines, pareto, tornado
from retrain_core.figures.style import look_of
from retrain_core.types import Comparison, Stakes
from tests.figures.test_compare import CASES
from tests.figures.test_errors import colours
from tests.report.example import comparison

PAYOFF = Payoff(0.1, (-0.04, 0.16), 1000.0, Stakes(0.5, 1000, 90, 4.0))
PAYOFFS = {"fine_tune": PAYOFF, "full_retrain": replace(PAYOFF, gain=0.2, cost=9000.0)}
MONEY = {"net": net_lines(PAYOFFS, "fine_tune"), "tornado": tornado(sensitivity(PAYOFF), PAYOFF)}


def timed(**seconds: float) -> Comparison:
    """Return four strategies, some of which took other times."""
    made = comparison()
    found = {
        name: replace(one, own_seconds=seconds.get(name, one.own_seconds))
        for name, one in made.strategies.items()
    }
    return replace(made, strategies=found)


def points(figure: go.Figure, title: str) -> list[go.Scatter]:
    return [t for t in figure.data if t.mode == "markers" and t.name in (title, f"<b>{title}</b>")]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_score_against_time_can_be_drawn_of_everything(case) -> None:
    made = comparison(**case)
    figure = pareto(made, made.metric.name)
    numbers = [value for trace in figure.data for axis in (trace.x, trace.y) for value in axis]
    assert all(math.isfinite(number) for number in numbers)
    assert numbers or "No candidate has a score" in figure.layout.annotations[0].text
    assert not list(colours(figure.to_dict())) and len(figure.to_json()) < 20_000


def test_what_no_other_beats_is_filled_and_bold_on_both_parts() -> None:
    made = timed(incremental=90.0)  # longer than full retrain, and worse
    best, figure = front(made, "accuracy"), pareto(made, "accuracy")
    assert set(best) == {"keep", "fine_tune", "full_retrain"}
    for name, candidate in made.strategies.items():
        look = look_of(name)
        new, old = points(figure, look.title)
        assert new.name.startswith("<b>") == (name in best)
        assert new.marker.symbol == old.marker.symbol == look.marker + ("" if name in best else "-open")
        assert (new.y[0], old.y[0]) == (candidate.new["accuracy"], candidate.old["accuracy"])


def test_a_score_without_an_interval_has_no_bar_and_no_words_of_one() -> None:
    for score, bars in (("ece", False), ("accuracy", True)):
        for mark in points(pareto(comparison(), score), "Fine-tune"):
            assert (mark.error_y.array is not None) == bars == ("95 %" in mark.customdata[0])
            assert mark.customdata[0].endswith(" s")


def test_a_part_that_a_score_says_nothing_of_is_not_drawn() -> None:
    made = comparison()
    found = {
        name: replace(one, old=dict(one.old) | {"auroc": math.nan}) for name, one in made.strategies.items()
    }
    assert len(points(pareto(replace(made, strategies=found), "auroc"), "Keep")) == 1


def test_keep_stands_at_0_apart_from_a_logarithmic_axis() -> None:
    figure = pareto(timed(full_retrain=300.0), "accuracy")  # the shortest takes 3 s
    axis = figure.layout.xaxis
    assert axis.ticktext == ("0", "10", "30", "100", "300") and "log scale" in axis.title.text
    assert points(figure, "Keep")[0].x == (axis.tickvals[0],)
    assert points(figure, "Full retrain")[0].x[0] == pytest.approx(math.log10(300))


def test_times_of_about_the_same_size_have_an_even_axis() -> None:
    figure = pareto(timed(full_retrain=12.0), "accuracy")
    assert figure.layout.xaxis.tickvals is None and points(figure, "Keep")[0].x == (0.0,)
    assert points(figure, "Full retrain")[0].x == (12.0,)


def test_up_is_better_for_an_error_too() -> None:
    low, high = pareto(comparison(task="regression"), "mae").layout.yaxis.range
    assert low > high


def test_a_line_begins_at_its_cost_and_is_marked_where_it_pays() -> None:
    figure = MONEY["net"]
    lines = {t.name: t for t in figure.data if t.mode == "lines" and t.showlegend is None}
    assert lines["<b>Fine-tune</b>"].y == (-1000, 3500) and lines["Full retrain"].y[0] == -9000
    (crossing,) = [
        t for t in figure.data if t.mode == "markers" and t.marker.color == look_of("fine_tune").colour
    ]
    assert (crossing.x, crossing.y) == ((20.0,), (0,))
    bands = [t for t in figure.data if t.fill == "toself"]
    assert bands[0].y == pytest.approx((-1000, 6200, -2800))


def test_what_does_not_pay_in_time_is_not_marked() -> None:
    late = replace(PAYOFF, cost=9000.0)
    assert not [t for t in net_lines({"lwf": late}, "lwf").data if t.mode == "markers"]
    assert "No candidate" in net_lines({}, None).layout.annotations[0].text


def test_of_many_candidates_only_the_marked_one_has_a_band() -> None:
    many = dict.fromkeys(("fine_tune", "lwf", "ewc", "replay", "full_retrain"), PAYOFF)
    bands = [t for t in net_lines(many, "ewc").data if t.fill == "toself"]
    assert [band.legendgroup for band in bands] == ["ewc"]


def test_bars_go_from_half_to_twice_around_what_was_entered() -> None:
    less, more = MONEY["tornado"].data[:2]
    ends = {
        title: (less.base + low, more.base + high)
        for title, low, high in zip(MONEY["tornado"].layout.yaxis.ticktext, less.x, more.x, strict=True)
    }
    assert ends["Value"] == pytest.approx((1250, 8000)) and ends["Price<br>of an hour"] == pytest.approx(
        (4000, 2500)
    )
    assert less.marker.pattern.shape == "/" and less.customdata[0] != more.customdata[0]


@pytest.mark.parametrize("gain", [0.1, 0.022, 0.0, -0.1])
@pytest.mark.parametrize("value", [0.5, 5000.0])
def test_amounts_stand_beyond_all_bars_and_the_line_at_0(gain: float, value: float) -> None:
    payoff = replace(PAYOFF, gain=gain, stakes=replace(PAYOFF.stakes, value=value))
    swings = sensitivity(payoff)
    figure = tornado(swings, payoff)
    ends = [0.0, payoff.net, *(end for swing in swings for end in (swing.less, swing.more))]
    left, right = (trace for trace in figure.data if trace.type == "scatter")
    assert left.textposition == "middle left" and left.x[0] < min(ends)
    assert right.textposition == "middle right" and right.x[0] > max(ends)
    assert list(left.text) == [money(min(swing.less, swing.more)) for swing in swings]
    assert [shape.name for shape in figure.layout.shapes if shape.showlegend] == ["as entered"]
    assert figure.layout.xaxis.range[0] < left.x[0] and right.x[0] < figure.layout.xaxis.range[1]


@pytest.mark.parametrize(("days", "words"), [(1.0, "after 1 day<"), (90.0, "after 90 days<")])
def test_one_day_is_no_days(days: float, words: str) -> None:
    payoff = replace(PAYOFF, stakes=replace(PAYOFF.stakes, days=days))
    assert words in tornado(sensitivity(payoff), payoff).layout.xaxis.title.text


@pytest.mark.parametrize("name", MONEY)
def test_money_has_its_unit_and_text_no_colour(name) -> None:
    figure = MONEY[name]
    titles = f"{figure.layout.xaxis.title.text} {figure.layout.yaxis.title.text}"
    assert "(in your currency)" in titles and "days" in titles
    assert not list(colours(figure.to_dict())) and figure.layout.width is None
    assert "NaN" not in json.dumps(figure.to_dict(), default=str)

"""The chart of what candidates are worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from retrain_core.figures.verdict import worth_dots
from retrain_core.types import Recommendation, Weighed


def recommendation(**worth: tuple[float, float, float]) -> Recommendation:
    """Return a recommendation of the first from the measured worth of each and its interval; half of it is expected."""
    weighed = {
        name: Weighed({}, value, (low, high), value / 2, 0.0) for name, (value, low, high) in worth.items()
    }
    return Recommendation(next(iter(worth)), True, "", (), weighed=weighed)


MADE = recommendation(fine_tune=(3.0, 1.0, 5.0), keep=(0.0, 0.0, 0.0), full_retrain=(-4.0, -6.0, -2.0))


def marks(made: Recommendation) -> dict[str, dict]:
    return {trace.name: trace for trace in worth_dots(made).data if trace.name}


def test_measured_interval_and_expected_worth_stand_in_one_row() -> None:
    figure = worth_dots(MADE)
    mark = marks(MADE)["Fine-tune"]
    assert mark.x == (3.0,) and mark.y == (0,)
    assert (mark.error_x.arrayminus[0], mark.error_x.array[0]) == (2.0, 2.0)
    bars = [trace for trace in figure.data if trace.marker.symbol == "line-ns-open"]
    assert [(bar.x[0], bar.y[0]) for bar in bars] == [(1.5, 0), (-2.0, 2)]


def test_the_choice_is_bold_the_best_on_top_and_a_margin_grey() -> None:
    figure = worth_dots(MADE)
    assert figure.layout.yaxis.ticktext == ("<b>Fine-tune</b>", "Keep", "Full retrain")
    band = figure.layout.shapes[0]
    assert (band.x0, band.x1) == (-1, 1)


def test_who_is_out_is_faint_and_says_why() -> None:
    weighed = {
        **MADE.weighed,
        "full_retrain": replace(MADE.weighed["full_retrain"], excluded="it takes <long>"),
    }
    made = replace(MADE, weighed=weighed)
    assert worth_dots(made).layout.yaxis.ticktext[2] == "Full retrain (out)"
    mark = marks(made)["Full retrain"]
    assert mark.opacity < 1 and "it takes &lt;long&gt;" in mark.customdata[0]


def test_one_far_away_stands_at_the_edge_with_its_number_so_that_others_can_be_told_apart() -> None:
    made = recommendation(
        fine_tune=(3.0, 1.0, 5.0), keep=(0.0, 0.0, 0.0), full_retrain=(-400.0, -900.0, 100.0)
    )
    low, high = worth_dots(made).layout.xaxis.range
    assert low > -30 and high < 30
    far, near = marks(made)["Full retrain"], marks(made)["Fine-tune"]
    assert low < far.x[0] and far.text == ("-400",) and near.text == ("",)
    assert far.x[0] - far.error_x.arrayminus[0] >= low and far.x[0] + far.error_x.array[0] <= high


@pytest.mark.parametrize("made", [MADE, recommendation(keep=(0.0, 0.0, 0.0))])
def test_nothing_lies_outside_the_axis(made: Recommendation) -> None:
    low, high = worth_dots(made).layout.xaxis.range
    assert low < -1 and high > 1
    for trace in worth_dots(made).data:
        assert all(low <= x <= high for x in trace.x)

"""The old model and its candidates on one chart."""

from __future__ import annotations

import json

import pytest

from retrain_core.diagnosis.disturb import DISTURBANCES
from retrain_core.figures.sensitivity import MOST_COLUMNS, importance_bars, robustness_lines
from retrain_core.figures.style import look_of
from retrain_core.types import Disturbed, Sensitivity

HOSTILE = "<b>x</b>" + "y" * 40


def model(name: str, worse: float = 0.0, metric: str = "accuracy", columns: int = 3) -> Sensitivity:
    names = [f"column {number}" for number in range(columns - 1)] + [HOSTILE]
    points = [
        Disturbed("noise", 1.0, 1.5, 0.5 - worse),
        Disturbed("noise", 0.1, 1.1, 0.75 - worse),
        Disturbed("brightness", -0.3, 1.1, 0.6),
        *(Disturbed("permuted", 1.0, 1.2, 0.8 - 0.1 * n / columns, c) for n, c in enumerate(names)),
        Disturbed("moved", 1.0, 9.0, 0.0, names[0]),
    ]
    return Sensitivity(name, 100, 1.0, 0.8, metric, tuple(points), 0.7)


def test_a_line_goes_from_the_rows_as_they_are_to_the_strongest_disturbance() -> None:
    (line,) = robustness_lines([model("keep")], "noise").data
    assert (line.x, line.y) == ((0.0, 0.1, 1.0), (0.8, 0.75, 0.5))


def test_each_model_looks_like_its_strategy_and_the_old_one_comes_first() -> None:
    lines = robustness_lines([model("fine_tune", 0.1), model("keep")], "noise").data
    assert [line.name for line in lines] == ["Keep", "Fine-tune"]
    for line, name in zip(lines, ("keep", "fine_tune"), strict=True):
        look = look_of(name)
        assert (line.line.color, line.line.dash, line.marker.symbol) == (look.colour, look.dash, look.marker)


def test_severities_on_both_sides_stand_around_the_rows_as_they_are() -> None:
    figure = robustness_lines([model("keep")], "brightness")
    assert figure.data[0].x == (-0.3, 0.0) and figure.layout.shapes[0].x0 == 0


@pytest.mark.parametrize("what", ["noise", "brightness"])
@pytest.mark.parametrize("metric", ["accuracy", "mae"])
def test_axes_say_what_is_done_in_which_unit_and_which_way_is_better(what: str, metric: str) -> None:
    layout = robustness_lines([model("keep", metric=metric)], what).layout
    assert DISTURBANCES[what].unit in layout.xaxis.title.text
    assert DISTURBANCES[what].title in layout.xaxis.title.text
    assert "is better" in layout.yaxis.title.text


def test_what_was_not_measured_is_said() -> None:
    (note,) = robustness_lines([model("keep")], "blur").layout.annotations
    assert note.text.replace("<br>", " ") == "No model was measured with blur."


def test_bars_show_the_columns_that_change_most_on_top_for_every_model() -> None:
    keep, other = importance_bars([model("keep"), model("fine_tune")]).data
    assert keep.x == pytest.approx((-100 * 0.2 / 3, -100 * 0.1 / 3, 0), abs=1e-9)
    assert keep.y == other.y == (0, 1, 2)
    assert keep.marker.pattern.shape != other.marker.pattern.shape
    assert keep.marker.color == look_of("keep").colour


def test_few_columns_are_shown_of_many() -> None:
    figure = importance_bars([model("keep", columns=200)])
    assert len(figure.data[0].x) == len(figure.layout.yaxis.ticktext) == MOST_COLUMNS
    assert len(figure.to_json()) < 20_000


def test_bars_say_what_they_count() -> None:
    assert "(points)<br>below 0: worse" in importance_bars([model("keep")]).layout.xaxis.title.text
    assert "above 0: worse" in importance_bars([model("keep", metric="mae")]).layout.xaxis.title.text


def close(*points: Disturbed) -> Sensitivity:
    return Sensitivity("keep", 100, 1.0, 0.8, "accuracy", points, 1.0)


def test_intervals_are_whiskers_of_lines_and_bars() -> None:
    one = close(
        Disturbed("noise", 1.0, 1.0, 0.7, interval=(-0.15, -0.05)),
        Disturbed("permuted", 1.0, 1.0, 0.75, "a", (-0.07, -0.03)),
    )
    (line,), (bar,) = robustness_lines([one], "noise").data, importance_bars([one]).data
    for ends in (line.error_y.array, line.error_y.arrayminus):
        assert ends == pytest.approx((0, 0.05))
    for ends in (bar.error_x.array, bar.error_x.arrayminus):
        assert ends == pytest.approx((2,))


def test_chance_looks_flat() -> None:
    one = close(Disturbed("noise", 1.0, 1.0, 0.797), Disturbed("permuted", 1.0, 1.0, 0.803, "a"))
    low, high = robustness_lines([one], "noise").layout.yaxis.range
    assert high - low >= 0.05 and low < 0.797 < 0.8 < high
    low, high = importance_bars([one]).layout.xaxis.range
    assert high - low >= 5 and low < 0 < 0.3 < high


def test_hostile_names_are_shown_as_text_and_cut_short() -> None:
    figure = importance_bars([model("keep"), model("<i>mine")])
    assert "<b>x" not in json.dumps(figure.to_dict(), default=str)
    assert "<i>mine" not in figure.to_json()
    assert max(len(text) for text in figure.layout.yaxis.ticktext) < 60


def test_inputs_without_columns_are_said() -> None:
    image = Sensitivity("keep", 100, 1.0, 0.8, "accuracy", (Disturbed("blur", 1.0, 1.0, 0.5),), 0.6)
    (note,) = importance_bars([image]).layout.annotations
    assert "no columns" in note.text

"""How training went."""

import math

import pytest

from retrain_core.figures.curves import MOST_POINTS, keep_on_validation, thinned, training_curves
from retrain_core.figures.style import look_of
from retrain_core.strategies import STRATEGIES

NAMES = {"f-0": "fine_tune", "f-1": "fine_tune", "i-0": "incremental"}


def points(start: float, number: int = 4, **more):
    return tuple(
        {"rows_seen": 100 * i, "seconds": 0.5 * i, "validation_loss": start / (i + 1), **more}
        for i in range(number)
    )


CURVES = {"f-0": points(2.0), "f-1": points(2.2), "i-0": points(1.0, prequential_loss=0.9, loss=0.8)}


def draw(curves=CURVES, names=NAMES, **options):
    return training_curves(curves, names, **{"value": "loss", "x": "rows_seen", "keep": None, **options})


def lines(figure, title):
    return [t for t in figure.data if t.name == title and t.x[0] is not None]


def test_seeds_of_one_strategy_share_colour_and_one_legend_entry() -> None:
    seeds = lines(draw(), "Fine-tune")
    assert [t.y for t in seeds] == [
        tuple(p["validation_loss"] for p in CURVES[run]) for run in ("f-0", "f-1")
    ]
    assert {t.line.color for t in seeds} == {look_of("fine_tune").colour}
    assert [t.showlegend for t in seeds] == [True, False]
    assert {t.legendgroup for t in seeds} == {"fine_tune"}


def test_validation_training_and_prequential_differ_in_dash_and_the_legend_says_so() -> None:
    figure = draw()
    dashes = {t.name: t.line.dash for t in figure.data if t.x == (None,)}
    assert dashes == {"validation": "solid", "training": "dot", "prequential": "dashdot"}
    assert {t.line.dash for t in lines(figure, "Incremental")} == set(dashes.values())


def test_validation_alone_needs_no_explanation() -> None:
    assert all(t.x != (None,) for t in draw({"f-0": points(2.0)}).data)


def test_keep_is_a_grey_dashed_line_over_the_whole_axis() -> None:
    (keep,) = lines(draw(keep=0.7), "Keep")
    assert (keep.x, keep.y) == ((0, 300), (0.7, 0.7))
    assert (keep.line.color, keep.line.dash) == ("#808080", "dash")


def test_a_long_legend_makes_the_figure_higher_so_that_the_plot_keeps_its_room() -> None:
    names = dict(zip(STRATEGIES, STRATEGIES, strict=True))
    many, few = draw({name: points(1.0) for name in names}, names), draw()
    assert many.layout.height > few.layout.height + 100


def test_the_axis_can_be_seconds_and_says_its_unit() -> None:
    figure = draw(x="seconds")
    assert lines(figure, "Fine-tune")[0].x == (0.0, 0.5, 1.0, 1.5)
    assert figure.layout.xaxis.title.text == "seconds of training"
    assert figure.layout.yaxis.title.text == "loss (lower is better)"


def test_smoothing_keeps_the_raw_values_faint_behind_and_calms_the_line() -> None:
    jumpy = tuple({"rows_seen": i, "validation_loss": 1.0 + (-1) ** i} for i in range(20))
    raw, smooth = lines(draw({"f-0": jumpy}, smooth=True), "Fine-tune")
    assert raw.y == tuple(p["validation_loss"] for p in jumpy) and raw.opacity < 1
    assert max(smooth.y[5:]) - min(smooth.y[5:]) < 0.6 * (max(raw.y) - min(raw.y))
    assert smooth.y[0] == raw.y[0]


@pytest.mark.parametrize(
    "curves", [{}, {"f-0": ()}, {"unknown": points(1.0)}], ids=["none", "empty", "unknown"]
)
def test_before_the_first_point_the_figure_says_what_it_waits_for(curves) -> None:
    assert "No points yet" in draw(curves).layout.annotations[0].text


def test_a_missing_value_is_left_out() -> None:
    curve = ({"rows_seen": 0, "validation_loss": None}, *points(1.0)[1:])
    (line,) = lines(draw({"i-0": curve}), "Incremental")
    assert line.x == (100, 200, 300) and all(math.isfinite(value) for value in line.y)


def test_a_long_run_sends_few_points_and_keeps_both_ends() -> None:
    (line,) = lines(draw({"f-0": points(1.0, number=5000)}), "Fine-tune")
    assert len(line.x) == MOST_POINTS
    assert (line.x[0], line.x[-1]) == (0, 499_900)
    assert thinned([(0.0, 1.0)], most=1) == [(0.0, 1.0)]


def test_a_hostile_run_name_is_shown_as_text() -> None:
    figure = draw({"<b>x": points(1.0)}, {"<b>x": "<i>mine"})
    assert "<b>x" not in figure.data[0].hovertemplate and "&lt;b&gt;x" in figure.data[0].hovertemplate


def test_keep_starts_where_the_runs_that_begin_with_the_old_model_start() -> None:
    assert keep_on_validation({"n-0": points(9.0), **CURVES}, {"n-0": "full_retrain", **NAMES}, "loss") == 2.0
    assert keep_on_validation({"n-0": points(9.0)}, {"n-0": "full_retrain"}, "loss") is None
    assert keep_on_validation({"f-0": points(9.0)[1:]}, NAMES, "loss") is None

"""The learning curve as a chart."""

from retrain_core.diagnosis import learning_curve, subsample_sizes
from retrain_core.figures.style import look_of
from retrain_core.figures.volume import learning_curve_chart
from retrain_core.types import CurvePoint


def curve(metric="accuracy", rows=1_000):
    points = [
        CurvePoint(n, seed, 0.0, 0.9 - n**-0.5 + seed / 500) for n in subsample_sizes(rows) for seed in (0, 1)
    ]
    return learning_curve(points, strategy="fine_tune", metric=metric, rows_now=rows)


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_runs_are_points_and_the_fit_a_line_in_a_band():
    found = curve()
    drawn = traces(learning_curve_chart(found))
    assert list(drawn) == ["95 % interval", "fitted", "Fine-tune"]
    assert drawn["Fine-tune"].y == tuple(point.metric for point in found.points)
    assert drawn["Fine-tune"].marker.color == drawn["fitted"].line.color == look_of("fine_tune").colour
    assert drawn["fitted"].y == tuple(place.middle for place in found.band)
    assert len(drawn["95 % interval"].x) == 2 * len(found.band)


def test_axes_say_what_they_count_and_rows_are_on_a_log_scale():
    layout = learning_curve_chart(curve()).layout
    assert layout.xaxis.type == "log" and layout.xaxis.title.text.startswith(
        "new rows trained on (log scale)"
    )
    assert layout.yaxis.title.text == "accuracy (higher is better)" and layout.yaxis.tickformat == "~%"
    assert "mean abs. error" in learning_curve_chart(curve("mae")).layout.yaxis.title.text


def test_where_measuring_ends_is_marked():
    layout = learning_curve_chart(curve()).layout
    (line,) = layout.shapes
    assert line.x0 == 1_000 and layout.xaxis.title.text.endswith("dotted: all that there are for training")


def test_without_a_fit_the_points_are_shown():
    assert list(traces(learning_curve_chart(curve(rows=100)))) == ["mean", "Fine-tune"]


def test_without_a_rise_no_line_goes_beyond_the_runs():
    points = [CurvePoint(n, seed, 0.0, 0.8) for n in subsample_sizes(1_000) for seed in (0, 1)]
    flat = learning_curve(points, strategy="fine_tune", metric="accuracy", rows_now=1_000)
    assert "scatter more" in flat.summary
    drawn = traces(learning_curve_chart(flat))
    assert list(drawn) == ["mean", "Fine-tune"]
    assert drawn["mean"].x == subsample_sizes(1_000) and set(drawn["mean"].y) == {0.8}


def test_runs_with_the_same_score_stand_side_by_side():
    points = [CurvePoint(n, seed, 0.0, 0.8) for n in (62, 125) for seed in (0, 1, 2)]
    flat = learning_curve(points, strategy="fine_tune", metric="accuracy", rows_now=125)
    drawn = traces(learning_curve_chart(flat))["Fine-tune"]
    assert len(set(drawn.x)) == 6 and drawn.x[1] == 62 and drawn.x[0] < 62 < drawn.x[2] < 70
    assert [place[2] for place in drawn.customdata] == [62] * 3 + [125] * 3  # the hover tells the true rows


def test_without_points_it_is_said():
    empty = learning_curve([], strategy="fine_tune", metric="accuracy", rows_now=100)
    figure = learning_curve_chart(empty)
    assert not figure.data and figure.layout.annotations[0].text.replace("<br>", " ") == empty.summary

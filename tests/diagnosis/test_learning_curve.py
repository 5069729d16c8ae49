"""What more new rows would bring: intervals that hold, and words that admit what is unknown."""

import pytest

from retrain_core.diagnosis import learning_curve, subsample_sizes
from retrain_core.diagnosis.learning_curve import round_number
from retrain_core.types import CurvePoint, LearningCurve, from_json, to_json
from tests.benchmarks.gain_coverage import coverage, points


def fitted(curve, metric="accuracy", rows=1_000, **made):
    return learning_curve(points(curve, rows, **made), strategy="fine_tune", metric=metric, rows_now=rows)


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 100, 511, 512, 12_345])
def test_parts_grow_to_all_rows(rows):
    sizes = subsample_sizes(rows)
    assert list(sizes) == sorted(set(sizes)) and sizes[-1] == rows
    assert all(size >= 32 for size in sizes[:-1]) and len(sizes) <= 5


def test_points_on_a_curve_give_its_gain():
    def curve(n):
        return 0.9 - 0.6 * n**-0.5

    found = fitted(curve, seeds=1)
    value, low, high = found.gain
    assert found.further_rows == 1_000
    assert value == pytest.approx(curve(2_000) - curve(1_000), rel=0.02)
    assert low <= value <= high and high - low < 0.001
    assert found.summary == (
        "A further 1,000 new rows would change the accuracy of fine-tune by about +0.6 points (95 %: +0.6)."
    )


def test_an_error_falls():
    found = fitted(lambda n: 2 + 30 * n**-0.5, metric="mae", seeds=1)
    assert found.gain[0] == pytest.approx(30 * (2_000**-0.5 - 1_000**-0.5), rel=0.02)
    assert "mean absolute error of fine-tune by about −0.278 (95 %" in found.summary


def test_the_band_reaches_three_times_as_far_and_widens_there():
    found = fitted(lambda n: 0.9 - 0.6 * n**-0.5, noise=0.004)
    rows = [place.rows for place in found.band]
    assert rows[0] == 62 and rows[-1] == 3_000
    widths = {place.rows: place.high - place.low for place in found.band}
    assert widths[3_000] > 1.5 * min(widths.values())
    middles = [place.middle for place in found.band]
    assert middles == sorted(middles)  # never worse with more rows
    assert all(place.low <= place.middle <= place.high <= 1 for place in found.band)


@pytest.mark.parametrize(("seeds", "noise"), [(1, 0.006), (2, 0.002), (3, 0.006), (3, 0.015)])
def test_the_interval_covers_the_true_gain(seeds, noise):
    assert 0.90 <= coverage(seeds, noise, trials=120) <= 0.99


def test_the_scatter_of_a_size_counts_less_where_it_is_large():
    steady = [
        CurvePoint(n, i, 0.0, 0.9 - n**-0.5 + d)
        for n in (125, 250, 500, 1_000)
        for i, d in enumerate((-1e-4, 1e-4))
    ]
    wild = [CurvePoint(62, i, 0.0, value) for i, value in enumerate((0.45, 0.95))]
    with_wild = learning_curve([*steady, *wild], strategy="keep", metric="accuracy", rows_now=1_000)
    alone = learning_curve(steady, strategy="keep", metric="accuracy", rows_now=1_000)
    assert with_wild.gain[0] == pytest.approx(alone.gain[0], abs=0.01)


@pytest.mark.parametrize("rows", [40, 100])
def test_fewer_than_three_sizes_tell_nothing(rows):
    found = fitted(lambda n: 0.9 - n**-0.5, rows=rows)
    assert not found.band and found.gain is None
    assert found.summary == (
        "It cannot be told what more new rows would bring: that takes runs of fine-tune on three or more sizes."
    )


@pytest.mark.parametrize("curve", [lambda n: 0.8, lambda n: 0.8 - n / 1e5])
def test_scores_that_do_not_rise_cannot_tell(curve):
    found = fitted(curve, noise=0.002)
    assert found.summary.startswith("It cannot be told") and "scatter more" in found.summary
    assert found.gain[0] >= 0 and not found.band


def test_scatter_larger_than_the_trend_cannot_tell():
    told = [fitted(lambda n: 0.9 - 0.01 * n**-0.5, noise=0.03, seed=seed).summary for seed in range(40)]
    assert sum(not text.startswith("It cannot") for text in told) <= 5


@pytest.mark.parametrize("rows", [1, 3, 14, 15, 99, 350, 7_000, 123_456])
def test_further_rows_are_a_round_number_about_as_many(rows):
    found = round_number(rows)
    assert str(found).rstrip("0") in ("1", "2", "5") and rows / 2 <= found <= 2 * rows


def test_a_curve_goes_through_json():
    found = fitted(lambda n: 0.9 - n**-0.5, noise=0.01)
    assert from_json(to_json(found), LearningCurve) == found

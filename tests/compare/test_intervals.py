"""Intervals cover what they say they cover."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from retrain_core.compare.intervals import (
    Z95,
    drawn_error,
    drawn_interval,
    mean_interval,
    standard_error,
    wilson,
)


@settings(deadline=None)
@given(st.integers(1, 5_000), st.floats(0, 1))
def test_wilsons_interval_is_that_of_statsmodels(rows: int, share: float) -> None:
    right = round(share * rows)
    low, high = proportion_confint(right, rows, alpha=0.05, method="wilson")
    assert wilson(right / rows, rows) == pytest.approx((max(low, 0), min(high, 1)), abs=1e-12)


@pytest.mark.parametrize(("right", "rows"), [(0, 20), (20, 20), (37, 50), (4999, 5000)])
def test_share_of_one_seed_is_wilsons_interval(right: int, rows: int) -> None:
    values = np.zeros((1, rows))
    values[0, :right] = 1
    expected = stats.binomtest(right, rows).proportion_ci(0.95, method="wilson")
    assert mean_interval(values, share=True) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("rows", [2, 12, 400])
def test_mean_of_one_seed_has_students_interval(rows: int) -> None:
    values = np.random.default_rng(rows).normal(size=rows)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert mean_interval(values[np.newaxis]) == pytest.approx((expected.low, expected.high))


def test_mean_interval_covers_the_mean_in_95_of_100() -> None:
    rng = np.random.default_rng(0)
    draws = rng.exponential(2.0, size=(2000, 1, 400))
    inside = [low <= 2.0 <= high for low, high in (mean_interval(draw, positive=True) for draw in draws)]
    assert 0.93 < np.mean(inside) < 0.97


def test_losses_with_a_long_tail_are_covered_better_on_the_scale_of_logarithms() -> None:
    draws = np.random.default_rng(0).exponential(2.0, size=(4_000, 1, 15))
    plain, logs = (
        np.mean(
            [low <= 2.0 <= high for low, high in (mean_interval(one, positive=positive) for one in draws)]
        )
        for positive in (False, True)
    )
    assert plain < 0.92 < 0.925 < logs


def test_a_loss_below_0_has_a_plain_interval() -> None:
    values = np.random.default_rng(1).normal(0.5, 1, (1, 50))
    assert mean_interval(values, positive=True) == mean_interval(values)
    draws = values + 1
    assert drawn_interval(values[:, :1] - 5, draws - 10, share=False, positive=True) == pytest.approx(
        drawn_interval(values[:, :1] - 5, draws - 10, share=False)
    )


def test_seeds_widen_the_interval() -> None:
    rows = np.random.default_rng(2).uniform(size=(1, 80)) < 0.7
    alike, apart = np.repeat(rows, 3, axis=0).astype(float), np.repeat(rows, 3, axis=0).astype(float)
    apart[0, :12], apart[1, :12] = 0, 1
    assert np.diff(mean_interval(apart, share=True)) > 1.5 * np.diff(mean_interval(alike, share=True))


@pytest.mark.parametrize("positive", [False, True])
def test_drawn_interval_is_that_of_the_mean_when_the_score_is_a_mean(positive: bool) -> None:
    rng = np.random.default_rng(3)
    rows = rng.exponential(size=40)
    draws = rows[rng.integers(0, 40, (20_000, 40))].mean(axis=1)
    found = drawn_interval(
        np.array([rows.mean()]), draws[np.newaxis], share=False, positive=positive, units=40
    )
    expected = mean_interval(rows[np.newaxis], positive=positive)
    assert found == pytest.approx(expected, rel=0.02)  # 4 / sqrt(2 * 20 000) of the half-width


def test_draws_of_few_units_are_taken_for_as_little_as_they_are_worth() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=12)
    draws = rows[rng.integers(0, 12, (20_000, 12))].mean(axis=1)
    expected = standard_error(rows) * stats.t.ppf(0.975, 11) / Z95
    assert drawn_error(draws, 12) == pytest.approx(expected, rel=0.02)
    assert drawn_error(draws) == pytest.approx(np.std(draws, ddof=1))
    assert drawn_error(draws, 1) == np.inf


def test_drawn_share_stays_between_0_and_1() -> None:
    draws = np.array([[0.9, 0.99, 1.0, 0.97, np.nan]])
    low, high = drawn_interval(np.array([0.98]), draws, share=True)
    assert 0 < low < 0.98 < high < 1
    assert drawn_interval(np.array([1.0]), draws, share=True)[1] == 1.0
    assert drawn_interval(np.array([0.98]), draws, share=False)[1] > 1


def rows_of_labels(
    rng: np.random.Generator, rows: int, labels: int, share: float, alike: float
) -> np.ndarray:
    """Return the share of right labels of each row; ``alike`` is how much the labels of a row hang together."""
    spread = 1 / alike - 1
    chance = rng.beta(share * spread, (1 - share) * spread, size=(rows, 1))
    return (rng.uniform(size=(rows, labels)) < chance).mean(axis=1)[np.newaxis]


@pytest.mark.parametrize("rows", [20, 200])
@pytest.mark.parametrize("labels", [2, 5, 20])
@pytest.mark.parametrize("share", [0.6, 0.95])
@pytest.mark.parametrize("alike", [0.02, 0.3])
def test_share_of_right_labels_is_covered_in_about_95_of_100(
    rows: int, labels: int, share: float, alike: float
) -> None:
    rng = np.random.default_rng(labels)
    ends = [mean_interval(rows_of_labels(rng, rows, labels, share, alike), share=True) for _ in range(800)]
    assert np.mean([low <= share <= high for low, high in ends]) > 0.92
    if (
        alike < 0.1
    ):  # each label is nearly a row of its own, so the interval has to be narrower than that of rows
        whole = [stats.binomtest(round(share * rows), rows).proportion_ci(0.95, method="wilson")]
        assert np.mean([high - low for low, high in ends]) < 0.9 * (whole[0].high - whole[0].low)


def test_all_rows_alike_leave_some_doubt() -> None:
    low, high = mean_interval(np.full((1, 50), 0.5), share=True)
    assert low < 0.5 < high
    assert mean_interval(np.ones((1, 50)), share=True)[0] == pytest.approx(50 / (50 + 1.96**2), abs=1e-3)

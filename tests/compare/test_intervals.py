"""Intervals cover what they say they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retrain_core.compare.intervals import mean_interval
from retrain_core.compare.scores import paired_delta


@pytest.mark.parametrize(("right", "rows"), [(0, 20), (20, 20), (37, 50), (4999, 5000)])
def test_share_of_one_seed_is_wilsons_interval(right: int, rows: int) -> None:
    values = np.zeros((1, rows))
    values[0, :right] = 1
    expected = stats.binomtest(right, rows).proportion_ci(0.95, method="wilson")
    assert mean_interval(values, share=True) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_mean_interval_covers_the_mean_in_95_of_100() -> None:
    rng = np.random.default_rng(0)
    draws = rng.exponential(2.0, size=(2000, 1, 400))
    inside = [low <= 2.0 <= high for low, high in (mean_interval(draw, share=False) for draw in draws)]
    assert 0.93 < np.mean(inside) < 0.97


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_difference_to_keep_covers_the_truth_in_about_95_of_100(seeds: int) -> None:
    """Each seed of the candidate has its own luck; keep has none."""
    rng = np.random.default_rng(seeds)
    inside = []
    for _ in range(1500):
        hard = rng.uniform(size=(1, 500))
        luck = rng.normal(0, 0.02 if seeds > 1 else 0.0, size=(seeds, 1))
        candidate = (hard < 0.7 + luck + rng.normal(0, 0.05, size=(seeds, 500))).astype(float)
        keep = (hard < 0.6).astype(float)
        low, high = paired_delta(candidate, keep, share=True).interval
        inside.append(low <= 0.1 <= high)
    assert 0.93 < np.mean(inside) <= 0.995


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


@pytest.mark.parametrize("labels", [1, 2, 5, 20])
@pytest.mark.parametrize(("rows", "changed"), [(30, 0.2), (100, 0.05), (500, 0.02)])
def test_difference_of_rows_with_several_labels_covers_the_truth(
    labels: int, rows: int, changed: float
) -> None:
    rng = np.random.default_rng(labels)
    inside = []
    for _ in range(1000):
        keep = rng.uniform(size=(1, rows, labels)) < 0.8
        anew = rng.uniform(size=keep.shape) < changed  # these labels are answered anew, and better
        candidate = np.where(anew, rng.uniform(size=keep.shape) < 0.9, keep)
        low, high = paired_delta(candidate.mean(axis=2), keep.mean(axis=2), share=True).interval
        inside.append(low <= 0.1 * changed <= high)
    assert np.mean(inside) > 0.92


def test_all_rows_alike_leave_some_doubt() -> None:
    low, high = mean_interval(np.full((1, 50), 0.5), share=True)
    assert low < 0.5 < high
    assert mean_interval(np.ones((1, 50)), share=True)[0] == pytest.approx(50 / (50 + 1.96**2), abs=1e-3)


def test_pairing_on_the_same_rows_makes_the_interval_narrower() -> None:
    rng = np.random.default_rng(1)
    keep = (rng.uniform(size=(1, 1000)) < 0.7).astype(float)
    better = np.maximum(keep, (rng.uniform(size=(1, 1000)) < 0.1).astype(float))
    shuffled = rng.permutation(better[0])[np.newaxis]
    paired, loose = (
        np.diff(paired_delta(other, keep, share=True).interval)[0] for other in (better, shuffled)
    )
    assert paired < 0.6 * loose


def test_few_differing_rows_are_not_taken_for_sure() -> None:
    """Four right against none: the exact test says 0.125, so the interval has to include no difference."""
    keep, candidate = np.zeros((1, 500)), np.zeros((1, 500))
    candidate[0, :4] = 1
    assert paired_delta(candidate, keep, share=True).interval[0] < 0

"""Charts of single models say what counting by hand says, and do not grow with the rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retrain_core.compare.curves import (
    confusion,
    most_frequent,
    precision_recall,
    reliability,
    roc,
)
from retrain_core.compare.measures import SCORES
from retrain_core.compare.one_label import against_rest
from retrain_core.compare.predicted import Predicted
from retrain_core.compare.residuals import error_edges, residuals
from retrain_core.compare.thinning import PIXEL, thin


def binary(targets: list[int] | np.ndarray, second: list[float] | np.ndarray) -> Predicted:
    came, chances = np.asarray(targets), np.asarray(second, float)
    right = ((chances > 0.5) == came).astype(float)
    return Predicted("binary", came, chances[:, None], 1 - right, right)


def multiclass(targets: list[int] | np.ndarray, outputs: np.ndarray) -> Predicted:
    came = np.asarray(targets)
    right = (outputs.argmax(axis=1) == came).astype(float)
    return Predicted("multiclass", came, outputs, 1 - right, right)


def numbers(targets: np.ndarray, outputs: np.ndarray) -> Predicted:
    errors = np.abs(outputs - targets)
    return Predicted("regression", targets, outputs[:, None], errors**2, errors)


HAND = binary([1, 1, 0, 1, 0, 0], [0.9, 0.8, 0.8, 0.4, 0.3, 0.1])


# --- confusion ------------------------------------------------------------------------------------


def test_confusion_counts_what_came_by_what_was_said() -> None:
    said = np.eye(3)[[0, 1, 1, 2, 0]]
    assert confusion(multiclass([0, 0, 1, 1, 2], said), 3).tolist() == [[1, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert confusion(HAND, 2).tolist() == [[2, 1], [1, 2]]


def test_a_class_without_rows_has_a_line_of_its_own() -> None:
    assert confusion(HAND, 3).tolist() == [[2, 1, 0], [1, 2, 0], [0, 0, 0]]


def test_rows_without_one_class_each_are_refused() -> None:
    with pytest.raises(ValueError, match="one class"):
        confusion(numbers(np.zeros(2), np.ones(2)), 2)


def test_rare_classes_are_pooled_and_no_row_is_lost() -> None:
    counts = np.array([[1, 0, 2, 0], [0, 9, 0, 1], [0, 0, 8, 0], [1, 1, 0, 0]])
    pooled, chosen = most_frequent(counts, 2)
    assert chosen == [1, 2]
    assert pooled.tolist() == [[9, 0, 1], [0, 8, 0], [1, 2, 2]]
    assert most_frequent(counts, 4)[0] is counts


# --- ROC and precision against recall -------------------------------------------------------------


def test_roc_goes_through_every_threshold() -> None:
    curve = roc(HAND, 1)
    assert curve is not None and curve.base == 0.5
    assert curve.x == pytest.approx([0, 0, 1 / 3, 1 / 3, 1])
    assert curve.y == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])


def test_area_below_roc_is_the_score() -> None:
    rng = np.random.default_rng(0)
    came = rng.integers(0, 2, 400)
    one = binary(came, np.round(np.clip(0.3 * came + rng.uniform(0, 0.7, 400), 0, 1), 2))
    curve = roc(one, 1)
    assert curve is not None
    assert np.trapezoid(curve.y, curve.x) == pytest.approx(
        SCORES["auroc"].of(one, np.ones((1, 400)))[0], abs=PIXEL
    )


def test_the_other_class_mirrors_roc() -> None:
    first, second = roc(HAND, 0), roc(HAND, 1)
    assert first is not None and second is not None
    assert first.x == pytest.approx(1 - second.y[::-1]) and first.y == pytest.approx(1 - second.x[::-1])


def test_precision_at_each_threshold() -> None:
    curve = precision_recall(HAND, 1)
    assert curve is not None and curve.base == 0.5
    for recall, precision in ((0, 1), (1 / 3, 1), (2 / 3, 2 / 3), (1, 3 / 4)):
        assert np.isclose(curve.y[np.isclose(curve.x, recall)], precision).any()


def test_precision_between_two_thresholds_is_bent() -> None:
    """All of 10 right rows first, then one step with 10 right and 80 wrong rows."""
    one = binary([1] * 10 + [1] * 10 + [0] * 80, [0.9] * 10 + [0.2] * 90)
    curve = precision_recall(one, 1)
    assert curve is not None
    assert np.interp(0.75, curve.x, curve.y) == pytest.approx(15 / (15 + 40), abs=0.02)  # straight: 0.6


def test_a_label_that_never_or_always_comes_has_no_curve() -> None:
    assert roc(binary([0, 0], [0.1, 0.2]), 1) is None and roc(binary([1, 1], [0.1, 0.2]), 1) is None
    assert precision_recall(binary([0, 0], [0.1, 0.2]), 1) is None
    assert precision_recall(binary([1, 1], [0.1, 0.2]), 1) is not None


@pytest.mark.parametrize("skill", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("base", [0.02, 0.5])
def test_curves_of_many_rows_keep_their_shape_with_few_points(skill: float, base: float) -> None:
    rng = np.random.default_rng(1)
    came = (rng.uniform(size=50_000) < base).astype(int)
    scores = stats.norm.cdf(rng.normal(size=50_000) + 3 * skill * came)
    order = np.argsort(-scores)
    found, false = np.cumsum(came[order]), np.cumsum(1 - came[order])
    curve = roc(binary(came, scores), 1)
    assert curve is not None and len(curve.x) <= 200
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    exact = np.column_stack([false / false[-1], found / found[-1]])
    assert distance(exact, np.column_stack([curve.x, curve.y])) < PIXEL
    recall = precision_recall(binary(came, scores), 1)
    assert recall is not None and len(recall.x) <= 200 and recall.x[-1] == 1


def distance(points: np.ndarray, line: np.ndarray) -> float:
    """Return how far the farthest point lies from a line."""
    starts, steps = line[:-1], np.diff(line, axis=0)
    away = []
    for point in points[:: max(1, len(points) // 2000)]:
        along = np.clip(
            ((point - starts) * steps).sum(axis=1) / np.maximum((steps**2).sum(axis=1), 1e-300), 0, 1
        )
        away.append(np.linalg.norm(starts + along[:, None] * steps - point, axis=1).min())
    return max(away)


def test_thinning_keeps_the_ends_and_never_more_than_asked() -> None:
    rng = np.random.default_rng(0)
    jagged = np.column_stack([np.linspace(0, 1, 5_000), rng.uniform(size=5_000)])
    kept = thin(jagged, 50)
    assert len(kept) == 50 and kept[0] == 0 and kept[-1] == 4_999
    assert thin(np.array([[0.0, 0.0], [1.0, 1.0]])).tolist() == [0, 1]


# --- one label ------------------------------------------------------------------------------------


def test_one_of_many_classes_is_a_question_of_two() -> None:
    outputs = np.array([[0.4, 0.3, 0.3], [0.2, 0.5, 0.3], [0.45, 0.25, 0.3], [0.1, 0.1, 0.8]])
    one = against_rest(multiclass([0, 0, 1, 2], outputs), 0)
    assert one.targets.tolist() == [1, 1, 0, 0] and one.metric.tolist() == [1, 0, 0, 1]
    assert one.chances[:, 1] == pytest.approx(outputs[:, 0])
    assert confusion(against_rest(multiclass([0, 0, 1, 2], outputs), 0, decided=True), 2).tolist() == [
        [1, 1],
        [1, 1],
    ]


# --- reliability ----------------------------------------------------------------------------------


def test_reliability_of_two_kinds_of_rows() -> None:
    low, high = reliability(binary([0] * 8 + [1] * 2 + [1] * 15 + [0] * 5, [0.2] * 10 + [0.9] * 20))
    assert (low.said, low.came, low.rows) == pytest.approx((0.2, 0.2, 10))
    assert (high.said, high.came, high.rows) == pytest.approx((0.9, 0.75, 20))
    expected = stats.binomtest(15, 20).proportion_ci(0.95, method="wilson")
    assert high.interval == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_reliability_of_many_classes_is_of_the_likeliest() -> None:
    outputs = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6], [0.6, 0.2, 0.2]])
    (only,) = reliability(multiclass([0, 1, 2, 2], outputs))
    assert (only.said, only.came, only.rows) == pytest.approx((0.6, 0.75, 4))


def test_bins_stay_few_and_hold_all_rows() -> None:
    rng = np.random.default_rng(2)
    chances = rng.uniform(size=20_000)
    one = binary((rng.uniform(size=20_000) < chances**2).astype(int), chances)
    found = reliability(one)
    assert len(found) == 15 and sum(each.rows for each in found) == 20_000
    plain = sum(each.rows * abs(each.came - each.said) for each in found) / 20_000
    assert plain == pytest.approx(SCORES["ece"].of(one, np.ones((1, 20_000)))[0])
    square = sum(each.rows * (each.came - each.said) ** 2 for each in found) / 20_000
    assert square == pytest.approx(SCORES["calibration_error"].of(one, np.ones((1, 20_000)))[0], abs=2e-4)


# --- residuals ------------------------------------------------------------------------------------


def test_residuals_show_where_and_how_far_predictions_are_off() -> None:
    rng = np.random.default_rng(3)
    said = rng.uniform(0, 100, 30_000)
    one = numbers(said - rng.normal(np.where(said > 50, 5, 0), 2), said)
    found = residuals(one, error_edges([one]))
    assert len(found.at) == 12 and found.rows.sum() == 30_000
    assert found.at[0] < 10 and found.at[-1] > 90
    assert found.quantiles[0] == pytest.approx(stats.norm.ppf([0.05, 0.25, 0.5, 0.75, 0.95], 0, 2), abs=0.3)
    assert found.quantiles[-1] == pytest.approx(stats.norm.ppf([0.05, 0.25, 0.5, 0.75, 0.95], 5, 2), abs=0.3)
    assert found.shares.sum() + sum(found.outside) == pytest.approx(1)
    assert sum(found.outside) == pytest.approx(0.01, abs=0.002)


def test_models_share_the_bins_of_their_errors() -> None:
    targets = np.zeros(100)
    edges = error_edges([numbers(targets, np.full(100, 1.0)), numbers(targets, np.full(100, -3.0))])
    assert (edges[0], edges[-1]) == (-3, 1)
    assert residuals(numbers(targets, np.full(100, -3.0)), edges).shares[0] == 1


def test_a_model_without_errors_and_with_one_prediction_is_no_trouble() -> None:
    one = numbers(np.ones(5), np.ones(5))
    found = residuals(one, error_edges([one]))
    assert found.shares.sum() == 1 and found.quantiles.tolist() == [[0.0] * 5]

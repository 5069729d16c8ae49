"""One number for robustness, and the columns that a model needs."""

from __future__ import annotations

import pytest

from retrain_core.diagnosis.sensitivity import importance, robustness
from retrain_core.types import Disturbed, Sensitivity, from_json, to_json


def point(what: str, severity: float, metric: float, column: str = "", loss: float = 1.0) -> Disturbed:
    return Disturbed(what, severity, loss, metric, column)


def test_kinds_count_alike_however_many_severities_they_have() -> None:
    points = [point("noise", s, 0.4) for s in (0.1, 0.2, 0.3)] + [point("blur", 1.0, 0.8)]
    assert robustness("accuracy", 0.8, points) == pytest.approx((0.5 + 1.0) / 2)


def test_a_mean_absolute_error_that_doubles_leaves_half() -> None:
    assert robustness("mae", 2.0, [point("noise", 1.0, 4.0)]) == 0.5
    assert robustness("mae", 0.0, [point("noise", 1.0, 4.0)]) == 0.0
    assert robustness("mae", 0.0, [point("noise", 1.0, 0.0)]) == 1.0


def test_a_disturbance_that_happens_to_help_counts_as_none() -> None:
    assert robustness("accuracy", 0.8, [point("noise", 1.0, 0.9)]) == 1.0
    assert robustness("mae", 2.0, [point("noise", 1.0, 1.0)]) == 1.0
    assert robustness("accuracy", 0.0, [point("noise", 1.0, 0.0)]) == 1.0


def test_single_columns_do_not_count() -> None:
    points = [point("noise", 1.0, 0.4), point("permuted", 1.0, 0.0, "a")]
    assert robustness("accuracy", 0.8, points) == 0.5
    with pytest.raises(ValueError, match="No disturbance of all columns"):
        robustness("accuracy", 0.8, points[1:])


def sensitivity(metric_name: str, *points: Disturbed) -> Sensitivity:
    return Sensitivity("keep", 100, 1.0, 0.8, metric_name, points, 0.5)


def test_columns_come_in_the_order_of_what_their_loss_would_cost() -> None:
    found = importance(
        sensitivity(
            "accuracy",
            point("permuted", 1.0, 0.79, "little", 1.1),
            point("permuted", 1.0, 0.5, "much", 2.0),
            point("moved", 1.0, 0.0, "little"),
            point("permuted", 1.0, 0.79, "little less", 1.0),
        )
    )
    assert list(found) == ["much", "little", "little less"]
    assert found["much"] == pytest.approx((1.0, 0.3))


def test_an_error_that_rises_is_a_cost() -> None:
    assert importance(sensitivity("mae", point("permuted", 1.0, 1.0, "a")))["a"][1] == pytest.approx(0.2)


def test_it_survives_json() -> None:
    whole = sensitivity("mae", point("permuted", 1.0, 1.0, "a"))
    assert from_json(to_json(whole), Sensitivity) == whole


def test_of_moves_to_both_sides_the_one_that_costs_more_counts() -> None:
    points = tuple(point("moved", way, metric, "a") for way, metric in ((-1.0, 0.7), (1.0, 0.5)))
    found = Sensitivity("keep", 100, 1.0, 0.8, "accuracy", points, 1.0)
    assert importance(found, "moved")["a"] == pytest.approx((0.0, 0.3))
    assert importance(found) == {}

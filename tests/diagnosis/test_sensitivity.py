"""One number for robustness, and the columns that a model needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrain_core.diagnosis.sensitivity import change_interval, importance, robustness
from retrain_core.diagnosis.sensitivity_words import better_without, no_better_than_one_class
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


def test_columns_come_in_the_order_of_what_they_change() -> None:
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
    assert (found["much"].loss, found["much"].metric) == pytest.approx((1.0, -0.3))


def test_an_error_that_rises_is_a_cost() -> None:
    assert importance(sensitivity("mae", point("permuted", 1.0, 1.0, "a")))["a"].metric == pytest.approx(0.2)


def test_a_large_gain_comes_before_a_small_cost() -> None:
    points = point("permuted", 1.0, 0.79, "little cost"), point("permuted", 1.0, 0.9, "large gain")
    assert list(importance(sensitivity("accuracy", *points))) == ["large gain", "little cost"]


def test_it_survives_json() -> None:
    whole = sensitivity("mae", point("permuted", 1.0, 1.0, "a"))
    assert from_json(to_json(whole), Sensitivity) == whole


def test_of_moves_to_both_sides_the_one_that_costs_more_counts() -> None:
    points = tuple(point("moved", way, metric, "a") for way, metric in ((-1.0, 0.7), (1.0, 0.5)))
    found = Sensitivity("keep", 100, 1.0, 0.8, "accuracy", points, 1.0)
    assert importance(found, "moved")["a"].metric == pytest.approx(-0.3)
    assert importance(found) == {}


def test_results_from_before_there_were_intervals_are_read() -> None:
    old = (
        b'{"model": "keep", "rows": 9, "loss": 1, "metric": 0.8, "metric_name": "accuracy", "robustness": 1, '
        b'"points": [{"what": "noise", "severity": 1, "loss": 1, "metric": 0.7}]}'
    )
    found = from_json(old, Sensitivity)
    assert found.points[0].interval is None and not no_better_than_one_class([found]) + better_without(
        [found]
    )


def test_the_interval_holds_the_true_change_95_times_in_a_hundred() -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(1_000):
        before, after = rng.random(400) < 0.7, rng.random(400) < 0.6
        low, high = change_interval((after * 1.0 - before)[None], share=True)
        held += low <= -0.1 <= high
    assert 930 <= held <= 975


def test_repeats_that_differ_widen_the_interval() -> None:
    alike = np.tile(np.random.default_rng(0).normal(size=200), (4, 1))
    narrow, wide = (
        change_interval(rows, share=False) for rows in (alike, alike + np.arange(4)[:, None] - 1.5)
    )
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_column_that_makes_the_model_clearly_worse_is_named_and_luck_among_many_is_not() -> None:
    def at(name: str, gain: float, half: float) -> Disturbed:
        return replace(point("permuted", 1.0, 0.8 + gain, name), interval=(gain - half, gain + half))

    assert better_without([sensitivity("accuracy", at("bad", 0.05, 0.02), at("good", -0.2, 0.02))]) == [
        "Without bad, keep would do better on the new rows."
    ]
    assert not better_without([sensitivity("accuracy", at("unsure", 0.02, 0.03))])
    many = [at(f"c{number}", 0.0, 0.02) for number in range(200)]
    assert not better_without([sensitivity("accuracy", at("luck", 0.021, 0.02), *many)])
    assert better_without([sensitivity("mae", at("bad", -0.05, 0.02))])


@pytest.mark.parametrize(("metric", "said"), [(0.581, True), (0.59, True), (0.9, False)])
def test_it_is_said_if_the_model_is_no_better_than_one_class(metric: float, said: bool) -> None:
    one = Sensitivity("keep", 1_000, 1.0, metric, "accuracy", (), 1.0, commonest=0.583)
    found = no_better_than_one_class([one, replace(one, model="fine_tune")])
    assert len(found) == said and (not said or f"keep ({100 * metric:.1f} %) and fine-tune" in found[0])

"""Successive halving: what rounds take, and who goes on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from retrain_core.compare import halving


@pytest.mark.parametrize("seed", range(30))
def test_all_rounds_together_keep_to_the_budget_however_many_candidates_and_however_dear(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [str(number) for number in range(rng.integers(3, 30))]
    passes = {name: int(rng.choice([1, 5, 10, 50])) for name in names}
    compute = {name: float(rng.lognormal(0, 2)) for name in names}
    strategies = {name: str(rng.integers(0, 5)) for name in names}
    used, left = 0.0, names
    for share, most in halving.rounds(max(Counter(strategies.values()).values())):
        some = {name: compute[name] for name in left}
        rows, each = halving.shares(some, passes, share, most * sum(compute.values()) - used)
        for name in left:
            epochs = max(1, int(each[name] * passes[name]))
            used += rows * epochs / passes[name] * compute[name]
        assert used <= most * sum(compute.values()) * (1 + 1e-9)
        gains = {name: float(rng.normal(0, 5)) for name in left}
        going_on = halving.stay(gains, {name: strategies[name] for name in left})
        assert max(gains, key=lambda name: gains[name]) in going_on
        assert {strategies[name] for name in going_on} == {strategies[name] for name in left}
        left = [name for name in left if name in going_on]
    assert used <= 0.4 * sum(compute.values())


def test_each_gets_the_same_compute_and_the_cheap_ones_no_more_than_a_run_in_full() -> None:
    rows, each = halving.shares({"cheap": 10.0, "dear": 1000.0, "too": 2000.0}, dict.fromkeys(("cheap", "dear", "too"), 100), 0.6, 400.0)  # fmt: skip
    taken = {
        name: rows * each[name] * compute for name, compute in (("cheap", 10), ("dear", 1000), ("too", 2000))
    }
    assert each["cheap"] == 1.0
    assert taken["dear"] == pytest.approx(taken["too"]) and sum(taken.values()) == pytest.approx(400)


def test_rows_are_fewer_where_not_everybody_could_pass_over_them_once() -> None:
    rows, each = halving.shares({"a": 100.0, "b": 100.0}, {"a": 1, "b": 1}, 0.6, 20.0)
    assert rows == pytest.approx(0.1) and set(each.values()) == {1.0}
    assert halving.shares({"recalibrate": 0.0}, {"recalibrate": 1}, 0.6, 0.0) == (0.6, {"recalibrate": 1.0})


def test_later_rounds_have_more_rows_and_a_larger_part_of_the_budget() -> None:
    for options in (2, 12):
        rows, until = zip(*halving.rounds(options), strict=True)
        assert list(rows) == sorted(rows) and rows[-1] > 1.5 * rows[-2] and until[-1] > until[-2] + 0.15


def test_without_options_there_is_nothing_to_halve_before_the_last_round() -> None:
    assert halving.rounds(1) == (halving.rounds(9)[-1],)


def test_no_strategy_is_dropped_before_the_last_round_since_fresh_weights_learn_late() -> None:
    gains = {"warm": 2.0, "warm low": 0.5, "warm high": -3.0, "fresh": -20.0}
    strategies = {"warm": "a", "warm low": "a", "warm high": "a", "fresh": "b"}
    assert halving.stay(gains, strategies) == {"warm", "warm low", "fresh"}


def test_a_loss_that_falls_is_led_on_and_one_that_rises_or_has_one_point_is_not() -> None:
    falling = [(rows, 0.3 + 40 / rows) for rows in (100, 200, 400)]
    assert halving.still_to_fall(falling, 1_000) == pytest.approx(40 / 400 - 40 / 1_000)
    assert halving.still_to_fall([(100, 0.3), (200, 0.4)], 1_000) == 0
    assert halving.still_to_fall([(100, 0.3)], 1_000) == halving.still_to_fall([], 1_000) == 0


def test_ties_with_the_best_go_on_beyond_the_half() -> None:
    one = dict.fromkeys("abcd", "a strategy")
    assert halving.stay({"a": 5.0, "b": 4.5, "c": 4.1, "d": 1.0}, one) == {"a", "b", "c"}
    assert halving.stay({"a": 5.0, "b": 1.0, "c": 0.5, "d": 0.0}, one) == {"a", "b"}

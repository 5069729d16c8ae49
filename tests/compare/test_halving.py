"""Successive halving: what rounds take, and who goes on."""

from __future__ import annotations

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
    gains: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    used, left = 0.0, names
    for share, most in halving.rounds(len(names)):
        some = {name: compute[name] for name in left}
        rows, each = halving.shares(some, passes, share, most * sum(compute.values()) - used)
        for name in left:
            epochs = max(1, int(each[name] * passes[name]))
            size = rows * epochs / passes[name]
            used += size * compute[name]
            gains[name].append((size, float(rng.normal(0, 5))))
        assert used <= most * sum(compute.values()) * (1 + 1e-9)
        expected = {name: halving.in_full(gains[name]) for name in left}
        last = {name: gains[name][-1][1] for name in left}
        going_on = halving.stay(expected, last, {name: strategies[name] for name in left})
        assert (
            max(last, key=lambda name: expected[name] if expected[name] is not None else last[name])
            in going_on
        )
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
    for candidates in (3, 12):
        rows, until = zip(*halving.rounds(candidates), strict=True)
        assert list(rows) == sorted(rows) and rows[-1] > 2 * rows[0] and until[-1] > until[0] + 0.2


def test_strategies_are_not_held_against_each_other_before_two_rounds_have_told() -> None:
    gains = {"warm": 2.0, "warm low": 1.0, "warm high": -3.0, "fresh": -20.0}
    strategies = {"warm": "a", "warm low": "a", "warm high": "a", "fresh": "b"}
    assert halving.stay(dict.fromkeys(gains), gains, strategies) == {"warm", "warm low", "fresh"}


def test_who_rises_is_expected_to_go_on_rising_and_a_run_in_full_is_what_it_is() -> None:
    flat, rising = halving.in_full([(0.04, 3.0), (0.2, 3.0)]), halving.in_full([(0.04, -9.0), (0.2, 2.0)])
    assert flat == 3.0 and rising is not None and rising > 5
    assert halving.in_full([(0.5, 1.0), (1.0, 4.0)]) == 4.0


def test_ties_with_the_best_go_on_beyond_the_half() -> None:
    expected = {"a": 5.0, "b": 4.5, "c": 4.1, "d": 1.0}
    assert halving.stay(expected, expected, {}) == {"a", "b", "c"}
    assert halving.stay({"a": 5.0, "b": 1.0, "c": 0.5}, {}, {}) == {"a", "b"}

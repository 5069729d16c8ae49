"""The loss on its way from old to new rows: the steps add up, and each kind of shift shows in its own step."""

import re

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift.loss_change import loss_change
from tests.benchmarks.model_shift import change_of, credit, features_of, loss_trials, true_steps

HARDER, CHANGED, UNSEEN, WHOLE = range(4)


@pytest.mark.parametrize("shift", [{}, {"move": 1.0}, {"turn": 0.2}, {"move": 4.0, "turn": -1.0}])
def test_the_steps_add_up_to_the_difference(shift):
    rng = np.random.default_rng(0)
    old, new = credit(rng, 400), credit(rng, 300, **shift)
    change = change_of(old, new)
    assert [step.name for step in change.steps] == ["harder inputs", "changed labels", "unseen inputs"]
    assert change.old == pytest.approx(old.loss.mean(), abs=1e-12)
    assert change.new == pytest.approx(new.loss.mean(), abs=1e-12)
    assert sum(step.value for step in change.steps) == pytest.approx(change.new - change.old, abs=1e-12)
    for step in change.steps:
        assert step.interval[0] <= step.value <= step.interval[1]


def test_without_a_shift_the_intervals_hold_nothing_as_often_as_they_say():
    _, holds = loss_trials(100, (500, 400))
    assert (holds.mean(axis=0) >= 0.88).all()  # 0.95, and three standard errors of 100 draws
    assert 0.9 <= holds.mean() < 1


def test_moved_inputs_show_as_harder_and_unseen_ones_and_not_as_changed_labels():
    values, holds = loss_trials(20, (2_000, 1_000), move=1.0)
    assert abs(values[:, CHANGED].mean()) < 0.01
    assert holds[:, CHANGED].mean() >= 0.8
    assert (
        values[:, HARDER].mean() > 0.01 and values[:, UNSEEN].mean() < -0.03
    )  # this world's far rows are easy


def test_the_steps_are_the_true_ones_though_the_inputs_moved_far():
    values, _ = loss_trials(12, (1_500, 1_000), move=2.0, turn=0.5)
    assert values.mean(axis=0) == pytest.approx(true_steps(move=2.0, turn=0.5), abs=0.02)


def test_changed_labels_show_as_such():
    values, holds = loss_trials(10, (2_000, 1_000), turn=0.2)
    assert not holds[:, CHANGED].any() and not holds[:, WHOLE].any()
    assert values[:, CHANGED].mean() == pytest.approx(values.sum(axis=1).mean(), abs=0.01)
    assert holds[:, HARDER].mean() >= 0.8 and holds[:, UNSEEN].mean() >= 0.8


def test_the_summary_says_what_stands_out():
    rng = np.random.default_rng(1)
    change = change_of(credit(rng, 2_000), credit(rng, 1_000, turn=0.2))
    assert change.summary.startswith("The old model's loss rose: 0.")
    assert "changed labels (+0." in change.summary and "unseen" not in change.summary
    calm = change_of(credit(rng, 500), credit(rng, 500))
    assert re.fullmatch(
        r"The old model's loss did not change by more than chance \(0\.\d+ → 0\.\d+\)\.", calm.summary
    )


def test_any_loss_will_do():
    rng = np.random.default_rng(2)
    x, z = rng.normal(0, 1, (800, 2)), rng.normal(0.5, 1, (700, 2))
    loss = np.concatenate([(x[:, 0] ** 2), (z[:, 0] ** 2 + 2)]) * 1e6
    change = loss_change(loss, features_of(*(pd.DataFrame(side).add_prefix("x") for side in (x, z))))
    assert change.steps[CHANGED].value == pytest.approx(2e6, rel=0.1)


def test_rows_that_hardly_overlap_are_unseen():
    rng = np.random.default_rng(3)
    x, z = rng.normal(0, 1, (800, 2)), rng.normal(12, 1, (700, 2))
    loss = np.concatenate([np.zeros(800), np.ones(700)]) + rng.random(1_500)
    change = loss_change(loss, features_of(*(pd.DataFrame(side).add_prefix("x") for side in (x, z))))
    assert np.isfinite([step.value for step in change.steps]).all()
    assert sum(step.value for step in change.steps) == pytest.approx(change.new - change.old, abs=1e-12)


def test_copies_of_rows_do_not_make_it_surer():
    rng = np.random.default_rng(4)
    old, new = credit(rng, 200), credit(rng, 200, turn=0.5)

    def width(times: int) -> float:
        frames = [pd.concat([side.frame] * times, ignore_index=True) for side in (old, new)]
        loss = np.concatenate([np.tile(side.loss, times) for side in (old, new)])
        low, high = loss_change(loss, features_of(*frames)).interval
        return high - low

    assert width(10) == pytest.approx(width(1), rel=0.15)


def test_too_few_rows_give_no_answer():
    rng = np.random.default_rng(5)
    old, new = credit(rng, 40), credit(rng, 400)
    assert loss_change(np.concatenate([old.loss, new.loss]), features_of(old.frame, new.frame)) is None
    alike = pd.DataFrame({"x": np.zeros(100)})
    assert loss_change(rng.random(200), features_of(alike, alike)) is None


def test_where_the_sides_hardly_overlap_no_step_is_called_more_than_chance():
    rng = np.random.default_rng(3)
    old, new = credit(rng, 1_000), credit(rng, 1_000, move=8)
    assert change_of(old, new).summary.endswith("so its causes cannot be told apart.")

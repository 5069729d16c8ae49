"""Rows drawn for a learning curve: nested, in order, fetched as they are asked for."""

from __future__ import annotations

import numpy as np

from retrain_core.data.chosen import draw
from retrain_core.data.stacked import join
from retrain_core.types import Dataset

ROWS = 100
WHOLE = Dataset(
    {"row": np.arange(2 * ROWS).reshape(ROWS, 2)}, np.arange(ROWS, dtype=np.int32), "multiclass", (), "whole"
)


def test_the_rows_drawn_stay_in_their_order_and_keep_their_targets() -> None:
    some = draw(WHOLE, 30, seed=1)
    rows = np.asarray(some.inputs["row"])[:, 0] // 2
    assert some.rows == len(rows) == 30 and np.all(np.diff(rows) > 0)
    assert np.array_equal(rows, some.targets)


def test_fewer_rows_are_among_more_of_the_same_seed_and_another_seed_draws_others() -> None:
    few, more, other = (set(draw(WHOLE, n, seed).targets) for n, seed in ((20, 1), (60, 1), (20, 2)))
    assert few < more and few != other


def test_as_many_rows_as_there_are_is_the_data_itself() -> None:
    assert draw(WHOLE, ROWS, 1) is WHOLE and draw(WHOLE, ROWS + 1, 1) is WHOLE


def test_rows_are_fetched_by_number_alone_and_behind_others() -> None:
    some = draw(WHOLE, 30, seed=1)
    expected = np.asarray(some.inputs["row"])
    asked = np.array([29, 0, 3])
    assert np.array_equal(some.inputs["row"][asked], expected[asked])
    both = join(WHOLE, some)
    assert np.array_equal(both.inputs["row"][ROWS + asked], expected[asked])

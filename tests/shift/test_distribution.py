"""What a chart gets: few numbers, the same bins on both sides, nobody's name."""

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift import shift_report
from retrain_core.shift.distribution import BINS, MOST_CATEGORIES, RARE, of_categories, of_numbers
from retrain_core.types import Distribution, from_json, to_json


def test_shares_are_those_of_a_histogram():
    rng = np.random.default_rng(0)
    old, new = np.sort(rng.normal(0, 1, 5_000)), np.sort(rng.normal(1, 1, 3_000))
    found = of_numbers(old, new)
    assert len(found.old) == len(found.new) == BINS and len(found.edges) == BINS + 1
    for side, shares, beyond in ((old, found.old, found.outside[0]), (new, found.new, found.outside[1])):
        assert shares == pytest.approx(np.histogram(side, found.edges)[0] / len(side), abs=1e-6)
        assert 0 < beyond < 0.02 and sum(shares) + beyond == pytest.approx(1, abs=1e-4)


def test_whole_numbers_get_bins_of_as_many_each():
    found = of_numbers(np.sort(np.arange(300.0) % 7), np.arange(7.0))
    assert found.edges == tuple(np.arange(-0.5, 7)) and found.new == pytest.approx([1 / 7] * 7, abs=1e-6)
    wide = of_numbers(np.arange(100.0), np.arange(100.0))
    assert set(np.diff(wide.edges)) == {3.0}


@pytest.mark.parametrize("side", [0, 1])
def test_one_side_alone_is_drawn_too(side):
    sides = [np.array([]), np.arange(9.0)]
    found = of_numbers(*sides[:: 1 - 2 * side])
    assert found is not None and sorted((sum(found.old), sum(found.new))) == pytest.approx([0, 1], abs=0.2)
    assert of_numbers(sides[0], sides[0]) is None


def test_names_of_few_rows_are_one():
    found = of_categories(["a", "b", "c"], np.array([9, 2, 1]), np.array([9, 2, 3]))
    assert found.categories == ("a", RARE) and found.old == pytest.approx((9 / 12, 3 / 12))
    alone = of_categories(["a", "b"], np.array([9, 1]), np.array([9, 0]))
    assert alone.categories == ("a", RARE)
    assert of_categories(["a", "b"], np.array([9, 5]), np.array([9, 0])).categories == ("a", "b")


def test_many_categories_are_cut_and_counted_whether_rare_or_not():
    names = [f"{i}" for i in range(40)]
    counts = np.array([50] * 30 + [1] * 10)
    found = of_categories(names, counts, counts)
    assert len(found.categories) == MOST_CATEGORIES + 1 and found.categories[-1] == "28 other"
    assert sum(found.old) == pytest.approx(1, abs=1e-4)
    assert of_categories(["a"], np.array([0]), np.array([0])) is None


def test_every_column_and_label_has_one_that_survives_json_and_is_small():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": rng.normal(0, 1, 20_000), "c": rng.integers(0, 900, 20_000).astype(str), "y": 1}
    )
    frame["c"] = "c" + frame["c"]
    report = shift_report(frame, frame, label="y")
    for shift in (*report.columns, *report.labels):
        assert shift.distribution is not None
        written = to_json(shift.distribution)
        assert from_json(written, Distribution) == shift.distribution and len(written) < 4_000

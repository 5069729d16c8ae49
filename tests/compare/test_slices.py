"""Slices have readable titles and hold every row once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retrain_core.compare.slices import Slice, default_columns, moved_first, slices_of
from retrain_core.types import Aspect, ColumnShift, Level, Reading, ShiftReport


def titles(slices: tuple[Slice, ...]) -> list[str]:
    return [one.title for one in slices]


def sliced(values: object, reading: Reading | None = None) -> tuple[Slice, ...]:
    found = slices_of(pd.DataFrame({"x": values}), "x", reading)
    assert (sum(one.mask.astype(int) for one in found) == 1).all(), "each row is in one slice"
    return found


def test_the_most_frequent_categories_stand_for_themselves() -> None:
    values = [name for number, name in enumerate("abcdefghijk") for _ in range(20 - number)]
    found = sliced(values)
    assert titles(found) == [*(f"x = {name}" for name in "abcdefgh"), "x other"]
    assert [one.rows for one in found] == [*range(20, 12, -1), 12 + 11 + 10]


def test_rare_categories_are_pooled_and_missing_values_apart() -> None:
    found = sliced(["a"] * 6 + ["b"] * 4 + ["c"] * 2 + [None] * 5)
    assert {one.title: one.rows for one in found} == {"x = a": 6, "x other": 6, "x missing": 5}


def test_few_numbers_are_categories_in_their_order() -> None:
    assert titles(sliced([3.0] * 9 + [1.0] * 5 + [2.0] * 7)) == ["x = 1", "x = 2", "x = 3"]
    assert titles(sliced([True] * 5 + [False] * 6)) == ["x = False", "x = True"]


def test_many_codes_are_categories_only_where_that_is_known() -> None:
    codes = np.repeat(np.arange(100, 130), 6)
    assert titles(sliced(codes, "integer code"))[-1] == "x other"
    assert len(sliced(codes, "numeric")) == 5


def test_whole_numbers_are_binned_with_round_ends() -> None:
    found = sliced(np.arange(1, 1001) * 100)
    assert titles(found) == [
        "x below 20,000",
        "x 20,000 to 39,999",
        "x 40,000 to 59,999",
        "x 60,000 to 79,999",
        "x from 80,000",
    ]
    assert [one.rows for one in found] == pytest.approx([200] * 5, abs=2)


def test_bins_have_about_equally_many_rows_whatever_the_scale() -> None:
    found = sliced(np.random.default_rng(0).lognormal(0, 3, 2_000))
    assert [one.rows for one in found] == pytest.approx([400] * 5, rel=0.25)
    assert all(len(one.title) < 30 for one in found)
    assert "under" in found[1].title


def test_a_value_of_many_rows_gets_fewer_bins_and_few_rows_too() -> None:
    assert sliced([0] * 500 + list(range(1, 501)))[0].rows == pytest.approx(600, abs=20)
    assert len(sliced(np.arange(12.0))) == 2


def test_neighbouring_whole_numbers_are_one_word() -> None:
    assert "x 3" in titles(sliced(np.repeat(np.arange(10), [1, 1, 58, 60, 60, 56, 1, 1, 1, 1])))


def test_infinite_and_missing_numbers_are_no_trouble() -> None:
    found = sliced([np.inf] * 3 + [np.nan] * 7 + list(np.arange(30.0)) + [-np.inf] * 2)
    assert found[-1].title == "x missing" and found[-1].rows == 7
    assert titles(sliced([np.nan] * 6)) == ["x missing"]


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_days(zone: str | None) -> None:
    found = sliced(pd.date_range("2024-01-01", periods=100, freq="D", tz=zone))
    assert titles(found)[:2] == ["x below 2024-01-21", "x 2024-01-21 to 2024-02-09"]


def test_hostile_names_are_titles_like_others() -> None:
    found = slices_of(pd.DataFrame({"=a": ["<b>"] * 6}), "=a")
    assert titles(found) == ["=a = <b>"]


# --- which columns --------------------------------------------------------------------------------


def moved(name: str, level: Level, effect: float, reading: Reading = "numeric") -> ColumnShift:
    return ColumnShift(name, "numeric", level, effect, {}, "", reading=reading)


def test_the_columns_that_moved_most_are_looked_at() -> None:
    nothing = Aspect("none", "")
    columns = (
        moved("small", "none", 0.9), moved("major", "major", 0.6), moved("names", "major", 2.0, "free text"),
        moved("same", "major", 2.0), moved("gone", "major", 2.0), moved("minor", "minor", 0.3),
    )  # fmt: skip
    report = ShiftReport(
        nothing, columns, nothing, nothing, nothing, 9, 9, others=(moved("more", "minor", 0.4),)
    )
    frame = pd.DataFrame({name: [1, 2] for name in ("small", "major", "names", "minor", "more")})
    assert default_columns(report, frame.assign(same=1)) == ("major", "more", "minor")
    assert moved_first(report, ["unknown", "minor", "major"]) == ["major", "minor", "unknown"]
    assert moved_first(None, ["b", "a"]) == ["b", "a"]


def test_where_nobody_knows_what_moved_the_first_columns_with_slices_are_looked_at() -> None:
    rows = 40
    frame = pd.DataFrame(
        {
            "number": range(rows), "same": 1, "label": [0, 1] * 20, "day": pd.date_range("2026-01-01", periods=rows),
            "name": [f"name {place}" for place in range(rows)], "city": ["a", "b"] * 20, "size": np.linspace(0, 1, rows),
            "age": [place // 2 for place in range(rows)],
        }
    )  # fmt: skip
    assert default_columns(None, frame, ("label", "day")) == ("city", "size", "age")
    assert default_columns(None, frame) == ("label", "day", "city")
    assert default_columns(None, frame[["number", "same", "name"]]) == ()

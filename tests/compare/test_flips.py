"""Rows that were right and are wrong now."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from retrain_core.compare.flips import FLIP_COLUMNS, ROW, Flips, flipped_rows, flips, matching
from tests.compare.evidence_of import evidence_of

CAME = np.array([1, 1, 0, 0, 1, 0])
KEEP = np.array([0.9, 0.6, 0.2, 0.8, 0.3, 0.4])  # wrong on the fourth and the fifth row
NOW = np.array([0.2, 0.4, 0.1, 0.3, 0.4, 0.9])  # wrong on the first two and the last two
PLACES = (3, 7, 8, 10, 12, 20)  # of the held-out rows in their file, counted from 0
COLUMNS = pd.DataFrame({"age": [30, 40, 50, 60, np.nan, 80], ROW: list("abcdef")})


def test_flips_are_counted_both_ways() -> None:
    found = flips(evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [NOW]}), "new")
    assert found == {"fine_tune": Flips(6, 3.0, 1.0, 1)}
    assert found["fine_tune"].negative_share == 0.5
    assert found["fine_tune"].positive_share == pytest.approx(1 / 6)


def test_flips_are_means_over_seeds_each_against_keep() -> None:
    evidence = evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [NOW, KEEP]})
    assert flips(evidence, "new")["fine_tune"] == Flips(6, 1.5, 0.5, 2)


def test_without_keep_or_rows_nothing_flips() -> None:
    assert flips(evidence_of("binary", CAME, {"fine_tune": [NOW]}), "new") == {}
    assert flips(evidence_of("binary", CAME, {"keep": [KEEP]}), "old") == {}


def test_the_rows_to_look_at_are_those_it_is_surest_of_first() -> None:
    evidence = evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [NOW]})
    found = flipped_rows(evidence, "new", "fine_tune", PLACES, COLUMNS, ("no", "yes"))
    assert found[ROW].tolist() == [21, 4, 8]
    assert found["should be"].tolist() == ["no", "yes", "yes"]
    assert found["keep says"].tolist() == ["no", "yes", "yes"]
    assert found["it says"].tolist() == ["yes", "no", "no"]
    assert found["how sure (%)"].tolist() == pytest.approx([90, 80, 60])
    assert found["age"].tolist() == [80, 30, 40]
    assert found[f"{ROW} (column)"].tolist() == ["f", "a", "b"], "a column of the user's is not overwritten"


def test_every_column_of_the_users_has_a_name_of_its_own_whatever_it_is_called() -> None:
    evidence = evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [NOW]})
    names = [ROW, f"{ROW} (column)", *FLIP_COLUMNS[1:], "right before"]
    columns = pd.DataFrame({name: [f"{name} {row}" for row in range(len(CAME))] for name in names})
    found = flipped_rows(evidence, "new", "fine_tune", PLACES, columns)
    assert found.columns.is_unique and found[ROW].tolist() == [21, 4, 8]
    assert found[f"{ROW} (column)"].tolist() == [f"{ROW} (column) {row}" for row in (5, 0, 1)]
    assert found[f"{ROW} (column) (column)"][0] == f"{ROW} 5" and found["right before"][0] == "right before 5"
    for name in FLIP_COLUMNS[1:]:
        assert found[f"{name} (column)"][0] == f"{name} 5"


def test_without_the_columns_as_they_came_the_rows_are_still_named() -> None:
    evidence = evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [NOW]})
    found = flipped_rows(evidence, "new", "fine_tune", PLACES)
    assert found[ROW].tolist() == [21, 4, 8] and found["it says"].tolist() == ["1", "0", "0"]
    assert list(found) == [ROW, "should be", "keep says", "it says", "how sure (%)"]


def test_no_flips_are_an_empty_table_with_its_columns() -> None:
    evidence = evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [KEEP]})
    found = flipped_rows(evidence, "new", "fine_tune", PLACES, COLUMNS)
    assert len(found) == 0 and "age" in found and "it says" in found


def test_a_row_of_several_labels_is_right_if_all_are() -> None:
    came = np.array([[1, 0], [1, 1]], np.int8)
    keep, now = np.array([[0.9, 0.2], [0.6, 0.7]]), np.array([[0.9, 0.7], [0.1, 0.4]])
    evidence = evidence_of("multilabel", came, {"keep": [keep], "fine_tune": [now]})
    assert flips(evidence, "new")["fine_tune"].negative == 2
    found = flipped_rows(evidence, "new", "fine_tune", PLACES, classes=("cat", "dog"))
    assert found["should be"].tolist() == ["cat, dog", "cat"]
    assert found["it says"].tolist() == ["none", "cat, dog"]
    assert found["how sure (%)"].tolist() == pytest.approx([90, 70])


def test_of_numbers_the_rows_whose_error_has_grown_most() -> None:
    came = np.zeros(4)
    keep, now = np.array([1.0, -1.0, 1.0, 1.0]), np.array([1.5, 4.0, -3.0, 0.0])
    evidence = evidence_of("regression", came, {"keep": [keep], "fine_tune": [now]})
    assert flips(evidence, "new")["fine_tune"] == Flips(4, 2.0, 0.0, 1)  # by more than keep's error of 1
    found = flipped_rows(evidence, "new", "fine_tune", PLACES, COLUMNS[:4])
    assert found[ROW].tolist() == [8, 9, 4]
    assert found["error before"].tolist() == [1, 1, 1] and found["error now"].tolist() == [4, 3, 1.5]
    assert found["it says"].tolist() == [4, -3, 1.5]


def test_several_numbers_a_row_are_told_together() -> None:
    came = np.zeros((2, 2))
    evidence = evidence_of("regression", came, {"keep": [came], "fine_tune": [np.array([[1, 2.5], [0, 0]])]})
    found = flipped_rows(evidence, "new", "fine_tune", PLACES)
    assert found["it says"].tolist() == ["1, 2.5"] and found["error now"].tolist() == [1.75]


# --- filters --------------------------------------------------------------------------------------


def test_filters_take_values_and_ranges_together() -> None:
    assert matching(COLUMNS, {}).all()
    assert matching(COLUMNS, {"age": (40, 60)}).tolist() == [False, True, True, True, False, False]
    assert (
        matching(COLUMNS, {"age": (40, 60), ROW: ["a", "c"]}).tolist() == [False, False, True] + [False] * 3
    )
    assert matching(COLUMNS, {"age": ["30", ""]}).tolist() == [True, False, False, False, True, False]
    assert matching(COLUMNS, {"gone": ["x"]}).all() and not matching(COLUMNS, {ROW: []}).any()


def test_filters_take_days_and_codes() -> None:
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(["2024-01-01", "2024-02-01", None]),
            "code": pd.Categorical(["x", None, "y"]),
            "yes": [True, False, True],
            "n": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    span = (pd.Timestamp("2024-01-15"), pd.Timestamp("2024-03-01"))
    assert matching(frame, {"day": span}).tolist() == [False, True, False]
    assert matching(frame, {"code": ["y", ""]}).tolist() == [False, True, True]
    assert matching(frame, {"yes": ["True"]}).tolist() == [True, False, True]
    assert matching(frame, {"n": (2, 5)}).tolist() == [False, False, True]

"""A column too many: the one that looks like an id may be left out, and nothing is proposed where that cannot be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import infer_labels, infer_schema, without_ids
from retrain_core.errors import DataError
from retrain_core.types import Table
from tests.data.cards import SIGMOID, table

ROWS = 40
NUMBERS = np.random.default_rng(0).permutation(ROWS)
LABELS = [0, 1] * (ROWS // 2)


def with_columns(**columns: object) -> Table:
    return table(ROWS, y=LABELS, **columns)


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [
        ({"number": NUMBERS}, ["number"]),
        ({"code": [f"u{n}" for n in range(ROWS)]}, ["code"]),
        ({"number": (NUMBERS + 1).cumsum()}, ["number"]),  # ascending with gaps
        ({"code": [*(f"u{n}" for n in range(ROWS - 1)), "u0"]}, ["code"]),  # nearly unique
        ({"number": [*NUMBERS[:-1], NUMBERS[0]]}, None),
        ({"number": [None, *NUMBERS[1:]]}, ["number"]),  # a gap makes whole numbers floats
        ({"customer_id": LABELS}, ["customer_id"]),  # by its name
        ({"cents": NUMBERS, "id": NUMBERS, "flag": LABELS}, None),  # one too many is left
        ({"number": NUMBERS, "other": NUMBERS}, ["number", "other"]),
        ({"flag": LABELS}, None),
        ({"size": NUMBERS + 0.5}, None),
        ({"day": pd.date_range("2026-01-01", periods=ROWS).strftime("%Y-%m-%d")}, None),
    ],
)
def test_what_looks_like_an_id_is_proposed(columns: dict[str, object], left_out: list[str] | None) -> None:
    found = without_ids(SIGMOID, with_columns(**columns), None, ["y"])
    assert (list(found.ids) if found else None) == left_out
    assert found is None or found.columns == ("a", "b")


def test_the_likelier_of_two_is_proposed_and_none_where_both_are_as_likely() -> None:
    frame = pd.DataFrame({"id": NUMBERS, "cents": NUMBERS, "a": NUMBERS + 0.5, "y": LABELS})
    found = without_ids(SIGMOID, Table("new.csv", "", frame), None, ["y"])
    assert found is not None and found.ids == ("id",) and found.columns == ("cents", "a")
    alike = Table("new.csv", "", frame.rename(columns={"id": "pence"}))
    assert without_ids(SIGMOID, alike, None, ["y"]) is None


def test_numbers_that_merely_differ_are_no_ids() -> None:
    rng = np.random.default_rng(0)
    columns = {
        "age": rng.integers(18, 90, 200),
        "income": rng.permutation(90_000)[:200],
        "rooms": rng.integers(1, 9, 200),
    }
    frame = pd.DataFrame({**columns, "source": rng.integers(0, 3, 200), "y": [0, 1] * 100})
    card = replace(SIGMOID, inputs=(replace(SIGMOID.inputs[0], shape=(3,)),))
    assert without_ids(card, Table("new.csv", "", frame), None, ["y"]) is None


def test_what_is_left_is_in_the_order_of_the_old_data() -> None:
    old = Table("old.csv", "", pd.DataFrame({"b": NUMBERS, "id": NUMBERS, "a": NUMBERS, "y": LABELS}))
    found = without_ids(SIGMOID, with_columns(id=NUMBERS), old, ["y"])
    assert found is not None and found.columns == ("b", "a")


def test_the_message_says_so_too() -> None:
    with pytest.raises(DataError) as caught:
        infer_schema(SIGMOID, with_columns(id=NUMBERS), label="y")
    assert caught.value.next_step == (
        "Choose the 2 columns in the model's order, such as a, b "
        "(id looks like an id: nearly every row has a value of its own), or another label."
    )


def test_an_id_at_the_end_is_not_taken_for_the_label() -> None:
    frame = pd.DataFrame({"a": NUMBERS, "b": NUMBERS, "left": LABELS, "customer_id": NUMBERS})
    assert infer_labels(SIGMOID, Table("new.csv", "", frame)) == ("left",)
    why = "because it is the last column that does not look like an id"
    with pytest.raises(DataError, match=f"'left' was taken for the label {why}"):
        infer_schema(SIGMOID, Table("new.csv", "", frame))


def test_an_id_that_was_taken_for_the_label_is_not_said_to_be_none() -> None:
    frame = pd.DataFrame(
        {"a": NUMBERS, "b": NUMBERS, "c": NUMBERS, "user_id": NUMBERS, "customer_id": NUMBERS}
    )
    old = Table("old.csv", "", frame[["user_id"]])
    with pytest.raises(
        DataError, match="'user_id' was taken for the label because it comes last of those that old"
    ):
        infer_schema(SIGMOID, Table("new.csv", "", frame), old)

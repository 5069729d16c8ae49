"""Missing and infinite inputs: rows that have some are left out and counted, or filled in, as the user chooses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import check, encode, infer_schema
from retrain_core.data.gaps import filled, gaps_found, middle_values
from retrain_core.errors import DataError
from retrain_core.models.card import read_card
from retrain_core.runs.experiments import question_hash
from retrain_core.runs.prepare import prepare
from retrain_core.types import Table, TensorSpec, from_json, to_json
from tests.data.test_schema import CARD, table
from tests.make import experiment, mlp, question
from tests.make import table as rows_of

GAPS = [np.nan, np.inf, -np.inf, 1e39, None]  # 1e39 is infinite as the model computes
NEW = table(a=[*GAPS, *range(25)], b=[1.0] * 30, y=[0, 1] * 15)
OLD = table(a=[1.0, 2.0, 5.0, 100.0, np.nan] * 6, b=[3.0] * 30, y=[0, 1] * 15)


def test_rows_with_gaps_are_left_out_and_counted_unless_the_user_says_otherwise() -> None:
    schema = infer_schema(CARD, NEW, OLD)
    assert not schema.fill and len(encode(schema, NEW)[1]) == 25
    found = [finding.title for finding in check(CARD, schema, {"new": NEW, "old": OLD})]
    assert "New data: 5 of 30 rows are left out" in found and "Old data: 6 of 30 rows are left out" in found


def test_gaps_are_filled_in_with_the_middle_value_of_the_old_data_and_that_is_said() -> None:
    schema = infer_schema(CARD, NEW, OLD, gaps="fill")
    assert dict(schema.fill) == {"a": 2.0, "b": 3.0}  # of an even number the lower of the two in the middle
    data, rows = encode(schema, NEW)
    assert len(rows) == 30 and data.inputs["row"][:6].tolist() == [[2, 1]] * 5 + [[0, 1]]
    found = {finding.title: finding.detail for finding in check(CARD, schema, {"new": NEW, "old": OLD})}
    assert found["New data: gaps are filled in"].startswith(
        "a: 5 filled in with 2. Each value is the median of its column in the old data"
    )
    assert "New data: all 30 rows can be used" in found


def test_without_old_data_the_middle_value_is_that_of_the_new() -> None:
    assert infer_schema(CARD, NEW, gaps="fill").fill["a"] == 12.0


def test_rows_without_a_label_are_left_out_all_the_same() -> None:
    new = table(a=[np.nan, *range(29)], b=[1.0] * 30, y=[0, 1] * 14 + [np.nan, 1])
    assert 28 not in encode(infer_schema(CARD, new, gaps="fill"), new)[1]


def test_whole_numbers_stay_whole_numbers() -> None:
    card = replace(CARD, inputs=(TensorSpec("row", (2,), "int64"),))
    new = table(a=pd.array([None, 7, 8, 2**52], dtype="Int64").repeat(8), b=list(range(32)), y=[0, 1] * 16)
    with pytest.raises(DataError, match="filled in when the file is read"):
        encode(infer_schema(card, new), new)
    values = encode(infer_schema(card, new, gaps="fill"), new)[0].inputs["row"]
    assert values.dtype == np.int64 and values[0].tolist() == [8, 0] and 2**52 in values


def test_a_column_without_a_number_has_no_middle_value_and_the_rows_say_so() -> None:
    new = table(a=[np.nan] * 30, b=[1.0] * 30, y=[0, 1] * 15)
    schema = infer_schema(CARD, new, gaps="fill")
    assert "a" not in schema.fill and gaps_found(schema.bindings, new) == {"a": 30}
    with pytest.raises(DataError, match="no usable row"):
        encode(schema, new)


def test_whole_numbers_that_cannot_be_kept_exactly_fill_nothing() -> None:
    new = table(a=[2**60] * 30, b=[1] * 30, y=[0, 1] * 15)
    whole = replace(CARD, inputs=(TensorSpec("row", (2,), "int64"),))
    assert middle_values(infer_schema(whole, new).bindings, new) == {"b": 1.0}
    assert middle_values(infer_schema(CARD, new).bindings, new) == {"a": 2.0**60, "b": 1.0}


@pytest.mark.parametrize(
    ("values", "dtype", "fill"),
    [([True, None], "boolean", 1.0), ([1, None], "Int8", 300.0), ([1, None], "UInt8", -1.0), ([1, None], "UInt64", -1.0),
     ([1, None], "Int64", 2.5), ([1.0, np.nan], "float16", 1e6), ([1.0, None], "Float32", 0.1)],
)  # fmt: skip
def test_what_fills_a_gap_is_what_is_told_whatever_the_column_can_hold(
    values: list[Any], dtype: str, fill: float
) -> None:
    assert filled(pd.Series(values, dtype=dtype), fill).tolist() == [1, fill]


def test_large_whole_numbers_stay_exact() -> None:
    assert filled(pd.Series([2**60 + 1, None], dtype="Int64"), 3.0).tolist() == [2**60 + 1, 3]


def test_arrays_have_no_middle_value_and_that_is_said() -> None:
    images = Table(
        "new.npz", "", pd.DataFrame({"y": [0, 1] * 15}), {"x": np.full((30, 4, 4, 1), np.nan, np.float32)}
    )
    card = replace(CARD, inputs=(TensorSpec("image", (4, 4, 1), "float32"),))
    with pytest.raises(DataError, match="takes no columns of numbers"):
        infer_schema(card, images, gaps="fill")


def test_a_question_without_the_choice_is_the_one_it_was_before_there_was_one(tmp_path: Path) -> None:
    """Else all that was prepared before would be another question's."""
    _, spec = question(tmp_path)
    before = from_json(to_json(replace(spec, id="", name="", created=0.0, note="")), dict[str, Any])
    assert before["schema"].pop("fill") == {}
    assert question_hash(spec) == hashlib.sha256(to_json(before)).hexdigest()
    assert question_hash(spec) != question_hash(replace(spec, schema=replace(spec.schema, fill={"a": 1.0})))


def test_what_became_of_the_rows_is_kept_with_the_split(tmp_path: Path) -> None:
    store, _ = question(tmp_path)
    frame = rows_of(400, 2)
    frame.loc[:9, "a"], frame.loc[3:5, "y"] = np.nan, np.nan
    frame.to_parquet(tmp_path / "gaps.parquet")
    files = {"model": mlp(tmp_path / "m.keras", rows_of(600, 1)), "new": tmp_path / "gaps.parquet"}
    notes = {}
    for gaps in (None, "fill"):
        spec = experiment(store, files, label="y", gaps=gaps)
        prepare(store, spec)
        notes[gaps] = store.split(spec.id).notes
    assert any("New data: 10 of 400 rows were left out" in note for note in notes[None])
    assert any(
        "New data, inputs that were missing or infinite: a: 10 filled in" in note for note in notes["fill"]
    )
    assert any("New data: 3 of 400 rows were left out" in note for note in notes["fill"])
    assert (
        read_card(files["model"]).inputs
        and json.loads((store.experiment_folder(spec.id) / "experiment.json").read_text())["schema"]["fill"]
    )

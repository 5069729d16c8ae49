"""Leading zeros that one file has and another lacks: they are the same label, id and time, and a word is said about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import check, encode, infer_schema
from retrain_core.data.marks import marks_of
from retrain_core.data.time_order import orders
from retrain_core.shift.whole import measure_shift
from retrain_core.types import SplitSettings, Table, TensorSpec
from tests.data.cards import SIGMOID, card, table

SOFTMAX = card(3, "softmax", "sparse_categorical_crossentropy")
FILLED, SHORT = ["01", "02", "10"], [1, 2, 10]


def sides(old: list[object], new: list[object], name: str = "y", **more: object) -> dict[str, Table]:
    """Return two files that differ in how one column is written."""
    written = {"old": old * 20, "new": new * 20}
    return {side: table(60, f"{side}.csv", **{name: values}, **more) for side, values in written.items()}


@pytest.mark.parametrize(("old", "new"), [(FILLED, SHORT), (SHORT, FILLED), (FILLED, [1.0, 2.0, 10.0])])
def test_labels_meet(old: list[object], new: list[object]) -> None:
    tables = sides(old, new)
    schema = infer_schema(SOFTMAX, tables["new"], tables["old"])
    assert schema.classes == ("01", "02", "10")
    again = infer_schema(SOFTMAX, tables["new"], tables["old"], classes=schema.classes)
    for side in tables.values():
        assert encode(again, side)[0].targets.tolist() == [0, 1, 2] * 20
    said = [f"{finding.title}. {finding.detail}" for finding in check(SOFTMAX, schema, tables)]
    short = "old.csv" if old is SHORT else "new.csv"
    assert f"{short}: y lacks leading zeros. '1' counts as '01', as it is written in the other file." in said
    assert not any("counted from 0" in text for text in said)


def test_labels_that_are_two_in_one_file_stay_two() -> None:
    tables = sides(["1", "01", "2"], ["1", "01", "2"])
    schema = infer_schema(SOFTMAX, tables["new"], tables["old"])
    assert schema.classes == ("01", "1", "2")
    assert set(encode(schema, tables["new"])[0].targets.tolist()) == {0, 1, 2}


def test_ids_meet() -> None:
    tables = sides(FILLED, SHORT, "who", y=[0, 1] * 30)
    rows = {side: np.arange(60) for side in tables}
    ids = marks_of(SplitSettings(id="who"), tables, rows).ids
    assert ids["old"].tolist() == ids["new"].tolist() == FILLED * 20
    schema = infer_schema(SIGMOID, tables["new"], tables["old"], apart=["who"])
    titles = [finding.title for finding in check(SIGMOID, schema, tables, SplitSettings(id="who"))]
    assert "new.csv: who lacks leading zeros" in titles


@pytest.mark.parametrize("new", [SHORT, FILLED])
def test_times_with_zeros_put_rows_in_order(new: list[object]) -> None:
    tables = sides(FILLED, new, "month", y=[0, 1] * 30)
    assert "month" in orders(tables["old"], tables["new"], ["y"])
    times = marks_of(SplitSettings(time="month"), tables, {side: np.arange(60) for side in tables}).times
    assert times["old"].tolist() == times["new"].tolist() == SHORT * 20


def test_the_same_column_has_not_moved() -> None:
    tables = sides(FILLED, SHORT, "month", y=[0, 1] * 30)
    report = measure_shift(tables["old"], tables["new"], schema=None, labels=["y"])
    (month,) = [column for column in report.columns if column.name == "month"]
    assert month.level == "none" and month.kind == "categorical" and not month.findings
    assert "month is compared with leading zeros, which one file lacks." in report.overall.summary


def test_codes_of_full_length_meet_without_a_word() -> None:
    tables = sides(["01234", "20000", "30000"], [10000, 20000, 30000], "code", y=[0, 1] * 30)
    report = measure_shift(tables["old"], tables["new"], schema=None, labels=["y"])
    (code,) = [column for column in report.columns if column.name == "code"]
    assert code.kind == "categorical" and "leading zeros" not in report.overall.summary


def test_an_input_of_text_is_told() -> None:
    inputs = (TensorSpec("month", (1,), "string"), TensorSpec("a", (1,), "float32"))
    takes_text = replace(SIGMOID, inputs=inputs)
    tables = sides(FILLED, SHORT, "month", y=[0, 1] * 30)
    schema = infer_schema(takes_text, tables["new"], tables["old"])
    (told,) = [
        one for one in check(takes_text, schema, tables) if "month lacks the leading zeros" in one.title
    ]
    assert told.status == "warning" and "'1' and '01' differ to it" in told.detail


def test_gaps_stay_gaps() -> None:
    old = Table("old.csv", "", pd.DataFrame({"m": [*FILLED, None] * 20, "y": [0, 1] * 40}))
    new = Table("new.csv", "", pd.DataFrame({"m": [1.0, 2.0, 10.0, None] * 20, "y": [0, 1] * 40}))
    report = measure_shift(old, new, schema=None, labels=["y"])
    assert report.columns[0].level == "none" and "missing" not in report.overall.summary

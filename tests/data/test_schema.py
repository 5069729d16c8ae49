"""How a table becomes arrays: what is inferred, what is overruled, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import check, encode, infer_schema
from retrain_core.errors import DataError
from retrain_core.types import ModelCard, Table, TensorSpec

CARD = ModelCard(
    format="keras", name="m", sha256="", inputs=(TensorSpec("row", (2,), "float32"),), outputs=(TensorSpec("out", (1,), "float32"),),
    layers=(), parameters=9, output_activation="sigmoid", loss="binary_crossentropy", from_logits=False, optimizer="Adam",
    learning_rate=0.001, task="binary", task_reason="One sigmoid unit.", keras_version="3.15.1",
)  # fmt: skip
NAMED = replace(CARD, inputs=(TensorSpec("b", (1,), "float32"), TensorSpec("a", (1,), "string")))


def table(**columns: object) -> Table:
    return Table("new.csv", "", pd.DataFrame(columns))


def test_a_flat_input_takes_the_columns_beside_the_label_in_order() -> None:
    schema = infer_schema(CARD, table(b=[1.0, 2.0], y=[0, 1], a=[3.0, 4.0]))
    assert schema.label == "y" and schema.bindings[0].columns == ("b", "a")
    data, _ = encode(schema, table(y=[1], a=[7.0], b=[5.0]))  # another order in the file
    assert data.inputs["row"].tolist() == [[5.0, 7.0]] and data.targets.tolist() == [1]


def test_named_inputs_are_matched_by_name() -> None:
    schema = infer_schema(NAMED, table(y=[0, 1], a=["u", None], b=[1, 2]))
    data, _ = encode(schema, table(y=[0, 1], a=["u", None], b=[1, 2]))
    assert data.inputs["b"].tolist() == [[1.0], [2.0]] and data.inputs["a"].tolist() == [["u"], [""]]


def test_the_user_overrules_label_columns_and_classes() -> None:
    schema = infer_schema(
        CARD,
        table(a=[0.0], b=[1.0], c=[2.0], won=["yes"]),
        label="won",
        columns=("c", "a"),
        classes=("yes", "no"),
    )
    data, _ = encode(schema, table(a=[0.0], b=[1.0], c=[2.0], won=["yes"]))
    assert data.inputs["row"].tolist() == [[2.0, 0.0]] and data.targets.tolist() == [0]


def test_rows_with_gaps_are_left_out_and_said() -> None:
    rows = table(a=[1.0, np.nan, 3.0, 4.0], b=[1.0, 2.0, np.inf, 4.0], y=[0.0, 1.0, 1.0, np.nan])
    schema = infer_schema(CARD, rows)
    data, kept = encode(schema, rows)
    assert kept.tolist() == [0] and data.rows == 1
    assert any("3 of 4 rows are left out" in f.title for f in check(CARD, schema, {"new": rows}))


@pytest.mark.parametrize("labels", [[0, 1], [0.0, 1.0], ["0", "1"], [False, True]])
def test_labels_mean_the_same_however_they_are_written(labels: list[object]) -> None:
    rows = table(a=[1.0, 2.0], b=[1.0, 2.0], y=labels)
    assert encode(infer_schema(CARD, rows), rows)[0].targets.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("card", "rows", "label", "says"),
    [
        (CARD, {"a": [1.0], "b": [1.0], "y": [0]}, "target", "no column 'target'"),
        (CARD, {"a": [1.0], "y": [0]}, "y", "takes 2 values a row; new.csv has 1 column"),
        (NAMED, {"A": ["u"], "b": [1.0], "y": [0]}, "y", "lacks columns for 1 of the model's 2 inputs: 'a'"),
        (CARD, {"a": [1.0] * 3, "b": [1.0] * 3, "y": ["u", "v", "w"]}, "y", "has 2 outcomes, the column has 3"),
        (CARD, {"a": [1.0] * 2, "b": [1.0] * 2, "y": ["u", "u"]}, "y", "Only 1 of the model's 2 labels"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_why_and_next(
    card: ModelCard, rows: dict[str, list[object]], label: str, says: str
) -> None:
    with pytest.raises(DataError, match=says) as caught:
        infer_schema(card, table(**rows), label=label)
    assert caught.value.why and caught.value.next_step


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"a": ["x", "2"], "b": [1.0, 2.0], "y": [0, 1]}, "column 'a' is not numeric"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0], "y": [0, 2]}, r"cannot output: '2' \(1 rows\)"),
        ({"a": pd.to_datetime(["2026-01-01"] * 2), "b": [1.0, 2.0], "y": [0, 1]}, "holds dates"),
        ({"a": [np.nan] * 2, "b": [1.0, 2.0], "y": [0, 1]}, "no usable row"),
    ],
)
def test_rows_that_cannot_be_encoded_are_an_error_of_the_checks(rows: dict[str, object], says: str) -> None:
    schema = infer_schema(CARD, table(a=[1.0, 1.0], b=[1.0, 1.0], y=[0, 1]))
    with pytest.raises(DataError, match=says):
        encode(schema, table(**rows))
    assert any(f.status == "error" for f in check(CARD, schema, {"new": table(**rows)}))


def test_images_get_the_channel_axis_that_the_model_wants() -> None:
    card = replace(CARD, inputs=(TensorSpec("image", (4, 4, 1), "float32"),))
    images = Table("new.npz", "", pd.DataFrame({"y": [0, 1]}), np.zeros((2, 4, 4), np.uint8))
    assert encode(infer_schema(card, images), images)[0].inputs["image"].shape == (2, 4, 4, 1)


def test_a_column_equal_to_the_label_is_a_warning() -> None:
    rows = table(a=[0, 1, 1], b=[1.0, 2.0, 3.0], y=[0, 1, 1])
    assert any("a equals the label" in f.title for f in check(CARD, infer_schema(CARD, rows), {"new": rows}))

"""How a table becomes arrays: what is inferred, what is overruled, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import check, encode, infer_schema, split
from retrain_core.errors import DataError
from retrain_core.types import ModelCard, Table, TensorSpec

CARD = ModelCard(
    format="keras", name="m", sha256="", inputs=(TensorSpec("row", (2,), "float32"),), outputs=(TensorSpec("out", (1,), "float32"),),
    layers=(), parameters=9, output_activation="sigmoid", loss="binary_crossentropy", from_logits=False, optimizer="Adam",
    learning_rate=0.001, task="binary", task_reason="One sigmoid unit.", keras_version="3.15.1",
)  # fmt: skip
NUMBER = replace(
    CARD, loss="mean_squared_error", task="regression", output_activation="linear", from_logits=None
)
NAMED = replace(CARD, inputs=(TensorSpec("b", (1,), "float32"), TensorSpec("a", (1,), "string")))


def table(**columns: object) -> Table:
    return Table("new.csv", "", pd.DataFrame(columns))


def test_a_flat_input_takes_the_columns_beside_the_label_in_order() -> None:
    schema = infer_schema(CARD, table(b=[1.0, 2.0], y=[0, 1], a=[3.0, 4.0]))
    assert schema.label == "y" and schema.bindings[0].columns == ("b", "a")
    data, _ = encode(schema, table(y=[1], a=[7.0], b=[5.0]))  # another order in the file
    assert data.inputs["row"].tolist() == [[5.0, 7.0]] and data.targets.tolist() == [1]


def test_the_old_data_gives_the_order_and_other_new_columns_are_not_used() -> None:
    new = table(id=range(30), b=np.arange(30) + 100.0, a=np.arange(30.0), y=[0, 1] * 15)
    old = table(a=np.arange(40, 70.0), b=np.arange(30) + 200.0, y=[0, 1] * 15)
    schema = infer_schema(CARD, new, old)
    assert schema.bindings[0].columns == ("a", "b")
    found = {f.title: f for f in check(CARD, schema, {"new": new, "old": old})}
    order = found["2 columns feed the input 'row', in the order of the old data"]
    assert order.status == "ok" and "Not used: id." in order.detail
    differ = found["Old and new data have the same columns in different orders"]
    assert differ.status == "warning" and "a, b" in differ.detail


@pytest.mark.parametrize(
    ("chosen", "says"), [(None, "in the order of the new data"), (("a", "b"), "in the order that was chosen")]
)
def test_without_old_data_the_order_is_that_of_the_new_or_the_chosen_one(
    chosen: tuple[str, ...] | None, says: str
) -> None:
    new = table(b=np.arange(30.0), a=np.arange(30.0), y=[0, 1] * 15)
    schema = infer_schema(CARD, new, columns=chosen)
    assert schema.bindings[0].columns == (chosen or ("b", "a"))
    order = check(CARD, schema, {"new": new})[0]
    assert says in order.title and "make sure the order" in order.detail


def test_columns_of_the_old_data_that_the_new_lacks_are_named() -> None:
    with pytest.raises(DataError, match="Unlike the old data, it has no column 'b'"):
        infer_schema(CARD, table(a=[1.0], y=[0]), table(a=[1.0], b=[1.0], y=[0]))


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


@pytest.mark.parametrize("label", [np.inf, -np.inf, np.nan, 1e300])
def test_a_number_to_predict_that_is_missing_or_infinite_is_left_out(label: float) -> None:
    rows = table(a=np.arange(30.0), b=np.arange(30.0), y=[label, *range(29)])
    schema = infer_schema(NUMBER, rows)
    data, kept = encode(schema, rows)
    assert kept.tolist() == list(range(1, 30)) and np.isfinite(data.targets).all()
    assert any("1 of 30 rows is left out" in f.title for f in check(NUMBER, schema, {"new": rows}))


@pytest.mark.parametrize(
    ("without_gap", "with_gap", "text"),
    [
        ([10, 20], [10, None], ["10", "20"]),
        ([True, False], [True, None], ["True", "False"]),
        (pd.Series([10, 20], dtype="Int64"), pd.Series([10, None], dtype="Int64"), ["10", "20"]),
        (pd.Series([True, False], dtype="boolean"), pd.Series([True, None], dtype="boolean"), ["True", "False"]),
        (pd.Series(["u", "v"], dtype="category"), pd.Series(["u", None], dtype="category"), ["u", "v"]),
        ([0.5, 2.0], [0.5, None], ["0.5", "2"]),
    ],
)  # fmt: skip
def test_text_reads_the_same_with_and_without_gaps(
    without_gap: object, with_gap: object, text: list[str]
) -> None:
    schema = infer_schema(NAMED, table(a=["u", "v"], b=[1.0, 2.0], y=[0, 1]))
    whole, gap = (
        encode(schema, table(a=a, b=[1.0, 2.0], y=[0, 1]))[0].inputs["a"].ravel().tolist()
        for a in (without_gap, with_gap)
    )
    assert whole == text and gap == [text[0], ""]


@pytest.mark.parametrize(
    "labels", [[True, False, None], [1.0, 0.0, None], pd.Series([True, False, None], dtype="boolean")]
)
def test_labels_with_a_gap_mean_the_same(labels: object) -> None:
    old = table(a=[1.0, 2.0], b=[1.0, 2.0], y=[True, False])
    new = table(a=[1.0, 2.0, 3.0], b=[1.0, 2.0, 3.0], y=labels)
    schema = infer_schema(CARD, new, old)
    assert encode(schema, new)[0].targets.tolist() == encode(schema, old)[0].targets.tolist() == [1, 0]


WHOLE = replace(CARD, inputs=(TensorSpec("id", (1,), "int64"),))


@pytest.mark.parametrize("numbers", [[2**53 + 1, -(2**53) - 3], pd.Series([2**53 + 1, -(2**53) - 3], dtype="Int64")])  # fmt: skip
def test_whole_numbers_are_kept_exactly(numbers: object) -> None:
    rows = table(id=numbers, y=[0, 1])
    found = encode(infer_schema(WHOLE, rows), rows)[0].inputs["id"]
    assert found.dtype == np.int64 and found.ravel().tolist() == [2**53 + 1, -(2**53) - 3]


@pytest.mark.parametrize(
    ("dtype", "numbers", "says"),
    [
        ("int8", [1, 128], "does not fit into int8.*go from 1 to 128"),
        ("uint8", [-1, 1], "does not fit into uint8"),
        ("int64", [1.0, 2.0**63], "does not fit into int64"),
        ("int32", [1.5, 2.0], "holds fractions, such as 1.5"),
        ("int32", [1.0, None], "missing or infinite"),
        ("int32", [1.0, np.inf], "missing or infinite"),
    ],
)
def test_numbers_that_a_whole_number_input_cannot_take_are_refused(
    dtype: str, numbers: list[float], says: str
) -> None:
    rows = table(id=numbers, y=[0, 1])
    card = replace(WHOLE, inputs=(TensorSpec("id", (1,), dtype),))
    with pytest.raises(DataError, match=says) as caught:
        encode(infer_schema(card, rows), rows)
    assert caught.value.why and caught.value.next_step


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
        (replace(CARD, task="multiclass"), {"a": [1.0], "b": [1.0], "y": [0]}, "y", "cannot stand for several classes"),
        (replace(CARD, outputs=(TensorSpec("out", (3,), "float32"),)), {"a": [1.0], "b": [1.0], "y": [0]}, "y",
         "3 output units, too many for two classes"),
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
        ({"a": [1.0, 2.0], "b": [1.0, 2.0], "y": [0, 2]}, r"cannot output: '2' \(1 row\)"),
        ({"a": pd.Series(["x", "2"], index=["u", "v"]), "b": pd.Series([1.0, 2.0], index=["u", "v"]),
          "y": pd.Series([0, 1], index=["u", "v"])}, "'x' in row 1"),
        ({"a": pd.to_datetime(["2026-01-01"] * 2), "b": [1.0, 2.0], "y": [0, 1]}, "holds dates"),
        ({"a": pd.to_timedelta([1, 2]), "b": [1.0, 2.0], "y": [0, 1]}, "holds dates or times"),
        ({"a": [np.nan] * 2, "b": [1.0, 2.0], "y": [0, 1]}, "no usable row"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_encoded_are_an_error_of_the_checks(rows: dict[str, object], says: str) -> None:
    schema = infer_schema(CARD, table(a=[1.0, 1.0], b=[1.0, 1.0], y=[0, 1]))
    with pytest.raises(DataError, match=says):
        encode(schema, table(**rows))
    assert any(f.status == "error" for f in check(CARD, schema, {"new": table(**rows)}))


def test_images_get_the_channel_axis_that_the_model_wants() -> None:
    card = replace(CARD, inputs=(TensorSpec("image", (4, 4, 1), "float32"),))
    images = Table("new.npz", "", pd.DataFrame({"y": [0, 1]}), {"x": np.zeros((2, 4, 4), np.uint8)})
    assert encode(infer_schema(card, images), images)[0].inputs["image"].shape == (2, 4, 4, 1)


def test_a_column_equal_to_the_label_is_a_warning() -> None:
    rows = table(a=[0, 1, 1], b=[1.0, 2.0, 3.0], y=[0, 1, 1])
    assert any("a equals the label" in f.title for f in check(CARD, infer_schema(CARD, rows), {"new": rows}))


def test_a_column_of_truths_equals_a_label_of_ones_and_zeros() -> None:
    rows = table(a=[True, False, True], b=[1.0, 2.0, 3.0], y=[1, 0, 1])
    assert any("a equals the label" in f.title for f in check(CARD, infer_schema(CARD, rows), {"new": rows}))


@pytest.mark.parametrize(
    ("card", "used"),
    [
        (replace(NUMBER, loss="categorical_hinge"), "mean_squared_error"),
        (replace(CARD, loss="sparse_categorical_crossentropy"), "binary_crossentropy"),
        (replace(CARD, loss="poisson"), "binary_crossentropy"),
    ],
)
def test_another_loss_than_the_models_own_is_said(card: ModelCard, used: str) -> None:
    rows = table(a=np.arange(30.0), b=np.arange(30.0), y=[0, 1] * 15)
    schema = infer_schema(card, rows)
    (found,) = [f for f in check(card, schema, {"new": rows}) if "loss" in f.title]
    assert (
        schema.loss == used
        and found.status == "warning"
        and f"compiled with {card.loss}, which " in found.detail
    )
    assert found.title == f"Training and scores use the loss {used}, not {card.loss}"


def test_the_models_own_loss_needs_no_word() -> None:
    rows = table(a=np.arange(30.0), b=np.arange(30.0), y=[0, 1] * 15)
    assert not [f for f in check(CARD, infer_schema(CARD, rows), {"new": rows}) if "loss" in f.title]


@pytest.mark.parametrize(("rows", "own_holdout"), [(19, False), (30, True)])
def test_what_the_split_will_refuse_is_an_error_of_the_checks(rows: int, own_holdout: bool) -> None:
    new = table(a=np.arange(rows, dtype=float), b=np.arange(rows, dtype=float), y=np.arange(rows) % 2)
    schema = infer_schema(CARD, new)
    data, _ = encode(schema, new)
    with pytest.raises(DataError) as caught:
        split(schema, data, None, data if own_holdout else None)
    tables = {"new": new, "holdout": new} if own_holdout else {"new": new}
    (found,) = [f for f in check(CARD, schema, tables) if f.status == "error"]
    assert (found.title, found.detail) == (caught.value.what, f"{caught.value.why} {caught.value.next_step}")


def test_naming_a_label_twice_is_refused() -> None:
    with pytest.raises(DataError, match="3 labels are named, 2 of them different"):
        infer_schema(CARD, table(a=[1.0], b=[1.0], y=["no"]), classes=("no", "yes", "no"))

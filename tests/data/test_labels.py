"""Label columns: which they are, what task they make, and the targets that come of them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import check, encode, infer_schema, read_table
from retrain_core.errors import DataError
from retrain_core.types import Table
from tests.data.cards import card, table

HALF = np.arange(40) % 2
THIRD = np.arange(40) % 3
TAGS = card(3, "sigmoid", "binary_crossentropy", from_logits=False)
VALUES = card(2, "linear", "mean_squared_error")
CLASSES = card(3, "softmax", "sparse_categorical_crossentropy", from_logits=False)


def titles(model, schema, *tables: Table) -> str:
    roles = dict(zip(("new", "old", "holdout"), tables, strict=False))
    return "\n".join(f"{f.status}: {f.title} {f.detail}" for f in check(model, schema, roles))


def npz(folder: Path, **arrays: np.ndarray) -> Table:
    np.savez(folder / "rows.npz", **arrays)
    return read_table(folder / "rows.npz")


def test_several_labels_a_row_are_zeros_and_ones_in_the_order_of_the_units() -> None:
    rows = table(y_0=HALF, y_1=1 - HALF, y_2=np.ones(40))
    schema = infer_schema(TAGS, rows)
    assert (schema.task, schema.labels, schema.classes) == (
        "multilabel",
        ("y_0", "y_1", "y_2"),
        ("y_0", "y_1", "y_2"),
    )
    assert schema.label == "y_0, y_1, y_2" and not schema.one_hot and schema.new_classes == ()
    data, _ = encode(schema, rows)
    assert data.targets.shape == (40, 3) and data.targets.dtype == np.int8
    assert data.targets[:2].tolist() == [[0, 1, 1], [1, 0, 1]]
    assert "Each row has 3 labels, each yes or no: y_0, y_1, y_2" in titles(TAGS, schema, rows)


def test_labels_chosen_by_name_keep_their_order() -> None:
    rows = table(red=HALF, green=HALF, blue=np.zeros(40))
    schema = infer_schema(TAGS, rows, label="blue, red,green")
    assert schema.labels == ("blue", "red", "green") and schema.bindings[0].columns == ("a", "b")
    assert "warning: New data: no row with label blue" in titles(TAGS, schema, rows)


def test_a_column_whose_name_holds_a_comma_wins() -> None:
    rows = table(**{"yes, no": HALF})
    assert infer_schema(card(1, "sigmoid", None), rows, label="yes, no").labels == ("yes, no",)


def test_labels_called_by_what_they_have_in_common_are_found() -> None:
    rows = table(tag_1=HALF, tag_2=HALF, tag_3=HALF)
    assert infer_schema(TAGS, rows, label="tag").labels == ("tag_1", "tag_2", "tag_3")


def test_the_last_columns_are_the_labels_if_the_count_fits() -> None:
    assert infer_schema(TAGS, table(sun=HALF, rain=HALF, wind=HALF)).labels == ("sun", "rain", "wind")


@pytest.mark.parametrize("values", [(-1, 1), (False, True), (0.0, 1.0)])
def test_yes_and_no_are_read_however_they_are_written(values: tuple[object, object]) -> None:
    rows = table(y_0=[values[0], values[1]] * 20, y_1=[values[1]] * 40, y_2=[values[0]] * 40)
    model = card(3, "linear", "hinge")
    targets = encode(infer_schema(model, rows), rows)[0].targets
    assert targets[:2].tolist() == [[0, 1, 0], [1, 1, 0]]


def test_a_row_that_lacks_one_of_its_labels_is_left_out() -> None:
    rows = table(y_0=HALF, y_1=[np.nan] + [1.0] * 39, y_2=HALF)
    assert encode(infer_schema(TAGS, rows), rows)[1].tolist() == list(range(1, 40))


@pytest.mark.parametrize(
    ("model", "rows", "label", "says"),
    [
        (TAGS, table(y_0=HALF, y_1=HALF), "y_0,y_1", "predicts 3 labels a row; 2 label columns are chosen: y_0, y_1"),
        (TAGS, table(u=HALF, v=HALF), None, "Which 3 columns of new.csv hold the labels cannot be told"),
        (VALUES, table(y=HALF), "y", "predicts 2 numbers a row; 1 label column is chosen: y"),
        (card(1, "sigmoid", None), table(y=HALF, z=HALF), "y,a,b", "1 output unit, 3 label columns are chosen"),
        (CLASSES, table(y=HALF, z=HALF), "y,z", "3 output units, 2 label columns are chosen"),
        (TAGS, table(y=HALF), "y, z", "no column 'z'"),
    ],
)  # fmt: skip
def test_label_columns_that_do_not_fit_the_units_are_refused(
    model, rows: Table, label: str | None, says: str
) -> None:
    with pytest.raises(DataError, match=says) as caught:
        infer_schema(model, rows, label=label)
    assert caught.value.why and caught.value.next_step


def test_a_label_that_is_neither_yes_nor_no_is_refused() -> None:
    rows = table(y_0=THIRD, y_1=HALF, y_2=HALF)
    with pytest.raises(DataError, match="the label column 'y_0' holds 2"):
        encode(infer_schema(TAGS, rows), rows)


def test_several_numbers_a_row_are_a_column_each() -> None:
    rows = table(y_0=np.arange(40.0), y_1=[np.inf] + [2.5] * 39)
    schema = infer_schema(VALUES, rows)
    data, kept = encode(schema, rows)
    assert schema.task == "regression" and schema.classes == () and kept[0] == 1
    assert data.targets.shape == (39, 2) and data.targets.dtype == np.float32
    assert data.targets[0].tolist() == [1.0, 2.5]
    assert "'y_0', 'y_1' are numbers to predict" in titles(VALUES, schema, rows)


@pytest.mark.parametrize("name", ["rows.npz", "rows.csv"])
def test_one_hot_labels_become_classes_and_that_is_said(tmp_path: Path, name: str) -> None:
    hot = np.eye(3)[THIRD]
    rows = (
        npz(tmp_path, x=table().columns.to_numpy(), y=hot)
        if name == "rows.npz"
        else table(y_0=hot[:, 0], y_1=hot[:, 1], y_2=hot[:, 2])
    )
    schema = infer_schema(CLASSES, rows)
    assert (schema.task, schema.labels, schema.classes) == (
        "multiclass",
        ("y_0", "y_1", "y_2"),
        ("0", "1", "2"),
    )
    data, _ = encode(schema, rows)
    assert data.targets.dtype == np.int32 and data.targets.tolist() == THIRD.tolist()
    assert "3 label columns are one-hot" in titles(CLASSES, schema, rows)


def test_one_hot_columns_with_names_are_the_classes() -> None:
    rows = table(cat=THIRD == 0, dog=THIRD == 1, bird=THIRD == 2)
    schema = infer_schema(CLASSES, rows, label="dog,cat,bird")
    assert schema.classes == ("dog", "cat", "bird") and encode(schema, rows)[0].targets[:3].tolist() == [
        1,
        0,
        2,
    ]


def test_two_one_hot_columns_feed_one_sigmoid_unit() -> None:
    rows = table(y_0=1 - HALF, y_1=HALF)
    schema = infer_schema(card(1, "sigmoid", "binary_crossentropy"), rows)
    assert schema.task == "binary" and encode(schema, rows)[0].targets.tolist() == HALF.tolist()


def test_columns_that_are_not_one_hot_are_an_error_of_the_checks() -> None:
    rows = table(y_0=THIRD == 0, y_1=THIRD == 1, y_2=np.ones(40))
    schema = infer_schema(CLASSES, rows)
    said = titles(CLASSES, schema, rows)
    assert (
        "error: New data: new.csv: the label columns are not one-hot in 27 of 40 rows, such as row 1" in said
    )


def test_labels_of_an_array_have_numbers_and_those_of_one_column_are_plain(tmp_path: Path) -> None:
    x = table().columns.to_numpy()
    tags = infer_schema(TAGS, npz(tmp_path, x=x, y=np.ones((40, 3))))
    assert tags.classes == ("0", "1", "2") and tags.bindings[0].columns == ("x0", "x1")
    one = npz(tmp_path, x=x, y=HALF.reshape(-1, 1))
    assert infer_schema(card(1, "sigmoid", "binary_crossentropy"), one).labels == ("y",)
    assert infer_schema(TAGS, npz(tmp_path, x=x, y=np.ones((40, 3))), label="y").labels == (
        "y_0",
        "y_1",
        "y_2",
    )


def test_a_file_without_labels_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no label\. The file has no array `y`"):
        infer_schema(TAGS, npz(tmp_path, x=np.zeros((40, 2))))


@pytest.mark.parametrize(
    ("model", "labels", "task"),
    [
        (card(1, "sigmoid", "mean_squared_error"), {"y": HALF}, "binary"),
        (card(1, "sigmoid", "mean_squared_error"), {"y": np.linspace(0, 1, 40)}, "regression"),
        (card(3, "sigmoid", "mean_squared_error"), {"y_0": HALF, "y_1": HALF, "y_2": HALF}, "multilabel"),
        (card(2, "sigmoid", "mean_squared_error"), {"y_0": np.linspace(0, 1, 40), "y_1": HALF}, "regression"),
        (card(2, "softmax", "kl_divergence"), {"y_0": np.linspace(0, 1, 40), "y_1": np.linspace(1, 0, 40)}, "regression"),
        (card(3, "softmax", "mean_squared_error"), {"y": THIRD}, "multiclass"),
        (card(2, "linear", None), {"y_0": 1 - HALF, "y_1": HALF}, "binary"),
        (card(2, "linear", None), {"y_0": HALF, "y_1": HALF}, "multilabel"),
        (card(3, "sigmoid", "binary_crossentropy"), {"y": THIRD}, "multiclass"),
    ],
)  # fmt: skip
def test_the_labels_tell_the_task_where_the_model_does_not(
    model, labels: dict[str, np.ndarray], task: str
) -> None:
    rows = table(**labels)
    schema = infer_schema(model, rows)
    assert schema.task == task
    assert not [f for f in check(model, schema, {"new": rows}) if f.status == "error"]


def test_a_sigmoid_unit_a_class_is_several_classes_with_one_label_column() -> None:
    rows = table(y=THIRD)
    schema = infer_schema(TAGS, rows)
    assert (schema.task, schema.loss, schema.one_hot) == ("multiclass", "binary_crossentropy", True)
    assert "one class against all others" in titles(TAGS, schema, rows)


def test_numbers_can_be_given_the_names_of_classes() -> None:
    rows = table(y=THIRD)
    schema = infer_schema(CLASSES, rows, classes=("cat", "dog", "bird"))
    assert (
        schema.classes == ("cat", "dog", "bird")
        and encode(schema, rows)[0].targets.tolist() == THIRD.tolist()
    )
    assert "The file has their numbers, counted from 0." in titles(CLASSES, schema, rows)


def test_a_copy_of_any_label_is_found() -> None:
    rows = table(y_0=HALF, y_1=np.arange(40) + 0.5)
    assert "a equals the label" in titles(VALUES, infer_schema(VALUES, rows), rows)


def test_csv_with_columns_named_alike_by_pandas_is_read(tmp_path: Path) -> None:
    text = io.StringIO()
    table(**{"y.0": HALF, "y.1": HALF, "y.2": HALF}).columns.to_csv(text, index=False)
    (tmp_path / "rows.csv").write_text(text.getvalue())
    rows = read_table(tmp_path / "rows.csv")
    assert infer_schema(TAGS, rows).labels == ("y.0", "y.1", "y.2")


def test_a_label_written_as_text_is_refused_where_yes_or_no_is_needed() -> None:
    rows = table(y_0=pd.Series(["yes", "no"] * 20), y_1=HALF, y_2=HALF)
    with pytest.raises(DataError, match="column 'y_0' is not numeric"):
        encode(infer_schema(TAGS, rows), rows)


FLAT = card(1, "sigmoid", "binary_crossentropy", from_logits=False)  # takes a and b


def test_a_column_that_old_and_new_data_have_is_the_likelier_label() -> None:
    new, old = table(churned=HALF, campaign=HALF), table(churned=HALF)
    assert infer_schema(FLAT, new, old).labels == ("churned",)


def test_a_label_that_only_the_old_data_has_is_said_to_be_missing() -> None:
    new, old = table(), replace(table(churned=HALF), name="old.csv")
    with pytest.raises(DataError, match=r"new.csv has no column 'churned'\.") as caught:
        infer_schema(FLAT, new, old)
    assert "It is needed as the label: old.csv has it" in caught.value.why


def test_columns_that_do_not_fit_name_the_label_and_that_it_is_a_guess() -> None:
    rows = table(churned=HALF, campaign=HALF)
    with pytest.raises(DataError, match=r"takes 2 values a row; new\.csv has 3") as caught:
        infer_schema(FLAT, rows)
    said = "'campaign' was taken for the label because it comes last; that is a guess."
    assert said in caught.value.why
    with pytest.raises(DataError, match="has 3 columns") as caught:
        infer_schema(FLAT, rows, label="campaign")
    assert "guess" not in caught.value.why


def test_old_data_that_lacks_columns_too_is_said() -> None:
    whole, short = table(extra=HALF, y=HALF), table(y=HALF)
    short = replace(short, columns=short.columns.drop(columns="b"))
    with pytest.raises(DataError, match="has 3 columns beside the label, the old data 1"):
        infer_schema(FLAT, whole, short)

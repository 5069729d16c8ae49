"""Inputs: which columns or arrays feed which."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import check, encode, infer_schema, read_table
from retrain_core.errors import DataError
from retrain_core.types import ModelCard, Table, TensorSpec
from tests.data.cards import card

HALF = np.arange(40) % 2


def model(**inputs: tuple[tuple[int | None, ...], str]) -> ModelCard:
    specs = tuple(TensorSpec(name, shape, dtype) for name, (shape, dtype) in inputs.items())
    return card(1, "sigmoid", "binary_crossentropy", inputs=specs)


TWO = model(age=((1,), "float32"), facts=((3,), "float32"))


def table(**columns: object) -> Table:
    return Table("new.csv", "", pd.DataFrame(columns))


def numbers(*names: str) -> dict[str, np.ndarray]:
    return {name: np.arange(40.0) + 100 * place for place, name in enumerate(names)}


def npz(folder: Path, **arrays: np.ndarray) -> Table:
    np.savez(folder / "rows.npz", **arrays)
    return read_table(folder / "rows.npz")


@pytest.mark.parametrize(
    "names",
    [
        ("facts_0", "facts_1", "facts_2"),
        ("facts.0", "facts.1", "facts.2"),
        ("facts[0]", "facts[1]", "facts[2]"),
        ("facts_1", "facts_2", "facts_3"),
        ("facts0", "facts1", "facts2"),
    ],
)
def test_an_input_of_several_values_takes_its_numbered_columns(names: tuple[str, ...]) -> None:
    rows = table(y=HALF, **numbers("id", *reversed(names), "age"))
    schema = infer_schema(TWO, rows)
    assert {binding.input: binding.columns for binding in schema.bindings} == {
        "age": ("age",),
        "facts": names,
    }
    data, _ = encode(schema, rows)
    assert data.inputs["facts"].shape == (40, 3) and data.inputs["age"].shape == (40, 1)
    assert data.inputs["facts"][0].tolist() == [300.0, 200.0, 100.0]
    (found,) = [f for f in check(TWO, schema, {"new": rows}) if "inputs" in f.title]
    assert found.title == "All 2 inputs are matched to columns by name" and found.detail == "Not used: id."


def test_ten_numbered_columns_are_in_the_order_of_their_numbers() -> None:
    names = [f"facts_{i}" for i in range(12)]
    rows = table(y=HALF, **numbers("age", *sorted(names)))
    schema = infer_schema(model(age=((1,), "float32"), facts=((12,), "float32")), rows)
    assert schema.bindings[1].columns == tuple(names)


def test_the_one_input_without_columns_takes_those_left_in_the_order_of_the_old_data() -> None:
    new, old = table(**numbers("c", "age", "a", "b"), y=HALF), table(**numbers("a", "b", "age", "c"), y=HALF)
    assert infer_schema(TWO, new).bindings[1].columns == ("c", "a", "b")
    schema = infer_schema(TWO, new, old)
    assert schema.bindings[1].columns == ("a", "b", "c")
    (found,) = [f for f in check(TWO, schema, {"new": new}) if "inputs" in f.title]
    assert found.title.endswith("'facts' takes the 3 columns left, in order") and "a, b, c." in found.detail


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        (("age", "a", "b"), r"lacks columns for 1 of the model's 2 inputs: 'facts' \(3 columns, such as 'facts_0' to 'facts_2'\)"),
        (("Age", "facts_0", "facts_1", "facts_2"), r"'age' \(is it 'Age'\?\)"),
        (("a", "b", "c", "d"), "lacks columns for 2 of the model's 2 inputs"),
        (("age", "facts_0", "facts_1", "facts_2", "facts_3"), "lacks columns for 1"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(columns: tuple[str, ...], says: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        infer_schema(TWO, table(**numbers(*columns), y=HALF))
    assert caught.value.why and caught.value.next_step


def test_a_file_of_arrays_feeds_inputs_of_any_shape(tmp_path: Path) -> None:
    mixed = model(
        photo=((4, 4, 1), "float32"), facts=((3,), "float32"), age=((), "float32"), kind=((1,), "string")
    )
    rows = npz(
        tmp_path, facts=np.ones((40, 3)), y=HALF, photo=np.zeros((40, 4, 4), np.uint8), age=np.arange(40),
        kind=np.array(["u", "v"] * 20), spare=np.zeros(40),
    )  # fmt: skip
    schema = infer_schema(mixed, rows)
    data, _ = encode(schema, rows)
    shapes = {name: values.shape for name, values in data.inputs.items()}
    assert shapes == {"photo": (40, 4, 4, 1), "facts": (40, 3), "age": (40,), "kind": (40, 1)}
    assert data.targets.tolist() == HALF.tolist()
    (found,) = [f for f in check(mixed, schema, {"new": rows}) if "inputs" in f.title]
    assert found.detail == "Not used: spare."


def test_two_arrays_are_told_apart_by_name_alone(tmp_path: Path) -> None:
    stereo = model(left=((4, 4), "float32"), right=((4, 4), "float32"))
    images = np.zeros((40, 4, 4))
    with pytest.raises(
        DataError, match=r"lacks columns for 1.*'right' \(an array of shape 4 x 4\).*Its arrays are: left"
    ):
        infer_schema(stereo, npz(tmp_path, left=images, y=HALF))
    schema = infer_schema(stereo, npz(tmp_path, left=images, right=images + 1, y=HALF))
    with pytest.raises(DataError, match="has no array 'right'"):
        encode(schema, npz(tmp_path, left=images, y=HALF))


@pytest.mark.parametrize("name", ["x", "photo", "pictures"])
def test_a_single_array_input_takes_the_only_array_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    single = model(photo=((4, 4), "float32"))
    rows = npz(tmp_path, **{name: np.ones((40, 4, 4)), "y": HALF})
    assert encode(infer_schema(single, rows), rows)[0].inputs["photo"].shape == (40, 4, 4)


def test_arrays_beside_the_examples_are_not_taken_for_columns(tmp_path: Path) -> None:
    single = model(row=((3,), "float32"))
    rows = npz(tmp_path, x=np.ones((40, 3)), y=HALF, weight=np.ones(40))
    assert infer_schema(single, rows).bindings[0].columns == ("x0", "x1", "x2")


def test_a_sequence_with_one_value_a_step_can_come_from_columns() -> None:
    sequence = model(series=((3, 1), "float32"))
    rows = table(**numbers("t0", "t1", "t2"), y=HALF)
    values = encode(infer_schema(sequence, rows), rows)[0].inputs["series"]
    assert values.shape == (40, 3, 1) and values[0, :, 0].tolist() == [0.0, 100.0, 200.0]


def test_an_array_left_out_of_the_file_is_named_where_it_is_missed(tmp_path: Path) -> None:
    mixed = model(photo=((4, 4), "float32"), age=((1,), "float32"))
    rows = npz(tmp_path, photo=np.zeros((40, 4, 4)), age=np.arange(39), y=HALF)
    with pytest.raises(DataError, match=r"'age'.*`age` is left out: its shape is 39, there are 40 examples"):
        infer_schema(mixed, rows)

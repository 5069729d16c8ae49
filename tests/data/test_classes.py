"""Labels that are new to the model: when they are told apart from its own, and what is said about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from retrain_core.data import check, encode, infer_schema, split
from retrain_core.errors import DataError
from retrain_core.types import ModelCard, Schema, SplitSettings, Table
from tests.data.cards import card, table

THREE = card(3, "softmax", "sparse_categorical_crossentropy", from_logits=False)
TWO = card(2, "softmax", "categorical_crossentropy", from_logits=False)
ONE = card(1, "sigmoid", "binary_crossentropy", from_logits=False)


def rows(*labels: object, name: str = "new.csv") -> Table:
    """Return ten rows of each label."""
    return table(10 * len(labels), name, y=[label for label in labels for _ in range(10)])


def told(model: ModelCard, schema: Schema, **tables: Table) -> list[str]:
    return [f"{f.status}: {f.title} {f.detail}" for f in check(model, schema, tables)]


@pytest.mark.parametrize(
    ("model", "new", "old", "known", "added"),
    [
        (THREE, ("cat", "dog", "bird", "ant"), ("bird", "cat", "dog"), ("bird", "cat", "dog"), ("ant",)),
        (THREE, ("ant", "dog"), ("bird", "cat", "dog"), ("bird", "cat", "dog"), ("ant",)),
        (THREE, (0, 1, 2, 3, 10), (0, 1, 2), ("0", "1", "2"), ("3", "10")),
        (THREE, (0, 1, 7), (0, 1), ("0", "1", "2"), ("7",)),
        (THREE, (1, 2, 3, 4), (1, 2, 3), ("1", "2", "3"), ("4",)),
        (THREE, (0, 1, 2, 3), None, ("0", "1", "2"), ("3",)),
        (TWO, ("no", "yes", "maybe"), ("yes", "no"), ("no", "yes"), ("maybe",)),
        (TWO, (0, 1, 2), None, ("0", "1"), ("2",)),
    ],
)
def test_new_labels_stand_behind_those_of_the_model(
    model: ModelCard,
    new: Sequence[object],
    old: Sequence[object] | None,
    known: tuple[str, ...],
    added: tuple[str, ...],
) -> None:
    files = {"new": rows(*new)} | ({"old": rows(*old, name="old.csv")} if old else {})
    schema = infer_schema(model, files["new"], files.get("old"))
    assert (schema.task, schema.units, schema.classes) == ("multiclass", len(known), known + added)
    assert schema.new_classes == added
    targets = encode(schema, files["new"])[0].targets
    assert targets.max() == len(schema.classes) - 1
    said = "\n".join(told(model, schema, **files))
    assert "error" not in said
    assert "that the model does not know: " + ", ".join(f"'{name}' (10 rows)" for name in added) in said
    assert "add an output unit for each. Keep cannot answer with them" in said
    assert not any(f"no row with label {name}" in said for name in added)  # the old data cannot have them


def test_a_model_that_knows_all_labels_has_no_new_ones() -> None:
    for model, labels in ((THREE, (0, 1, 2)), (TWO, ("no", "yes")), (ONE, ("no", "yes"))):
        schema = infer_schema(model, rows(*labels))
        assert schema.new_classes == () and schema.task == ("multiclass" if model is THREE else "binary")


@pytest.mark.parametrize(
    ("model", "new", "old", "says"),
    [
        (THREE, ("cat", "dog", "bird", "ant"), None, "Which of them the model knows cannot be told.*Name the 3 labels that the model knows"),
        (THREE, ("cat", "ant", "bee"), ("cat", "dog"), "do not fit the model: it has 3 outcomes, the column has 4"),
        (THREE, (1, 2, 3, 4), None, "Which of them the model knows cannot be told"),
        (ONE, ("yes", "no", "maybe"), None, "it has 2 outcomes, the column has 3 values"),
        (THREE, range(60), None, "57 values that the model does not know"),
    ],
)  # fmt: skip
def test_where_the_models_own_labels_cannot_be_told_they_are_asked_for(
    model: ModelCard, new: Sequence[object], old: Sequence[object] | None, says: str
) -> None:
    with pytest.raises(DataError, match=says) as caught:
        infer_schema(model, rows(*new), rows(*old) if old else None, label="y")
    assert caught.value.why and caught.value.next_step


def test_one_unit_cannot_learn_a_third_label() -> None:
    new, old = rows("yes", "no", "maybe"), rows("yes", "no", name="old.csv")
    schema = infer_schema(ONE, new, old)
    assert schema.new_classes == ()
    said = told(ONE, schema, new=new, old=old)
    assert any(
        "error: New data: new.csv has labels that the model cannot output: 'maybe' (10 rows)" in line
        for line in said
    )


@pytest.mark.parametrize("chosen", [("dog", "cat"), ("dog", "cat", "ant")])
def test_the_user_names_the_models_labels_and_the_others_are_new(chosen: tuple[str, ...]) -> None:
    schema = infer_schema(TWO, rows("ant", "cat", "dog"), classes=chosen)
    assert schema.classes == ("dog", "cat", "ant") and schema.new_classes == ("ant",)


def test_names_for_numbers_may_name_new_classes_too() -> None:
    new = rows(0, 1, 2)
    schema = infer_schema(TWO, new, classes=("cat", "dog", "bird"))
    assert schema.new_classes == ("bird",) and set(encode(schema, new)[0].targets) == {0, 1, 2}


def test_names_that_occur_nowhere_are_refused() -> None:
    with pytest.raises(DataError, match=r"None of the named labels occurs in 'y'.*It holds: '0', '1', '2'"):
        infer_schema(TWO, rows(0, 1, 2), classes=("cat", "dog"))


def test_more_one_hot_columns_than_units_are_new_classes_that_old_data_need_not_have() -> None:
    new = table(40, **{f"y_{i}": np.arange(40) % 4 == i for i in range(4)})
    old = table(30, "old.csv", **{f"y_{i}": np.arange(30) % 3 == i for i in range(3)})
    schema = infer_schema(THREE, new, old)
    assert schema.new_classes == ("3",) and schema.task == "multiclass"
    assert encode(schema, new)[0].targets.tolist() == [0, 1, 2, 3] * 10
    assert encode(schema, old)[0].targets.tolist() == [0, 1, 2] * 10
    assert not [line for line in told(THREE, schema, new=new, old=old) if line.startswith("error")]


def test_every_new_class_has_rows_in_training_and_holdout() -> None:
    labels = [0, 1, 2] * 60 + [3] * 5 + [4] * 9
    new = table(len(labels), y=labels)
    schema = infer_schema(THREE, new, table(30, y=[0, 1, 2] * 10))
    data, _ = encode(schema, new)
    for seed in range(5):
        done = split(schema, data, settings=SplitSettings(seed))
        for part in ("new_train", "new_holdout"):
            assert {3, 4} <= set(data.targets[done.parts[part]])
        assert set(done.summary.holdout.labels["new"]) == {"0", "1", "2", "3", "4"}


def test_a_new_class_of_hardly_any_rows_is_said() -> None:
    labels = [0, 1, 2] * 20 + [3] * 2
    new = table(len(labels), y=labels)
    schema = infer_schema(THREE, new, table(30, y=[0, 1, 2] * 10))
    (found,) = [line for line in told(THREE, schema, new=new) if "New label '3'" in line]
    assert found.startswith("warning") and "Without training rows no strategy learns it" in found

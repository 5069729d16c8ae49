"""Several label columns: each is measured, all are judged together, the one that moved most is named."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import infer_schema
from retrain_core.shift import feature_frame, shift_json, shift_report
from retrain_core.shift.frames import label_names
from retrain_core.shift.images import is_summary
from retrain_core.types import ShiftReport, Table, TensorSpec, from_json, to_json
from tests.data.cards import card

LABELS = ("red", "green", "blue")


def tags(seed: int, rows: int, *, more_red: float = 0.0, turn: float = 1.0) -> pd.DataFrame:
    """Return a column and three labels that depend on it; ``turn`` turns what the third does."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(0, 1, rows), "z": rng.normal(0, 1, rows)})
    frame["red"] = (rng.random(rows) < 0.3 + more_red).astype(int)
    frame["green"] = (rng.random(rows) < 0.5).astype(int)
    frame["blue"] = (rng.random(rows) < 1 / (1 + np.exp(-2 * turn * frame["x"]))).astype(int)
    return frame


def report(*sides: pd.DataFrame, task: str | None = "multilabel") -> ShiftReport:
    return shift_report(*sides, label=LABELS, task=task)  # type: ignore[arg-type]


def test_the_label_that_moved_most_is_named_and_the_others_are_counted() -> None:
    found = report(tags(1, 1_000), tags(2, 800, more_red=0.3))
    assert found.labels[0].name == "red" and len(found.labels) == 3
    assert found.label.level == found.labels[0].level == "major"
    assert found.label.summary.startswith("1 of 3 labels moved. Most: Share of red = 1: 3")
    assert (
        "1 of 3 labels moved, most one from 3" in found.overall.summary
        and "(red = 1)" in found.overall.summary
    )
    assert {column.name for column in found.columns} == {"x", "z"}


def test_p_values_of_labels_are_adjusted_together() -> None:
    sides = tags(1, 400), tags(2, 300, more_red=0.12)
    alone = shift_report(sides[0][["red"]], sides[1][["red"]], label="red").label.measures["chi2"].p_adjusted
    together = report(*sides).label.measures["chi2"].p_adjusted
    assert alone is not None and together is not None and alone < together


def test_without_a_shift_none_of_the_labels_moves() -> None:
    levels = [report(tags(seed, 300), tags(1_000 + seed, 200)) for seed in range(40)]
    assert np.mean([found.label.level != "none" for found in levels]) <= 0.1
    assert np.mean([found.concept.level != "none" for found in levels]) <= 0.1
    assert "None of the 3 labels moved enough to matter" in levels[0].label.summary


def test_a_concept_that_turned_for_one_of_several_labels_is_found() -> None:
    found = report(tags(1, 1_500), tags(2, 1_500, turn=-1.0))
    assert found.concept.level == "major"
    assert (
        "the expected labels together moved by" in found.concept.summary
        and "depending on x" in found.concept.summary
    )


def test_several_numbers_are_compared_each_on_its_own_scale() -> None:
    rng = np.random.default_rng(3)
    old, new = (pd.DataFrame({"x": rng.normal(0, 1, 800)}) for _ in range(2))
    for side, shift in ((old, 0.0), (new, 1.0)):
        side["metres"] = side["x"] + rng.normal(0, 1, 800)
        side["pence"] = 10_000 * (side["x"] + rng.normal(shift, 1, 800))
    found = shift_report(old, new, label=("metres", "pence"), task="regression")
    assert found.label.summary.startswith("1 of 2 labels moved. Most: Mean of pence: ")
    assert "most the mean of pence from" in found.overall.summary
    assert found.concept.level in ("minor", "major")
    assert {label.kind for label in found.labels} == {"numeric"}


def test_a_label_that_one_side_lacks_is_named() -> None:
    found = report(tags(1, 300).drop(columns="blue"), tags(2, 200))
    assert len(found.labels) == 2 and found.label.summary.endswith("The old data has no column blue.")
    nothing = report(tags(1, 300).drop(columns=list(LABELS)), tags(2, 200))
    assert nothing.label.level is None and nothing.concept.level is None
    assert nothing.label.summary == "It cannot be told: the old data has no columns red, green and blue."
    assert nothing.overall.level == "none"


@pytest.mark.parametrize("odd", [np.nan, 1, "text", np.inf])
def test_no_label_however_odd_stops_the_report(odd: object) -> None:
    old, new = tags(1, 200), tags(2, 150)
    new["green"] = odd
    for task in ("multilabel", "regression", None):
        found = report(old, new, task=task)
        assert found.label.summary.endswith(".") and "nan" not in found.label.summary.lower()
        assert from_json(to_json(found), ShiftReport) == found
        json.loads(to_json(shift_json(found)))


def test_more_labels_than_the_concept_check_takes_are_said() -> None:
    rng = np.random.default_rng(0)
    old, new = (
        pd.DataFrame(rng.integers(0, 2, (150, 14))).add_prefix("y").assign(x=rng.normal(size=150))
        for _ in range(2)
    )
    found = shift_report(old, new, label=[f"y{i}" for i in range(14)], task="multilabel")
    assert found.concept.summary.endswith("(The first 10 of 14 labels.)")


def test_one_hot_labels_are_one_label_with_the_names_of_the_classes() -> None:
    model = card(3, "softmax", "categorical_crossentropy")
    kinds = np.arange(60) % 3
    features = {"a": np.arange(60.0), "b": np.arange(60.0)}
    table = Table(
        "new.csv",
        "",
        pd.DataFrame({**features, **{name: kinds == i for i, name in enumerate(("ant", "bee", "cat"))}}),
    )
    schema = infer_schema(model, table, label="ant,bee,cat")
    frame = feature_frame(table, schema)
    assert list(frame) == ["a", "b", "ant, bee, cat"] and label_names(schema) == ("ant, bee, cat",)
    assert frame["ant, bee, cat"][:3].tolist() == ["ant", "bee", "cat"]
    found = shift_report(frame, frame[:40], label=label_names(schema), task=schema.task)
    assert found.label.level == "none" and found.labels[0].kind == "categorical"


def test_of_images_and_columns_together_both_are_measured() -> None:
    inputs = (TensorSpec("photo", (4, 4), "float32"), TensorSpec("age", (1,), "float32"))
    model = card(1, "sigmoid", "binary_crossentropy", inputs=inputs)
    rows = pd.DataFrame({"age": np.arange(40.0), "spare": 1, "y": np.arange(40) % 2})
    table = Table("new.npz", "", rows, {"photo": np.random.default_rng(0).random((40, 4, 4))})
    frame = feature_frame(table, infer_schema(model, table))
    assert list(frame) == ["brightness", "contrast", "sharpness", "age", "y"] and is_summary(frame)
    two = Table("new.npz", "", rows, {name: np.zeros((40, 4, 4)) for name in ("left", "right")})
    assert list(feature_frame(two, None))[:4] == [
        "left brightness",
        "left contrast",
        "left sharpness",
        "right brightness",
    ]

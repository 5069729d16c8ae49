"""Kinds of labels and inputs, as far as ``inspect`` and ``shift`` go."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import command_line

BUILD = """
import sys, keras
folder = sys.argv[1]
def save(name, activation, units, loss, inputs=None):
    ends = inputs or [keras.Input((2,), name="row")]
    flat = [keras.layers.Flatten()(end) for end in ends]
    x = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    model = keras.Model(ends if len(ends) > 1 else ends[0], keras.layers.Dense(units, activation)(x))
    model.compile("adam", loss)
    model.save(f"{folder}/{name}.keras")
save("tags", "sigmoid", 3, "binary_crossentropy")
save("values", "linear", 2, "mse")
save("classes", "softmax", 3, "sparse_categorical_crossentropy")
save("margin", "linear", 1, keras.losses.Hinge())
save("mixed", "sigmoid", 1, "binary_crossentropy", [keras.Input((4, 4), name="photo"), keras.Input((2,), name="facts")])
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, keras_script) -> Path:
    folder = tmp_path_factory.mktemp("models")
    keras_script(BUILD, folder)
    return folder


def rows(seed: int, count: int = 300, move: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(0, 1, (count, 2)), columns=["a", "b"])
    for place, name in enumerate(("red", "green", "blue")):
        frame[name] = (rng.random(count) < 0.3 + move * (place == 1)).astype(int)
    return frame


def shift(models: Path, folder: Path, model: str | None, ending: str, *more: object):
    chosen = ["--model", models / f"{model}.keras"] if model else []
    return command_line(
        "shift", "--old", folder / f"old.{ending}", "--new", folder / f"new.{ending}", *chosen, *more, "--out", folder / "out"
    )  # fmt: skip


def told(done, folder: Path) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out" / "shift.json").read_text())


@pytest.mark.parametrize(
    ("model", "task", "words"),
    [
        ("tags", "multilabel", "several labels an example"),
        ("values", "regression", "for 2 values an example"),
        ("classes", "multiclass", "for 3 classes"),
        ("margin", "binary", "hinge"),
    ],
)
def test_inspect_says_what_the_model_predicts(models: Path, model: str, task: str, words: str) -> None:
    card = json.loads(command_line("inspect", models / f"{model}.keras").stdout)
    assert card["task"] == task and words in card["task_reason"]


@pytest.mark.parametrize("model", ["tags", None], ids=["with model", "files alone"])
def test_several_label_columns_are_separated_by_commas(
    models: Path, tmp_path: Path, model: str | None
) -> None:
    rows(1).to_csv(tmp_path / "old.csv", index=False)
    rows(2, move=0.4).to_csv(tmp_path / "new.csv", index=False)
    found = told(shift(models, tmp_path, model, "csv", "--label", "red,green,blue"), tmp_path)
    assert set(found["columns"]) == {"a", "b"} and next(iter(found["labels"])) == "green"
    assert found["label"]["level"] == "major"
    assert found["label"]["summary"].startswith("1 of 3 labels moved. Most: Share of green = 1")


@pytest.mark.parametrize("label", ["red,green,violet", "violet"])
def test_a_label_column_that_is_not_there_exits_2(models: Path, tmp_path: Path, label: str) -> None:
    for name in ("old", "new"):
        rows(1).to_csv(tmp_path / f"{name}.csv", index=False)
    for model in ("tags", None):
        done = shift(models, tmp_path, model, "csv", "--label", label)
        assert done.returncode == 2 and done.stderr.startswith("error: new.csv has no column 'violet'.")


def test_an_array_of_labels_needs_no_option(models: Path, tmp_path: Path) -> None:
    for name, seed in (("old", 1), ("new", 2)):
        frame = rows(seed).to_numpy()
        np.savez(tmp_path / f"{name}.npz", x=frame[:, :2], y=frame[:, 2:])
    for model in ("tags", None):
        found = told(shift(models, tmp_path, model, "npz"), tmp_path)
        assert set(found["labels"]) == {"y_0", "y_1", "y_2"} and set(found["columns"]) == {"x0", "x1"}


def test_one_hot_labels_are_one_label(models: Path, tmp_path: Path) -> None:
    for name, seed in (("old", 1), ("new", 2)):
        kinds = np.random.default_rng(seed).integers(0, 3, 300)
        np.savez(tmp_path / f"{name}.npz", x=rows(seed).to_numpy()[:, :2], y=np.eye(3)[kinds])
    found = told(shift(models, tmp_path, "classes", "npz"), tmp_path)
    assert list(found["labels"]) == ["y_0, y_1, y_2"] and found["label"]["level"] == "none"


def test_labels_new_to_the_model_are_a_shift_of_the_label(models: Path, tmp_path: Path) -> None:
    for name, kinds in (("old", 3), ("new", 4)):
        frame = rows(1)[["a", "b"]].assign(y=np.arange(300) % kinds)
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    found = told(shift(models, tmp_path, "classes", "csv", "--label", "y"), tmp_path)
    assert (
        found["label"]["level"] != "none"
        and "New category: 3 (25 % of the new values)." in found["label"]["summary"]
    )


def test_numbers_a_row_are_labels_each(models: Path, tmp_path: Path) -> None:
    for name, shift_by in (("old", 0.0), ("new", 1.0)):
        frame = rows(1)[["a", "b"]]
        frame.assign(y_0=frame["a"], y_1=frame["b"] + shift_by).to_csv(tmp_path / f"{name}.csv", index=False)
    found = told(shift(models, tmp_path, "values", "csv"), tmp_path)
    assert found["label"]["summary"].startswith("1 of 2 labels moved. Most: Mean of y_1")
    assert found["concept"]["level"] == "major"


def test_arrays_and_columns_feed_a_model_together(models: Path, tmp_path: Path) -> None:
    for name, seed in (("old", 1), ("new", 2)):
        rng = np.random.default_rng(seed)
        np.savez(
            tmp_path / f"{name}.npz", photo=rng.random((200, 4, 4)) + seed, facts=rng.random((200, 2)), y=rng.integers(0, 2, 200)
        )  # fmt: skip
    found = told(shift(models, tmp_path, "mixed", "npz"), tmp_path)
    assert set(found["columns"]) == {"brightness", "contrast", "sharpness", "facts_0", "facts_1"}
    assert found["columns"]["brightness"]["level"] == "major" and found["concept"]["level"] is None

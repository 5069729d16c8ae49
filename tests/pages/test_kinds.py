"""The Data and the Shift page with several labels a row, and with labels that are new to the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from retrain_core.runs.runner import Runner
from retrain_core.types import ExperimentSpec
from tests.make import experiment
from tests.pages.conftest import Answered, once_shown, texts
from tests.pages.test_pages import upload

TAGS = ("red", "green", "blue")


def tags(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(0, 1, (rows, 2)), columns=["a", "b"])
    return frame.assign(**{name: (rng.random(rows) < 0.4).astype(int) for name in TAGS})


def save_model(path: Path, activation: str, loss: str) -> Path:
    import keras

    model = keras.Sequential([keras.Input((2,), name="row"), keras.layers.Dense(3, activation)])
    model.compile("adam", loss)
    model.save(path)
    return path


def asked(
    answered: Answered, folder: Path, model: Path, old: pd.DataFrame, new: pd.DataFrame, label: str
) -> ExperimentSpec:
    files = {"model": model, "old": folder / "old.parquet", "new": folder / "new.parquet"}
    for name, frame in (("old", old), ("new", new)):
        frame.to_parquet(files[name])
    return experiment(answered.store, files, label=label)


@pytest.fixture(scope="module")
def tagged(answered: Answered, tmp_path_factory: pytest.TempPathFactory) -> ExperimentSpec:
    folder = tmp_path_factory.mktemp("tags")
    model = save_model(folder / "tags.keras", "sigmoid", "binary_crossentropy")
    return asked(answered, folder, model, tags(200, 1), tags(150, 2), "red,green,blue")


@pytest.fixture(scope="module")
def grown(answered: Answered, tmp_path_factory: pytest.TempPathFactory) -> ExperimentSpec:
    folder = tmp_path_factory.mktemp("grown")
    model = save_model(folder / "classes.keras", "softmax", "sparse_categorical_crossentropy")
    old, new = (tags(200, 1)[["a", "b"]].assign(kind=[*names] * (200 // len(names))) for names in (("ant", "bee", "cat", "bee"), ("ant", "bee", "cat", "dog")))  # fmt: skip
    return asked(answered, folder, model, old, new, "kind")


def labels_of(app: AppTest) -> list[str]:
    return next(box for box in app.multiselect if box.label == "Label columns").value


def test_several_label_columns_are_chosen_in_the_order_of_the_units(
    open_page, tagged: ExperimentSpec
) -> None:
    app = open_page("data", tagged.id)
    assert labels_of(app) == [*TAGS]
    assert "Each row has 3 labels, each yes or no: red, green, blue" in texts(app) and not app.error
    box = next(box for box in app.multiselect if box.label == "Label columns")
    box.set_value(["blue", "red", "green"]).run()
    assert not app.exception and not app.error
    assert "each yes or no: blue, red, green" in texts(app)


def test_a_label_column_taken_away_is_asked_for_and_can_be_put_back(
    open_page, tagged: ExperimentSpec
) -> None:
    app = open_page("data", tagged.id)
    next(box for box in app.multiselect if box.label == "Label columns").unselect("blue").run()
    assert not app.exception
    assert any(
        "predicts 3 labels a row; 2 label columns are chosen" in error.value.replace("\\", "")
        for error in app.error
    )
    assert labels_of(app) == ["red", "green"]
    next(box for box in app.multiselect if box.label == "Label columns").select("blue").run()
    assert not app.error and labels_of(app) == [*TAGS]


def test_another_task_asks_for_the_labels_that_it_needs(open_page, tagged: ExperimentSpec) -> None:
    app = open_page("data", tagged.id)
    next(box for box in app.selectbox if box.label == "The model predicts").select("multiclass").run()
    assert not app.exception
    assert any(box.label == "Label column" for box in app.selectbox)


def test_the_shift_page_shows_each_label(open_page, tagged: ExperimentSpec, runner: Runner) -> None:
    app = once_shown(runner, open_page("shift", tagged.id), "of the 3 labels moved enough")
    box = app.selectbox(key="shift_column")
    assert set(box.options) == {"a", "b", *TAGS}
    box.select("green").run()
    assert not app.exception and "Share of green = 1: " in texts(app)


def test_new_labels_are_named_with_their_rows(open_page, grown: ExperimentSpec) -> None:
    app = open_page("data", grown.id)
    said = texts(app)
    assert "New data: A label that the model does not know: 'dog' (50 rows)" in said and not app.error
    assert (
        next(field for field in app.text_input if "order of the model's outputs" in field.label).value
        == "ant, bee, cat, dog"
    )
    assert "Undo my changes" not in [button.label for button in app.button]


def test_labels_that_the_model_cannot_be_told_to_know_are_asked_for(
    open_page, answered: Answered, grown: ExperimentSpec
) -> None:
    app = open_page("data", grown.id)
    app.button(key="remove_old").click().run()
    frame = tags(200, 3)[["a", "b"]].assign(kind=["ant", "bee", "cat", "dog"] * 50)
    upload(app, "New data", "late.csv", frame.to_csv(index=False).encode())
    assert any("Name the 3 labels that the model knows" in error.value for error in app.error)
    app.text_input[0].set_value("ant, bee, cat").run()
    assert not app.error and "the model does not know: 'dog' (50 rows)" in texts(app)

"""Recalibration against SciPy: what it finds, and that it is what the saved model predicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl
from numpy.typing import NDArray
from scipy import optimize, special

from retrain_core.errors import RunError
from retrain_core.strategies import make_strategy
from retrain_core.training import models
from retrain_core.types import Dataset, Schema
from tests.training.build import Recorded, output, rows_for, saved, schema, sequential

Floats = NDArray[np.float64]
TRUE_SCALE = 0.4  # the old model is too sure
TRUE_SHIFT = np.array([1.5, 0.0, -1.0])


def is_softmax(how: Schema) -> bool:
    return how.units > 1 and how.task != "multilabel" and how.loss != "binary_crossentropy"


def columns(how: Schema, targets: NDArray[np.integer]) -> NDArray[np.integer]:
    """Return 0 and 1, a column a unit."""
    if how.task == "multiclass":
        return np.eye(how.units, dtype=np.int8)[targets]
    return targets.reshape(len(targets), how.units)


def probabilities(how: Schema, logits: Floats) -> Floats:
    return special.softmax(logits, axis=1) if is_softmax(how) else special.expit(logits)


def labels(how: Schema, logits: Floats, rng: np.random.Generator) -> NDArray[np.integer]:
    """Draw labels that the logits predict well."""
    chance = probabilities(how, logits)
    if how.task == "multiclass" or is_softmax(how):
        return np.array([rng.choice(how.units, p=row / row.sum()) for row in chance], np.int32)
    drawn = (rng.random(chance.shape) < chance).astype(np.int8)
    return drawn if how.task == "multilabel" else drawn[:, 0].astype(np.int32)


def log_loss(how: Schema, logits: Floats, targets: NDArray[np.integer]) -> float:
    chance = probabilities(how, logits).clip(1e-12, 1 - 1e-12)
    if is_softmax(how):
        return float(-np.log(chance[np.arange(len(targets)), targets]).mean())
    y = columns(how, targets)
    return float(-(y * np.log(chance) + (1 - y) * np.log(1 - chance)).mean())


def frequency(how: Schema, targets: NDArray[np.integer]) -> Floats:
    """Return how frequent each label is, in logits; half a row is added to each."""
    if is_softmax(how):
        counts = np.bincount(targets, minlength=how.units) + 0.5
        return np.log(counts / counts.sum())
    rows = columns(how, targets)
    return special.logit((rows.sum(axis=0) + 0.5) / (len(rows) + 1))


WAYS = {
    "one unit": (schema(), "sigmoid"),
    "one unit, logits": (schema(from_logits=True), None),
    "two units": (schema("binary", 2, "sparse_categorical_crossentropy"), "softmax"),
    "classes": (schema("multiclass", 3), "softmax"),
    "classes, logits": (schema("multiclass", 3, from_logits=True), None),
    "classes, a sigmoid each": (schema("multiclass", 3, "binary_crossentropy"), "sigmoid"),
    "classes, a sigmoid each, logits": (
        schema("multiclass", 3, "binary_crossentropy", from_logits=True),
        None,
    ),
    "labels": (schema("multilabel", 3), "sigmoid"),
}


@pytest.mark.parametrize("way", WAYS)
def test_temperature_and_priors_are_those_of_a_direct_computation(way: str, tmp_path: Path) -> None:
    how, activation = WAYS[way]
    keras.utils.set_random_seed(0)
    model = sequential(kl.Dense(6, activation="tanh"), output(how.units, activation))
    path = saved(model, tmp_path / "model.keras", None)
    bare = keras.Model(model.inputs[0], output(how.units, None)(model.layers[0].output))
    bare.set_weights(model.get_weights())
    rows, rng = rows_for(model, how, rows=1500), np.random.default_rng(1)
    logits = np.asarray(bare(rows.inputs["row"]), np.float64)
    old = replace(rows, targets=labels(how, logits, rng))
    new = replace(rows, targets=labels(how, logits * TRUE_SCALE + TRUE_SHIFT[: how.units], rng))

    engine = Recorded(path, how, new)
    strategy = make_strategy("recalibrate", {})
    engine.finish(strategy.train(old, new, engine)).save(tmp_path / "after.keras")
    given = np.asarray(models.load(tmp_path / "after.keras")(rows.inputs["row"]))

    shift = frequency(how, new.targets) - frequency(how, old.targets)
    assert log_loss(how, logits + shift, new.targets) < log_loss(how, logits, new.targets)
    scale = optimize.minimize_scalar(
        lambda value: log_loss(how, logits * value + shift, new.targets), bounds=(0.05, 20), method="bounded"
    ).x
    expected = logits * scale + shift
    np.testing.assert_allclose(
        given, expected if how.from_logits else probabilities(how, expected), atol=2e-3
    )


def train(tmp_path: Path, model: keras.Model, how: Schema, old: Dataset | None, **options: bool) -> Recorded:
    """Recalibrate ``model`` on random rows, and return the engine that did it."""
    path, rows = saved(model, tmp_path / "model.keras", None), rows_for(model, how)
    engine = Recorded(path, how, rows)
    make_strategy("recalibrate", options).train(old, rows, engine)
    return engine


def test_neither_is_done_if_neither_lowers_the_loss(tmp_path: Path) -> None:
    how, model = schema(), sequential(output())
    path = saved(model, tmp_path / "model.keras", None)
    x = rows_for(model, how, rows=4000).inputs["row"]
    logits = special.logit(np.asarray(model(x), np.float64))
    rows = Dataset({"row": x}, labels(how, logits, np.random.default_rng(0)), "binary", (), "")
    engine = Recorded(path, how, rows)
    after = make_strategy("recalibrate", {"temperature": False}).train(rows, rows, engine)
    np.testing.assert_array_equal(after.get_weights()[0], model.get_weights()[0])
    assert "Priors are not corrected" in engine.told("notice")[0]["text"]


def test_priors_need_old_data_and_that_is_said(tmp_path: Path) -> None:
    engine = train(tmp_path, sequential(output()), schema(), None)
    assert engine.told("notice")[0]["text"] == "There is no old data, so priors are not corrected."


@pytest.mark.parametrize(
    ("how", "activation", "message"),
    [
        (schema("regression"), None, "Only probabilities can be recalibrated"),
        (schema("multiclass", 3, classes=5), "softmax", r"cannot teach new classes.*does not know: 3, 4"),
        (schema("binary", 1, "hinge", from_logits=True), "tanh", r"cannot be recalibrated.*ends in: tanh"),
    ],
    ids=["numbers", "new classes", "neither logits nor probabilities"],
)
def test_what_cannot_be_recalibrated_is_refused(
    tmp_path: Path, how: Schema, activation: str | None, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        train(tmp_path, sequential(output(how.units, activation)), how, None)

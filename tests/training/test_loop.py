"""The loop means what ``fit`` means: same seed, same order, same numbers."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from retrain_core.training.loop import Loop
from retrain_core.types import Binding, Dataset, Schema

SCHEMA = Schema(
    "binary",
    ("y",),
    (Binding("row", ("a", "b"), "float32", (2,)),),
    ("0", "1"),
    1,
    False,
    "binary_crossentropy",
)


def network(dropout: float, norm: bool) -> keras.Model:
    keras.utils.set_random_seed(3)
    layers = [
        keras.Input((2,), name="row"),
        keras.layers.Dense(8, activation="relu", kernel_regularizer="l2"),
    ]
    layers += [keras.layers.BatchNormalization()] if norm else []
    layers += [keras.layers.Dropout(dropout, seed=5)] if dropout else []
    model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(
        keras.optimizers.Adam(0.01),
        "binary_crossentropy",
        metrics=[keras.metrics.BinaryAccuracy(name="accuracy")],
    )
    return model


@pytest.fixture
def data() -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(203, 2)).astype(np.float32)
    return Dataset({"row": x}, (x.sum(axis=1) > 0).astype(np.int32), "binary", ("a", "b"), "")


@pytest.mark.parametrize(("dropout", "norm"), [(0.0, False), (0.0, True), (0.3, True)])
def test_loop_agrees_with_fit(data: Dataset, dropout: float, norm: bool) -> None:
    ours, theirs = network(dropout, norm), network(dropout, norm)
    loop = Loop(ours, data, SCHEMA)
    *_, logs = loop.train(np.arange(data.rows, dtype=np.int32), batch_size=32)
    history = theirs.fit(
        data.inputs["row"], data.targets, batch_size=32, epochs=1, shuffle=False, verbose=0
    ).history
    assert logs["loss"] == pytest.approx(history["loss"][0], rel=1e-5)
    assert logs["accuracy"] == pytest.approx(history["accuracy"][0], rel=1e-6)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_score_agrees_with_evaluate(data: Dataset) -> None:
    model = network(0.3, True)
    scores = Loop(model, data, SCHEMA).score()
    loss, accuracy = model.evaluate(data.inputs["row"], data.targets, verbose=0)
    assert scores["loss"] == pytest.approx(loss, rel=1e-5)
    assert scores["accuracy"] == pytest.approx(accuracy, rel=1e-6)


def test_every_row_is_used_once_an_epoch(data: Dataset) -> None:
    model = network(0.0, False)
    loop = Loop(model, data, SCHEMA)
    *_, logs = loop.train(np.arange(data.rows, dtype=np.int32), batch_size=32)
    assert logs["rows"] == data.rows and logs["share"] == 1.0
    assert int(model.optimizer.iterations) == 7

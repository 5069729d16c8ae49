"""What the output layer takes, for models of every form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from retrain_core.training import models
from retrain_core.training.features import MOST_FEATURES, projected, with_features
from retrain_core.training.forward import Forward
from retrain_core.training.rows import inputs_of
from tests.training.build import mlp, output, rows_for, schema, sequential


def functional_with_softmax_apart() -> keras.Model:
    inputs = keras.Input((4,), name="row")
    hidden = kl.Dropout(0.5, name="drop")(kl.Dense(8, activation="relu", name="hidden")(inputs))
    return keras.Model(inputs, kl.Softmax()(kl.Activation("linear")(kl.Dense(3, name="out")(hidden))))


def back_in_units() -> keras.Model:
    hidden = kl.Dense(8, activation="relu", name="hidden")
    return sequential(
        hidden, output(1, None), kl.Normalization(mean=5.0, variance=4.0, invert=True), kl.Rescaling(2.0)
    )


def wide_and_deep() -> keras.Model:
    inputs = keras.Input((4,), name="row")
    deep = kl.Dense(1, name="deep_out")(kl.Dense(8, activation="relu", name="hidden")(inputs))
    both = kl.Add()([kl.Dense(1, name="wide_out")(inputs), deep])
    return keras.Model(inputs, kl.Activation("sigmoid")(both))


def two_towers() -> keras.Model:
    user, item = keras.Input((), name="user", dtype="int32"), keras.Input((), name="item", dtype="int32")
    found = [
        kl.Embedding(4, 3, name=name)(tensor) for name, tensor in (("user_place", user), ("item_place", item))
    ]
    return keras.Model([user, item], kl.Activation("sigmoid")(kl.Dot(axes=1)(found)))


def nested(*, head: bool) -> keras.Model:
    inner_inputs = keras.Input((4,), name="inner")
    body = keras.Model(
        inner_inputs, kl.Dense(8, activation="relu", name="hidden")(inner_inputs), name="trunk"
    )
    inputs = keras.Input((4,), name="row")
    last = keras.Sequential([keras.Input((8,)), output()], name="head") if head else output()
    return keras.Model(inputs, last(body(inputs)))


def nested_activation() -> keras.Model:
    inputs = keras.Input((4,), name="row")
    hidden = kl.Dense(8, activation="relu", name="hidden")(inputs)
    last = keras.Sequential([keras.Input((1,)), kl.Activation("sigmoid")], name="squash")
    return keras.Model(inputs, last(kl.Dense(1, name="out")(hidden)))


def named_inputs() -> keras.Model:
    inputs = {"b": keras.Input((2,), name="b"), "a": keras.Input((3,), name="a")}
    hidden = kl.Dense(8, activation="relu", name="hidden")(kl.Concatenate()([inputs["a"], inputs["b"]]))
    return keras.Model(inputs, output()(hidden))


def text() -> keras.Model:
    words = kl.TextVectorization(vocabulary=["a", "b", "c"])  # padded to the longest text of a batch
    inner = [words, kl.Embedding(5, 8, mask_zero=True), kl.LSTM(6, name="read"), output()]
    return sequential(*inner, shape=(1,), dtype="string")


# By name: the model, the layer whose values are taken, and how many there are.
FORMS: dict[str, tuple[Callable[[], keras.Model], str, int]] = {
    "sequential": (lambda: mlp(), "hidden", 8),
    "dropout between": (functional_with_softmax_apart, "drop", 8),
    "frozen": (lambda: _frozen(mlp()), "hidden", 8),
    "normalised outputs": (back_in_units, "hidden", 8),
    "one layer": (lambda: sequential(output()), "row", 4),
    "one layer behind preprocessing": (
        lambda: sequential(kl.Normalization(mean=1.0, variance=4.0, name="norm"), output()),
        "norm",
        4,
    ),
    "two branches": (wide_and_deep, "row, hidden", 12),
    "ids": (two_towers, "user_place, item_place", 6),
    "nested trunk": (lambda: nested(head=False), "trunk", 8),
    "nested trunk and head": (lambda: nested(head=True), "trunk", 8),
    "nested activation": (nested_activation, "hidden", 8),
    "named inputs": (named_inputs, "hidden", 8),
    "images": (
        lambda: sequential(kl.Conv2D(2, 3), kl.Flatten(name="flat"), output(), shape=(8, 8, 1)),
        "flat",
        72,
    ),
    "convolutions to the end": (
        lambda: sequential(
            kl.Conv2D(2, 3, name="conv"),
            kl.Conv2D(3, 3, name="last"),
            kl.GlobalAveragePooling2D(),
            kl.Softmax(),
            shape=(8, 8, 1),
        ),
        "conv",
        72,
    ),
    "sequence to the end": (
        lambda: sequential(kl.LSTM(5, return_sequences=True, name="first"), kl.LSTM(1), shape=(None, 3)),
        "first",
        5,
    ),
    "text": (text, "read", 6),
    "no weights": (lambda: sequential(kl.GlobalAveragePooling1D(name="mean"), shape=(5, 3)), "mean", 3),
}


def _frozen(model: keras.Model) -> keras.Model:
    model.trainable = False
    return model


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[keras.Model, str, int]:
    """A model as it is read from its file, with the layer and the number of values to expect."""
    keras.utils.set_random_seed(0)
    make, layer, size = FORMS[request.param]
    make().save(tmp_path / "model.keras")
    return models.load(tmp_path / "model.keras"), layer, size


def test_outputs_stay_as_they_are_and_the_layer_before_the_last_is_named(form) -> None:
    model, layer, size = form
    both, name = with_features(model)
    rows = rows_for(model, schema())
    outputs, *features = Forward(both)(inputs_of(both, rows))
    assert np.array_equal(outputs, Forward(model)(inputs_of(model, rows))[0])
    assert name == layer
    assert all(values.ndim == 2 for values in features)
    assert sum(values.shape[1] for values in features) == size


def test_the_values_are_those_that_the_output_layer_takes() -> None:
    model = functional_with_softmax_apart()
    both, _ = with_features(model)
    rows = rows_for(model, schema())
    _, features = Forward(both)(inputs_of(both, rows))
    expected = keras.Model(model.input, model.get_layer("hidden").output).predict(
        rows.inputs["row"], verbose=0
    )
    np.testing.assert_allclose(features, expected, rtol=1e-5)


def test_padding_does_not_count_in_the_mean_of_a_sequence() -> None:
    inputs = [kl.Masking(0.0), kl.LSTM(5, return_sequences=True, name="first"), kl.LSTM(1)]
    model = sequential(*inputs, shape=(6, 3))
    both, _ = with_features(model)
    short = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
    short[:, 4:] = 0
    padded = Forward(both)([short])[1]
    steps = keras.Model(model.inputs, model.get_layer("first").output).predict(short, verbose=0)
    np.testing.assert_allclose(padded, steps[:, :4].mean(axis=1), rtol=1e-4)


def test_many_values_are_projected_so_that_distances_stay() -> None:
    values = np.random.default_rng(1).normal(size=(60, 20_000)).astype(np.float32)
    few = projected(values)
    assert few.shape == (60, MOST_FEATURES)
    pairs = np.triu_indices(60, 1)
    before, after = (np.linalg.norm(v[pairs[0]] - v[pairs[1]], axis=1) for v in (values, few))
    assert np.mean(after**2 / before**2) == pytest.approx(1.0, abs=0.02)
    assert np.std(after / before) < 2 / np.sqrt(2 * MOST_FEATURES)
    assert np.array_equal(projected(values[:3]), few[:3])

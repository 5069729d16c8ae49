"""Which layers are computed once (the trunk), and which at every step (the head)."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from retrain_core.training import graph, models
from retrain_core.training.graph import noise_apart, split
from tests.training.build import mlp, output, same, sequential


def layer_names(model: keras.Model | None) -> set[str]:
    """Return the names of all layers but inputs, those of nested models included."""
    found = [] if model is None else graph.leaves(model)
    return {layer.name for layer in found if not isinstance(layer, kl.InputLayer)}


def frozen(layer: keras.layers.Layer) -> keras.layers.Layer:
    layer.trainable = False
    return layer


def normalization() -> kl.Normalization:
    return kl.Normalization(mean=[1.0] * 4, variance=[4.0] * 4, name="norm")


@pytest.mark.parametrize(
    ("layers", "before"),
    [
        ([], set()),
        ([normalization()], {"norm"}),
        ([normalization(), kl.Rescaling(2.0, name="scale"), kl.Dropout(0.1)], {"norm", "scale"}),
        ([frozen(kl.Dense(3, name="first")), kl.ReLU(name="relu")], {"first", "relu"}),
        ([frozen(kl.BatchNormalization(name="first"))], {"first"}),
        ([kl.BatchNormalization()], set()),
        ([kl.BatchNormalization(center=False, scale=False)], set()),
        ([kl.GaussianNoise(0.1), normalization()], set()),
        ([kl.ActivityRegularization(0.1), normalization()], set()),
        ([frozen(kl.Dense(3, activity_regularizer="l2"))], set()),
        ([frozen(kl.Dense(3, kernel_regularizer="l2", name="first"))], {"first"}),
    ],
)
def test_the_trunk_ends_before_the_first_layer_that_learns_draws_or_is_penalised(
    layers: list, before: set[str]
) -> None:
    model = sequential(*layers, output())
    trunk, head = split(model)
    assert layer_names(trunk) == before
    assert layer_names(head) == layer_names(model) - before


def test_trunk_and_head_together_are_the_model() -> None:
    model = sequential(normalization(), frozen(kl.Dense(3)), kl.Dense(2), output())
    rows = keras.random.normal((5, 4), seed=0)
    trunk, head = split(model)
    np.testing.assert_allclose(head(trunk([rows])), model(rows), rtol=1e-6)


def test_the_head_learns_the_weights_of_the_model_itself() -> None:
    model = sequential(normalization(), output())
    _, head = split(model)
    head.trainable_weights[0].assign(np.ones((4, 1)))
    assert np.all(model.layers[-1].get_weights()[0] == 1)


def test_a_branch_that_learns_takes_the_input_as_it_is() -> None:
    row = keras.Input((4,), name="row")
    joined = kl.Concatenate(name="joined")([normalization()(row), kl.Dense(2, name="left")(row)])
    trunk, head = split(keras.Model(row, output()(joined)))
    assert layer_names(trunk) == {"norm"} and len(trunk.outputs) == 2
    assert layer_names(head) == {"joined", "left", "out"}


@pytest.mark.parametrize("layer", [kl.Embedding(5, 3, mask_zero=True), kl.Masking()])
def test_a_layer_that_makes_a_mask_stays_with_the_head(layer: keras.layers.Layer) -> None:
    shape = (4, 2) if isinstance(layer, kl.Masking) else (4,)
    model = sequential(frozen(layer), kl.LSTM(2, name="lstm"), output(), shape=shape)
    _, head = split(model)
    assert layer.name in layer_names(head)


@pytest.mark.parametrize(
    "layer",
    [
        kl.StringLookup(vocabulary=["a"], output_mode="multi_hot", sparse=True),
        kl.TextVectorization(vocabulary=["a"], output_mode="count"),
        kl.TextVectorization(vocabulary=["a"]),
        kl.Hashing(3, output_mode="one_hot"),
    ],
    ids=["sparse", "counted", "padded to a batch", "hashed"],
)
def test_what_batches_cannot_be_cut_from_stays_with_the_head(layer: keras.layers.Layer) -> None:
    text = keras.Input((1,), dtype="string", name="row")
    pooled = kl.GlobalAveragePooling1D()(kl.Reshape((-1, 1))(layer(text)))
    assert split(keras.Model(text, output()(pooled)))[0] is None


def test_a_frozen_model_used_twice_is_trunk_and_one_that_learns_is_head() -> None:
    inner = keras.Sequential([keras.Input((4,)), kl.Dense(3, name="deep")], name="inner")
    row = keras.Input((4,), name="row")
    model = keras.Model(row, output()(kl.Add(name="sum")([inner(row), inner(normalization()(row))])))
    learning = layer_names(split(model)[0])
    inner.trainable = False
    assert learning == {"norm"} and layer_names(split(model)[0]) == {"norm", "deep", "sum"}


def test_saving_after_a_split_writes_the_same_file(tmp_path: Path) -> None:
    model = mlp(kl.Dropout(0.2), kl.BatchNormalization())
    model.layers[0].trainable = False
    model.save(tmp_path / "before.keras")
    _, head = split(model)
    noise_apart(head)
    model.save(tmp_path / "after.keras")
    before, after = (models.load(tmp_path / f"{when}.keras") for when in ("before", "after"))
    assert config(tmp_path / "before.keras") == config(tmp_path / "after.keras")
    assert same(before.get_weights(), after.get_weights())


def test_a_model_that_passes_a_mask_is_saved_after_a_split(tmp_path: Path) -> None:
    row = keras.Input((6,), dtype="int32", name="row")
    words = kl.Embedding(9, 4, mask_zero=True)(row)
    met = kl.MultiHeadAttention(2, 3)(words, words)
    keras.Model(row, output()(kl.GlobalAveragePooling1D()(met))).save(tmp_path / "before.keras")
    model = models.load(tmp_path / "before.keras")
    split(model)
    model.save(tmp_path / "after.keras")
    assert same(model.get_weights(), models.load(tmp_path / "after.keras").get_weights())


def config(path: Path) -> dict:
    """Return the layers as the file describes them."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))["config"]


# --- noise apart ----------------------------------------------------------------------------------


def test_noise_drawn_apart_gives_the_outputs_of_the_model() -> None:
    noisy = [kl.Dropout(0.5, seed=1), kl.GaussianNoise(1.0, seed=2), kl.GaussianDropout(0.5, seed=3)]
    model = mlp(*noisy)
    rows = keras.random.normal((6, 4), seed=0)
    states = [np.array(layer.seed_generator.state) for layer in noisy]
    expected = model(rows, training=True)
    for layer, state in zip(noisy, states, strict=True):
        layer.seed_generator.state.assign(state)
    body, noise = noise_apart(split(model)[1])
    outputs = body([rows, *(part.draw(6) for part in noise)])
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


def test_noise_of_a_shared_layer_is_drawn_at_each_of_its_places() -> None:
    dropout, row = kl.Dropout(0.5), keras.Input((4,), name="row")
    model = keras.Model(row, output()(dropout(kl.Dense(3)(dropout(row)))))
    _, noise = noise_apart(split(model)[1])
    assert [part.shape for part in noise] == [(4,), (3,)]


@pytest.mark.parametrize(
    "model",
    [
        mlp(kl.AlphaDropout(0.2)),
        sequential(kl.LSTM(2, dropout=0.2), output(), shape=(3, 2)),
        sequential(kl.Masking(), kl.Dropout(0.2), kl.LSTM(2), output(), shape=(3, 2)),
        sequential(kl.Dropout(0.2), kl.GlobalAveragePooling1D(), output(), shape=(None, 2)),
    ],
    ids=["depends on its input", "inside a cell", "a mask would be lost", "of any length"],
)
def test_other_noise_is_left_where_it_is(model: keras.Model) -> None:
    assert noise_apart(split(model)[1]) is None


def test_a_model_without_noise_is_its_own_body() -> None:
    model = mlp()
    rows = keras.ops.ones((2, 4))
    body, noise = noise_apart(split(model)[1])
    assert noise == []
    np.testing.assert_array_equal(body([rows]), model(rows))

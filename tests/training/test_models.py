"""Fresh models: the same architecture, nothing learnt kept, preprocessing adapted on the rows given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from retrain_core.errors import RunError
from retrain_core.training import models
from retrain_core.types import Dataset

ROWS = 64


def data(inputs: dict[str, np.ndarray]) -> Dataset:
    return Dataset(inputs, np.zeros(ROWS, np.int32), "binary", (), "")


def numbers(seed: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 2, (ROWS, 2)).astype(np.float32)


def normalized(wrap: Callable[[keras.layers.Layer], keras.Model]) -> keras.Model:
    layer = keras.layers.Normalization(name="norm")
    layer.adapt(numbers(1))
    return wrap(layer)


def sequential(layer: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((2,), name="row"), layer, keras.layers.Dense(1)])


def functional(layer: keras.layers.Layer) -> keras.Model:
    inputs = keras.Input((2,), name="row")
    return keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))


def behind_a_rescaling(layer: keras.layers.Layer) -> keras.Model:
    inputs = keras.Input((2,), name="row")
    return keras.Model(inputs, keras.layers.Dense(1)(layer(keras.layers.Rescaling(1.0)(inputs))))


def nested(layer: keras.layers.Layer) -> keras.Model:
    inner_inputs = keras.Input((2,), name="inner")
    inner = keras.Model(inner_inputs, layer(inner_inputs), name="preprocessing")
    inputs = keras.Input((2,), name="row")
    return keras.Model(inputs, keras.layers.Dense(1)(inner(keras.layers.Rescaling(1.0)(inputs))))


def nested_sequential(layer: keras.layers.Layer) -> keras.Model:
    inner = keras.Sequential([keras.Input((2,)), layer], name="preprocessing")
    inputs = keras.Input((2,), name="row")
    return keras.Model(inputs, keras.layers.Dense(1)(inner(inputs)))


@pytest.mark.parametrize("wrap", [sequential, functional, behind_a_rescaling, nested, nested_sequential])
def test_normalization_is_adapted_again_wherever_it_stands(wrap: Callable[..., keras.Model]) -> None:
    old = normalized(wrap)
    rows = numbers(2, mean=50.0)
    new, _ = models.fresh(old, data({"row": rows}))
    (layer,) = [layer for layer in models.leaves(new) if layer.name == "norm"]
    np.testing.assert_allclose(np.ravel(layer.adapt_mean), rows.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(np.ravel(layer.adapt_variance), rows.var(axis=0), rtol=1e-4)


def test_constants_that_were_given_are_kept() -> None:
    old = functional(keras.layers.Normalization(mean=[1.0, 2.0], variance=[4.0, 9.0], name="norm"))
    new, _ = models.fresh(old, data({"row": numbers(2)}))
    np.testing.assert_allclose(np.ravel(new.get_layer("norm").mean), [1.0, 2.0])


def test_weights_are_fresh_and_the_old_model_is_left_alone() -> None:
    old = normalized(sequential)
    before = [w.copy() for w in old.get_weights()]
    new, _ = models.fresh(old, data({"row": numbers(2)}))
    assert not np.any(new.layers[-1].get_weights()[0] == old.layers[-1].get_weights()[0])
    assert all(np.array_equal(a, b) for a, b in zip(before, old.get_weights(), strict=True))


def lookup_model(layer: keras.layers.Layer, dtype: str) -> keras.Model:
    inputs = keras.Input((1,), name="word", dtype=dtype)
    embedded = keras.layers.Embedding(layer.vocabulary_size(), 4)(layer(inputs))
    return keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(embedded)))


def words(*values: object, dtype: type) -> Dataset:
    return data({"word": np.array(values * (ROWS // len(values)), dtype=dtype).reshape(-1, 1)})


def test_a_vocabulary_is_learnt_again_at_its_old_size() -> None:
    layer = keras.layers.StringLookup(vocabulary=["a", "b", "c"], name="lookup")
    layer.input_vocabulary = None  # as after adapt()
    new, notices = models.fresh(lookup_model(layer, "string"), words("x", "x", "é", "a", dtype=np.str_))
    known = new.get_layer("lookup").get_vocabulary()
    assert known[1:] == ["x", "a", "é"] or known[1:] == ["x", "é", "a"]
    assert new.get_layer("lookup")(tf.constant([["x"]])).numpy().tolist() == [[1]]
    assert not notices


def test_values_that_find_no_place_are_said() -> None:
    layer = keras.layers.StringLookup(vocabulary=["a", "b"], name="lookup")
    layer.input_vocabulary = None
    _, notices = models.fresh(lookup_model(layer, "string"), words("x", "x", "y", "z", dtype=np.str_))
    assert notices == ["Layer 'lookup': 1 rare values share one place, to keep its size of 2."]


def test_integers_are_looked_up_again_and_missing_places_are_filled() -> None:
    layer = keras.layers.IntegerLookup(vocabulary=[1, 2, 3, 4], name="lookup")
    layer.input_vocabulary = None
    new, _ = models.fresh(lookup_model(layer, "int64"), words(7, 9, dtype=np.int64))
    lookup = new.get_layer("lookup")
    assert lookup.vocabulary_size() == layer.vocabulary_size()
    assert {7, 9} <= set(lookup.get_vocabulary())


def test_a_vocabulary_that_the_model_was_given_is_kept() -> None:
    layer = keras.layers.StringLookup(vocabulary=["a", "b"], name="lookup")
    new, _ = models.fresh(lookup_model(layer, "string"), words("x", "y", dtype=np.str_))
    assert new.get_layer("lookup").get_vocabulary()[1:] == ["a", "b"]


def test_a_vocabulary_that_text_is_vectorized_by_is_kept_if_it_was_given(tmp_path: Path) -> None:
    layer = keras.layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=2, name="words")
    inputs = keras.Input((1,), name="text", dtype="string")
    embedded = keras.layers.Embedding(4, 2)(layer(inputs))
    keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(embedded))).save(tmp_path / "old.keras")
    rows = data({"text": np.array([["x y"]] * ROWS, dtype=np.str_)})
    new, notices = models.fresh(models.load(tmp_path / "old.keras"), rows)
    assert new.get_layer("words").get_vocabulary()[2:] == ["a", "b"] and not notices


def test_freezing_counts_the_layers_of_nested_models_from_the_output() -> None:
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="deep")], name="inner")
    model = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2, name="first"),
            inner,
            keras.layers.BatchNormalization(name="bn"),
        ]
    )
    assert models.freeze(model, all_but_last=1) == 1
    learning = {layer.name for layer in models.leaves(model) if layer.trainable and layer.weights}
    assert learning == {"deep"}
    assert model.get_layer("bn").trainable is False


def test_text_is_vectorized_again_at_the_old_size() -> None:
    layer = keras.layers.TextVectorization(output_sequence_length=2, name="words")
    layer.adapt(tf.constant(["one two", "two three"]))
    inputs = keras.Input((1,), name="text", dtype="string")
    embedded = keras.layers.Embedding(layer.vocabulary_size(), 4)(layer(inputs))
    old = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Flatten()(embedded)))
    rows = np.array([["uno dos"], ["dos tres"], ["dos cuatro"], ["uno cinco"]] * (ROWS // 4), dtype=np.str_)
    new, notices = models.fresh(old, data({"text": rows}))
    assert new.get_layer("words").vocabulary_size() == layer.vocabulary_size()
    assert new.get_layer("words").get_vocabulary()[2] == "dos"
    assert notices == ["Layer 'words': 2 rare values share one place, to keep its size of 3."]


def test_layers_saved_as_frozen_learn_again_with_fresh_weights_and_that_is_said() -> None:
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="deep")], name="trunk")
    old = keras.Sequential([keras.Input((2,), name="row"), inner, keras.layers.Dense(1, name="head")])
    inner.trainable = False
    new, notices = models.fresh(old, data({"row": numbers(1)}))
    assert len(new.trainable_weights) == 4
    assert notices == ["1 layer was saved as frozen; fresh weights have to learn: deep."]


def test_a_model_that_carries_state_over_batches_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input(batch_shape=(8, 3, 2)), keras.layers.LSTM(2, stateful=True, name="memory")]
    )
    model.save(tmp_path / "model.keras")
    with pytest.raises(RunError, match=r"Layer 'memory' carries its state .*stateful=False"):
        models.load(tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1, [["a", "b", "c", "d"]]), (2, [["a", "b"], ["c", "d"]]), (9, [["a"], ["b"], ["c"], ["d"]])],
)
def test_blocks_are_layers_that_can_learn_in_their_order(most: int, expected: list[list[str]]) -> None:
    inner = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, name="b"), keras.layers.Dense(3, name="c")]
    )
    layers = [keras.layers.Dense(2, name="a"), inner, keras.layers.BatchNormalization()]
    model = keras.Sequential(
        [keras.Input((2,)), *layers, keras.layers.ReLU(), keras.layers.Dense(1, name="d")]
    )
    assert [[layer.name for layer in block] for block in models.blocks(model, most)] == expected


def test_code_in_a_model_is_not_run_whoever_has_let_it_pass(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda values: 2 * values)])
    model.save(tmp_path / "model.keras")
    with pytest.raises(RunError, match="Keras cannot load the model"):
        models.load(tmp_path / "model.keras")

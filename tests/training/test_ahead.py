"""Frozen layers behind a Dropout are computed ahead: the same meaning, and the same numbers however it is cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from retrain_core.training import ahead as module
from retrain_core.training import models
from retrain_core.training.ahead import Ahead, ahead_of
from retrain_core.training.graph import split
from retrain_core.training.loop import Loop
from retrain_core.training.objective import Objective
from retrain_core.training.rows import feed
from tests.training.build import output, rows_for, saved, schema, sequential

RATE, SIZE, ROWS = 0.3, 16, 90


def frozen_behind_dropout(dropout: kl.Layer | None = None, dtype: str | None = None) -> keras.Model:
    """Return a model whose last layer alone learns; 7 values are dropped out, which is not a whole number of words."""
    model = sequential(
        kl.Dense(7, activation="relu"),
        dropout or kl.Dropout(RATE),
        kl.Dense(6, activation="tanh", dtype=dtype),
        output(),
    )
    for layer in model.layers[:-1]:
        layer.trainable = False
    return model


def trained(folder: Path, *, epochs: int = 2, seed: int = 3, way: str = "plain") -> tuple[keras.Model, Loop]:
    """Return the model of ``folder`` after training in the order of the rows, and its loop."""
    how = schema()
    keras.utils.set_random_seed(seed)
    model = models.load(folder / "model.keras")
    loop = Loop(model, Objective(folder / "model.keras", how), rows=ROWS, way=way, planned_steps=10_000)
    source = loop.source(rows_for(model, how))
    for _ in range(epochs):
        *_, logs = loop.train(source, np.arange(ROWS, dtype=np.int32), SIZE)
        assert np.isfinite(logs["loss"])
    return model, loop


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keras.utils.set_random_seed(1)
    saved(frozen_behind_dropout(), tmp_path / "model.keras", keras.optimizers.Adam(0.05), schema().loss)
    return tmp_path


def ahead_for(model: keras.Model) -> Ahead:
    found = ahead_of(split(model)[1])
    assert found is not None
    return found[0]


def same(ours: keras.Model, theirs: keras.Model) -> bool:
    return all(map(np.array_equal, ours.get_weights(), theirs.get_weights()))


# --- masks ----------------------------------------------------------------------------------------


def test_a_mask_keeps_each_value_with_the_chance_dropout_does() -> None:
    (masks,) = ahead_for(frozen_behind_dropout())._masks
    kept = masks.draw(20_000)
    sigma = np.sqrt(RATE * (1 - RATE) / 20_000)
    assert np.abs(kept.mean(axis=0) - (1 - RATE)).max() < 5 * sigma
    between_values = np.corrcoef(kept, rowvar=False)[np.triu_indices(7, 1)]
    between_rows = np.corrcoef(kept[1:].ravel(), kept[:-1].ravel())[0, 1]
    assert np.abs([*between_values, between_rows]).max() < 5 / np.sqrt(20_000)


def test_noise_keeps_the_mean_as_dropout_does() -> None:
    layer = kl.Dropout(RATE)
    (masks,) = ahead_for(frozen_behind_dropout(layer))._masks
    ours = np.unique(masks.noise(masks.draw(50)))
    np.testing.assert_array_equal(ours, np.unique(layer(np.ones((50, 7), np.float32), training=True)))


def test_it_does_not_matter_how_many_rows_are_drawn_at_once() -> None:
    keras.utils.set_random_seed(5)
    (at_once,) = ahead_for(frozen_behind_dropout())._masks
    keras.utils.set_random_seed(5)
    (in_parts,) = ahead_for(frozen_behind_dropout())._masks
    parts = [in_parts.draw(rows) for rows in (1, 30, 19)]
    np.testing.assert_array_equal(at_once.draw(50), np.concatenate(parts))


def test_a_second_fit_of_the_same_model_draws_other_masks() -> None:
    model = frozen_behind_dropout()
    first, second = (ahead_for(model)._masks[0].draw(50) for _ in range(2))
    assert (first != second).mean() == pytest.approx(2 * RATE * (1 - RATE), abs=0.15)


# --- training -------------------------------------------------------------------------------------


def test_steps_are_those_of_keras_for_the_same_masks(folder: Path) -> None:
    ours, _ = trained(folder)

    keras.utils.set_random_seed(3)
    theirs = models.load(folder / "model.keras")
    (masks,) = ahead_for(theirs)._masks
    row, mask = keras.Input((4,), name="row"), keras.Input((7,), name="mask")
    hidden, _, behind, out = theirs.layers
    learner = keras.Model([row, mask], out(behind(hidden(row) * mask)))
    learner.compile(keras.optimizers.Adam(0.05), schema().loss, jit_compile=False)
    rows = rows_for(theirs, schema())
    noise = masks.noise(masks.draw(2 * ROWS))
    for epoch in range(2):
        given = noise[epoch * ROWS : (epoch + 1) * ROWS]
        learner.fit([feed(theirs, rows), given], rows.targets, SIZE, 1, shuffle=False, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def test_frozen_layers_stay_as_they_are_and_the_last_one_learns(folder: Path) -> None:
    before = models.load(folder / "model.keras").get_weights()
    after = trained(folder)[0].get_weights()
    assert [np.array_equal(a, b) for a, b in zip(before, after, strict=True)] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("way", ["plain", "compiled"])
def test_a_seed_gives_the_same_bits_again_in_chunks_of_any_size(
    folder: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    first, loop = trained(folder, way=way)
    assert loop.way == way
    assert same(first, trained(folder, way=way)[0])
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 1)  # a step at a time
    assert same(first, trained(folder, way=way)[0])
    assert not same(first, trained(folder, way=way, seed=4)[0])


def test_it_ends_where_fit_does(folder: Path) -> None:
    """The final loss over seeds, ours and that of ``fit``, whose masks are other numbers."""
    rows, ours, theirs = rows_for(frozen_behind_dropout(), schema()), [], []
    for seed in range(12):
        model, _ = trained(folder, epochs=5, seed=seed)
        model.compile(loss=schema().loss)
        ours.append(model.evaluate(feed(model, rows), rows.targets, verbose=0))
        keras.utils.set_random_seed(seed)
        model = keras.saving.load_model(folder / "model.keras")
        model.fit(feed(model, rows), rows.targets, SIZE, 5, shuffle=False, verbose=0)
        theirs.append(model.evaluate(feed(model, rows), rows.targets, verbose=0))
    spread = np.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / 12)
    assert 0 < spread < 0.01  # masks matter, and a difference would be seen
    assert abs(np.mean(ours) - np.mean(theirs)) < 4 * spread


def test_training_goes_on_after_a_stop_in_the_midst_of_an_epoch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BYTES_AT_ONCE", 1)
    monkeypatch.setattr("retrain_core.training.loop.CHUNK_SECONDS", 0.0)
    how = schema()
    loop = Loop(models.load(folder / "model.keras"), Objective(folder / "model.keras", how), rows=ROWS)
    source, order = loop.source(rows_for(loop._model, how)), np.arange(ROWS, dtype=np.int32)
    assert next(loop.train(source, order, SIZE))["rows"] == SIZE
    *_, logs = loop.train(source, order[::-1], SIZE)
    assert (logs["rows"], loop.steps) == (ROWS, 1 + 6)


def test_scores_are_those_of_the_model_without_noise(folder: Path) -> None:
    model, loop = trained(folder)
    rows = rows_for(model, schema())
    model.compile(loss=schema().loss)
    theirs = model.evaluate(feed(model, rows), rows.targets, verbose=0)
    assert loop.score(loop.source(rows))["loss"] == pytest.approx(theirs, abs=1e-6)


def test_half_precision_keeps_its_type() -> None:
    ahead = ahead_for(frozen_behind_dropout(kl.Dropout(RATE, dtype="float16"), dtype="float16"))
    (outputs,) = ahead.take([np.ones((5, 7), np.float32)], np.arange(5, dtype=np.int32), np.arange(0))
    assert (outputs.shape, outputs.dtype) == ((5, 6), "float16")


def test_rows_of_another_type_are_cast_as_elsewhere(tmp_path: Path) -> None:
    model = sequential(kl.Dropout(RATE), kl.Dense(6), output())
    model.layers[1].trainable = False
    path, how = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), schema().loss), schema()
    rows = rows_for(model, how)
    bytes_ = replace(rows, inputs={"row": (np.asarray(rows.inputs["row"]) * 10).astype(np.uint8)})
    loop = Loop(models.load(path), Objective(path, how), rows=ROWS)
    *_, logs = loop.train(loop.source(bytes_), np.arange(ROWS, dtype=np.int32), SIZE)
    assert loop._ahead is not None and logs["rows"] == ROWS


# --- where it is not done -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dropout",
    [kl.Dropout(RATE, noise_shape=(None, 1)), kl.GaussianDropout(RATE), kl.AlphaDropout(RATE), kl.Identity()],
    ids=lambda layer: type(layer).__name__,
)
def test_other_noise_stays_in_its_layer(dropout: kl.Layer) -> None:
    assert ahead_of(split(frozen_behind_dropout(dropout))[1]) is None


def test_nothing_is_ahead_if_the_layer_behind_dropout_learns() -> None:
    model = frozen_behind_dropout()
    model.layers[2].trainable = True
    assert ahead_of(split(model)[1]) is None

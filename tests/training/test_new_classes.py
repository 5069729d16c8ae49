"""Rows of classes that the old model does not know."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from retrain_core.errors import RunError
from retrain_core.strategies import STRATEGIES, make_strategy
from retrain_core.training import heads, models
from retrain_core.training.objective import Objective
from retrain_core.training.scoring import score_parts
from retrain_core.types import Dataset
from tests.training.build import Recorded, changed, layer_weights, output, same, saved, schema, sequential

KNOWN, ALL = 3, 5
HOW = schema("multiclass", KNOWN, classes=ALL)
TRAINING = [name for name in STRATEGIES if name not in ("keep", "recalibrate")]


def blobs(rows: int, classes: int, seed: int) -> Dataset:
    """Return rows that stand apart by class."""
    rng = np.random.default_rng(seed)
    targets = (np.arange(rows) % classes).astype(np.int32)
    x = 3 * np.eye(ALL, dtype=np.float32)[targets] + rng.normal(0, 0.3, (rows, ALL)).astype(np.float32)
    return Dataset({"row": x}, targets, "multiclass", (), f"blobs {seed}")


OLD, NEW, VALIDATION = blobs(120, KNOWN, 0), blobs(200, ALL, 1), blobs(50, ALL, 2)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows three of the five classes."""
    keras.utils.set_random_seed(0)
    model = sequential(kl.Dense(16, activation="relu", name="hidden"), output(KNOWN, "softmax"), shape=(ALL,))
    model.compile(keras.optimizers.Adam(0.03), HOW.loss)
    model.fit(OLD.inputs["row"], OLD.targets, epochs=8, verbose=0)
    model.save(tmp_path_factory.mktemp("known") / "model.keras")
    return tmp_path_factory.getbasetemp() / "known0" / "model.keras"


@pytest.mark.parametrize("name", TRAINING)
def test_every_strategy_that_trains_learns_them(path: Path, name: str) -> None:
    options = {
        "replay": {"passes": 4},
        "lwf": {"passes": 4},
        "ewc": {"passes": 4},
        "incremental": {"passes": 4},
    }
    strategy = make_strategy(name, {"rate": 2.0, "batch_size": 16, **options.get(name, {})})
    model = strategy.train(OLD, NEW, Recorded(path, HOW, VALIDATION))
    guessed = model.predict(VALIDATION.inputs["row"], verbose=0).argmax(axis=1)
    rows = VALIDATION.targets >= KNOWN
    assert np.mean(guessed[rows] == VALIDATION.targets[rows]) > 0.8


def test_a_grown_head_keeps_its_rows_and_all_other_layers(path: Path) -> None:
    model = models.load(path)
    before = layer_weights(model)
    kernel, bias = before["out"]
    grown = heads.grown(model, ALL)
    after = layer_weights(grown)
    assert same(before["hidden"], after["hidden"])
    assert same([kernel, bias], [after["out"][0][:, :KNOWN], after["out"][1][:KNOWN]])
    assert grown.output_shape == (None, ALL) and np.all(np.any(after["out"][0][:, KNOWN:] != 0, axis=0))


def test_a_blend_without_new_weights_has_the_units_that_were_drawn_for_new_classes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, drawn = Recorded(path, HOW, VALIDATION), []
    load = engine.load_model

    def watching() -> keras.Model:
        model = load()
        drawn.append(layer_weights(model))
        return model

    monkeypatch.setattr(engine, "load_model", watching)
    blended = make_strategy("blend", {"share": 0.0, "epochs": 1}).train(None, NEW, engine)
    assert all(same(weights, drawn[0][name]) for name, weights in layer_weights(blended).items())


def test_a_head_inside_a_nested_model_grows_and_the_old_model_is_left_alone(tmp_path: Path) -> None:
    ending = keras.Sequential([keras.Input((4,)), kl.Dense(3, name="deep"), kl.Softmax()], name="ending")
    row = keras.Input((6,), name="row")
    model = keras.Model(row, ending(kl.Dense(4, name="hidden")(row)), name="whole")
    before = [weight.copy() for weight in model.get_weights()]
    grown = heads.grown(model, 4)
    assert grown.name == "whole" and [tensor.name for tensor in grown.inputs] == ["row"]
    assert grown.predict(np.zeros((2, 6)), verbose=0).shape == (2, 4)
    assert model.output_shape == (None, 3) and same(before, model.get_weights())


def test_a_grown_model_can_be_saved_and_loaded(path: Path, tmp_path: Path) -> None:
    grown = heads.grown(models.load(path), ALL)
    grown.save(tmp_path / "grown.keras")
    assert changed(grown, models.load(tmp_path / "grown.keras")) == set()


def test_a_shared_layer_and_named_inputs_survive_growing() -> None:
    layer, left, right = kl.Dense(3), keras.Input((2,), name="left"), keras.Input((2,), name="right")
    joined = kl.Concatenate()([layer(left), layer(right)])
    model = keras.Model({"left": left, "right": right}, output(2, "softmax")(joined))
    grown = heads.grown(model, 3)
    rows = {"left": np.ones((1, 2)), "right": np.zeros((1, 2))}
    before, after = (np.log(each.predict(rows, verbose=0)) for each in (model, grown))
    assert after[0, 0] - after[0, 1] == pytest.approx(before[0, 0] - before[0, 1], abs=1e-6)
    assert len(grown.weights) == len(model.weights)


def test_a_head_that_is_not_dense_is_refused_by_its_name(tmp_path: Path) -> None:
    model = sequential(
        kl.Conv1D(KNOWN, 2), kl.GlobalAveragePooling1D(name="pool"), kl.Softmax(), shape=(4, 2)
    )
    path = saved(model, tmp_path / "model.keras", None)
    with pytest.raises(RunError, match=r"come from 'pool', which is not a dense layer"):
        Recorded(path, HOW, VALIDATION).load_model()


@pytest.mark.parametrize("from_logits", [False, True])
def test_the_old_model_finds_classes_it_does_not_know_as_unlikely_as_can_be(
    tmp_path: Path, from_logits: bool
) -> None:
    how = schema("multiclass", KNOWN, from_logits=from_logits, classes=ALL)
    model = sequential(output(KNOWN, None if from_logits else "softmax"), shape=(ALL,))
    objective = Objective(saved(model, tmp_path / "model.keras", None), how)
    score_parts(model, objective, {"new_holdout": NEW}, tmp_path)
    rows = np.load(tmp_path / "scores.npz")
    unknown = NEW.targets >= KNOWN
    np.testing.assert_allclose(rows["new_loss"][unknown], -np.log(1e-7), rtol=1e-4)
    assert np.all(rows["new_loss"][~unknown] < 10) and not np.any(rows["new_metric"][unknown])
    assert rows["new_outputs"].shape == (NEW.rows, ALL)

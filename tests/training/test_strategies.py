"""What each strategy promises about the weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from retrain_core.data.parts import load_parts
from retrain_core.runs.prepare import prepare
from retrain_core.strategies import FineTune, FullRetrain, Incremental, Keep
from retrain_core.training import models
from retrain_core.training.engine import Engine
from tests.make import question


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    store, spec = question(tmp_path_factory.mktemp("question"))
    prepare(store, spec)
    return store, spec, load_parts(store.experiment_folder(spec.id) / "data")


@pytest.fixture
def engine(made):
    store, spec, parts = made
    path = store.file_path(spec.model)
    events: list[tuple[str, dict]] = []
    keras.utils.set_random_seed(0)
    engine = Engine(
        path,
        spec.schema,
        parts["new_validation"],
        0,
        lambda k, v: events.append((k, v)),
        lambda: False,
    )
    engine.events = events  # type: ignore[attr-defined]
    return engine


def old_weights(made) -> dict[str, list[np.ndarray]]:
    store, spec, _ = made
    return layer_weights(models.load(store.file_path(spec.model)))


def layer_weights(model: keras.Model) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}


def equal(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_keep_changes_nothing(made, engine) -> None:
    _, _, parts = made
    after = layer_weights(Keep().train(None, parts["new_train"], engine))
    assert all(equal(values, after[name]) for name, values in old_weights(made).items())


@pytest.mark.parametrize(
    ("layers", "learning"), [(1, {"last"}), (2, {"last", "second"}), (9, {"last", "second", "first"})]
)
def test_fine_tune_leaves_frozen_layers_and_batch_norm_bit_identical(
    made, engine, layers: int, learning: set[str]
) -> None:
    _, _, parts = made
    after = layer_weights(FineTune(trainable_layers=layers, epochs=2).train(None, parts["new_train"], engine))
    changed = {name for name, values in old_weights(made).items() if not equal(values, after[name])}
    assert changed == learning


def test_fine_tune_hands_back_a_model_that_can_be_trained_as_before(made, engine) -> None:
    _, _, parts = made
    model = engine.finish(FineTune(epochs=1).train(None, parts["new_train"], engine))
    assert all(layer.trainable for layer in model.layers)


def test_full_retrain_keeps_no_weight_and_adapts_preprocessing_again(made, engine) -> None:
    _, _, parts = made
    old, new = parts["old_train"], parts["new_train"]
    after = layer_weights(FullRetrain(epochs=1).train(old, new, engine))
    for name, before in old_weights(made).items():
        kernels = [pair for pair in zip(before, after[name], strict=True) if pair[0].ndim == 2]
        assert all(not np.any(a == b) for a, b in kernels), name
    rows = np.concatenate([old.inputs["row"], new.inputs["row"]])
    np.testing.assert_allclose(after["norm"][0], rows.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(after["norm"][1], rows.var(axis=0), rtol=1e-4)


def test_full_retrain_on_new_rows_only_does_not_see_the_old(made, engine) -> None:
    _, _, parts = made
    after = layer_weights(
        FullRetrain(epochs=1, use_old=False).train(parts["old_train"], parts["new_train"], engine)
    )
    np.testing.assert_allclose(
        after["norm"][0], np.asarray(parts["new_train"].inputs["row"]).mean(axis=0), rtol=1e-4
    )


def test_incremental_scores_each_arriving_batch_before_it_learns_it(made, engine) -> None:
    store, spec, parts = made
    rows = parts["new_train"]
    Incremental(arrival_rows=rows.rows).train(None, rows, engine)
    old = models.load(store.file_path(spec.model))
    predicted = old.predict(np.asarray(rows.inputs["row"]), verbose=0)[:, 0] > 0.5
    assert engine.prequential == pytest.approx(np.mean(predicted == np.asarray(rows.targets)), abs=1e-6)


def test_incremental_sees_each_new_row_once(made, engine) -> None:
    _, _, parts = made
    Incremental(arrival_rows=50).train(None, parts["new_train"], engine)
    assert engine.rows_seen == parts["new_train"].rows


def test_replay_adds_old_rows(made, engine) -> None:
    _, _, parts = made
    Incremental(arrival_rows=64, replay_ratio=1.0).train(parts["old_train"], parts["new_train"], engine)
    assert engine.rows_seen == 2 * parts["new_train"].rows


def test_best_weights_on_the_validation_rows_are_returned(made, engine) -> None:
    _, spec, parts = made
    model = FineTune(epochs=6, rate=100.0, patience=0).train(None, parts["new_train"], engine)
    losses = [
        values["validation_loss"] for kind, values in engine.events if kind == "epoch" and values["epoch"]
    ]
    model.compile(loss=models.loss_of(spec.schema), metrics=["accuracy"])
    validation = parts["new_validation"]
    loss, _ = model.evaluate(np.asarray(validation.inputs["row"]), np.asarray(validation.targets), verbose=0)
    assert loss == pytest.approx(min(losses), abs=1e-5)
    assert losses[-1] > min(losses)


def test_a_column_that_is_constant_does_not_blow_up(made, engine) -> None:
    _, _, parts = made
    new = parts["new_train"]
    rows = np.asarray(new.inputs["row"]).copy()
    rows[:, 1] = 5.0
    model = FullRetrain(epochs=1).train(
        None, type(new)({"row": rows}, new.targets, new.task, new.names, ""), engine
    )
    outputs = model.predict(np.array([[0.0, 5.1]], np.float32), verbose=0)
    assert np.isfinite(outputs).all() and 0.001 < outputs[0, 0] < 0.999
    assert any("constant" in values["text"] for kind, values in engine.events if kind == "notice")

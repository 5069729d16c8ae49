"""What each strategy that trains on all rows at once promises about the weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from retrain_core.errors import RunError
from retrain_core.strategies import make_strategy
from retrain_core.strategies.lp_ft import HeadFirst
from retrain_core.training.learner import pull
from retrain_core.types import Dataset
from tests.training.build import (
    Recorded,
    changed,
    layer_weights,
    mlp,
    rows_for,
    saved,
    schema,
    sequential,
)
from tests.training.conftest import Question

LEARNING = {"first", "second", "last"}  # the layers of the old model that are neither normalisation nor noise


def train(name: str, asked: Question, engine: Recorded, old: Dataset | None = None, **options: Any) -> Any:
    """Return what the strategy makes of the new rows (and the old ones)."""
    return make_strategy(name, options).train(old, asked.new, engine)


def watched(monkeypatch: pytest.MonkeyPatch, engine: Recorded, look: Callable[..., Any]) -> list[Any]:
    """Return a list that gets ``look(model, options)`` after each fit of ``engine``."""
    seen, fit = [], engine.fit

    def watching(model: Any, rows: Any, pace: Any, **options: Any) -> Any:
        model = fit(model, rows, pace, **options)
        seen.append(look(model, options))
        return model

    monkeypatch.setattr(engine, "fit", watching)
    return seen


def test_keep_changes_nothing(asked: Question, engine: Recorded) -> None:
    assert changed(asked.model(), train("keep", asked, engine)) == set()


@pytest.mark.parametrize(("layers", "learning"), [(1, {"last"}), (2, {"last", "second"}), (9, LEARNING)])
def test_fine_tune_leaves_frozen_layers_and_batch_norm_bit_identical(
    asked: Question, engine: Recorded, layers: int, learning: set[str]
) -> None:
    model = train("fine_tune", asked, engine, trainable_layers=layers, epochs=2)
    assert changed(asked.model(), model) == learning


def test_a_batch_norm_inside_another_layer_is_frozen_too(asked: Question, tmp_path) -> None:
    model = sequential(
        kl.TimeDistributed(kl.BatchNormalization()), kl.Flatten(), kl.Dense(1, name="last"), shape=(3, 2)
    )
    how = schema("regression")
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), "mse")
    engine = Recorded(path, how, rows_for(model, how))
    after = make_strategy("fine_tune", {"trainable_layers": 9}).train(None, rows_for(model, how), engine)
    assert changed(model, after) == {"last"}


def test_the_head_learns_alone_first_and_then_all_layers_do(
    asked: Question, engine: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = watched(monkeypatch, engine, lambda model, _: changed(asked.model(), model))
    train("lp_ft", asked, engine, epochs=4, head_share=0.5)
    assert parts == [{"last"}, LEARNING]


def distance(asked: Question, model: keras.Model) -> float:
    """Return how far the weights of ``model`` are from the old ones."""
    pairs = zip(asked.model().get_weights(), model.get_weights(), strict=True)
    return float(np.sqrt(sum(np.sum((a - b) ** 2) for a, b in pairs)))


def test_a_stronger_pull_ends_closer_to_the_old_weights(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    moved = [
        distance(asked, train("l2_sp", asked, engine_of(), strength=strength, rate=10.0, epochs=3))
        for strength in (0.0, 0.1, 10.0)
    ]
    assert moved[0] > 1.2 * moved[1] > 1.2 * 1.2 * moved[2] > 0


def test_a_pull_is_half_the_squared_distance_times_its_strength() -> None:
    variables = [tf.Variable([1.0, 2.0]), tf.Variable([[3.0]])]
    penalty = pull(variables, [np.array([0.0, 4.0]), np.array([[1.0]])], [0.5, np.array([[2.0]])])
    assert float(penalty()) == pytest.approx(0.5 * (1 + 4) / 2 + 2.0 * 4 / 2)


def test_one_block_learns_and_it_is_the_one_with_the_best_trial(
    asked: Question, engine: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = watched(
        monkeypatch, engine, lambda model, _: (engine.best_validation_loss(), changed(asked.model(), model))
    )
    model = train("surgical", asked, engine, epochs=2, trial_epochs=1)
    trials = fits[:3]
    assert [layers for _, layers in trials] == [{"first"}, {"second"}, {"last"}]
    assert changed(asked.model(), model) == min(trials)[1]
    assert f"validation loss {min(trials)[0]:.4g}" in engine.told("notice")[0]["text"]


def test_a_model_of_one_layer_has_one_block(asked: Question, tmp_path) -> None:
    model, how = sequential(kl.Dense(1, name="only")), schema("regression")
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), "mse")
    after = make_strategy("surgical", {"epochs": 1}).train(
        None, rows_for(model, how), Recorded(path, how, rows_for(model, how))
    )
    assert changed(model, after) == {"only"}


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_blended_weights_lie_between_the_old_and_the_tuned_ones(
    asked: Question, engine_of: Callable[..., Recorded], share: float
) -> None:
    tuned = train("l2_sp", asked, engine_of(), strength=0.0, rate=0.3, epochs=2)  # all layers, no pull
    blended = train("blend", asked, engine_of(), share=share, rate=0.3, epochs=2)
    weights = zip(asked.model().get_weights(), tuned.get_weights(), blended.get_weights(), strict=True)
    for old, new, between in weights:
        np.testing.assert_allclose(between, share * new + (1 - share) * old, rtol=1e-6, atol=1e-7)


def test_a_blend_without_new_weights_is_the_old_model(asked: Question, engine: Recorded) -> None:
    assert changed(asked.model(), train("blend", asked, engine, share=0.0, epochs=1)) == set()


# --- fresh weights --------------------------------------------------------------------------------


def test_full_retrain_keeps_no_weight_and_adapts_preprocessing_again(
    asked: Question, engine: Recorded
) -> None:
    after = layer_weights(train("full_retrain", asked, engine, asked.old, epochs=1))
    for name, before in layer_weights(asked.model()).items():
        kernels = [pair for pair in zip(before, after[name], strict=True) if pair[0].ndim == 2]
        assert all(not np.any(a == b) for a, b in kernels), name
    rows = np.concatenate([asked.old.inputs["row"], asked.new.inputs["row"]])
    np.testing.assert_allclose(after["norm"][0], rows.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(after["norm"][1], rows.var(axis=0), rtol=1e-4)


@pytest.mark.parametrize("name", ["full_retrain", "retrain_recent", "shrink_perturb"])
def test_without_old_data_the_new_rows_are_trained_on(asked: Question, engine: Recorded, name: str) -> None:
    train(name, asked, engine, epochs=1)
    assert engine.rows_seen == asked.new.rows


UNSEEN: Any = object()  # any use of it is an error


def test_a_retrain_on_new_rows_never_sees_the_old(asked: Question, engine: Recorded) -> None:
    after = layer_weights(train("retrain_new", asked, engine, UNSEEN, epochs=1))
    np.testing.assert_allclose(after["norm"][0], np.asarray(asked.new.inputs["row"]).mean(axis=0), rtol=1e-4)
    assert engine.rows_seen == asked.new.rows


def test_the_older_a_row_the_less_it_weighs_and_the_mean_weight_is_one(
    asked: Question, engine: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits = watched(monkeypatch, engine, lambda _, options: options["weights"])
    train("retrain_recent", asked, engine, asked.old, epochs=1, oldest_weight=0.01)
    (weights,) = fits
    assert len(weights) == asked.old.rows + asked.new.rows and weights.mean() == pytest.approx(1.0)
    assert weights[0] / weights[-1] == pytest.approx(0.01)  # old rows come first
    np.testing.assert_allclose(weights[1:] / weights[:-1], 0.01 ** (-1 / (len(weights) - 1)))


def test_rows_weigh_by_their_age_and_by_their_class(asked: Question, engine: Recorded) -> None:
    given = np.linspace(0.5, 1.5, asked.new.rows)
    weights = engine.course.row_weights(asked.new, given, balanced=True) / given
    positive = np.asarray(asked.new.targets) == 1
    totals = [weights[positive].sum(), weights[~positive].sum()]
    assert totals == pytest.approx([asked.new.rows / 2] * 2, rel=1e-5)


def test_classes_of_several_labels_a_row_cannot_be_balanced_and_that_is_said(tmp_path) -> None:
    how, model = schema("multilabel", 3), mlp(units=3)
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), how.loss)
    engine = Recorded(path, how, rows_for(model, how))
    make_strategy("fine_tune", {"balanced": True, "epochs": 1}).train(None, rows_for(model, how), engine)
    assert engine.told("notice")[0]["text"].startswith("Classes are not balanced")


def test_shrinking_multiplies_what_learns_and_leaves_normalisation_alone(
    asked: Question, engine: Recorded
) -> None:
    after = layer_weights(engine.shrink_and_perturb(engine.load_model(), 0.6, 0.0))
    for name, before in layer_weights(asked.model()).items():
        factor = 0.6 if name in LEARNING else 1.0
        for a, b in zip(before, after[name], strict=True):
            np.testing.assert_allclose(b, np.float32(factor) * a, rtol=1e-6)


def test_the_noise_is_a_fresh_draw_of_each_initialiser(asked: Question, engine: Recorded) -> None:
    after = layer_weights(engine.shrink_and_perturb(engine.load_model(), 0.6, 0.1))
    before = layer_weights(asked.model())
    drawn = {name: (after[name][0] - 0.6 * before[name][0]) / 0.1 for name in LEARNING}
    for kernel in drawn.values():  # Glorot's bound
        assert np.abs(kernel).max() <= np.sqrt(6 / sum(kernel.shape)) * (1 + 1e-4)
        assert len(np.unique(kernel)) == kernel.size
    np.testing.assert_allclose(after["first"][1], 0.6 * before["first"][1], rtol=1e-6)  # biases begin at 0


def test_a_column_that_is_constant_does_not_blow_up(asked: Question, engine: Recorded) -> None:
    rows = np.asarray(asked.new.inputs["row"]).copy()
    rows[:, 1] = 5.0
    constant = replace(asked.new, inputs={"row": rows})
    model = make_strategy("full_retrain", {"epochs": 1}).train(None, constant, engine)
    outputs = model.predict(np.array([[0.0, 5.1]], np.float32), verbose=0)
    assert np.isfinite(outputs).all() and 0.001 < outputs[0, 0] < 0.999
    assert any("constant" in told["text"] for told in engine.told("notice"))


# --- early stopping and the end -------------------------------------------------------------------


def validation_losses(engine: Recorded) -> list[float]:
    """Return the validation loss after each epoch."""
    return [point["validation_loss"] for point in engine.told("epoch") if point["epoch"]]


def loss_of(asked: Question, engine: Recorded, model: keras.Model) -> float:
    """Return the validation loss of a model, by Keras."""
    model.compile(loss=engine.objective.loss())
    rows = asked.validation
    return model.evaluate(np.asarray(rows.inputs["row"]), np.asarray(rows.targets), verbose=0)


def test_the_best_weights_on_the_validation_rows_are_returned(asked: Question, engine: Recorded) -> None:
    model = train("fine_tune", asked, engine, epochs=15, rate=100.0, patience=0)
    losses = validation_losses(engine)
    assert loss_of(asked, engine, model) == pytest.approx(min(losses), abs=1e-5)
    assert losses[-1] > min(losses) and engine.best_validation_loss() == min(losses)


def test_an_optimiser_that_averages_weights_is_judged_by_its_averages(tmp_path) -> None:
    keras.utils.set_random_seed(0)
    how, model = schema("regression"), mlp(activation=None)
    averaging = keras.optimizers.SGD(0.6, use_ema=True, ema_momentum=0.7)
    path = saved(model, tmp_path / "model.keras", averaging, "mse")
    rows, validation = rows_for(model, how, 96), rows_for(model, how, 96, seed=1)
    options = {"epochs": 8, "trainable_layers": 2, "patience": 0}
    engine = Recorded(path, how, validation)
    after = make_strategy("fine_tune", options).train(None, rows, engine)

    draws = np.random.default_rng(0)  # as the engine's
    order = np.concatenate([draws.permutation(96) for _ in range(8)])
    theirs = keras.saving.load_model(path)
    averages = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: averages.append(
            [np.array(average) for average in theirs.optimizer._model_variables_moving_average]
        )
    )
    x, y = rows.inputs["row"][order], np.asarray(rows.targets)[order]
    theirs.fit(x, y, batch_size=32, shuffle=False, verbose=0, callbacks=[note])
    losses = []
    for weights in averages[2::3]:
        theirs.set_weights(weights)
        losses.append(theirs.evaluate(validation.inputs["row"], validation.targets, verbose=0))
    assert validation_losses(engine) == pytest.approx(losses, rel=1e-4)
    best = int(np.argmin(losses))
    assert best < 7
    for ours, average in zip(after.get_weights(), averages[2::3][best], strict=True):
        np.testing.assert_allclose(ours, average, atol=1e-5)


def test_training_ends_when_the_validation_loss_gets_no_better(asked: Question, engine: Recorded) -> None:
    train("fine_tune", asked, engine, epochs=50, rate=100.0, patience=2)
    losses = validation_losses(engine)
    assert len(losses) == int(np.argmin(losses)) + 1 + 2 < 50


@pytest.mark.parametrize(("epochs", "told"), [(2, True), (60, False)])
def test_it_is_said_if_the_epochs_end_while_the_loss_still_falls(
    asked: Question, engine: Recorded, epochs: int, told: bool
) -> None:
    train("full_retrain", asked, engine, epochs=epochs, patience=0)
    assert any("allow more epochs" in notice["text"] for notice in engine.told("notice")) == told


@pytest.mark.parametrize("name", ["fine_tune", "lp_ft", "full_retrain"])
def test_a_stop_keeps_the_best_weights_so_far(
    asked: Question, engine_of: Callable[..., Recorded], name: str
) -> None:
    engine = engine_of(stop_after=3)
    model = train(name, asked, engine, epochs=30)
    losses = validation_losses(engine)
    assert engine.stopped and len(losses) < 10
    assert loss_of(asked, engine, model) == pytest.approx(min(losses), abs=1e-5)


def test_a_second_part_that_makes_it_worse_leaves_the_result_of_the_first(tmp_path) -> None:
    keras.utils.set_random_seed(0)
    how, model = schema(), mlp()
    path = saved(model, tmp_path / "model.keras", keras.optimizers.SGD(0.1), how.loss)
    engine = Recorded(path, how, rows_for(model, how, 200, seed=1))
    parts = HeadFirst(epochs=3, head_share=0.6, slower=1.0, rate=100.0, patience=0)
    after = parts.train(None, rows_for(model, how, 200, seed=12), engine)
    losses = validation_losses(engine)
    assert min(losses[:2]) < min(losses[2:])
    assert engine.best_validation_loss() == pytest.approx(min(losses))
    assert changed(model, after) == {"out"}


def test_a_stop_soon_after_the_trials_returns_the_best_trial(
    asked: Question, engine_of: Callable[..., Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of()
    fits = watched(monkeypatch, engine, lambda *_: engine.best_validation_loss())
    monkeypatch.setattr(engine.course, "should_stop", lambda: len(fits) == 3)  # in the fit after them
    model = train("surgical", asked, engine, epochs=30, trial_epochs=6, patience=0)
    assert engine.stopped and min(fits[:3]) < fits[3]
    assert loss_of(asked, engine, model) == pytest.approx(min(fits), abs=1e-5)


def test_a_stop_while_the_head_learns_alone_leaves_the_other_layers(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    engine = engine_of(stop_after=2)
    assert changed(asked.model(), train("lp_ft", asked, engine, epochs=30)) == {"last"}


def test_a_stop_while_blocks_are_tried_returns_the_best_trial(
    asked: Question, engine_of: Callable[..., Recorded]
) -> None:
    engine = engine_of(stop_after=3)
    model = train("surgical", asked, engine, epochs=30, trial_epochs=2)
    assert engine.stopped and len(changed(asked.model(), model)) == 1
    assert loss_of(asked, engine, model) == pytest.approx(min(validation_losses(engine)), abs=1e-5)
    assert all(layer.trainable for layer in engine.finish(model).layers)


def test_a_validation_loss_that_is_never_a_number_is_said(asked: Question) -> None:
    rows = replace(asked.validation, targets=np.full(asked.validation.rows, np.nan))
    engine = Recorded(asked.path, asked.schema, rows)
    with pytest.raises(RunError, match="loss on the validation rows is not a number"):
        train("fine_tune", asked, engine, epochs=1)


def test_the_finished_model_can_be_trained_as_before(asked: Question, engine: Recorded) -> None:
    model = engine.finish(train("fine_tune", asked, engine, epochs=1))
    assert all(layer.trainable for layer in model.layers)
    assert isinstance(model.optimizer, keras.optimizers.Adam) and model.loss == "binary_crossentropy"


def test_a_model_without_weights_to_train_is_refused(asked: Question, tmp_path) -> None:
    model = mlp()
    model.trainable = False
    path = saved(model, tmp_path / "model.keras", None)
    engine = Recorded(path, schema(), rows_for(model, schema()))
    with pytest.raises(RunError, match="no weights to train"):
        make_strategy("l2_sp", {}).train(None, rows_for(model, schema()), engine)

"""What a model is trained and scored by: the optimiser and loss of its file, labels in the form they want."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.optimizers import SGD, Adam, schedules
from numpy.typing import NDArray
from scipy import special

from retrain_core.errors import RunError
from retrain_core.models.allowed import LOSSES
from retrain_core.training import models
from retrain_core.training.objective import LOSS_CLASSES, Objective
from retrain_core.training.scoring import metric_rows, score_parts
from retrain_core.types import Dataset, Schema
from tests.training.build import mlp, output, saved, schema, sequential


def objective(tmp_path: Path, how: Schema, optimizer: Any = None, loss: Any = None) -> Objective:
    """Return the objective of a model with a file of its own."""
    return Objective(saved(sequential(output()), tmp_path / "model.keras", optimizer, loss), how)


# --- the optimiser --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_optimiser_is_the_models_own_with_all_its_settings(tmp_path: Path, suffix: str) -> None:
    path = saved(mlp(), tmp_path / f"model{suffix}", SGD(0.1, momentum=0.9, nesterov=True), "mse")
    found = Objective(path, schema()).optimizer(rate=0.5)
    assert isinstance(found, SGD) and (found.momentum, found.nesterov) == (0.9, True)
    assert float(found.learning_rate) == pytest.approx(0.05)


def test_each_optimiser_begins_anew(tmp_path: Path) -> None:
    made = objective(tmp_path, schema(), Adam(0.01), "binary_crossentropy")
    assert made.optimizer() is not made.optimizer()
    assert float(made.optimizer().learning_rate) == pytest.approx(0.01)


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_a_schedule_is_scaled_as_a_whole(tmp_path: Path, rate: float) -> None:
    decay = schedules.ExponentialDecay(0.02, 10, 0.5)
    found = objective(tmp_path, schema(), Adam(decay), "binary_crossentropy").optimizer(rate)
    rates = [float(found._learning_rate(step)) for step in (0, 10, 20)]
    assert rates == pytest.approx([rate * 0.02, rate * 0.01, rate * 0.005])


def test_loss_scaling_is_kept_with_its_settings(tmp_path: Path) -> None:
    scaling = keras.optimizers.LossScaleOptimizer(SGD(0.1), initial_scale=8.0, dynamic_growth_steps=5)
    found = objective(tmp_path, schema(), scaling, "binary_crossentropy").optimizer(rate=0.5)
    assert (found.initial_scale, found.dynamic_growth_steps) == (8.0, 5)
    assert float(found.inner_optimizer.learning_rate) == pytest.approx(0.05)


def test_half_precision_is_never_trained_without_loss_scaling(tmp_path: Path) -> None:
    model = sequential(output(dtype="mixed_float16"))
    made = objective(tmp_path, schema(), SGD(0.1), "binary_crossentropy")
    made.compile(model)
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)


def test_a_model_saved_uncompiled_gets_adam(tmp_path: Path) -> None:
    found = objective(tmp_path, schema()).optimizer()
    assert isinstance(found, Adam) and float(found.learning_rate) == pytest.approx(1e-3)


# --- what is written back -------------------------------------------------------------------------


def test_the_next_model_is_compiled_as_the_old_one_was(tmp_path: Path) -> None:
    made = objective(tmp_path, schema(), SGD(0.1, momentum=0.9), "binary_crossentropy")
    model = models.load(tmp_path / "model.keras")
    made.restore(model)
    before, after = (keras.saving.load_model(tmp_path / "model.keras"), model)
    assert json.dumps(after.get_compile_config()) == json.dumps(before.get_compile_config())


def test_a_model_saved_uncompiled_is_compiled_with_what_it_was_scored_by(tmp_path: Path) -> None:
    made = objective(tmp_path, schema())
    model = models.load(tmp_path / "model.keras")
    made.restore(model)
    model.save(tmp_path / "after.keras")
    assert isinstance(keras.saving.load_model(tmp_path / "after.keras").loss, keras.losses.BinaryCrossentropy)


# --- losses and metrics by hand -------------------------------------------------------------------

Rows = NDArray[np.float64]
LOGITS = np.array([[0.5, -1.0, 2.0], [1.5, 0.2, -0.3], [-2.0, 0.1, 0.4], [0.3, 1.1, -1.2]])
CLASSES = np.array([2, 1, 2, 0])
SEVERAL = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0]], np.int8)
NUMBERS = np.array([[1.0, 0.0, 2.0], [0.5, 0.5, 0.5], [-1.0, 0.0, 1.0], [2.0, 2.0, 2.0]], np.float32)


def units(y: Rows, chance: Rows) -> Rows:
    """Return the log-loss of each row, the mean over its units."""
    return -(y * np.log(chance) + (1 - y) * np.log(1 - chance)).mean(axis=1)


def by_class(logits: Rows, classes: NDArray[np.integer]) -> Rows:
    return -special.log_softmax(logits, axis=1)[np.arange(len(classes)), classes]


ONE, TWO = LOGITS[:, :1], LOGITS[:, :2]
BINARY = np.array([1, 0, 0, 1])
WAYS: dict[str, tuple[Schema, Rows, NDArray[Any], Rows, Rows]] = {
    # the schema, the model's outputs, targets, losses, and which are right (or how far off)
    "one unit": (
        schema(),
        special.expit(ONE),
        BINARY,
        units(BINARY[:, None], special.expit(ONE)),
        [1, 0, 1, 1],
    ),
    "one unit, logits": (
        *(schema(from_logits=True), ONE, BINARY),
        *(units(BINARY[:, None], special.expit(ONE)), [1, 0, 1, 1]),
    ),
    "two units": (
        *(schema("binary", 2, "sparse_categorical_crossentropy"), special.softmax(TWO, axis=1), BINARY),
        *(by_class(TWO, BINARY), [0, 1, 0, 1]),
    ),
    "two units, one-hot": (
        *(schema("binary", 2, "categorical_crossentropy", from_logits=True), TWO, BINARY),
        *(by_class(TWO, BINARY), [0, 1, 0, 1]),
    ),
    "hinge": (
        *(schema("binary", 1, "hinge", from_logits=True), ONE, BINARY),
        *(np.maximum(0, 1 - (2 * BINARY - 1) * ONE[:, 0]), [1, 0, 1, 1]),
    ),
    "classes": (
        *(schema("multiclass", 3), special.softmax(LOGITS, axis=1), CLASSES),
        *(by_class(LOGITS, CLASSES), [1, 0, 1, 0]),
    ),
    "classes, one-hot": (
        *(schema("multiclass", 3, "categorical_crossentropy", from_logits=True), LOGITS, CLASSES),
        *(by_class(LOGITS, CLASSES), [1, 0, 1, 0]),
    ),
    "several labels": (
        *(schema("multilabel", 3), special.expit(LOGITS), SEVERAL),
        *(units(SEVERAL, special.expit(LOGITS)), ((LOGITS > 0) == SEVERAL).mean(axis=1)),
    ),
    "several numbers": (
        *(schema("regression", 3), LOGITS, NUMBERS),
        *(((LOGITS - NUMBERS) ** 2).mean(axis=1), np.abs(LOGITS - NUMBERS).mean(axis=1)),
    ),
    "a number": (
        *(schema("regression", 1, "mean_absolute_error"), ONE, NUMBERS[:, 0]),
        *(np.abs(ONE[:, 0] - NUMBERS[:, 0]), np.abs(ONE[:, 0] - NUMBERS[:, 0])),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_rows_loss_and_metric_are_those_of_a_direct_computation(tmp_path: Path, way: str) -> None:
    how, outputs, targets, losses, right = WAYS[way]
    outputs = outputs.astype(np.float32)
    data = Dataset({}, targets, how.task, (), "")
    np.testing.assert_allclose(
        objective(tmp_path, how).row_losses(targets, outputs), losses, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(metric_rows(how, data, outputs), right, rtol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_the_metric_in_training_is_the_mean_of_that_of_the_rows(tmp_path: Path, way: str) -> None:
    how, outputs, targets, _, right = WAYS[way]
    made = objective(tmp_path, how)
    metric = made.metric()
    metric.update_state(made.targets(targets), outputs.astype(np.float32))
    assert float(metric.result()) == pytest.approx(np.mean(right), rel=1e-5)


def test_settings_of_the_compiled_loss_are_kept(tmp_path: Path) -> None:
    smooth = keras.losses.BinaryCrossentropy(label_smoothing=0.2)
    made = objective(tmp_path, schema(), Adam(), smooth)
    expected = units(np.array([[0.9], [0.1]]), np.array([[0.7], [0.6]]))
    np.testing.assert_allclose(
        made.row_losses(np.array([1, 0]), np.array([[0.7], [0.6]], np.float32)), expected, rtol=1e-5
    )


@pytest.mark.parametrize("loss", ["dice", "tversky"])
def test_rows_of_a_loss_of_whole_batches_get_the_tasks_usual_loss(tmp_path: Path, loss: str) -> None:
    made = objective(tmp_path, schema("binary", 1, loss))
    outputs = special.expit(ONE).astype(np.float32)
    np.testing.assert_allclose(
        made.row_losses(BINARY, outputs), units(BINARY[:, None], special.expit(ONE)), rtol=1e-4
    )


def test_a_loss_that_is_no_number_on_the_holdout_is_said(tmp_path: Path) -> None:
    model, how = sequential(output(1, None)), schema("regression")
    made = Objective(saved(model, tmp_path / "model.keras", None), how)
    rows = Dataset(
        {"row": np.full((3, 4), np.inf, np.float32)}, np.zeros(3, np.float32), "regression", (), ""
    )
    with pytest.raises(RunError, match="loss on the new part of the holdout is not a number"):
        score_parts(model, made, {"new_holdout": rows}, tmp_path)


def test_both_parts_of_the_holdout_are_scored_and_kept_row_by_row(tmp_path: Path) -> None:
    model, how = sequential(output()), schema()
    made = Objective(saved(model, tmp_path / "model.keras", None), how)
    parts = {
        f"{side}_holdout": Dataset(
            {"row": np.ones((rows, 4), np.float32)}, np.ones(rows, int), "binary", (), ""
        )
        for side, rows in (("new", 5), ("old", 3))
    }
    new, old = score_parts(model, made, parts, tmp_path)
    kept = np.load(tmp_path / "scores.npz")
    assert (new.rows, old.rows) == (5, 3)
    assert new.loss == pytest.approx(kept["new_loss"].mean()) and new.accuracy == kept["new_metric"].mean()
    assert score_parts(model, made, {"new_holdout": parts["new_holdout"]}, tmp_path)[1] is None


@pytest.mark.parametrize(("class_name", "name"), LOSSES.items())
def test_every_loss_a_model_may_name_is_found(class_name: str, name: str) -> None:
    assert LOSS_CLASSES[name] == class_name

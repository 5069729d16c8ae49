"""What a model is trained and scored by: loss, metric and optimiser as its file names them."""

from __future__ import annotations

import copy
import inspect
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.errors import RunError
from retrain_core.types import Schema

DEFAULT_LEARNING_RATE = 1e-3
DEFAULT_LOSS = {
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "regression": "mean_squared_error",
}
CLASS_NUMBER_LOSSES = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")
LossScaleOptimizer = keras.optimizers.LossScaleOptimizer
LOSS_CLASSES = {  # such as mean_squared_error: MeanSquaredError
    re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower(): name
    for name, kind in vars(keras.losses).items()
    if isinstance(kind, type)
}
UNLIKELY = 1e-7  # the probability of a class that a model does not know; Keras' own lower bound


class Objective:
    """Loss, metric and optimiser of one experiment's old model.

    Args:
        path: The model's file.
        schema: Task, loss and labels, as inferred and overruled.

    Raises:
        RunError: If the file cannot be read.
    """

    def __init__(self, path: Path, schema: Schema) -> None:
        self.schema = schema
        self._config = _compile_config(path)

    def optimizer(self, rate: float = 1.0) -> keras.optimizers.Optimizer:
        """Return a fresh optimiser with all settings of the model's own; Adam if it was saved uncompiled.

        Args:
            rate: Learning rate, times the model's own; it scales a schedule as a whole, which begins again.
        """
        named = self._config.get("optimizer") or self._config.get("optimizer_config")
        own = _optimizer(named) if named else keras.optimizers.Adam(DEFAULT_LEARNING_RATE)
        inner = getattr(own, "inner_optimizer", own)
        config = inner.get_config()
        schedule = inner._learning_rate
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            config["learning_rate"] = schedule if rate == 1.0 else Scaled(schedule, rate)
        else:
            config["learning_rate"] = rate * float(inner.learning_rate)
        inner = type(inner).from_config(config)
        if isinstance(own, LossScaleOptimizer):
            return LossScaleOptimizer(inner, own.initial_scale, own.dynamic_growth_steps)
        return inner

    @property
    def averages(self) -> bool:
        """Whether the optimiser keeps averages of the weights, which are the model in the end."""
        own = self.optimizer()
        return bool(getattr(own, "inner_optimizer", own).use_ema)

    def highest_rate(self, rate: float = 1.0) -> float:
        """Return the largest learning rate there will be, at ``rate`` times the model's own."""
        own = self.optimizer(rate)
        found = getattr(own, "inner_optimizer", own)._learning_rate
        if isinstance(found, keras.optimizers.schedules.LearningRateSchedule):
            return max(float(found(2**power)) for power in range(24))  # one may begin by rising
        return float(found)

    def loss(self, reduction: str | None = "sum_over_batch_size") -> keras.losses.Loss:
        """Return the loss object that trains and scores, with the settings it was compiled with."""
        return self._loss(self.schema.loss, self._loss_settings(), reduction)

    def metric(self) -> keras.metrics.Metric:
        """Return accuracy, or the mean absolute error for regression."""
        schema = self.schema
        if schema.task == "regression":
            return keras.metrics.MeanAbsoluteError(name="mae")
        if schema.units == 1 or schema.task == "multilabel":
            return keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0 if schema.from_logits else 0.5)
        if self.one_hot:
            return keras.metrics.CategoricalAccuracy(name="accuracy")
        return keras.metrics.SparseCategoricalAccuracy(name="accuracy")

    def compile(self, model: keras.Model, rate: float = 1.0) -> None:
        """Compile ``model`` to be trained at ``rate`` times its own learning rate."""
        # The way a step is computed is ours to choose, so Keras' own use of XLA is off.
        optimizer = self.optimizer(rate)
        half = any(layer.compute_dtype == "float16" for layer in model._flatten_layers())
        if half and not isinstance(
            optimizer, LossScaleOptimizer
        ):  # as Keras does while float16 is its default
            optimizer = LossScaleOptimizer(optimizer)
        model.compile(
            optimizer, self.loss(), self._loss_weights(), metrics=[self.metric()], jit_compile=False
        )

    def restore(self, model: keras.Model) -> None:
        """Compile ``model`` as its file says, or with the schema's loss and metric if it was saved uncompiled."""
        config = {key: self._config[key] for key in RESTORED if self._config.get(key) is not None}
        if "optimizer" in config and "loss" in config:
            try:
                model.compile_from_config(config)
                return
            except (TypeError, ValueError):  # a metric of an older Keras; the model itself is fine
                pass
        self.compile(model)
        model.optimizer.build(model.trainable_variables)  # an unbuilt one makes load_model warn

    def targets(self, targets: NDArray[Any]) -> NDArray[np.float32] | NDArray[np.int32]:
        """Return targets in the form that the loss wants: ``(rows,)``, ``(rows, 1)``, or ``(rows, units)``."""
        values: NDArray[Any] = np.asarray(targets)
        if self.schema.task in ("multilabel", "regression") and values.ndim == 2:
            return values.astype(np.float32)
        if self.one_hot:
            return np.asarray(np.equal.outer(values, np.arange(self.outputs)), np.float32)
        if self.schema.units == 1:
            return values.astype(np.float32).reshape(-1, 1)
        return values.astype(np.int32)

    @property
    def one_hot(self) -> bool:
        """Whether the loss takes classes as one-hot rows rather than as numbers."""
        classes = self.schema.task in ("binary", "multiclass") and self.schema.units > 1
        return classes and self.schema.loss not in CLASS_NUMBER_LOSSES

    @property
    def outputs(self) -> int:
        """Output units, those of new classes included."""
        grown = len(self.schema.classes) if self.schema.task == "multiclass" else 0
        return max(self.schema.units, grown)

    def row_losses(self, targets: NDArray[Any], outputs: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the loss of each row, shape ``(rows,)``.

        Some losses, such as Dice, are of a whole batch; then it is the task's usual one.
        """
        wanted = self.targets(targets)
        values = np.asarray(self.loss(None)(wanted, outputs), dtype=np.float64)
        if values.shape != (len(outputs),):
            name = DEFAULT_LOSS[self.schema.task]
            if self.one_hot and name == "sparse_categorical_crossentropy":
                name = "categorical_crossentropy"
            values = np.asarray(self._loss(name, {}, None)(wanted, outputs), dtype=np.float64)
        return values

    def widen(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs of a model that does not know the new classes, as if it did and found them unlikely."""
        missing = self.outputs - outputs.shape[1]
        if missing <= 0:
            return outputs
        floor = np.full((len(outputs), missing), UNLIKELY, np.float32)
        if self.schema.from_logits:
            floor = np.log(floor) + np.logaddexp.reduce(outputs, axis=1, keepdims=True)
        return np.concatenate([outputs, floor.astype(np.float32)], axis=1)

    def _loss(self, name: str, settings: dict[str, Any], reduction: str | None) -> keras.losses.Loss:
        loss = getattr(keras.losses, LOSS_CLASSES[name])
        if "from_logits" in inspect.signature(loss).parameters:
            settings = {**settings, "from_logits": self.schema.from_logits}
        return loss(reduction=reduction, **settings)

    def _loss_weights(self) -> list[float] | None:
        """Return the factor of the compiled loss, if it has one."""
        found = self._config.get("loss_weights")
        if isinstance(found, dict):
            found = list(found.values())
        return found if isinstance(found, list) and len(found) == 1 else None

    def _loss_settings(self) -> dict[str, Any]:
        """Return the settings of the compiled loss, such as label smoothing; nothing if another loss is used."""
        named = self._config.get("loss")
        while isinstance(named, (list, dict)) and len(named) == 1:
            named = next(iter(named.values() if isinstance(named, dict) else named))
        if not isinstance(named, dict) or named.get("class_name") != LOSS_CLASSES[self.schema.loss]:
            return {}
        known = inspect.signature(getattr(keras.losses, named["class_name"])).parameters
        config = named.get("config", {})
        return {key: value for key, value in config.items() if key in known and key not in NOT_SETTINGS}


RESTORED = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
NOT_SETTINGS = ("name", "reduction", "dtype", "fn")


class Scaled(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule times a factor."""

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, factor: float) -> None:
        super().__init__()
        self.schedule, self.factor = schedule, factor

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at ``step``."""
        return self.factor * self.schedule(step)

    def get_config(self) -> dict[str, Any]:
        """Return what it is made of."""
        return {"schedule": self.schedule, "factor": self.factor}


def _optimizer(named: Any) -> keras.optimizers.Optimizer:
    """Return the optimiser that a file names."""
    if isinstance(named, str):
        return keras.optimizers.get(named)
    # By its class: ``keras.optimizers.get`` does not know Lamb, and changes what it is given.
    kind = getattr(keras.optimizers, named["class_name"].removeprefix("Custom>"))
    return kind.from_config(copy.deepcopy(named["config"]))


def _compile_config(path: Path) -> dict[str, Any]:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                config = json.loads(archive.read("config.json")).get("compile_config")
        else:
            with h5py.File(path, "r") as file:
                config = json.loads(file.attrs.get("training_config", "{}"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(
            "Keras cannot load the model.",
            str(error).strip().split("\n")[0][:300],
            "Save it again with this Keras version.",
        ) from error
    return dict(config or {})

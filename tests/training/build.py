"""Small models, rows that fit them, and files that hold them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers as kl

from retrain_core.training.engine import Engine
from retrain_core.training.graph import leaves
from retrain_core.types import Dataset, Schema, Task

ROWS = 90
DEFAULT_LOSS = {
    "binary": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "multilabel": "binary_crossentropy",
    "regression": "mean_squared_error",
}


def schema(
    task: Task = "binary",
    units: int = 1,
    loss: str | None = None,
    *,
    from_logits: bool = False,
    classes: int = 0,
) -> Schema:
    """Return the schema of a model with ``units`` outputs; ``classes`` beyond them are new."""
    names = () if task == "regression" else tuple(map(str, range(classes or max(units, 2))))
    return Schema(task, "y", (), names, units, from_logits, loss or DEFAULT_LOSS[task])


def sequential(
    *layers: Any, shape: tuple[int | None, ...] = (4,), dtype: str = "float32"
) -> keras.Sequential:
    """Return the layers behind one input called ``row``."""
    return keras.Sequential([keras.Input(shape, name="row", dtype=dtype), *layers])


def output(units: int = 1, activation: str | None = "sigmoid", **options: Any) -> kl.Dense:
    """Return an output layer."""
    return kl.Dense(units, activation=activation, name="out", **options)


def mlp(*between: Any, units: int = 1, activation: str | None = "sigmoid") -> keras.Sequential:
    """Return two dense layers, ``hidden`` and ``out``, with what stands between them."""
    hidden = kl.Dense(8, activation="relu", name="hidden")
    return sequential(hidden, *between, output(units, activation))


def rows_for(model: keras.Model, schema: Schema, rows: int = ROWS, seed: int = 0) -> Dataset:
    """Return random rows: texts of one to three words, small numbers, pictures of 0 to 255."""
    rng = np.random.default_rng(seed)
    inputs = {tensor.name: _values(rng, tensor, rows) for tensor in model.inputs}
    if schema.task == "multilabel":
        targets = rng.integers(0, 2, (rows, schema.units)).astype(np.int8)
    elif schema.task == "regression":
        shape = (rows,) if schema.units == 1 else (rows, schema.units)
        targets = rng.uniform(0.1, 2.0, shape).astype(np.float32)
    else:
        targets = rng.integers(0, len(schema.classes), rows).astype(np.int32)
    return Dataset(inputs, targets, schema.task, (), f"random {seed}")


def saved(
    model: keras.Model, path: Path, optimizer: keras.optimizers.Optimizer | None, loss: Any = None
) -> Path:
    """Save ``model`` compiled, as after training; without an optimiser as it is."""
    if optimizer is not None:
        model.compile(optimizer, loss)
        model.optimizer.build(model.trainable_variables)
    model.save(path)
    return path


class Recorded(Engine):
    """An engine that keeps what it reports; its model is seeded as a worker does.

    Args:
        path: The old model's file.
        how: How targets are read.
        validation: For early stopping.
        seed: Of everything.
        stop_after: How many times it may ask whether to stop before the answer is yes.
        options: Limits, and whether to rehearse.
    """

    def __init__(
        self,
        path: Path,
        how: Schema,
        validation: Dataset,
        *,
        seed: int = 0,
        stop_after: int | None = None,
        **options: Any,
    ) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        asked = itertools.count(1)
        keras.utils.set_random_seed(seed)
        super().__init__(
            path,
            how,
            validation,
            seed,
            lambda kind, values: self.events.append((kind, values)),
            lambda: stop_after is not None and next(asked) > stop_after,
            **options,
        )

    def told(self, kind: str) -> list[dict[str, Any]]:
        """Return the values of all events of one kind."""
        return [values for name, values in self.events if name == kind]


def layer_weights(model: keras.Model) -> dict[str, list[np.ndarray]]:
    """Return the weights of each layer that has any, by its name."""
    return {layer.name: layer.get_weights() for layer in leaves(model) if layer.weights}


def changed(before: keras.Model, after: keras.Model) -> set[str]:
    """Return the names of the layers whose weights are not bit-identical."""
    now = layer_weights(after)
    return {name for name, weights in layer_weights(before).items() if not same(weights, now[name])}


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Whether all arrays are bit-identical."""
    return len(first) == len(second) and all(map(np.array_equal, first, second))


def _values(rng: np.random.Generator, tensor: Any, rows: int) -> np.ndarray:
    shape = (rows, *(size or 5 for size in tensor.shape[1:]))
    if tensor.dtype == "string":
        words = rng.choice(["a", "b", "c", "x"], (*shape, 3))
        counts = rng.integers(1, 4, shape)
        return np.array(
            [" ".join(w[:n]) for w, n in zip(words.reshape(-1, 3), counts.ravel(), strict=True)]
        ).reshape(shape)
    if "int" in tensor.dtype or tensor.dtype == "bool":
        return rng.integers(0, 2 if tensor.dtype == "bool" else 4, shape).astype(tensor.dtype)
    if len(shape) == 4:
        return rng.uniform(0, 255, shape).astype(np.float32)
    return rng.normal(size=shape).astype(np.float32)

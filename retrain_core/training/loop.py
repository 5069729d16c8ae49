"""Keras' own ``train_step`` and ``test_step``, many to a call, with the data resident on the device.

One ``tf.function`` runs a chunk of steps, so Python is entered a few times a second rather than once a step; the
meaning (losses, metrics, dropout, BatchNormalization) is that of ``fit``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.training.models import feed, input_structure
from retrain_core.types import Dataset, Schema

CHUNK_SECONDS = 0.25  # a stop or a progress event waits no longer than about this
SCORE_BATCH = 1024


class Loop:
    """Steps over the rows of one dataset for one compiled model.

    Args:
        model: Compiled.
        data: Its rows are copied to the device once.
        schema: Says whether targets are one-hot.
    """

    def __init__(self, model: keras.Model, data: Dataset, schema: Schema) -> None:
        self.model, self.rows = model, data.rows
        self._x = keras.tree.map_structure(tf.constant, feed(model, data))
        self._y = tf.constant(targets_for(schema, data))
        self._types = keras.tree.map_structure(lambda tensor: tensor.dtype, input_structure(model))
        self._steps_a_chunk = 1

        def batch(order: tf.Tensor, step: tf.Tensor, size: tf.Tensor) -> tuple[Any, tf.Tensor]:
            rows = order[step * size : (step + 1) * size]
            x = keras.tree.map_structure(
                lambda values, kind: _cast(tf.gather(values, rows), kind), self._x, self._types
            )
            return x, tf.gather(self._y, rows)

        @tf.function  # type: ignore[untyped-decorator]
        def train(order: tf.Tensor, first: tf.Tensor, last: tf.Tensor, size: tf.Tensor) -> None:
            for step in tf.range(first, last):
                model.train_step(batch(order, step, size))

        @tf.function  # type: ignore[untyped-decorator]
        def test(order: tf.Tensor, first: tf.Tensor, last: tf.Tensor, size: tf.Tensor) -> None:
            for step in tf.range(first, last):
                model.test_step(batch(order, step, size))

        self._train, self._test = train, test
        # Metrics and the optimiser make their variables at first use, which a traced loop does not allow.
        model.test_step(batch(tf.range(1), tf.constant(0), tf.constant(1)))
        model.optimizer.build(model.trainable_variables)
        model.reset_metrics()

    def train(self, order: NDArray[np.int32], batch_size: int) -> Iterator[dict[str, float]]:
        """Train on the rows ``order`` names, yielding the running loss and metric after each chunk."""
        self.model.reset_metrics()
        rows, steps, done = tf.constant(order, tf.int32), -(-len(order) // batch_size), 0
        while done < steps:
            last = min(done + self._steps_a_chunk, steps)
            start = time.perf_counter()
            self._train(rows, tf.constant(done), tf.constant(last), tf.constant(batch_size))
            logs = self._logs()
            self._pace(last - done, time.perf_counter() - start)
            done = last
            yield {**logs, "share": done / steps, "rows": min(done * batch_size, len(order))}

    def score(self, order: NDArray[np.int32] | None = None) -> dict[str, float]:
        """Return loss and metric over the rows ``order`` names (all by default), without training."""
        self.model.reset_metrics()
        rows = tf.range(self.rows) if order is None else tf.constant(order, tf.int32)
        steps = -(-int(rows.shape[0]) // SCORE_BATCH)
        self._test(rows, tf.constant(0), tf.constant(steps), tf.constant(SCORE_BATCH))
        return self._logs()

    def _logs(self) -> dict[str, float]:
        return {name: float(value) for name, value in self.model.get_metrics_result().items()}

    def _pace(self, steps: int, seconds: float) -> None:
        """Let a chunk take about CHUNK_SECONDS; the first call traces, so growth is capped."""
        fitting = int(steps * CHUNK_SECONDS / max(seconds, 1e-6))
        self._steps_a_chunk = max(1, min(fitting, self._steps_a_chunk * 16))


def targets_for(schema: Schema, data: Dataset) -> NDArray[np.float32] | NDArray[np.int32]:
    """Return the targets in the form that the loss wants; shape ``(rows,)``, ``(rows, 1)`` or ``(rows, classes)``."""
    targets: NDArray[np.int32] = np.asarray(data.targets)
    if schema.one_hot:
        return np.equal.outer(targets, np.arange(schema.units)).astype(np.float32)
    if schema.units == 1:
        return targets.astype(np.float32).reshape(-1, 1)
    return targets


def predict(model: keras.Model, data: Dataset) -> NDArray[np.float32]:
    """Return the model's outputs for every row, shape ``(rows, units)``."""
    outputs = model.predict(feed(model, data), batch_size=SCORE_BATCH, verbose=0)
    return np.asarray(outputs, dtype=np.float32).reshape(data.rows, -1)


def _cast(values: tf.Tensor, kind: str) -> tf.Tensor:
    return values if values.dtype == tf.string or kind == "string" else tf.cast(values, kind)

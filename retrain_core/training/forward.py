"""What a model makes of many rows, without training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.training.graph import functional
from retrain_core.training.memory import exhaustion_told, score_batch
from retrain_core.training.rows import specs, take
from retrain_core.training.steps import graph_function


class Forward:
    """A model's outputs for many rows, without training.

    Args:
        model: Any; with several outputs each call gives several arrays.
        beat: Called after each batch of rows, as a sign of life.
    """

    def __init__(self, model: keras.Model, beat: Callable[[], None] = lambda: None) -> None:
        self.model, self._beat = model, beat
        self._batch = score_batch(model)
        self._call: Any = None

    def __call__(self, inputs: list[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return one array an output, shape ``(rows, ...)``."""
        rows = len(inputs[0])
        if self._call is None:
            example = take(inputs, np.zeros(1, np.int32))
            self._call = graph_function(self._outputs, input_signature=[specs(example)])
        pieces = []
        for start in range(0, rows, self._batch):
            chosen = np.arange(start, min(start + self._batch, rows), dtype=np.int32)
            with exhaustion_told():
                pieces.append([np.asarray(tensor) for tensor in self._call(take(inputs, chosen))])
            self._beat()
        return [np.concatenate(parts) for parts in zip(*pieces, strict=True)]

    def _outputs(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        structure = functional(self.model)._inputs_struct
        x = keras.tree.pack_sequence_as(structure, cast(inputs, self.model))
        return list(keras.tree.flatten(self.model(x, training=False)))


def cast(inputs: list[tf.Tensor], model: keras.Model) -> list[tf.Tensor]:
    """Return inputs in the types that ``model`` takes; text stays text."""
    return [
        values if values.dtype == tf.string or tensor.dtype == "string" else tf.cast(values, tensor.dtype)
        for values, tensor in zip(inputs, model.inputs, strict=True)
    ]

"""In which direction of its inputs a model's loss grows."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.training import memory
from retrain_core.training.graph import functional
from retrain_core.training.objective import UNLIKELY, Objective
from retrain_core.training.rows import as_tensor, specs
from retrain_core.training.steps import graph_function


class Gradient:
    """The gradient of the model's own loss, with the true labels, to its inputs.

    Args:
        model: The model.
        objective: Its loss.

    Attributes:
        reached: The numbers of the inputs that a gradient reaches; known after ``find``.
    """

    def __init__(self, model: keras.Model, objective: Objective) -> None:
        self._model, self._objective = model, objective
        self._able = [number for number, tensor in enumerate(model.inputs) if _holds_fractions(tensor)]
        self._loss = objective.loss(None)
        self.reached: list[int] = []
        self._call: Any = None
        self._batch = max(1, memory.score_batch(model) // 2)

    def find(self, values: list[NDArray[Any]], targets: NDArray[Any]) -> None:
        """Find out which inputs a gradient reaches; ``values`` and ``targets`` are an example."""
        if not self._able:
            return
        taken, wanted = [as_tensor(array) for array in values], tf.constant(self._objective.targets(targets))
        signature = [specs(taken), specs([wanted])[0]]
        self._call = graph_function(self._gradients, input_signature=signature)
        self._call.get_concrete_function()

    def signs(self, values: list[NDArray[Any]], targets: NDArray[Any]) -> dict[int, NDArray[np.int8]]:
        """Return the sign of the gradient for every value, by the input's number."""
        pieces = []
        for start in range(0, len(targets), self._batch):
            rows = slice(start, start + self._batch)
            with memory.exhaustion_told():
                wanted = tf.constant(self._objective.targets(targets[rows]))
                found = self._call([as_tensor(array[rows]) for array in values], wanted)
            pieces.append([np.asarray(tensor) for tensor in found])
        joined = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
        return dict(zip(self.reached, joined, strict=True))

    def _gradients(self, values: list[tf.Tensor], wanted: tf.Tensor) -> list[tf.Tensor]:
        graph = functional(self._model)
        taken = [
            array if tensor.dtype == "string" else tf.cast(array, tensor.dtype)
            for array, tensor in zip(values, self._model.inputs, strict=True)
        ]
        watched = [taken[number] for number in self._able]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            outputs = self._model(keras.tree.pack_sequence_as(graph._inputs_struct, taken), training=False)
            outputs = self._as_scored(keras.tree.flatten(outputs)[0])
            loss = tf.reduce_sum(self._loss(wanted, outputs))
        found = tape.gradient(loss, watched)
        self.reached = [n for n, gradient in zip(self._able, found, strict=True) if gradient is not None]
        return [tf.cast(tf.sign(gradient), tf.int8) for gradient in found if gradient is not None]

    def _as_scored(self, outputs: tf.Tensor) -> tf.Tensor:
        """Return outputs as they are scored, those for classes that the model does not know included.

        Nothing is done that need not be: Keras finds the logits behind a sigmoid or softmax that comes last, and with
        them a gradient where the probability itself is 0 or 1 and has none.
        """
        if len(outputs.shape) != 2:
            outputs = tf.reshape(outputs, (tf.shape(outputs)[0], -1))
        missing = self._objective.outputs - outputs.shape[1]
        if missing > 0:
            floor = tf.fill((tf.shape(outputs)[0], missing), tf.constant(UNLIKELY, outputs.dtype))
            if self._objective.schema.from_logits:
                floor = tf.math.log(floor) + tf.reduce_logsumexp(outputs, axis=1, keepdims=True)
            outputs = tf.concat([outputs, floor], axis=1)
        return outputs


def _holds_fractions(tensor: Any) -> bool:
    return str(tensor.dtype).startswith(("float", "bfloat"))

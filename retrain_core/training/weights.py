"""What is done to weights as a whole: which of them matter, and making them partly fresh."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.training.graph import functional, leaves
from retrain_core.training.objective import Objective
from retrain_core.training.rows import inputs_of, take
from retrain_core.training.steps import graph_function
from retrain_core.types import Dataset

NORMS = (
    keras.layers.BatchNormalization,
    keras.layers.LayerNormalization,
    keras.layers.GroupNormalization,
    keras.layers.RMSNormalization,
)
DISTANCES = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)
TINY = 1e-12


def fisher_information(
    model: keras.Model, objective: Objective, data: Dataset, rows: NDArray[np.int32]
) -> list[NDArray[np.float32]]:
    """Return the mean squared gradient of the loss of one row, an array a learning weight.

    A loss that is a distance is a log-likelihood but for the scale of its errors; dividing by its mean sets that right,
    and numbers a thousand times larger, as in another currency, are held as firmly.

    Args:
        model: Whose weights.
        objective: Its loss.
        data: Old rows.
        rows: Which of them.

    Source: Kirkpatrick et al. (2017), PNAS 114(13); the labels of the rows are used ("empirical" Fisher).
    """
    arrays = inputs_of(model, data)
    loss = objective.loss()
    learning = model.trainable_weights
    structure = functional(model)._inputs_struct

    @graph_function()  # type: ignore[untyped-decorator]
    def total(x: Any, y: tf.Tensor) -> Any:
        def step(number: tf.Tensor, losses: tf.Tensor, sums: Any) -> Any:
            one = [values[number : number + 1] for values in x]
            with tf.GradientTape() as tape:
                outputs = model(keras.tree.pack_sequence_as(structure, one), training=False)
                value = loss(y[number : number + 1], outputs)
            gradients = tape.gradient(value, learning, unconnected_gradients="zero")
            return (
                number + 1,
                losses + tf.cast(value, tf.float32),
                [
                    total + tf.square(tf.cast(tf.convert_to_tensor(gradient), tf.float32))
                    for total, gradient in zip(sums, gradients, strict=True)
                ],
            )

        start = [tf.zeros(weight.shape, tf.float32) for weight in learning]
        _, losses, sums = tf.while_loop(
            lambda number, *_: number < tf.shape(y)[0], step, (tf.constant(0), tf.constant(0.0), start)
        )
        return losses, sums

    y = tf.constant(objective.targets(np.asarray(data.targets)[rows]))
    losses, sums = total(take(arrays, rows), y)
    scale = float(losses) if objective.schema.loss in DISTANCES else float(len(rows))
    return [np.asarray(values, np.float32) / max(scale, TINY) for values in sums]


def shrunk_and_perturbed(model: keras.Model, fresh: keras.Model, shrink: float, noise: float) -> None:
    """Make the learning weights of ``model`` ``shrink`` times themselves plus ``noise`` times those of ``fresh``.

    Normalisation layers are left as they are: their scale is not what was learnt to excess.
    """
    for layer, other in zip(leaves(model), leaves(fresh), strict=True):
        if isinstance(layer, NORMS):
            continue
        for mine, drawn in zip(layer.trainable_weights, other.trainable_weights, strict=True):
            mine.assign(shrink * mine + noise * drawn)

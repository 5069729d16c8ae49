"""Two ways to do many training steps in one call; both are Keras' own ``train_step``, and Python is out of the loop.

*Plain* runs them in a loop of TensorFlow's graph. *Compiled* hands the loop to XLA, which fuses the small operations of a
step: several times faster for dense networks, several times slower for convolutions on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from retrain_core.training.graph import Noise, leaves
from retrain_core.training.learner import Learner

# Nothing here has a Python loop over tensors, and AutoGraph takes half a second to find that out.
graph_function = partial(tf.function, autograph=False)
Prepare = Callable[[list[tf.Tensor]], list[tf.Tensor]]
Batch = tuple[
    list[tf.Tensor], Any, list[tf.Tensor]
]  # inputs, labels (with a teacher's outputs), weights or none

CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv1D,
    keras.layers.SeparableConv2D,
    keras.layers.ConvLSTM1D,
    keras.layers.ConvLSTM2D,
    keras.layers.ConvLSTM3D,
)


def may_compile(head: keras.Model) -> bool:
    """Whether compiling is worth a thought: not for what XLA is known to be slow or unable at."""
    if not tf.config.get_visible_devices("GPU") and any(
        isinstance(layer, CONVOLUTIONS) for layer in leaves(head)
    ):
        return False  # measured 7 to 14 times slower than TensorFlow's own kernels
    return all(tensor.dtype != "string" and None not in tensor.shape[1:] for tensor in head.inputs)


def plain_steps(model: Learner, noise: list[Noise], prepare: Prepare, signature: Batch) -> Any:
    """Return a function of ``(inputs, labels, weights, size)``: train on all rows, ``size`` a step.

    It returns how many steps were done, and whether the loss was finite in each; it ends at the first that is not.
    """

    @graph_function(input_signature=[*signature, tf.TensorSpec((), tf.int32)])  # type: ignore[untyped-decorator]
    def train(x: Any, y: Any, weights: Any, size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = prepare(x)
        steps = -(-tf.shape(tf.nest.flatten(y)[0])[0] // size)

        def step(number: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            begin = number * size
            rows = tf.nest.map_structure(lambda values: values[begin : begin + size], (x, y, weights))
            count = tf.shape(tf.nest.flatten(rows[1])[0])[0]
            return number + 1, _one_step(model, rows, [part.draw(count) for part in noise])

        return _while(step, steps)

    return train


def compiled_steps(
    model: Learner, noise: list[Noise], prepare: Prepare, signature: Batch, most: int, size: int
) -> Any:
    """Return a function of ``(inputs, labels, weights, steps)`` for ``steps * size`` rows, at most ``most`` steps.

    It trains on them and returns the same as that of :func:`plain_steps`.
    """

    @graph_function(jit_compile=True)  # type: ignore[untyped-decorator]
    def loop(x: Any, y: Any, weights: Any, drawn: Any, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def step(number: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            x_, y_, weights_, noise_ = tf.nest.map_structure(
                lambda values: values[number], (x, y, weights, drawn)
            )
            return number + 1, _one_step(model, (x_, y_, weights_), noise_)

        return _while(step, steps)

    @graph_function(input_signature=[*signature, tf.TensorSpec((), tf.int32)])  # type: ignore[untyped-decorator]
    def train(x: Any, y: Any, weights: Any, steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        unused = (most - steps) * size  # XLA compiles for one number of rows

        def by_steps(values: tf.Tensor) -> tf.Tensor:
            padded = tf.pad(values, [[0, unused], *[[0, 0]] * (values.shape.rank - 1)])
            return tf.reshape(padded, (most, size, *values.shape[1:]))

        by_step = tf.nest.map_structure(by_steps, (prepare(x), y, weights))
        done, finite = loop(*by_step, _draw(noise, steps, most, size), steps)
        return done, finite

    return train


def _draw(noise: list[Noise], steps: tf.Tensor, most: int, size: int) -> list[tf.Tensor]:
    """Return the noise of each layer for ``steps`` steps, drawn by TensorFlow: XLA is slow at it on a CPU."""
    if not noise:
        return []
    arrays = [
        tf.TensorArray(part.layer.compute_dtype, most, element_shape=(size, *part.shape)) for part in noise
    ]

    def step(number: tf.Tensor, arrays: list[tf.TensorArray]) -> tuple[tf.Tensor, list[tf.TensorArray]]:
        return number + 1, [
            array.write(number, part.draw(size)) for array, part in zip(arrays, noise, strict=True)
        ]

    _, arrays = tf.while_loop(lambda number, _: number < steps, step, (tf.constant(0), arrays))
    return [array.stack() for array in arrays]


def _one_step(model: Learner, rows: Any, noise: list[tf.Tensor]) -> tf.Tensor:
    """Do one step and return whether its loss is finite."""
    x, y, weights = rows
    logs = model.train_step(([*x, *noise], y, *weights))
    return tf.math.is_finite(logs["loss"])  # the running mean, which a single NaN spoils


def _while(step: Callable[..., Any], steps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    done, finite = tf.while_loop(
        lambda number, finite: tf.logical_and(number < steps, finite),
        step,
        (tf.constant(0), tf.constant(True)),
    )
    return done, finite

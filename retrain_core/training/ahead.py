"""Frozen layers behind a Dropout: their outputs differ at every step, but need not wait for the weights of the last one.

They are computed for many steps at once, and for the next rows while the learning layers train on these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.training.graph import Noise, is_preprocessing, noise_apart, split
from retrain_core.training.resume import generator_state, set_generator
from retrain_core.training.rows import row_bytes, take
from retrain_core.training.steps import graph_function

BYTES_AT_ONCE = 4 * 1024**2  # what stays in a processor's cache


class Ahead:
    """The outputs of frozen layers behind Dropout, for the rows of a loop.

    Args:
        model: Those layers; its inputs are those of the loop's head and the masks of ``dropouts``.
        dropouts: Where the masks belong.
        inputs: How many of the model's inputs are rows, not masks.
    """

    def __init__(self, model: keras.Model, dropouts: Sequence[Noise], inputs: int) -> None:
        self._masks = [_Masks(part) for part in dropouts]
        self._model, self._types = model, [tensor.dtype for tensor in model.inputs[:inputs]]
        self._call = graph_function(
            self._outputs,
            input_signature=[
                [tf.TensorSpec((None, *t.shape[1:]), t.dtype) for t in model.inputs[:inputs]],
                [tf.TensorSpec((None, *part.shape), tf.bool) for part in dropouts],
            ],
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._next: tuple[NDArray[np.int32], Future[list[tf.Tensor]]] | None = None
        self._before: list[dict[str, Any]] = []  # the generators, when those rows were begun with

    def rows_at_once(self, inputs: list[NDArray[Any]]) -> int:
        """Return for how many rows it should be asked."""
        return max(1, BYTES_AT_ONCE // max(1, row_bytes(inputs)))

    def take(
        self, inputs: list[NDArray[Any]], rows: NDArray[np.int32], then: NDArray[np.int32]
    ) -> list[tf.Tensor]:
        """Return the outputs for ``rows``, and begin with those for the rows that come ``then``."""
        begun, self._next = self._next, None
        outputs = None
        if begun is not None:
            found = begun[1].result()  # also if it is not wanted any more: it draws from the same generator
            outputs = found if np.array_equal(begun[0], rows) else None
        if outputs is None:
            outputs = self._do(inputs, rows)
        self._begin(inputs, then)
        return outputs

    def kept(self) -> tuple[list[dict[str, Any]], NDArray[np.int32]]:
        """Return the generators of the masks, and the rows that are begun with, which draw from them anew."""
        return self._before, self._next[0] if self._next else np.zeros(0, np.int32)

    def restore(
        self, masks: Sequence[Mapping[str, Any]], rows: NDArray[np.int32], inputs: list[NDArray[Any]]
    ) -> None:
        """Be as another was that gave ``masks`` and ``rows``."""
        for part, state in zip(self._masks, masks, strict=True):
            set_generator(part.random, state)
        self._begin(inputs, rows)

    def _begin(self, inputs: list[NDArray[Any]], rows: NDArray[np.int32]) -> None:
        # Nothing is drawn meanwhile: the thread has ended what it had begun.
        self._before = [generator_state(part.random) for part in self._masks]
        if len(rows):
            self._next = rows, self._thread.submit(self._do, inputs, rows)

    def _do(self, inputs: list[NDArray[Any]], rows: NDArray[np.int32]) -> list[tf.Tensor]:
        masks = [tf.constant(part.draw(len(rows))) for part in self._masks]
        values = [tf.cast(v, dtype) for v, dtype in zip(take(inputs, rows), self._types, strict=True)]
        return list(self._call(values, masks))

    def _outputs(self, inputs: list[tf.Tensor], masks: list[tf.Tensor]) -> list[tf.Tensor]:
        noise = [part.noise(mask) for part, mask in zip(self._masks, masks, strict=True)]
        return list(keras.tree.flatten(self._model([*inputs, *noise], training=False)))


class _Masks:
    """Which values a Dropout keeps, drawn by NumPy: as likely as in ``fit`` and ten times as fast, but other numbers."""

    def __init__(self, part: Noise) -> None:
        self.part = part
        rate = part.layer.rate
        self._least, self._scale = np.uint16(round(rate * 2**16)), 1 / (1 - rate)
        self._values = int(np.prod(part.shape))
        self.random = np.random.SFC64(np.asarray(part.layer.seed_generator.next()).tolist())

    def draw(self, rows: int) -> NDArray[np.bool_]:
        # Whole words a row, so that it does not matter how many rows are drawn at once.
        words = -(-self._values // 4)
        drawn = np.asarray(self.random.random_raw(rows * words), np.uint64).view(np.uint16)
        drawn = drawn.reshape(rows, words * 4)[:, : self._values]
        return (drawn >= self._least).reshape(rows, *self.part.shape)

    def noise(self, mask: tf.Tensor) -> tf.Tensor:
        return tf.cast(mask, self.part.layer.compute_dtype) * tf.cast(
            self._scale, self.part.layer.compute_dtype
        )


def ahead_of(head: keras.Model) -> tuple[Ahead, keras.Model] | None:
    """Return what of ``head`` can be computed ahead, and the rest, whose inputs are its outputs.

    Returns:
        ``None`` if no frozen layer with weights is behind a Dropout, or another layer than Dropout draws numbers.
    """
    apart = noise_apart(head)
    if apart is None or not apart[1]:
        return None
    body, noise = apart
    if not all(type(part.layer) is keras.layers.Dropout and part.layer.noise_shape is None for part in noise):
        return None
    frozen, rest = split(body)
    if frozen is None or is_preprocessing(frozen):
        return None
    return Ahead(frozen, noise, len(head.inputs)), rest

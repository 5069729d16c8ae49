"""Training rows as they lie on disk, taken a chunk at a time: a worker holds no copy of the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.training.graph import input_structure
from retrain_core.types import Dataset

CHUNK_BYTES = 16 * 1024**2


def inputs_of(model: keras.Model, data: Dataset) -> list[NDArray[Any]]:
    """Return the arrays of ``data`` in the flat order of the model's inputs; they stay where they are."""
    arrays: Mapping[str, NDArray[Any]] = data.inputs
    if len(arrays) == 1:
        return list(arrays.values())
    return [arrays[tensor.name] for tensor in keras.tree.flatten(input_structure(model))]


def take(arrays: list[NDArray[Any]], rows: NDArray[np.int32]) -> list[tf.Tensor]:
    """Return the chosen rows of each array as tensors; text as bytes, since Keras takes no NumPy strings."""
    return [as_tensor(values[rows]) for values in arrays]


def as_tensor(values: NDArray[Any]) -> tf.Tensor:
    """Return an array as a tensor."""
    if values.dtype.kind == "U":
        return tf.constant(np.strings.encode(values, "utf-8"))
    return tf.constant(np.asarray(values))


def feed(model: keras.Model, data: Dataset) -> Any:
    """Return all inputs of ``data`` in the structure that ``model`` takes (one tensor, a list or a dictionary)."""
    tensors = [as_tensor(np.asarray(values)) for values in inputs_of(model, data)]
    return keras.tree.pack_sequence_as(input_structure(model), tensors)


def row_bytes(arrays: list[NDArray[Any]]) -> int:
    """Return how many bytes a row takes."""
    return sum(values.dtype.itemsize * int(np.prod(values.shape[1:], dtype=np.int64)) for values in arrays)


def specs(tensors: list[tf.Tensor]) -> list[tf.TensorSpec]:
    """Return the signature of ``tensors`` with any number of rows."""
    return [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in tensors]

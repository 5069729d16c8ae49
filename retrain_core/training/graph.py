"""A model in two parts: the trunk, whose outputs no step changes, and the head, which learns.

Preprocessing layers and frozen layers give the same values for a row at every step, so a step need not compute them:
they are computed for many rows at once, or once and for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

PREPROCESSING = (
    keras.layers.Normalization,
    keras.layers.Rescaling,
    keras.layers.Discretization,
    keras.layers.CategoryEncoding,
    keras.layers.StringLookup,
    keras.layers.IntegerLookup,
    keras.layers.Hashing,
    keras.layers.HashedCrossing,
    keras.layers.TextVectorization,
)
# Layers whose noise does not depend on their input: it can be drawn apart, and multiplied or added.
NOISE: dict[type, tuple[Callable[..., Any], Callable[[Any, Any], Any]]] = {
    keras.layers.Dropout: (tf.ones, keras.ops.multiply),
    keras.layers.SpatialDropout1D: (tf.ones, keras.ops.multiply),
    keras.layers.SpatialDropout2D: (tf.ones, keras.ops.multiply),
    keras.layers.SpatialDropout3D: (tf.ones, keras.ops.multiply),
    keras.layers.GaussianDropout: (tf.ones, keras.ops.multiply),
    keras.layers.GaussianNoise: (tf.zeros, keras.ops.add),
}


def functional(model: keras.Model) -> Any:
    """Return the graph of layers inside ``model``."""
    return model._functional if isinstance(model, keras.Sequential) else model


def input_structure(model: keras.Model) -> Any:
    """Return the model's symbolic inputs as it takes them: one, a list or a dictionary."""
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def leaves(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of ``model`` from input to output, those of nested models in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        else:
            yield layer


def split(model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """Return trunk and head: the head's inputs are the trunk's outputs, and both share the layers of ``model``.

    The trunk is ``None`` if nothing comes before the first layer that learns or draws at random. Its outputs may
    include inputs of the model that the head takes as they are.
    """
    graph = functional(model)
    fixed = {id(tensor): tensor for tensor in graph.inputs}
    border: dict[int, Any] = {}
    for node in _nodes(graph):
        if all(id(tensor) in fixed for tensor in node.input_tensors) and _is_fixed(node):
            fixed |= {id(tensor): tensor for tensor in node.outputs}
        else:
            border |= {id(t): t for t in node.input_tensors if id(t) in fixed}
    border |= {id(tensor): tensor for tensor in graph.outputs if id(tensor) in fixed}
    inputs = {id(tensor) for tensor in graph.inputs}
    outputs = graph.outputs[0]  # models with several outputs are refused when their file is read
    if set(border) <= inputs:
        return None, keras.Model(graph.inputs, outputs)
    features = list(border.values())
    return keras.Model(graph.inputs, features), keras.Model(features, outputs)


def is_preprocessing(trunk: keras.Model) -> bool:
    """Whether the trunk has no layer with weights beside those that prepare values: then it is cheap to compute."""
    return all(isinstance(layer, PREPROCESSING) or not layer.weights for layer in leaves(trunk))


def is_random(layer: Any) -> bool:
    """Whether the layer, or one inside it, draws numbers in training."""
    return any(getattr(part, "_seed_generators", ()) for part in _flat(layer))


@dataclass(frozen=True)
class Noise:
    """The noise of one layer, drawn apart from it.

    Args:
        layer: Draws it, with its own generator, as it does in ``fit``.
        shape: Of its input, without the batch axis.
        neutral: Makes the input for which the layer gives nothing but its noise.
    """

    layer: keras.layers.Layer
    shape: tuple[int, ...]
    neutral: Callable[..., Any]

    def draw(self, rows: Any) -> tf.Tensor:
        """Return the noise of one step, shape ``(rows, *shape)``."""
        return self.layer(self.neutral((rows, *self.shape), self.layer.compute_dtype), training=True)


def noise_apart(head: keras.Model) -> tuple[keras.Model, list[Noise]] | None:
    """Return ``head`` with the noise of its layers as further inputs, in the order they draw it.

    Returns:
        ``None`` if it draws numbers in another way, or a shape is not known beforehand.
    """
    if any(None in tensor.shape[1:] for tensor in head.inputs):
        return None
    if any(_masks(part) for part in _flat(head)):  # multiplying by noise would lose the mask
        return None
    if any(is_random(layer) and type(layer) not in NOISE for layer in head.layers):
        return None
    features = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in head.inputs]
    given: list[Any] = []
    noise: list[Noise] = []

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_random(operation):
            return operation(*args, **kwargs)
        neutral, apply = NOISE[type(operation)]
        shape = tuple(args[0].shape[1:])
        noise.append(Noise(operation, shape, neutral))
        given.append(keras.Input(shape, dtype=operation.compute_dtype))
        return apply(args[0], given[-1])

    outputs = head._run_through_graph(features, call_fn=call)
    return keras.Model([*features, *given], keras.tree.flatten(outputs)[0]), noise


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield the calls of layers from input to output."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from (node for node in graph._nodes_by_depth[depth] if not node.is_input)


def _is_fixed(node: Any) -> bool:
    """Whether it gives the same outputs for the same inputs at every step, and adds nothing to the loss."""
    parts = _flat(node.operation)
    if any(tensor.dtype == "bool" for tensor in node.outputs):
        return False  # a mask: Keras cannot save a model whose masks were cut off from it
    if any(None in tensor.shape[1:] for tensor in node.outputs):
        return False  # such as text padded to the longest of its batch: in a larger batch it is another value
    return not any(_changes(part) or _misstates(part) for part in parts)


def _changes(layer: Any) -> bool:
    if not isinstance(layer, keras.layers.Layer):
        return False
    learns_statistics = isinstance(
        layer, (keras.layers.BatchNormalization, keras.layers.SpectralNormalization)
    )
    return bool(
        layer.trainable_weights
        or getattr(layer, "_seed_generators", ())
        or (learns_statistics and layer.trainable)
        or isinstance(layer, keras.layers.Equalization)  # does nothing when it is not trained
        or getattr(layer, "stateful", False)
        or getattr(layer, "activity_regularizer", None) is not None
        or _masks(layer)
    )


def _misstates(layer: Any) -> bool:
    """Whether its outputs are sparse, or have another shape than Keras says: a head cannot be built for them."""
    if isinstance(layer, keras.layers.TextVectorization):
        return bool(layer._output_mode != "int")
    one_hot = isinstance(layer, keras.layers.Hashing) and layer.output_mode == "one_hot"
    return bool(one_hot or getattr(layer, "sparse", False))


def _masks(layer: Any) -> bool:
    """Whether later layers get a mask from it, which would be lost between trunk and head."""
    return isinstance(layer, keras.layers.Masking) or bool(getattr(layer, "mask_zero", False))


def _flat(operation: Any) -> list[Any]:
    """Return an operation and, for a layer, all layers inside it."""
    return operation._flatten_layers() if isinstance(operation, keras.layers.Layer) else [operation]

"""What a model makes of a row before its output layer: the values of its penultimate layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.training.graph import PREPROCESSING, functional

MOST_FEATURES = 512
PROJECTION_SEED = 0  # fixed, so that features of two runs can be compared


def with_features(model: keras.Model) -> tuple[keras.Model, str]:
    """Return ``model`` with what its output layer takes as further outputs, and the name of the layer that gives it.

    The output layer is the last one with weights; what only prepares values (such as a Normalization that turns
    predictions back into units) is passed by. Where several branches end in the outputs, there is one of each. A
    sequence is averaged over its steps, masked ones left out. A layer that takes no numbers but ids (an
    Embedding) stands for itself.

    Args:
        model: Of any form, functional, sequential or nested; its layers are shared.

    Returns:
        A model with the output first and then one or more outputs of shape ``(rows, values)``.
    """
    targets = list({id(layer): layer for layer in _output_layers(functional(model).outputs, None)}.values())
    outputs, found, names, inputs = _traced(model, targets)
    if not found:  # a model without weights
        found, names = outputs[:1], [""]
    layers = [name or _giver(tensor).name for tensor, name in zip(found, names, strict=True)]
    flat = [_flat(tensor) for tensor in found]
    return keras.Model(inputs, [outputs[0], *flat]), ", ".join(dict.fromkeys(layers))


def projected(values: NDArray[np.float32], most: int = MOST_FEATURES) -> NDArray[np.float32]:
    """Return at most ``most`` values a row; more are summed into ``most`` places, with random signs.

    Distances between rows stay what they are on average, and a row costs no more than reading it.

    Args:
        values: Shape ``(rows, values)``.
        most: How many to return.

    Source: Weinberger et al. (2009), ICML (feature hashing).

    >>> projected(np.ones((2, 3), np.float32)).shape, projected(np.ones((2, 2000), np.float32)).shape
    ((2, 3), (2, 512))
    """
    rows, size = values.shape
    if size <= most:
        return values
    rng = np.random.default_rng(PROJECTION_SEED)
    padded = np.zeros((rows, -(-size // most) * most), np.float32)
    order = rng.permutation(padded.shape[1])[:size]
    padded[:, order] = values * rng.choice(np.array([-1, 1], np.float32), size)
    return np.asarray(padded.reshape(rows, -1, most).sum(axis=1), np.float32)


def _output_layers(tensors: list[Any], outside: Callable[[], Iterator[Any]] | None) -> Iterator[Any]:
    """Yield the last layers with weights, from the outputs back; ``outside`` goes on where a nested model begins."""
    for tensor in tensors:
        operation, number, _ = tensor._keras_history
        if isinstance(operation, keras.layers.InputLayer):
            if outside is not None:
                yield from outside()
            continue
        node = operation._inbound_nodes[number]
        if isinstance(operation, keras.Model):
            yield from _output_layers(
                functional(operation).outputs, partial(_output_layers, node.input_tensors, outside)
            )
        elif getattr(operation, "weights", ()) and not isinstance(operation, PREPROCESSING):
            yield operation
        else:
            yield from _output_layers(node.input_tensors, outside)


def _traced(model: keras.Model, targets: list[Any]) -> tuple[list[Any], list[Any], list[str], list[Any]]:
    """Return outputs of ``model``, what ``targets`` take, the layers that give that, and the inputs, all symbolic."""
    graph = functional(model)
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name),
        graph._inputs_struct,
    )
    found: dict[int, tuple[Any, str]] = {}

    def call(operation: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(operation, keras.Model) and any(
            part in targets for part in operation._flatten_layers()
        ):
            outputs, values, names, inner = _traced(operation, targets)
            made = keras.Model(inner, [*outputs, *values], name=operation.name)
            given = keras.tree.flatten(made(*args, **kwargs))
            outside = ", ".join(_giver(tensor).name for tensor in _tensors(args, kwargs))
            for tensor, name in zip(given[len(outputs) :], names, strict=True):
                found[id(tensor)] = tensor, name or outside
            return keras.tree.pack_sequence_as(functional(operation)._outputs_struct, given[: len(outputs)])
        result = operation(*args, **kwargs)
        if operation in targets:
            taken = [tensor for tensor in _tensors(args, kwargs) if "float" in tensor.dtype]
            for tensor in taken or _tensors(result, {}):
                found[id(tensor)] = tensor, _name(tensor)
        return result

    outputs = keras.tree.flatten(graph._run_through_graph(inputs, call_fn=call))
    if isinstance(model, keras.Sequential):
        inputs = keras.tree.flatten(inputs)[0]
    return outputs, [tensor for tensor, _ in found.values()], [name for _, name in found.values()], inputs


def _tensors(*structures: Any) -> list[Any]:
    flat = keras.tree.flatten(structures)
    return [tensor for tensor in flat if isinstance(tensor, keras.KerasTensor)]


def _giver(tensor: Any) -> Any:
    return tensor._keras_history.operation


def _name(tensor: Any) -> str:
    """Return the name of the layer that gives a tensor; empty for an input, whose giver may stand outside."""
    giver = _giver(tensor)
    return "" if isinstance(giver, keras.layers.InputLayer) else str(giver.name)


def _flat(tensor: Any) -> Any:
    """Return a tensor with one axis of values a row."""
    axes = len(tensor.shape) - 1
    if axes == 0:
        return keras.layers.Reshape((1,))(tensor)
    if axes == 2:
        return keras.layers.GlobalAveragePooling1D(data_format="channels_last")(tensor)
    if axes > 2 and None in tensor.shape[1:]:
        return keras.ops.mean(tensor, axis=tuple(range(1, axes)))
    return tensor if axes == 1 else keras.layers.Flatten()(tensor)

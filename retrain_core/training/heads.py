"""The output layer of a model: more units for new classes, and outputs scaled and shifted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.errors import RunError
from retrain_core.training.graph import functional

PASSING = (keras.layers.Activation, keras.layers.Softmax)  # may stand between the output layer and the output


def grown(model: keras.Model, units: int) -> keras.Model:
    """Return the model with ``units`` outputs: those it has keep their weights, the further ones are fresh.

    All other layers are shared with ``model``.

    Raises:
        RunError: If its output layer is not dense.
    """
    head = output_layer(model)
    known = head.units
    layer = _dense_like(head, units=units)
    layer.kernel.assign(np.concatenate([head.kernel, layer.kernel[:, known:]], axis=1))
    if head.use_bias:
        layer.bias.assign(np.concatenate([head.bias, layer.bias[known:]]))
    return _with_layer(model, head, layer)


def rescaled(
    model: keras.Model, scale: float, shift: NDArray[np.float64], *, from_logits: bool
) -> keras.Model:
    """Return the model with its logits times ``scale`` plus ``shift``; all other layers are shared.

    Args:
        model: With a dense output layer.
        scale: One number.
        shift: Shape ``(units,)``.
        from_logits: Whether its outputs are logits, rather than a sigmoid or softmax of them.

    Raises:
        RunError: If its output layer is not dense, or its outputs are something else.
    """
    head = output_layer(model)
    names = [name for name in _activations(model) if name != "linear"]
    if names not in ([[]] if from_logits else [["sigmoid"], ["softmax"]]):
        raise RunError(
            "The model's outputs cannot be recalibrated.",
            f"Its output layer ends in: {', '.join(names) or 'linear'}. Only logits, a sigmoid or a softmax can be.",
            "Use another strategy for this model.",
        )
    layer = _dense_like(head, use_bias=True)
    layer.kernel.assign(head.kernel * scale)
    layer.bias.assign((np.asarray(head.bias) if head.use_bias else 0.0) * scale + shift)
    return _with_layer(model, head, layer)


def is_sigmoid(model: keras.Model) -> bool:
    """Whether the outputs are a sigmoid."""
    return "sigmoid" in _activations(model)


def output_layer(model: keras.Model) -> Any:
    """Return the dense layer that gives the outputs, in whatever nested model it stands.

    Raises:
        RunError: If there is none.
    """
    *_, layer = _from_output(model)
    if type(layer) is not keras.layers.Dense:
        raise RunError(
            f"The model's outputs come from '{layer.name}', which is not a dense layer.",
            "Only a dense output layer can be changed.",
            "Use another strategy for this model.",
        )
    return layer


def _from_output(model: keras.Model) -> Iterator[Any]:
    """Yield the layers that outputs pass through, from the last one to the one that makes them."""
    tensor = functional(model).outputs[0]
    while True:
        operation, node, _ = tensor._keras_history
        if isinstance(operation, keras.Model):
            tensor = functional(operation).outputs[0]
            continue
        yield operation
        if not isinstance(operation, PASSING):
            return
        tensor = operation._inbound_nodes[node].input_tensors[0]


def _activations(model: keras.Model) -> list[str]:
    layers = list(_from_output(model))
    return [
        "softmax" if isinstance(layer, keras.layers.Softmax) else layer.activation.__name__
        for layer in layers
    ]


def _dense_like(layer: Any, **changes: Any) -> keras.layers.Dense:
    made = keras.layers.Dense.from_config({**layer.get_config(), **changes})
    made.build((None, layer.kernel.shape[0]))
    return made


def _with_layer(model: keras.Model, old: Any, new: Any) -> keras.Model:
    """Return the graph of ``model`` with one layer replaced, in nested models too."""
    graph = functional(model)

    def replaced(operation: Any) -> Any:
        if operation is old:
            return new
        if isinstance(operation, keras.Model) and old in operation._flatten_layers():
            return _with_layer(operation, old, new)
        return operation

    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=tensor.name),
        graph._inputs_struct,
    )
    outputs = graph._run_through_graph(
        inputs, call_fn=lambda op, *args, **kwargs: replaced(op)(*args, **kwargs)
    )
    return keras.Model(inputs, outputs, name=model.name)

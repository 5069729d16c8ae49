"""What a model gives: the shape, dtype and activation of its output, as far as the config tells."""

from __future__ import annotations

import re
from math import prod
from typing import Any

from retrain_core.errors import ModelError
from retrain_core.models.allowed import ACTIVATION, ATTENTION, NORMALIZATION, REGULARIZATION
from retrain_core.models.config import name_of
from retrain_core.models.graph import (
    batch_shape,
    dtype_of,
    entries,
    feeds,
    is_model,
    is_operation,
    output_layer,
    predecessor,
    snake_case,
)
from retrain_core.models.parsing import Json
from retrain_core.models.sizes import Shape, as_shape, built_shape
from retrain_core.models.wording import quoted
from retrain_core.types import TensorSpec

ACTIVATION_OPERATIONS = ("Sigmoid", "Softmax", "LogSoftmax", "LogSigmoid", "Relu", "Tanh", "Softplus", "Exp")
# Element by element: the result has the shape of what is given, if all that is given has one shape.
KEEPS_SHAPE = frozenset(
    {
        *ACTIVATION,
        *ATTENTION,
        *NORMALIZATION,
        *REGULARIZATION,
        *ACTIVATION_OPERATIONS,
        *("Identity", "Masking", "Rescaling", "Normalization"),
        *("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"),
        *("Cast", "Clip", "Divide", "Expm1", "Negative", "StopGradient", "TrueDivide"),
    }
)
# The result holds the very values that are given.
KEEPS_VALUES = frozenset(
    {
        *("Flatten", "Reshape", "Permute", "Squeeze", "ExpandDims"),
        *("Identity", "Dropout", "ActivityRegularization", "Cast", "StopGradient"),
    }
)
RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN"})
SPATIAL = re.compile(r"(\w+?)([123])D(Transpose)?")
MAX_STEPS = 1_000


def output_spec(model: Json) -> TensorSpec:
    """Return the model's output.

    Raises:
        ModelError: If there are several outputs, or it is not one value or one vector an example.
    """
    layer = output_layer(model)
    shape = output_shape(model)
    if shape is None:
        raise ModelError(
            f"The model ends with {quoted(name_of(layer))} ({layer['class_name']}), whose shape is not in the file.",
            "How many values it answers with cannot be told without running it.",
            "End the model with a Dense or Reshape layer and save it again.",
        )
    if any(axis != 1 for axis in shape[:-1]):
        size = " × ".join("any" if axis is None else str(axis) for axis in shape)
        raise ModelError(
            f"The model answers each example with an array ({size}).",
            "Only one value, or one vector of class scores, can be compared with a label so far.",
            "Use a model that ends with a Dense layer on flat features, after Flatten or global pooling.",
        )
    _, leaf = _last_layer(model)
    return TensorSpec(name_of(layer), shape, dtype_of(leaf["config"]))


def _last_layer(model: Json) -> tuple[Json, Json]:
    """Return the layer that gives the output, and the innermost model it is part of."""
    entry = output_layer(model)
    while is_model(entry):
        model, entry = entry, output_layer(entry)
    return model, entry


def given_shapes(model: Json) -> dict[int, Shape]:
    """Return the shape that each layer is given, without the batch axis, by the ``id`` of its entry, where it is known here.

    A file says so itself, as ``build_config``, or leaves that out.
    """
    told: dict[int, Shape] = {}
    _output_shape(model, told)
    return told


def output_shape(model: Json) -> Shape | None:
    """Return the shape that a model gives, without the batch axis; ``None`` if that is not known here."""
    return _output_shape(model, {})


def _output_shape(model: Json, told: dict[int, Shape], first: Shape | None = None) -> Shape | None:
    shapes: dict[str, Shape | None] = {}
    before = first
    for entry in entries(model):
        if model["class_name"] == "Sequential":
            given = [built_shape(entry) or before]
        else:
            given = [shape if shape is not None else shapes.get(name) for name, shape in feeds(entry)]
        before = shapes[name_of(entry)] = _shape_after(entry, given, told)
    return shapes[name_of(output_layer(model))]


def _shape_after(entry: Json, given: list[Shape | None], told: dict[int, Shape]) -> Shape | None:
    """Return the shape after one layer or operation, and note in ``told`` what it and those in it are given."""
    class_name, config = entry["class_name"], entry["config"]
    first = given[0] if given else None
    if first is not None:
        told.setdefault(id(entry), first)
    if is_model(entry):
        return _output_shape(entry, told, first)
    if class_name == "InputLayer":
        return (batch_shape(entry) or (None, None))[1:]
    if class_name in KEEPS_SHAPE:
        return first if all(shape == first for shape in given) else None
    if is_operation(entry):
        return first[:-1] if class_name == "Squeeze" and first and first[-1] == 1 else None
    if class_name == "Dense":  # on something of unknown shape, most likely one vector an example
        return (*(first or (None,))[:-1], config.get("units"))
    if class_name in RECURRENT:
        steps = (first[0] if first else None,) if config.get("return_sequences") else ()
        return (*steps, config.get("units"))
    if class_name == "Bidirectional":
        inner = _shape_after(config["layer"], given, told)
        doubled = config.get("merge_mode") == "concat" and inner and inner[-1]
        return (*inner[:-1], 2 * doubled) if inner and doubled else inner
    if class_name == "TimeDistributed":
        inner = _shape_after(config["layer"], [first[1:] if first else None], told)
        return (first[0] if first else None, *inner) if inner is not None else None
    if class_name == "SpectralNormalization":
        return _shape_after(config["layer"], given, told)
    if class_name == "Reshape":
        target = as_shape(config.get("target_shape"))
        return tuple(None if axis == -1 else axis for axis in target) if target else None
    if first is None:
        return None
    if class_name == "Embedding":
        return (*first, config.get("output_dim"))
    if class_name == "Flatten":
        return (None if None in first else prod(axis or 0 for axis in first),)
    if class_name == "Dot":
        return (1,) if len(first) == 1 else None
    if class_name == "Concatenate":
        return _joined(given, config.get("axis", -1))
    return _spatial(class_name, config, first)


def _joined(given: list[Shape | None], axis: Any) -> Shape | None:
    """Return the shape of several tensors one behind the other, along the last axis."""
    shapes = [shape for shape in given if shape]
    if len(shapes) != len(given) or axis not in (-1, len(shapes[0])):
        return None
    last = [shape[-1] for shape in shapes]
    return (*shapes[0][:-1], None if None in last else sum(size or 0 for size in last))


def _spatial(class_name: str, config: Json, first: Shape) -> Shape | None:
    """Return the shape after convolution, pooling, padding and the like; how far they shrink is not computed."""
    if not (match := SPATIAL.fullmatch(class_name)):
        return None
    kind, rank = match[1], int(match[2])
    channels_first = config.get("data_format") == "channels_first"
    channels = config.get("filters") or (None if "Depthwise" in kind else first[0 if channels_first else -1])
    if kind.startswith("Global") and not config.get("keepdims"):
        return (channels,)
    space: Shape = (1 if kind.startswith("Global") else None,) * rank
    if kind.startswith("ConvLSTM") and config.get("return_sequences"):
        return (None, channels, *space) if channels_first else (None, *space, channels)
    return (channels, *space) if channels_first else (*space, channels)


def output_activation(model: Json) -> str | None:
    """Return the name of the activation the model ends with, ``None`` if it cannot be told."""
    entry: Json | None
    model, entry = _last_layer(model)
    for _ in range(MAX_STEPS):
        if entry is None:
            return None
        if is_model(entry):
            model, entry = _last_layer(entry)
            continue
        class_name, config = entry["class_name"], entry["config"]
        if is_operation(entry) and class_name in ACTIVATION_OPERATIONS:
            return snake_case(class_name)
        if class_name in ("TimeDistributed", "Bidirectional"):
            config = config["layer"]["config"]
        activation = _activation_name(config.get("activation"))
        if class_name in KEEPS_VALUES or (class_name == "Activation" and activation == "linear"):
            entry = predecessor(model, entry)
            continue
        if class_name in ACTIVATION and class_name != "Activation":
            return str(class_name).lower()
        return activation
    return None


def _activation_name(activation: object) -> str | None:
    """Return an activation's name, however it was written.

    >>> _activation_name({"class_name": "function", "module": "builtins", "config": "relu"})
    'relu'
    """
    if isinstance(activation, dict):
        inner = activation.get("config")
        return str(inner if isinstance(inner, str) else activation.get("class_name")).lower()
    return activation if isinstance(activation, str) else None

"""What a model gives: the shape and activation of its last layer, as far as the config tells."""

from __future__ import annotations

from math import prod

from retrain_core.models.allowed import ACTIVATION, ATTENTION, NORMALIZATION, REGULARIZATION
from retrain_core.models.config import name_of
from retrain_core.models.graph import (
    dtype_of,
    input_tensor_shape,
    is_model,
    is_operation,
    output_layer,
    predecessor,
    snake_case,
)
from retrain_core.models.parsing import Json
from retrain_core.models.sizes import Shape, as_shape, built_shape
from retrain_core.types import TensorSpec

UNKNOWN: Shape = (None,)
# What a layer returns has the shape of what it was given.
KEEPS_SHAPE = frozenset(
    {
        *ACTIVATION,
        *NORMALIZATION,
        *REGULARIZATION,
        "Identity",
        "Rescaling",
        "Normalization",
        "Cast",
        "StopGradient",
    }
)
# What a layer returns are the values it was given.
KEEPS_VALUES = frozenset(
    {
        "Flatten",
        "Reshape",
        "Squeeze",
        "ExpandDims",
        "Identity",
        "Dropout",
        "ActivityRegularization",
        "Cast",
        "Permute",
    }
)
ACTIVATION_OPERATIONS = frozenset(
    {"Sigmoid", "Softmax", "LogSoftmax", "LogSigmoid", "Relu", "Tanh", "Softplus", "Exp"}
)
RECURRENT = frozenset({"LSTM", "GRU", "SimpleRNN"})
MAX_STEPS = 1_000


def output_spec(model: Json) -> TensorSpec:
    """Return the model's output; an axis that cannot be told is ``None``.

    Raises:
        ModelError: If the model has several outputs.
    """
    layer = output_layer(model)
    return TensorSpec(name_of(layer), output_shape(model, layer), dtype_of(layer["config"]))


def output_shape(model: Json, entry: Json) -> Shape:
    """Return the shape that ``entry`` gives, without the batch axis."""
    for _ in range(MAX_STEPS):
        if is_model(entry):
            model, entry = entry, output_layer(entry)
            continue
        class_name = entry["class_name"]
        given = built_shape(entry) or input_tensor_shape(entry)
        if class_name in KEEPS_SHAPE or (is_operation(entry) and class_name in ACTIVATION_OPERATIONS):
            before = predecessor(model, entry)
            if given or before is None:
                return given[1:] if given else UNKNOWN
            entry = before
            continue
        return _shape_after(model, entry, given)
    return UNKNOWN


def _shape_after(model: Json, entry: Json, given: Shape | None) -> Shape:
    """Return the shape after a layer that changes it; ``given`` is its input, with the batch axis."""
    class_name, config = entry["class_name"], entry["config"]
    if class_name == "InputLayer":
        return (as_shape(config.get("batch_shape")) or (None, *UNKNOWN))[1:]
    if class_name == "Dense":
        units = config.get("units")
        if given:
            return (*given[1:-1], units)
        return (units,) if _is_flat(model, entry) else (None, units)
    if class_name in RECURRENT:
        steps = (given[1] if given and len(given) > 2 else None,) if config.get("return_sequences") else ()
        return (*steps, config.get("units"))
    if class_name in ("TimeDistributed", "Bidirectional"):
        inner = config["layer"]
        if class_name == "Bidirectional":
            *axes, units = _shape_after(model, inner, built_shape(inner) or given)
            return (*axes, units * 2 if units and config.get("merge_mode") == "concat" else units)
        return (given[1] if given else None, *_shape_after(model, inner, built_shape(inner)))
    if class_name == "Flatten":
        features = given[1:] if given else UNKNOWN
        return (None if None in features else prod(axis or 0 for axis in features),)
    if class_name == "Reshape":
        return tuple(None if axis == -1 else axis for axis in as_shape(config.get("target_shape")) or UNKNOWN)
    if class_name.startswith("Global") and given and config.get("data_format") != "channels_first":
        return (given[-1],)
    return UNKNOWN


def _is_flat(model: Json, entry: Json) -> bool:
    """Whether a layer is fed one vector an example, told from what stands before it."""
    for _ in range(MAX_STEPS):
        before = predecessor(model, entry)
        if before is None:
            return True
        class_name, config = before["class_name"], before["config"]
        if class_name == "InputLayer":
            return (
                len(as_shape(config.get("batch_shape") or config.get("batch_input_shape")) or (None, None))
                <= 2
            )
        if class_name == "Flatten" or class_name.startswith("Global"):
            return True
        if class_name in RECURRENT:
            return not config.get("return_sequences")
        if class_name == "Bidirectional":
            return not config["layer"]["config"].get("return_sequences")
        if class_name in ("TimeDistributed", "RepeatVector", *ATTENTION) or "Conv" in class_name:
            return False
        if is_model(before):
            return len(output_shape(before, output_layer(before))) == 1
        entry = before
    return True


def output_activation(model: Json) -> str | None:
    """Return the name of the activation the model ends with, ``None`` if it cannot be told."""
    entry: Json | None = output_layer(model)
    for _ in range(MAX_STEPS):
        if entry is None:
            return None
        if is_model(entry):
            model, entry = entry, output_layer(entry)
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

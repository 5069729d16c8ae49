"""What the config's integers imply: too large to allocate, or at odds with the weights."""

from __future__ import annotations

from math import prod
from typing import Any

from retrain_core.errors import ModelError
from retrain_core.models.config import Described, name_of
from retrain_core.models.parsing import Json
from retrain_core.models.wording import count, quoted

Shape = tuple[int | None, ...]

MAX_INTEGER = 10_000_000
MAX_PARAMETERS = 500_000_000
MAX_LIST_PRODUCT = 1_000_000_000
REDUCE = "Reduce the layer's size, or save the model again if this is not what you built."
# Integers that are no sizes: nothing is allocated by them.
NO_SIZES = frozenset(
    {
        *("seed", "salt", "shared_object_id", "vocabulary", "idf_weights", "bin_boundaries"),
        *("mask_token", "mask_value", "oov_token", "mean", "variance", "inbound_nodes"),
        *("threshold", "max_value", "scale", "offset", "value_range"),
    }
)
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1, "LSTMCell": 4, "GRUCell": 3, "SimpleRNNCell": 1}


def check_sizes(found: list[Described]) -> int:
    """Refuse sizes that no machine should be asked for, before anything is allocated.

    Args:
        found: All objects of the config.

    Returns:
        A lower bound of the number of parameters.

    Raises:
        ModelError: If one integer, or the parameters they imply, are too large; names the layer.
    """
    total = 0
    for described in found:
        _check_integers(described)
        estimate = estimated_parameters(described.config) if described.kind == "layer" else 0
        total += estimate
        if total > MAX_PARAMETERS:
            raise ModelError(
                f"The {described.label}, is too large.",
                f"By its config the model would have at least {count(total, 'parameter')}; at most "
                f"{count(MAX_PARAMETERS, 'parameter')} are accepted.",
                REDUCE,
            )
    return total


def _check_integers(described: Described) -> None:
    """Check the integers of one object, not those of objects inside it, which have their own turn."""
    entry = described.config
    stack: list[tuple[str, Any]] = [
        *(entry.get("config") or {}).items(),
        *(entry.get("build_config") or {}).items(),
    ]
    while stack:
        key, value = stack.pop()
        if key in NO_SIZES or (isinstance(value, dict) and "class_name" in value):
            continue
        if isinstance(value, dict):
            stack += [(inner_key, item) for inner_key, item in value.items()]
        elif isinstance(value, list):
            integers = [abs(item) for item in value if _is_size(item) and item]
            if prod(integers[:16]) > MAX_LIST_PRODUCT:
                raise _too_large(described, key, value)
            stack += [(key, item) for item in value]
        elif _is_size(value) and abs(value) > MAX_INTEGER:
            raise _too_large(described, key, value)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _too_large(described: Described, key: str, value: object) -> ModelError:
    return ModelError(
        f"The {described.label}, is too large: its {quoted(key)} is {str(value)[:60]}.",
        "It would need more memory than any model of use here.",
        REDUCE,
    )


def built_shape(entry: Json) -> Shape | None:
    """Return the input shape a layer was built with, batch axis included, if the file says so.

    >>> built_shape({"class_name": "Dense", "config": {}, "build_config": {"input_shape": [None, 4]}})
    (None, 4)
    """
    build = entry.get("build_config")
    return as_shape(build.get("input_shape")) if isinstance(build, dict) else None


def as_shape(value: object) -> Shape | None:
    """Return a list of integers and nulls as a shape, anything else as ``None``.

    >>> as_shape([None, 28, 28]), as_shape("4"), as_shape([[1], [2]])
    ((None, 28, 28), None, None)
    """
    if not isinstance(value, list) or not all(axis is None or _is_size(axis) for axis in value):
        return None
    return tuple(value)


def _channels(entry: Json) -> int | None:
    """Return the size of the axis that a layer's kernel reads."""
    shape = built_shape(entry)
    if not shape or len(shape) < 2:
        return None
    return shape[1] if entry["config"].get("data_format") == "channels_first" else shape[-1]


def _integer(config: Json, key: str, default: int = 1) -> int:
    value = config.get(key)
    return abs(value) if isinstance(value, int) and not isinstance(value, bool) else default


def _kernel_size(config: Json, rank: int) -> tuple[int, ...]:
    value = config.get("kernel_size")
    sizes = value if isinstance(value, list) else [value] * rank
    return tuple(item if isinstance(item, int) else 1 for item in sizes)


def _rank(class_name: str) -> int:
    return next((int(c) for c in class_name if c in "123"), 1)


def estimated_parameters(entry: Json) -> int:
    """Return a lower bound of a layer's parameters, from its config alone.

    >>> estimated_parameters({"class_name": "Embedding", "config": {"input_dim": 1000, "output_dim": 8}})
    8000
    """
    class_name, config = entry["class_name"], entry["config"]
    inputs = _channels(entry) or 1
    if class_name == "Dense":
        return _integer(config, "units") * inputs
    if class_name in ("Embedding", "ReversibleEmbedding"):
        return _integer(config, "input_dim") * _integer(config, "output_dim")
    if class_name in GATES:
        units = _integer(config, "units")
        return GATES[class_name] * units * (units + inputs)
    if class_name == "EinsumDense":
        shape = config.get("output_shape")
        sizes = [abs(axis) for axis in shape if _is_size(axis)] if isinstance(shape, list) else []
        return int(prod(sizes)) * inputs
    if "Attention" in class_name and "key_dim" in config:
        return 4 * _integer(config, "num_heads") * _integer(config, "key_dim") * inputs
    if "Conv" in class_name:
        taps = prod(_kernel_size(config, _rank(class_name)))
        filters, multiplier = _integer(config, "filters"), _integer(config, "depth_multiplier")
        if class_name.startswith("Depthwise"):
            return taps * inputs * multiplier
        if class_name.startswith("Separable"):
            return taps * inputs * multiplier + inputs * multiplier * filters
        if class_name.startswith("ConvLSTM"):
            return 4 * taps * filters * (filters + inputs)
        return taps * filters * max(1, inputs // max(1, _integer(config, "groups")))
    return 0


def expected_shapes(entry: Json) -> tuple[Shape, ...] | None:
    """Return the shapes of a layer's weights, in the order of the file; ``None`` where that is not plain.

    ``None`` inside a shape stands for an axis that the config does not tell.

    >>> expected_shapes({"class_name": "Dense", "config": {"units": 3, "use_bias": True}})
    ((None, 3), (3,))
    """
    class_name, config = entry["class_name"], entry["config"]
    if config.get("lora_rank") or config.get("quantization_config") or config.get("renorm"):
        return None
    inputs, bias = _channels(entry), config.get("use_bias", True)
    if class_name == "Dense":
        units = _integer(config, "units")
        return ((inputs, units), (units,)) if bias else ((inputs, units),)
    if class_name == "Embedding":
        return ((_integer(config, "input_dim"), _integer(config, "output_dim")),)
    if class_name == "BatchNormalization":
        return ((_axis(entry),),) * (2 + bool(config.get("scale", True)) + bool(config.get("center", True)))
    if class_name in ("LSTM", "SimpleRNN"):
        units, gates = _integer(config, "units"), GATES[class_name] * _integer(config, "units")
        kernels: tuple[Shape, ...] = ((inputs, gates), (units, gates))
        return (*kernels, (gates,)) if bias else kernels
    if class_name in ("Conv1D", "Conv2D", "Conv3D"):
        filters = _integer(config, "filters")
        per_group = inputs // max(1, _integer(config, "groups")) if inputs else None
        kernel: Shape = (*_kernel_size(config, _rank(class_name)), per_group, filters)
        return (kernel, (filters,)) if bias else (kernel,)
    return None


def _axis(entry: Json) -> int | None:
    axis, shape = entry["config"].get("axis", -1), built_shape(entry)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if shape is None or not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        return None
    return shape[axis]


def check_shapes(entry: Json, found: tuple[Shape, ...]) -> bool:
    """Compare a layer's weights with its config; return whether there was anything to compare.

    Raises:
        ModelError: If they differ; names the layer, what was expected, and what was found.
    """
    expected = expected_shapes(entry)
    if expected is None:
        return False
    fits = len(expected) == len(found) and all(
        len(shape) == len(other) and all(a is None or a == b for a, b in zip(shape, other, strict=True))
        for shape, other in zip(expected, found, strict=True)
    )
    if not fits:
        raise ModelError(
            f"The weights of layer {quoted(name_of(entry))} ({entry['class_name']}) do not fit its config.",
            f"Expected {_shown(expected)}, found {_shown(found)}.",
            "Save the model again where it was made; the file was put together from two models, or damaged.",
        )
    return True


def _shown(shapes: tuple[Shape, ...]) -> str:
    if not shapes:
        return "no weights"
    return ", ".join(
        " × ".join("any" if axis is None else str(axis) for axis in shape) or "one number"
        for shape in shapes[:6]
    )

"""What the config's integers imply: too large to allocate, or at odds with the weights."""

from __future__ import annotations

from math import prod
from typing import Any

from retrain_core.errors import ModelError
from retrain_core.models.config import Described, name_of
from retrain_core.models.parsing import Json
from retrain_core.models.wording import count, quoted

Shape = tuple[int | None, ...]

MAX_SIZE = 100_000_000
MAX_PARAMETERS = 500_000_000
MAX_AXES = 16
REDUCE = "Reduce the layer's size, or save the model again if this is not what you built."
# Integers that are no sizes: nothing is allocated by them.
NO_SIZES = frozenset(
    {
        *("seed", "salt", "vocabulary", "idf_weights", "bin_boundaries", "mask_token", "mask_value"),
        *("oov_token", "mean", "variance", "threshold", "max_value", "scale", "offset", "value_range"),
    }
)
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1, "ConvLSTM": 4}


def check_sizes(found: list[Described], given: dict[int, Shape]) -> None:
    """Refuse sizes that no machine should be asked for, before anything is allocated.

    Args:
        found: All objects of the config.
        given: The shapes that layers are given, by the ``id`` of their entries, as far as the network tells them.

    Raises:
        ModelError: If one size, or the parameters they imply, are too large; names the layer.
    """
    total = 0
    for described in found:
        if described.kind not in ("layer", "operation"):
            continue
        for key, value in described.config["config"].items():
            if key not in NO_SIZES and _product(value) > MAX_SIZE:
                raise ModelError(
                    f"The {described.label}, is too large: its {quoted(key)} is {str(value)[:60]}.",
                    "It would need more memory than any model of use here.",
                    REDUCE,
                )
        total += estimated_parameters(described.config, given.get(id(described.config)))
        if total > MAX_PARAMETERS:
            raise ModelError(
                f"The {described.label}, is too large.",
                f"By its config the model would have at least {count(total, 'parameter')}; at most "
                f"{count(MAX_PARAMETERS, 'parameter')} are accepted.",
                REDUCE,
            )


def _product(value: Any) -> int:
    axes = value[:MAX_AXES] if isinstance(value, list) else [value]
    return prod(abs(axis) for axis in axes if _is_size(axis) and axis)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def built_shape(entry: Json) -> Shape | None:
    """Return the input shape a layer was built with, without the batch axis, if the file says so.

    >>> built_shape({"class_name": "Dense", "config": {}, "build_config": {"input_shape": [None, 4]}})
    (4,)
    """
    build = entry.get("build_config")
    shape = as_shape(build.get("input_shape")) if isinstance(build, dict) else None
    return shape[1:] if shape else None


def as_shape(value: object) -> Shape | None:
    """Return a list of integers and nulls as a shape, anything else as ``None``.

    >>> as_shape([None, 28, 28]), as_shape("4"), as_shape([[1], [2]])
    ((None, 28, 28), None, None)
    """
    if not isinstance(value, list) or not all(axis is None or _is_size(axis) for axis in value):
        return None
    return tuple(value)


def integer(config: Json, key: str, default: int = 1) -> int:
    """Return an integer of a config, never negative."""
    value = config.get(key)
    return abs(value) if isinstance(value, int) and not isinstance(value, bool) else default


def _channels(entry: Json, given: Shape | None = None) -> int | None:
    """Return the size of the axis that a layer's kernel reads."""
    shape = built_shape(entry) or given
    if not shape:
        return None
    return shape[0] if entry["config"].get("data_format") == "channels_first" else shape[-1]


def _kernel_size(entry: Json) -> Shape:
    value = entry["config"].get("kernel_size")
    rank = next((int(letter) for letter in entry["class_name"] if letter in "123"), 1)
    sizes = value if isinstance(value, list) else [value] * rank
    return tuple(size if _is_size(size) else 1 for size in sizes)


def _times(*factors: int | None) -> int | None:
    return prod(factor for factor in factors if factor is not None) if None not in factors else None


def weight_shapes(entry: Json, given: Shape | None = None) -> tuple[Shape, ...] | None:
    """Return the shapes that a layer's weights should have, in the order of the file; ``None`` if not known here.

    ``None`` inside a shape stands for an axis that neither the config tells nor what the layer is ``given``.

    >>> weight_shapes({"class_name": "Dense", "config": {"units": 3, "use_bias": True}})
    ((None, 3), (3,))
    """
    class_name, config, inputs = entry["class_name"], entry["config"], _channels(entry, given)
    units, filters = integer(config, "units"), integer(config, "filters")
    multiplier = integer(config, "depth_multiplier")
    shapes: tuple[Shape, ...]
    if class_name == "Embedding":
        return ((integer(config, "input_dim"), integer(config, "output_dim")),)
    if class_name == "BatchNormalization":
        return ((_normalized(entry, given),),) * (
            2 + bool(config.get("scale", True)) + bool(config.get("center", True))
        )
    if class_name == "Dense":
        shapes = (inputs, units), (units,)
    elif class_name in GATES:
        gates = GATES[class_name] * units
        doubled = class_name == "GRU" and config.get("reset_after", True)
        shapes = (inputs, gates), (units, gates), (2, gates) if doubled else (gates,)
    elif "Conv" not in class_name:
        return None
    elif class_name.startswith("ConvLSTM"):
        gates, taps = GATES["ConvLSTM"] * filters, _kernel_size(entry)
        shapes = (*taps, inputs, gates), (*taps, filters, gates), (gates,)
    elif class_name.startswith("Depthwise"):
        shapes = (*_kernel_size(entry), inputs, multiplier), (_times(inputs, multiplier),)
    elif class_name.startswith("Separable"):
        taps = _kernel_size(entry)
        shapes = (
            (*taps, inputs, multiplier),
            (*(1,) * len(taps), _times(inputs, multiplier), filters),
            (filters,),
        )
    elif class_name.endswith("Transpose"):
        shapes = (*_kernel_size(entry), filters, inputs), (filters,)
    else:
        group = inputs // max(1, integer(config, "groups")) if inputs else None
        shapes = (*_kernel_size(entry), group, filters), (filters,)
    return shapes if config.get("use_bias", True) else shapes[:-1]


def _normalized(entry: Json, given: Shape | None) -> int | None:
    """Return the size of the axis that a BatchNormalization keeps statistics of."""
    axis, shape = entry["config"].get("axis", -1), built_shape(entry) or given
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    whole = (None, *shape) if shape else ()
    return whole[axis] if _is_size(axis) and -len(whole) <= axis < len(whole) else None


def estimated_parameters(entry: Json, given: Shape | None = None) -> int:
    """Return a lower bound of a layer's parameters, from its config and the shape that it is given, if that is known.

    >>> estimated_parameters({"class_name": "Embedding", "config": {"input_dim": 1000, "output_dim": 8}})
    8000
    """
    class_name, config = entry["class_name"], entry["config"]
    if class_name.endswith("Cell"):
        return estimated_parameters({**entry, "class_name": class_name.removesuffix("Cell")}, given)
    if (shapes := weight_shapes(entry, given)) is not None:
        return sum(prod(axis or 1 for axis in shape) for shape in shapes)
    inputs = _channels(entry, given) or 1
    if class_name == "ReversibleEmbedding":
        return integer(config, "input_dim") * integer(config, "output_dim")
    if class_name == "EinsumDense":
        return _product(config.get("output_shape")) * inputs
    if "Attention" in class_name:
        return 4 * integer(config, "num_heads") * integer(config, "key_dim", 0) * inputs
    return 0


def check_shapes(entry: Json, found: tuple[Shape, ...]) -> None:
    """Compare a layer's weights with its config, if that tells their shapes.

    Raises:
        ModelError: If they differ; names the layer, what was expected, and what was found.
    """
    config = entry["config"]
    expected = weight_shapes(entry)
    if (
        expected is None
        or config.get("lora_rank")
        or config.get("quantization_config")
        or config.get("renorm")
    ):
        return
    fits = len(expected) == len(found) and all(
        len(shape) == len(other) and all(a is None or a == b for a, b in zip(shape, other, strict=True))
        for shape, other in zip(expected, found, strict=True)
    )
    if not fits:
        raise ModelError(
            f"The weights of layer {quoted(name_of(entry))} ({entry['class_name']}) do not fit its config.",
            f"Expected {_shown(expected)}; found {_shown(found)}.",
            "The file is damaged, or was put together from two models: save it again where it was made.",
        )


def _shown(shapes: tuple[Shape, ...]) -> str:
    if not shapes:
        return "no weights"
    return ", ".join(
        " × ".join("any" if axis is None else str(axis) for axis in shape) or "one number"
        for shape in shapes[:6]
    )

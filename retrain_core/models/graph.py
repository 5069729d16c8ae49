"""The network as the config describes it: its layers, inputs and outputs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from retrain_core.errors import ModelError
from retrain_core.models.allowed import DTYPES
from retrain_core.models.config import name_of
from retrain_core.models.parsing import Json
from retrain_core.models.sizes import Shape, as_shape
from retrain_core.models.wording import SAVE_AGAIN, count, quoted
from retrain_core.types import TensorSpec

MODEL_CLASSES = frozenset({"Sequential", "Functional", "Model"})
MAX_LAYERS = 5_000
SAVE_BUILT = "Give the model its inputs with keras.Input, or call it once on data, and save it again."


def is_model(entry: Json) -> bool:
    """Whether an entry is a model rather than a layer."""
    return entry["class_name"] in MODEL_CLASSES


def is_operation(entry: Json) -> bool:
    """Whether an entry is arithmetic on tensors, which Keras does not count as a layer."""
    return str(entry.get("module")).startswith("keras.src.ops.")


def entries(model: Json) -> list[Json]:
    """Return what a model is made of, in the order of its config.

    Raises:
        ModelError: If the config has no list of layers, as with a subclassed model.
    """
    layers = model["config"].get("layers")
    is_graph = (
        model["class_name"] == "Sequential" or {"input_layers", "output_layers"} <= model["config"].keys()
    )
    if not isinstance(layers, list) or not layers or not is_graph or not all(map(_is_entry, layers)):
        raise ModelError(
            f"The model {quoted(name_of(model))} does not list its layers.",
            "It is empty, or a subclassed model, whose network is Python code that is not in the file.",
            "Build it as a Sequential or functional model (keras.Model(inputs, outputs)) and save it again.",
        )
    names = [name_of(layer) for layer in layers]
    if len(names) > MAX_LAYERS:
        raise ModelError(
            f"The model has {count(len(names), 'layer')}.",
            f"At most {count(MAX_LAYERS, 'layer')} are read.",
            "Use a smaller model.",
        )
    if twice := next((name for name, times in Counter(names).items() if times > 1), None):
        raise ModelError(
            f"Two layers are named {quoted(twice)}.", "Keras needs unique names.", "Rename one of them."
        )
    return layers


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("config"), dict) and "class_name" in value


def layers(model: Json) -> list[Json]:
    """Return the entries that Keras lists as ``model.layers``, in the same order."""
    found = entries(model)
    if model["class_name"] == "Sequential" and found[0]["class_name"] == "InputLayer":
        found = found[1:]
    return [entry for entry in found if not is_operation(entry)]


def weight_keys(found: list[Json]) -> list[str]:
    """Return the group name of each layer in a ``.keras`` weights file: its class, numbered.

    >>> weight_keys([{"class_name": "Conv2D"}, {"class_name": "Dense"}, {"class_name": "Dense"}])
    ['conv2d', 'dense', 'dense_1']
    """
    used: dict[str, int] = {}
    keys = []
    for layer in found:
        key = snake_case("Functional" if layer["class_name"] == "Model" else layer["class_name"])
        used[key] = used.get(key, -1) + 1
        keys.append(f"{key}_{used[key]}" if used[key] else key)
    return keys


def snake_case(name: str) -> str:
    """Return a class name as Keras writes it in group names.

    Source: ``keras.src.utils.naming.to_snake_case``, Keras 3.15.

    >>> snake_case("BatchNormalization"), snake_case("LSTM"), snake_case("PReLU")
    ('batch_normalization', 'lstm', 'p_re_lu')
    """
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _leaves(value: Any) -> list[str]:
    """Return the layer names in ``input_layers`` or ``output_layers``, in the order Keras flattens them.

    >>> _leaves(["a", 0, 0]), _leaves([["a", 0, 0], ["b", 0, 0]]), _leaves({"z": ["a", 0, 0], "y": ["b", 0, 0]})
    (['a'], ['a', 'b'], ['b', 'a'])
    """
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return [value[0]]
    if isinstance(value, dict):
        return [name for key in sorted(value) for name in _leaves(value[key])]
    if isinstance(value, list):
        return [name for item in value for name in _leaves(item)]
    raise ModelError(
        "The config's inputs or outputs are not as Keras writes them.", f"It has {quoted(value)}.", SAVE_AGAIN
    )


def inputs(model: Json) -> tuple[TensorSpec, ...]:
    """Return the model's inputs in the order it takes them.

    Raises:
        ModelError: If the model was saved without knowing its inputs, or takes sparse or ragged ones.
    """
    found = entries(model)
    if model["class_name"] == "Sequential":
        return _sequential_inputs(model, found[0])
    by_name = {name_of(entry): entry for entry in found}
    specs = []
    for name in _leaves(model["config"]["input_layers"]):
        entry = by_name.get(name)
        if entry is None or entry["class_name"] != "InputLayer":
            raise ModelError(
                f"The input {quoted(name)} is not an Input layer.", "It cannot be fed.", SAVE_BUILT
            )
        specs.append(_input_spec(entry))
    if not specs:
        raise ModelError("The model has no inputs.", "There is nothing to feed it.", SAVE_BUILT)
    return tuple(specs)


def _sequential_inputs(model: Json, first: Json) -> tuple[TensorSpec, ...]:
    if first["class_name"] == "InputLayer":
        return (_input_spec(first),)
    if is_model(first):
        return inputs(first)
    shape = batch_shape(first) or as_shape(model["config"].get("build_input_shape"))
    if not shape:
        raise ModelError(
            f"The model {quoted(name_of(model))} was saved before its input shape was known.",
            "It was never built, so it has no weights either.",
            SAVE_BUILT,
        )
    return (TensorSpec(f"{name_of(first)}_input", shape[1:], dtype_of(first["config"])),)


def _input_spec(entry: Json) -> TensorSpec:
    config, name = entry["config"], name_of(entry)
    if config.get("sparse") or config.get("ragged"):
        raise ModelError(
            f"The input {quoted(name)} is sparse or ragged.",
            "Only dense inputs are supported.",
            "Build the model with dense inputs and save it again.",
        )
    shape = batch_shape(entry)
    if not shape:
        raise ModelError(
            f"The input {quoted(name)} has no known shape.", "Data cannot be matched to it.", SAVE_BUILT
        )
    return TensorSpec(name, shape[1:], dtype_of(config))


def batch_shape(entry: Json) -> Shape | None:
    """Return the shape of an InputLayer with the batch axis, in Keras 3 or Keras 2 spelling."""
    config = entry["config"]
    return as_shape(config.get("batch_shape")) or as_shape(config.get("batch_input_shape"))


def dtype_of(config: Json) -> str:
    """Return the dtype a layer computes in.

    Raises:
        ModelError: If there is no such dtype.

    >>> dtype_of({"dtype": {"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}})
    'float16'
    """
    dtype = config.get("dtype", "float32")
    if isinstance(dtype, dict):
        dtype = (dtype.get("config") or {}).get("name")
    name = str(dtype or "float32").removeprefix("mixed_")
    if name not in DTYPES:
        raise ModelError(
            f"Layer {quoted(config.get('name'))} has the dtype {quoted(name)}.",
            "Keras has none of that name.",
            SAVE_AGAIN,
        )
    return name


def output_layer(model: Json) -> Json:
    """Return the entry that gives the model's output.

    Raises:
        ModelError: If there are several outputs.
    """
    found = entries(model)
    if model["class_name"] == "Sequential":
        return found[-1]
    names = _leaves(model["config"]["output_layers"])
    if len(names) != 1:
        raise ModelError(
            f"The model has {count(len(names), 'output')}: {', '.join(map(quoted, names[:8]))}.",
            "Several outputs are not supported yet: each would need labels and a score of its own.",
            "Save a model with the one output you want to decide on: keras.Model(model.inputs, one_output).",
        )
    entry = next((entry for entry in found if name_of(entry) == names[0]), None)
    if entry is None:
        raise ModelError(
            f"The output layer {quoted(names[0])} is missing.", "The config is incomplete.", SAVE_AGAIN
        )
    return entry


def feeds(entry: Json) -> list[tuple[str, Shape | None]]:
    """Return the names of what feeds an entry of a functional model in its first call, with their shapes.

    Keras 3 writes the shapes, without the batch axis here; Keras 2 wrote the names alone.

    >>> feeds({"class_name": "Dense", "config": {}, "inbound_nodes": [[["input_1", 0, 0, {}]]]})
    [('input_1', None)]
    """
    nodes = entry.get("inbound_nodes")
    stack: list[Any] = [nodes[0]] if isinstance(nodes, list) and nodes else []
    found: list[tuple[str, Shape | None]] = []
    while stack:
        value = stack.pop()
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            shape = as_shape(value["config"]["shape"])
            found.append((str(value["config"]["keras_history"][0]), shape[1:] if shape else None))
        elif isinstance(value, dict):
            stack += reversed(value.values())
        elif isinstance(value, list) and len(value) in (3, 4) and isinstance(value[0], str):
            found.append((value[0], None))
        elif isinstance(value, list):
            stack += reversed(value)
    return found


def predecessor(model: Json, entry: Json) -> Json | None:
    """Return the one entry that feeds ``entry``, ``None`` if there are several or none."""
    found = entries(model)
    if model["class_name"] == "Sequential":
        position = next(i for i, other in enumerate(found) if other is entry)
        return found[position - 1] if position else None
    sources = {name for name, _ in feeds(entry)}
    return next((other for other in found if {name_of(other)} == sources), None)

"""Where each layer's weights are in the file, and what one layer looks like on the card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import h5py

from retrain_core.errors import ModelError
from retrain_core.models import graph
from retrain_core.models.allowed import ATTENTION, CONVOLUTION, LOOKUP, NORMALIZATION, RECURRENT, WRAPPERS
from retrain_core.models.config import name_of
from retrain_core.models.parsing import Json
from retrain_core.models.sizes import check_shapes
from retrain_core.models.weights import Tensor, name_list, without_generators
from retrain_core.models.wording import SAVE_AGAIN, count, quoted
from retrain_core.types import LayerCard

LEARNS = frozenset(
    {
        *CONVOLUTION,
        *RECURRENT,
        *ATTENTION,
        *NORMALIZATION,
        "Dense",
        "EinsumDense",
        "Embedding",
        "ReversibleEmbedding",
    }
    | {"PReLU"}
) - {"UnitNormalization"}
# Wrappers keep the wrapped layer under these names; a recurrent layer keeps its weights in its cell.
WRAPPED = {"TimeDistributed": "layer", "SpectralNormalization": "layer", "Bidirectional": "forward_layer"}
CELL = frozenset({"LSTM", "GRU", "SimpleRNN"})


@dataclass(frozen=True)
class Layout:
    """The weights of each layer.

    Args:
        tensors: One group of arrays a layer, in the order of ``graph.layers``.
        extra: Arrays that belong to the model itself.
        compared: How many layers were found to fit their config.
        places: Layers at any depth with their path in the file; empty for ``.h5``.
    """

    tensors: tuple[tuple[Tensor, ...], ...]
    extra: tuple[Tensor, ...] = ()
    compared: int = 0
    places: tuple[tuple[Json, str], ...] = field(default=())

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(tensor.size for group in (*self.tensors, self.extra) for tensor in group)


def keras_layout(model: Json, tensors: dict[str, Tensor]) -> Layout:
    """Return where a ``.keras`` file keeps the weights of each layer.

    Args:
        model: The model's config entry.
        tensors: All arrays by path.

    Raises:
        ModelError: If a layer's weights are missing or do not fit its config.
    """
    root = "layers"
    if not any(path.startswith("layers/") for path in tensors):
        root = "_layer_checkpoint_dependencies"  # as Keras 2.12 wrote it
    layers = graph.layers(model)
    by_key: dict[str, list[Tensor]] = {}
    for tensor in tensors.values():
        by_key.setdefault("/".join(tensor.path.split("/")[:2]), []).append(tensor)
    groups = []
    for layer, key in zip(layers, graph.weight_keys(layers), strict=True):
        own = without_generators(by_key.get(f"{root}/{key}", []))
        if layer["class_name"] == "SpectralNormalization":  # keeps a second reference to the wrapped kernel
            own = [tensor for tensor in own if tensor.path != f"{root}/{key}/vars/0"]
        groups.append(tuple(own))
    extra = tuple(without_generators(tensor for path, tensor in tensors.items() if path.startswith("vars/")))
    places = tuple(_places(model, root))
    compared = sum(_compare(entry, path, tensors) for entry, path in places)
    return Layout(tuple(groups), extra, compared, places)


def _places(model: Json, root: str) -> Iterator[tuple[Json, str]]:
    """Yield every layer, at any depth, with the path of its group in a ``.keras`` file."""
    layers = graph.layers(model)
    for layer, key in zip(layers, graph.weight_keys(layers), strict=True):
        path = f"{root}/{key}"
        if graph.is_model(layer):
            yield from _places(layer, f"{path}/layers")
            continue
        while layer["class_name"] in WRAPPED:
            path = f"{path}/{WRAPPED[layer['class_name']]}"
            layer = layer["config"]["layer"]
        if graph.is_model(layer):
            yield from _places(layer, f"{path}/layers")
        else:
            yield layer, f"{path}/cell" if layer["class_name"] in CELL else path


def _compare(entry: Json, path: str, tensors: dict[str, Tensor]) -> bool:
    found: list[tuple[int, ...]] = []
    while tensor := tensors.get(f"{path}/vars/{len(found)}"):
        found.append(tensor.shape)
    if not found and "shared_object_id" in entry:  # the weights are where the layer was met first
        return False
    return check_shapes(entry, tuple(found))


def h5_layout(model: Json, weights: h5py.File, tensors: dict[str, Tensor]) -> Layout:
    """Return where an ``.h5`` file keeps the weights of each layer.

    Args:
        model: The model's config entry.
        weights: The open file.
        tensors: All arrays by path.

    Raises:
        ModelError: If a layer's weights are missing or do not fit its config.
    """
    root = weights["model_weights"]
    groups, compared = [], 0
    for layer in graph.layers(model):
        name = name_of(layer)
        own = [
            _named(tensors, f"model_weights/{name}/{weight}", name) for weight in _weight_names(root, name)
        ]
        groups.append(tuple(without_generators(own)))
        inner = layer["config"]["layer"] if layer["class_name"] == "TimeDistributed" else layer
        compared += check_shapes(inner, tuple(tensor.shape for tensor in own))
    top = "top_level_model_weights"
    extra = [_named(tensors, f"model_weights/{top}/{weight}", top) for weight in _weight_names(root, top)]
    return Layout(tuple(groups), tuple(without_generators(extra)), compared)


def _weight_names(root: h5py.Group, name: str) -> list[str]:
    return name_list(root[name], "weight_names") if name in root else []


def _named(tensors: dict[str, Tensor], path: str, layer: str) -> Tensor:
    if path not in tensors:
        raise ModelError(
            f"The weights of layer {quoted(layer)} are incomplete.", f"{quoted(path)} is missing.", SAVE_AGAIN
        )
    return tensors[path]


def card_of(entry: Json, tensors: tuple[Tensor, ...]) -> LayerCard:
    """Return the card of one layer."""
    parameters = sum(tensor.size for tensor in tensors)
    return LayerCard(name_of(entry), entry["class_name"], parameters, learns(entry), summary(entry))


def learns(entry: Json) -> bool:
    """Whether training changes the layer: it has weights of a kind that learns, and is not frozen.

    >>> learns({"class_name": "Dense", "config": {"trainable": False}}), learns({"class_name": "Flatten", "config": {}})
    (False, False)
    """
    if entry["config"].get("trainable") is False:
        return False
    if graph.is_model(entry):
        return any(learns(layer) for layer in graph.layers(entry))
    if entry["class_name"] in WRAPPERS:
        return learns(entry["config"]["layer"])
    return entry["class_name"] in LEARNS


def summary(entry: Json) -> str:
    """Return what matters about a layer in a few words.

    >>> summary({"class_name": "Dense", "config": {"units": 8, "activation": "relu"}})
    '8 units, relu'
    """
    class_name, config = entry["class_name"], entry["config"]
    if graph.is_model(entry):
        return count(len(graph.layers(entry)), "layer")
    if class_name in WRAPPERS:
        inner = config["layer"]
        return ", ".join(part for part in (inner["class_name"], summary(inner)) if part)
    if class_name in LOOKUP and isinstance(config.get("vocabulary"), list):
        return count(len(config["vocabulary"]), "token")
    parts = [count(config[key], word) for key, word in _COUNTS if isinstance(config.get(key), int)]
    if isinstance(kernel := config.get("kernel_size"), list):
        parts.append(" × ".join(map(str, kernel)))
    if isinstance(activation := config.get("activation"), str) and activation != "linear":
        parts.append(activation)
    if isinstance(rate := config.get("rate"), (int, float)):
        parts.append(f"rate {rate:g}")
    return ", ".join(parts)


_COUNTS = (
    ("units", "unit"),
    ("filters", "filter"),
    ("input_dim", "row"),
    ("output_dim", "dimension"),
    ("num_heads", "head"),
    ("num_bins", "bin"),
    ("num_tokens", "token"),
)

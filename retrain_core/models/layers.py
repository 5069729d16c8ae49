"""Where each layer's weights are in the file, and what one layer looks like on the card."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retrain_core.errors import ModelError
from retrain_core.models import graph
from retrain_core.models.allowed import ATTENTION, CONVOLUTION, LOOKUP, NORMALIZATION, RECURRENT, WRAPPERS
from retrain_core.models.config import name_of
from retrain_core.models.parsing import Json
from retrain_core.models.sizes import check_shapes
from retrain_core.models.weights import Tensor, Weights
from retrain_core.models.wording import SAVE_AGAIN, count, quoted
from retrain_core.types import LayerCard

LEARNS = frozenset(
    {
        *(*CONVOLUTION, *RECURRENT, *ATTENTION, *NORMALIZATION),
        *("Dense", "EinsumDense", "Embedding", "ReversibleEmbedding", "PReLU"),
    }
)
# Wrappers keep the wrapped layer under these names; a recurrent layer keeps its weights in its cell.
WRAPPED = {"TimeDistributed": "layer", "SpectralNormalization": "layer", "Bidirectional": "forward_layer"}
H5_WEIGHTS = "model_weights"
CELL = frozenset({"LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"})


@dataclass(frozen=True)
class Layout:
    """The weights of each layer.

    Args:
        tensors: One group of arrays a layer, in the order of ``graph.layers``; a shared layer's are in each group.
        places: Layers at any depth with their path in the file; empty for ``.h5``.
    """

    tensors: tuple[tuple[Tensor, ...], ...]
    places: tuple[tuple[Json, str], ...] = ()

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(tensor.size for tensor in {each for group in self.tensors for each in group})


def keras_layout(model: Json, weights: Weights) -> Layout:
    """Return where a ``.keras`` file keeps the weights of each layer.

    Args:
        model: The model's config entry.
        weights: What the file holds.

    Raises:
        ModelError: If a layer's weights are missing or do not fit its config.
    """
    below: dict[str, list[Tensor]] = {}
    for tensor in weights.tensors.values():
        parts = tensor.path.split("/")
        for end in range(1, len(parts)):
            below.setdefault("/".join(parts[:end]), []).append(tensor)
    root = weights_root(weights)
    first: dict[int, str] = {}  # a layer that the model uses in several places is saved in the first of them
    groups, places = [], []
    for layer, path in _with_paths(graph.layers(model), root):
        own = dict.fromkeys(below.get(path, []))
        for entry, place in _leaves(layer, path):
            place = first.setdefault(entry.get("shared_object_id", id(entry)), place)
            own |= dict.fromkeys(below.get(place, []))
            check_shapes(entry, _numbered(weights, place))
            places.append((entry, place))
        if layer["class_name"] == "SpectralNormalization":  # keeps a second reference to the wrapped kernel
            own = {tensor: None for tensor in own if tensor.path != f"{path}/vars/0"}
        groups.append(tuple(own))
    return Layout(tuple(groups), tuple(places))


def weights_root(weights: Weights) -> str:
    """Return the group that holds the layers of a ``.keras`` file."""
    known = any(path.startswith("layers/") for path in weights.tensors)
    return "layers" if known else "_layer_checkpoint_dependencies"  # as Keras 2.12 wrote it


def _with_paths(layers: list[Json], root: str) -> Iterator[tuple[Json, str]]:
    for layer, key in zip(layers, graph.weight_keys(layers), strict=True):
        yield layer, f"{root}/{key}"


def _leaves(layer: Json, path: str) -> Iterator[tuple[Json, str]]:
    """Yield the layers that ``layer`` is made of, wrappers and nested models opened, with their paths."""
    if graph.is_model(layer):
        for inner, inner_path in _with_paths(graph.layers(layer), f"{path}/layers"):
            yield from _leaves(inner, inner_path)
    elif layer["class_name"] in WRAPPED:
        yield from _leaves(layer["config"]["layer"], f"{path}/{WRAPPED[layer['class_name']]}")
    else:
        yield layer, f"{path}/cell" if layer["class_name"] in CELL else path


def _numbered(weights: Weights, path: str) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of a layer's own arrays, which are numbered from 0."""
    found: list[tuple[int, ...]] = []
    while tensor := weights.tensors.get(f"{path}/vars/{len(found)}"):
        found.append(tensor.shape)
    return tuple(found)


def h5_layout(model: Json, weights: Weights) -> Layout:
    """Return where an ``.h5`` file keeps the weights of each layer.

    Args:
        model: The model's config entry.
        weights: What the file holds.

    Raises:
        ModelError: If a layer's weights are missing or do not fit its config.
    """
    groups = []
    in_order = set(weights.names.get(H5_WEIGHTS, ()))  # Keras goes by this list
    for layer in graph.layers(model):
        name = name_of(layer)
        own = tuple(_listed(weights, f"{H5_WEIGHTS}/{name}", name))
        if own and name not in in_order:
            raise ModelError(
                f"The weights of layer {quoted(name)} would not be read.",
                "The file's list of layers does not name it.",
                SAVE_AGAIN,
            )
        inner = layer["config"]["layer"] if layer["class_name"] == "TimeDistributed" else layer
        check_shapes(inner, tuple(tensor.shape for tensor in own))
        groups.append(own)
    return Layout(tuple(groups))


def _listed(weights: Weights, group: str, layer: str) -> Iterator[Tensor]:
    for name in weights.names.get(group, []):
        path = f"{group}/{name}"
        if path in weights.tensors:
            yield weights.tensors[path]
        elif path not in weights.states:
            raise ModelError(
                f"The weights of layer {quoted(layer)} are incomplete.",
                f"{quoted(path)} is missing.",
                SAVE_AGAIN,
            )


def card_of(entry: Json, tensors: tuple[Tensor, ...]) -> LayerCard:
    """Return the card of one layer."""
    parameters = sum(tensor.size for tensor in tensors)
    trainable = parameters > 0 and learns(entry)
    return LayerCard(name_of(entry), entry["class_name"], parameters, trainable, summary(entry))


def learns(entry: Json) -> bool:
    """Whether training changes the layer, if it has weights: they are of a kind that learns, and not frozen.

    >>> learns({"class_name": "Dense", "config": {"trainable": False}}), learns({"class_name": "Flatten", "config": {}})
    (False, False)
    """
    if entry["config"].get("trainable") is False:
        return False
    if graph.is_model(entry):
        return any(learns(layer) for layer in graph.layers(entry))
    if entry["class_name"] in WRAPPERS:
        return learns(entry["config"]["layer"])
    if entry["class_name"] == "BatchNormalization":
        return bool(entry["config"].get("scale", True) or entry["config"].get("center", True))
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

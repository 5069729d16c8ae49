"""Keras models: load, build anew, freeze."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.errors import RunError
from retrain_core.training.graph import input_structure, leaves
from retrain_core.training.rows import feed
from retrain_core.types import Dataset

ADAPT_BATCH = 4096


def load(path: Path) -> keras.Model:
    """Return the model in the file, not compiled.

    Raises:
        RunError: If Keras cannot read it, or it carries state from one batch to the next.
    """
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise RunError(
            "Keras cannot load the model.",
            str(error).strip().split("\n")[0][:300],
            "Save it again with this Keras version.",
        ) from error
    # The check refuses it before; this is for data that was prepared by a version that did not.
    stateful = [layer.name for layer in model._flatten_layers() if getattr(layer, "stateful", False)]
    if stateful:
        raise RunError(
            f"Layer '{stateful[0]}' carries its state from one batch to the next (stateful=True).",
            "Rows are shuffled and come in batches of other sizes, so its state would mean nothing.",
            "Build the model with stateful=False, copy the weights, and save it again.",
        )
    return model


def _nested(model: keras.Model) -> Iterator[keras.Model]:
    """Yield ``model`` and all models inside it."""
    yield model
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _nested(layer)


def freeze(model: keras.Model, all_but_last: int) -> int:
    """Freeze all but the last layers with trainable weights, and every BatchNormalization; return how many learn.

    Raises:
        RunError: If no layer can learn.
    """
    learning = 0
    for layer in reversed(list(leaves(model))):
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        learns = bool(layer.trainable_weights) and not is_norm and learning < all_but_last
        learning += learns
        if not learns:  # nor is one that learns told so: parts of it, such as a norm, may be frozen
            layer.trainable = False
    if not learning:
        raise RunError(
            "No layer of the model can be trained.",
            "None has trainable weights, or all were saved as frozen.",
            "Use keep, or save the model with its layers unfrozen.",
        )
    return learning


def blocks(model: keras.Model, most: int) -> list[list[keras.layers.Layer]]:
    """Return the layers that can learn in at most ``most`` blocks, from input to output."""
    able = [
        layer
        for layer in leaves(model)
        if layer.trainable_weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]
    count = max(1, min(most, len(able)))
    borders = [round(number * len(able) / count) for number in range(count + 1)]
    return [able[begin:end] for begin, end in pairwise(borders)]


def fresh(model: keras.Model, adapt_on: Dataset) -> tuple[keras.Model, list[str]]:
    """Return the same architecture with fresh weights, and what to tell the user about it."""
    notices: list[str] = []
    copy = keras.models.clone_model(model)
    frozen = [layer for layer in leaves(copy) if layer.weights and not layer.trainable]
    for layer in [*leaves(copy), *_nested(copy)]:
        layer.trainable = True
    frozen = [layer.name for layer in frozen if layer.trainable_weights]
    if frozen:
        notices.append(
            f"{len(frozen)} layer{'s were' if len(frozen) > 1 else ' was'} saved as frozen; fresh weights have to learn: "
            f"{', '.join(frozen[:5])}."
        )
    _adapt_layers(model, copy, feed(copy, adapt_on), notices)
    return copy, notices


def _adapt_layers(old: keras.Model, new: keras.Model, inputs: Any, notices: list[str]) -> None:
    """Adapt the stateful preprocessing layers of ``new`` from input to output, as those of ``old`` were."""
    for old_layer, layer in zip(old.layers, new.layers, strict=True):
        if isinstance(layer, keras.Model):
            _adapt_layers(old_layer, layer, _values_before(new, layer, inputs), notices)
        elif _was_adapted(layer):
            _adapt(old_layer, layer, _values_before(new, layer, inputs), notices)


def _was_adapted(layer: Any) -> bool:
    """Whether the layer learnt its state from data, rather than being given it as constants."""
    if isinstance(layer, keras.layers.Normalization):
        return layer.input_mean is None
    if isinstance(layer, keras.layers.Discretization):
        return layer.input_bin_boundaries is None
    lookup = getattr(layer, "_lookup_layer", layer)  # of TextVectorization
    return hasattr(layer, "adapt") and getattr(lookup, "input_vocabulary", None) is None


def _values_before(model: keras.Model, layer: keras.layers.Layer, inputs: Any) -> Any:
    """Return what reaches ``layer`` for ``inputs``: one array, or a list of them."""
    # Not layer.input: for a nested model that is its own input, not what the outer model gives it.
    reaching = layer._inbound_nodes[0].input_tensors
    known = dict(zip(map(id, model.inputs), keras.tree.flatten(inputs), strict=True))
    if all(id(tensor) in known for tensor in reaching):
        found = [known[id(tensor)] for tensor in reaching]
    else:
        probe = keras.Model(input_structure(model), list(reaching))
        found = probe.predict(inputs, batch_size=ADAPT_BATCH, verbose=0)
    return found[0] if len(found) == 1 else found


def _adapt(old: Any, layer: Any, values: NDArray[Any], notices: list[str]) -> None:
    values = np.asarray(values)
    if isinstance(layer, keras.layers.TextVectorization):
        layer.adapt(values)
        _keep_size(old, layer, layer.get_vocabulary(include_special_tokens=False), notices)
    elif hasattr(layer, "get_vocabulary"):
        _keep_size(old, layer, _tokens(values), notices)
    else:
        layer.adapt(values.astype(np.float64))  # a float32 mean of large amounts is off in the third digit
        if isinstance(layer, keras.layers.Normalization):
            _guard_constant(layer, notices)


def _tokens(values: NDArray[Any]) -> list[Any]:
    """Return the values that occur, most frequent first."""
    if values.dtype == object:
        values = np.strings.decode(values.astype(np.bytes_), "utf-8")
    tokens, counts = np.unique(values, return_counts=True)
    tokens = tokens[np.argsort(-counts, kind="stable")]
    return list((tokens[tokens != ""] if tokens.dtype.kind == "U" else tokens).tolist())


def _keep_size(old: Any, layer: Any, tokens: list[Any], notices: list[str]) -> None:
    """Set the vocabulary to ``tokens`` at its old size, so that the architecture stays the same."""
    if layer.get_config()["output_mode"] == "tf_idf":
        raise RunError(
            f"Layer '{layer.name}' cannot be adapted again.",
            "Its TF-IDF weights belong to the old vocabulary.",
            "Use fine-tune or incremental, or retrain outside this tool.",
        )
    size = len(old.get_vocabulary(include_special_tokens=False))
    if len(tokens) > size:
        notices.append(
            f"Layer '{layer.name}': {len(tokens) - size} rare values share one place, to keep its size of {size}."
        )
    kept = tokens[:size]
    layer.set_vocabulary(kept + _placeholders(kept, size - len(kept)))


def _placeholders(kept: list[Any], missing: int) -> list[Any]:
    """Return values for the places of a vocabulary that the rows do not fill."""
    if kept and not isinstance(kept[0], str):
        return list(range(max(kept) + 1, max(kept) + 1 + missing))
    return [f"[unused {number}]" for number in range(missing)]


def _guard_constant(layer: keras.layers.Normalization, notices: list[str]) -> None:
    """Scale a constant column by 1: dividing by its spread of 0 would blow up every other value."""
    mean, variance = np.asarray(layer.adapt_mean), np.asarray(layer.adapt_variance)
    constant = variance <= 1e-10 * mean**2
    if constant.any():
        layer.adapt_variance.assign(np.where(constant, 1.0, variance))
        layer.finalize_state()
        notices.append(f"Layer '{layer.name}': {int(constant.sum())} constant columns are not scaled.")

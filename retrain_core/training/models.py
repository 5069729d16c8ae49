"""Keras models: load, build anew, freeze, compile."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.errors import RunError
from retrain_core.types import Dataset, Schema

DEFAULT_LEARNING_RATE = 1e-3
ADAPT_BATCH = 4096


def load(path: Path) -> keras.Model:
    """Return the model in the file, not compiled."""
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise _cannot_load(error) from error


def _cannot_load(error: Exception) -> RunError:
    return RunError(
        "Keras cannot load the model.",
        str(error).strip().split("\n")[0][:300],
        "Save it again with this Keras version.",
    )


def own_optimizer(path: Path) -> keras.optimizers.Optimizer:
    """Return the optimiser that the file names, with all its settings; Adam if the model was saved uncompiled."""
    try:
        config = _compile_config(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise _cannot_load(error) from error
    named = config.get("optimizer") or config.get("optimizer_config")
    if not named:
        return keras.optimizers.Adam(DEFAULT_LEARNING_RATE)
    optimizer = keras.optimizers.get(named)
    return getattr(optimizer, "inner_optimizer", optimizer)


def _compile_config(path: Path) -> dict[str, Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json")).get("compile_config")
    else:
        with h5py.File(path, "r") as file:
            config = json.loads(file.attrs.get("training_config", "{}"))
    return dict(config or {})


def compile_model(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, schema: Schema, rate: float = 1.0
) -> None:
    """Compile with the schema's loss, its metric and a fresh optimiser like ``optimizer``.

    Args:
        model: Compiled in place.
        optimizer: The old model's own; a schedule of its rate is replaced by the rate it begins with.
        schema: Names the loss.
        rate: Learning rate, times the optimiser's own.
    """
    config = optimizer.get_config() | {"learning_rate": rate * float(optimizer.learning_rate)}
    fresh = type(optimizer).from_config(config)
    model.compile(optimizer=fresh, loss=loss_of(schema), metrics=[metric_of(schema)])


def loss_of(schema: Schema, reduction: str | None = "sum_over_batch_size") -> keras.losses.Loss:
    """Return the loss object that trains and scores."""
    config: dict[str, Any] = {"reduction": reduction}
    if schema.loss.endswith("crossentropy"):
        config["from_logits"] = schema.from_logits
    name = "".join(word.capitalize() for word in schema.loss.split("_"))
    return getattr(keras.losses, name)(**config)


def metric_of(schema: Schema) -> keras.metrics.Metric:
    """Return accuracy, or the mean absolute error for regression."""
    if schema.task == "regression":
        return keras.metrics.MeanAbsoluteError(name="mae")
    if schema.one_hot:
        return keras.metrics.CategoricalAccuracy(name="accuracy")
    if schema.units == 1:
        return keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0 if schema.from_logits else 0.5)
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


def leaves(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of ``model`` from input to output, those of nested models in their place."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        else:
            yield layer


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
        layer.trainable = learns
    if not learning:
        raise RunError(
            "No layer of the model can be trained.",
            "None has trainable weights, or all were saved as frozen.",
            "Use keep, or save the model with its layers unfrozen.",
        )
    return learning


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


def feed(model: keras.Model, data: Dataset) -> Any:
    """Return the inputs of ``data`` in the structure that ``model`` takes (one array, a list or a dictionary)."""
    arrays = {
        name: _as_text(values) if values.dtype.kind == "U" else values for name, values in data.inputs.items()
    }
    if len(arrays) == 1:
        (only,) = arrays.values()
        return keras.tree.map_structure(lambda _: only, input_structure(model))
    return keras.tree.map_structure(lambda tensor: arrays[tensor.name], input_structure(model))


def input_structure(model: keras.Model) -> Any:
    """Return the model's symbolic inputs as it takes them: one, a list or a dictionary."""
    return model.inputs[0] if isinstance(model, keras.Sequential) else model.input


def _as_text(values: NDArray[np.str_]) -> tf.Tensor:
    """Return strings as a tensor: Keras takes no NumPy strings."""
    return tf.constant(np.strings.encode(values, "utf-8"))


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
    return hasattr(layer, "adapt") and getattr(layer, "input_vocabulary", None) is None


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

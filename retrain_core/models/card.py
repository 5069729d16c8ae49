"""The model card: what a model file says about itself, without Keras and without loading it.

It is read in a process of its own (``retrain_core.workers.reading``); everybody else calls ``checked_card``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retrain_core.errors import InputError, ModelError
from retrain_core.models import graph
from retrain_core.models.archive import Archive, open_archive
from retrain_core.models.compiled import compile_findings, compiled, task_of
from retrain_core.models.config import Described, allowed_summary, check_config, name_of
from retrain_core.models.layers import Layout, card_of, h5_layout, keras_layout
from retrain_core.models.output import given_shapes, output_activation, output_spec
from retrain_core.models.parsing import Json, parse_json
from retrain_core.models.sizes import check_sizes
from retrain_core.models.vocabulary import check_vocabularies
from retrain_core.models.weights import DAMAGE, Weights, read_weights, weights_summary
from retrain_core.models.wording import SAVE_AGAIN, count, plain, quoted
from retrain_core.types import Finding, LayerCard, ModelCard

UNKNOWN_VERSION = "unknown"


@dataclass(frozen=True)
class Checked:
    """A model file in which everything was checked, still open.

    Args:
        card: What it says about itself.
        archive: Its parts.
        model: Its config, without how it was compiled.
        compiled: How it was compiled; empty if it was not.
        objects: All that the config names.
        weights: What its HDF5 data holds.
        layout: Where the weights of its layers are.
    """

    card: ModelCard
    archive: Archive
    model: Json
    compiled: Json
    objects: list[Described]
    weights: Weights
    layout: Layout


def read_card(path: Path, name: str | None = None) -> ModelCard:
    """Return what the model file at ``path`` says about itself; as ``open_checked``."""
    with open_checked(path, name) as checked:
        return checked.card


@contextmanager
def open_checked(path: Path, name: str | None = None) -> Iterator[Checked]:
    """Check the model file at ``path`` without loading it, and give what was checked.

    Args:
        path: A ``.keras`` or ``.h5`` file; the format is told from its content.
        name: The file's name as the user knows it, for messages.

    Raises:
        FileError: If the file is empty, damaged, or no Keras model.
        ModelError: If the model cannot be used, or not safely.
    """
    shown = plain(name or path.name)
    try:
        archive = open_archive(path)
        with archive.weights:
            yield _keras(archive) if archive.format == "keras" else _h5(archive)
    except InputError as error:
        raise type(error)(f"{shown}: {error.what}", error.why, error.next_step) from error
    except (
        DAMAGE
    ) as error:  # the config's names are known to be harmless, not its structure: anything may be missing
        raise ModelError(
            f"{shown}: The model's config is not as Keras writes it.",
            f"Reading it failed with {type(error).__name__} ({plain(error)}).",
            SAVE_AGAIN,
        ) from error


def _keras(archive: Archive) -> Checked:
    """Check the config first: what is refused by its names never has its weights opened."""
    model = parse_json(archive.config, "config.json")
    objects = _checked(model, legacy=False)
    metadata = parse_json(archive.metadata, "metadata.json") if archive.metadata is not None else {}
    version = plain(metadata.get("keras_version", UNKNOWN_VERSION))
    weights = read_weights(archive.weights)
    return _card(archive, weights, model, objects, model.pop("compile_config", None), version)


def _h5(archive: Archive) -> Checked:
    weights = read_weights(archive.weights)
    model = parse_json(_h5_config(weights), "model_config")
    objects = _checked(model, legacy=True)
    training = weights.texts.get("training_config")
    compile_config = parse_json(training, "training_config") if training else None
    check_config({"compile_config": compile_config}, legacy=True)
    version = plain(weights.texts.get("keras_version", UNKNOWN_VERSION))
    return _card(archive, weights, model, objects, compile_config, version)


def _checked(model: Json, *, legacy: bool) -> list[Described]:
    """Return the objects of the config, all of them allowed, the model itself first."""
    if "class_name" not in model:
        raise ModelError("The config does not describe a model.", "It has no class_name.", SAVE_AGAIN)
    objects = check_config(model, legacy=legacy)
    if not objects or objects[0].config is not model or objects[0].kind != "model":
        raise ModelError(
            f"The file holds {quoted(model['class_name'])}, not a model.",
            "Only models can be used.",
            SAVE_AGAIN,
        )
    return objects


def _h5_config(weights: Weights) -> str:
    if config := weights.texts.get("model_config"):
        if not any(path.startswith("model_weights/") for path in weights.tensors):
            raise ModelError(
                "The file holds no weights.", "Without weights the model would answer at random.", SAVE_AGAIN
            )
        return config
    tops = {path.split("/")[0] for path in weights.tensors}
    if weights.names[""] or {"layers", "model_weights", "_layer_checkpoint_dependencies"} & tops:
        raise ModelError(
            "The file holds weights only.",
            "It was written by save_weights: the network they belong to is not in it.",
            'Save the whole model with model.save("model.keras").',
        )
    raise ModelError("The file is HDF5, but not a Keras model.", "It has no model_config.", SAVE_AGAIN)


def _card(
    archive: Archive,
    weights: Weights,
    model: Json,
    objects: list[Described],
    compile_config: object,
    version: str,
) -> Checked:
    _refuse_stateful(objects)
    check_sizes(objects, given_shapes(model))
    inputs, output = graph.inputs(model), output_spec(model)
    layout = keras_layout(model, weights) if archive.format == "keras" else h5_layout(model, weights)
    layers = tuple(
        card_of(entry, own) for entry, own in zip(graph.layers(model), layout.tensors, strict=True)
    )
    compile_config = compile_config if isinstance(compile_config, dict) else {}
    activation, how = output_activation(model), compiled(compile_config)
    task, reason = task_of(activation, output, how)
    findings = (
        Finding("ok", f"A .{archive.format} file", archive.summary),
        Finding("ok", "Only built-in layers", allowed_summary(objects)),
        Finding("ok", "Weights are plain numbers", weights_summary(weights)),
        Finding(
            "ok",
            "Weights fit the layers",
            "Compared with the config in every layer of which it tells the shapes.",
        ),
        *check_vocabularies(objects, archive, layout),
        *_version_findings(version),
        *_value_findings(layers, layout),
        *_use_findings(layers),
        *compile_findings(activation, output, how),
    )
    card = ModelCard(
        format=archive.format,
        name=name_of(model),
        sha256=archive.sha256,
        inputs=inputs,
        outputs=(output,),
        layers=layers,
        parameters=layout.parameters,
        output_activation=activation,
        loss=how.loss,
        from_logits=how.from_logits,
        optimizer=how.optimizer,
        learning_rate=how.learning_rate,
        task=task,
        task_reason=reason,
        keras_version=version,
        findings=findings,
    )
    return Checked(card, archive, model, compile_config, objects, weights, layout)


def _version_findings(version: str) -> list[Finding]:
    if version == UNKNOWN_VERSION:
        return [Finding("warning", "Keras version unknown", "The file does not say which Keras wrote it.")]
    if version.startswith(("1.", "2.")):
        detail = "Keras 3 reads it; save it as .keras to keep it readable."
        return [Finding("warning", f"Written by Keras {version}", detail)]
    return []


def _value_findings(layers: Sequence[LayerCard], layout: Layout) -> list[Finding]:
    found = []
    for layer, own in zip(layers, layout.tensors, strict=True):
        if any(tensor.finite is False for tensor in own):
            title = f"Layer {quoted(layer.name)} has weights that are no numbers"
            detail = "NaN or infinity: its training went wrong, every answer may be NaN."
            found.append(Finding("warning", title, detail))
    if any(tensor.finite is None for own in layout.tensors for tensor in own):
        found.append(
            Finding("warning", "Not all weights read", "The model is large: not all were checked for NaN.")
        )
    return found or [Finding("ok", "All weights are finite", f"{count(layout.parameters, 'parameter')}.")]


def _use_findings(layers: Sequence[LayerCard]) -> list[Finding]:
    found = []
    if not any(layer.trainable for layer in layers):
        detail = "No layer has weights that can learn, or all were saved as frozen: only keep can be used."
        found.append(Finding("warning", "No trainable layers", detail))
    return found


def _refuse_stateful(objects: Sequence[Described]) -> None:
    for one in (each.config for each in objects if each.config["config"].get("stateful") is True):
        raise ModelError(
            f"The layer {quoted(name_of(one))} is stateful.",
            "It carries its state from one batch to the next, but rows are shuffled here: its state would mean nothing.",
            "Build the model with stateful=False, copy the weights, and save it again.",
        )

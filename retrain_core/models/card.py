"""The model card: what a model file says about itself, without Keras and without loading it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

from retrain_core.errors import InputError, ModelError
from retrain_core.models import graph
from retrain_core.models.archive import Archive, open_archive
from retrain_core.models.compiled import compile_findings, compiled, task_of
from retrain_core.models.config import Described, allowed_summary, check_config, name_of
from retrain_core.models.layers import Layout, card_of, h5_layout, keras_layout
from retrain_core.models.output import output_activation, output_spec
from retrain_core.models.parsing import Json, parse_json
from retrain_core.models.sizes import check_sizes
from retrain_core.models.vocabulary import check_vocabularies
from retrain_core.models.weights import (
    DAMAGE,
    Tensor,
    non_finite,
    open_weights,
    plain_tensors,
    text_attribute,
)
from retrain_core.models.weights import summary as weights_summary
from retrain_core.models.wording import SAVE_AGAIN, count, quoted
from retrain_core.types import Finding, LayerCard, ModelCard

UNKNOWN_VERSION = "unknown"


@dataclass(frozen=True)
class _Description:
    """The texts of a model file, parsed and checked."""

    model: Json
    objects: list[Described]
    compile_config: object
    keras_version: str
    findings: tuple[Finding, ...] = ()


def read_card(path: Path, name: str | None = None) -> ModelCard:
    """Return what the model file at ``path`` says about itself, without loading it.

    Args:
        path: A ``.keras`` or ``.h5`` file; the format is told from its content.
        name: The file's name as the user knows it, for messages.

    Returns:
        The card; its findings list what was checked and what deserves attention.

    Raises:
        FileError: If the file is empty, damaged, or no Keras model.
        ModelError: If the model cannot be used, or not safely.
    """
    shown = quoted(name or path.name)[1:-1]
    try:
        archive = open_archive(path)
        with archive.weights:
            return _card(archive)
    except InputError as error:
        raise type(error)(f"{shown}: {error.what}", error.why, error.next_step) from error


def _card(archive: Archive) -> ModelCard:
    with open_weights(archive.weights) as weights:
        tensors = plain_tensors(weights)
        description = _describe(archive, weights)
        # The config's names are known to be harmless by now, not its structure: anything may be missing.
        try:
            return _assemble(archive, weights, tensors, description)
        except DAMAGE as error:
            raise ModelError(
                "The model's config is not as Keras writes it.",
                f"Reading it failed with {type(error).__name__} ({str(error)[:80]}).",
                SAVE_AGAIN,
            ) from error


def _describe(archive: Archive, weights: h5py.File) -> _Description:
    """Parse and check the texts in the file."""
    notes: list[Finding] = []
    if archive.format == "keras":
        model = parse_json(archive.config, "config.json")
        compile_config = model.get("compile_config")
        version = UNKNOWN_VERSION
        if archive.metadata is None:
            detail = "metadata.json is missing: the Keras version is unknown."
            notes.append(Finding("warning", "No metadata", detail))
        else:
            version = str(parse_json(archive.metadata, "metadata.json").get("keras_version", version))[:40]
    else:
        model = parse_json(_h5_config(weights), "model_config")
        training = text_attribute(weights, "training_config")
        compile_config = parse_json(training, "training_config") if training else None
        version = (text_attribute(weights, "keras_version") or UNKNOWN_VERSION)[:40]
    legacy = archive.format == "h5"
    if "class_name" not in model:
        raise ModelError("The config does not describe a model.", "It has no class_name.", SAVE_AGAIN)
    objects = check_config(model, legacy=legacy)
    if legacy and isinstance(compile_config, dict):
        check_config({"compile_config": compile_config}, legacy=True)
    if objects[0].kind != "model":
        raise ModelError(
            f"The file holds a {objects[0].label}, not a model.", "Only models can be used.", SAVE_AGAIN
        )
    if version.startswith(("1.", "2.")):
        detail = "Keras 3 reads it; save it as .keras to keep it readable."
        notes.append(Finding("warning", f"Written by Keras {version}", detail))
    return _Description(model, objects, compile_config, version, tuple(notes))


def _h5_config(weights: h5py.File) -> str:
    config = text_attribute(weights, "model_config")
    if config is not None and "model_weights" in weights:
        return config
    if config is None and (
        {"layer_names"} & weights.attrs.keys()
        or {"layers", "model_weights", "_layer_checkpoint_dependencies"} & weights.keys()
    ):
        raise ModelError(
            "The file holds weights only.",
            "It was written by save_weights: the network they belong to is not in it.",
            'Save the whole model with model.save("model.keras").',
        )
    if config is None:
        raise ModelError("The file is HDF5, but not a Keras model.", "It has no model_config.", SAVE_AGAIN)
    raise ModelError(
        "The file holds no weights.", "Without weights the model would answer at random.", SAVE_AGAIN
    )


def _assemble(
    archive: Archive, weights: h5py.File, tensors: dict[str, Tensor], description: _Description
) -> ModelCard:
    model = description.model
    check_sizes(description.objects)
    inputs, output = graph.inputs(model), output_spec(model)
    layout = keras_layout(model, tensors) if archive.format == "keras" else h5_layout(model, weights, tensors)
    layers = tuple(
        card_of(entry, own) for entry, own in zip(graph.layers(model), layout.tensors, strict=True)
    )
    activation, how = output_activation(model), compiled(description.compile_config)
    task, reason = task_of(activation, output, how)
    findings = (
        Finding("ok", f"A .{archive.format} file", archive.summary),
        Finding("ok", "Only built-in layers", allowed_summary(description.objects)),
        Finding("ok", "Weights are plain numbers", weights_summary(tensors.values())),
        Finding(
            "ok", "Weights fit the layers", f"{count(layout.compared, 'layer')} compared with the config."
        ),
        *check_vocabularies(description.objects, archive, layout),
        *description.findings,
        *_value_findings(weights, layers, layout),
        *_use_findings(model, description.objects, layers),
        *compile_findings(activation, output, how),
    )
    return ModelCard(
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
        keras_version=description.keras_version,
        findings=findings,
    )


def _value_findings(weights: h5py.File, layers: Sequence[LayerCard], layout: Layout) -> list[Finding]:
    found = []
    owner = {tensor.path: layer for layer, own in zip(layers, layout.tensors, strict=True) for tensor in own}
    bad, complete = non_finite(weights, [tensor for own in layout.tensors for tensor in own])
    for name in dict.fromkeys(owner[path].name for path in bad):
        title = f"Layer {quoted(name)} has weights that are no numbers"
        found.append(
            Finding("warning", title, "NaN or infinity: its training went wrong, every answer may be NaN.")
        )
    if not complete:
        found.append(
            Finding("warning", "Not all weights read", "The model is large: not all were checked for NaN.")
        )
    elif not bad:
        found.append(Finding("ok", "All weights are finite", f"{count(layout.parameters, 'parameter')}."))
    return found


def _use_findings(model: Json, objects: list[Described], layers: Sequence[LayerCard]) -> list[Finding]:
    found = []
    if not any(layer.trainable for layer in layers):
        detail = "No layer has weights that can learn, or all were saved as frozen: only keep can be used."
        found.append(Finding("warning", "No trainable layers", detail))
    if (batch := graph.fixed_batch(model)) is not None:
        detail = (
            f"It takes exactly {count(batch, 'row')} at a time; the last rows of a file may be left over."
        )
        found.append(Finding("warning", "Fixed batch size", detail))
    if stateful := [each for each in objects if each.config["config"].get("stateful") is True]:
        detail = "It remembers earlier batches, so that scores depend on the order of the rows."
        found.append(Finding("warning", f"Layer {quoted(name_of(stateful[0].config))} is stateful", detail))
    return found

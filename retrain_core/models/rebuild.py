"""A new file made from what was checked in a model file: the only file that Keras ever loads.

Its JSON is written from the values that were parsed and its arrays are copied one by one, so nothing is in it that the
check did not see: no further members, attributes, filters or links, and no byte of the old container. The optimiser's
state goes with a ``.keras`` file, as Keras warns of whoever loads one without it; ours is loaded without.

A ``.h5`` file becomes ``.h5`` again. Its config names classes without their modules, and its weights belong to layers by
their order: to write it as ``.keras`` would take Keras, which is not run before a file is rebuilt.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py

from retrain_core.errors import StoreError
from retrain_core.models import graph
from retrain_core.models.archive import CHUNK, CONFIG, METADATA, WEIGHTS
from retrain_core.models.arrays import copy_arrays, copy_layers
from retrain_core.models.card import UNKNOWN_VERSION, Checked
from retrain_core.models.config import name_of
from retrain_core.models.layers import weights_root
from retrain_core.models.parsing import Json
from retrain_core.models.vocabulary import vocabularies

MODEL_KEYS = ("module", "class_name", "config", "registered_name", "build_config")
COMPILE_KEYS = ("optimizer", "optimizer_config", "loss", "loss_weights", "metrics", "weighted_metrics")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the time of every member, so that one model gives one file


def rebuild(checked: Checked, folder: Path) -> Path:
    """Write a new file of the same model, whole or not at all, and return it.

    Args:
        checked: What was checked, still open.
        folder: Where to write ``model.keras`` or ``model.h5``.

    Raises:
        FileError: If an array cannot be read.
        StoreError: If the file cannot be written.
    """
    target = folder / f"model.{checked.archive.format}"
    temporary, arrays = folder / f".{target.name}.tmp", folder / ".weights.tmp"
    try:
        if checked.archive.format == "keras":
            _write_keras(checked, temporary, arrays)
        else:
            _write_h5(checked, temporary)
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, RuntimeError) as error:  # HDF5 may raise either if it cannot write
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise StoreError(
            "The checked copy of the model cannot be written.",
            f"{reason}.",
            "Free some room, then try again.",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
        arrays.unlink(missing_ok=True)
    return target


def _write_keras(checked: Checked, path: Path, arrays: Path) -> None:
    root = weights_root(checked.weights)
    folders = tuple(f"{root}/{key}/" for key in graph.weight_keys(graph.layers(checked.model)))
    known = sorted({*checked.weights.tensors, *checked.weights.states})
    with h5py.File(checked.archive.weights, "r") as source, h5py.File(arrays, "w") as target:
        of_layers = [name for name in known if name.startswith(folders)]
        copy_arrays(source, target, [*of_layers, *sorted(checked.weights.optimizer)])
    version = checked.card.keras_version
    metadata = {} if version == UNKNOWN_VERSION else {"keras_version": version}
    texts = {CONFIG: _json(_config(checked)), METADATA: _json(metadata)}
    texts |= vocabularies(checked.objects, checked.archive, checked.layout)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            archive.writestr(_member(name), text.encode("utf-8"))
        member = _member(WEIGHTS)
        member.file_size = arrays.stat().st_size  # so that a large one is written as Zip64
        with arrays.open("rb") as source_file, archive.open(member, "w") as target_file:
            shutil.copyfileobj(source_file, target_file, CHUNK)


def _write_h5(checked: Checked, path: Path) -> None:
    with h5py.File(checked.archive.weights, "r") as source, h5py.File(path, "w") as target:
        target.attrs["model_config"] = _json(_described(checked.model, MODEL_KEYS))
        target.attrs["keras_version"] = checked.card.keras_version
        if checked.compiled:
            target.attrs["training_config"] = _json(_described(checked.compiled, COMPILE_KEYS))
        layers = [name_of(entry) for entry in graph.layers(checked.model)]
        copy_layers(source, target, checked.weights, layers)


def _config(checked: Checked) -> Json:
    config = _described(checked.model, MODEL_KEYS)
    config["compile_config"] = _described(checked.compiled, COMPILE_KEYS) if checked.compiled else None
    return config


def _described(values: Json, keys: tuple[str, ...]) -> Json:
    """Return the values that are of use, in one order."""
    return {key: values[key] for key in keys if key in values}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, EPOCH)
    member.create_system, member.external_attr = 3, 0o644 << 16  # alike on every system
    return member

"""A worker that loads every model file among its inputs, unchecked and with Keras' safe mode off.

Much of what attacks older versions is refused by this Keras all the same, so a second round does without that too: there the
sandbox is all that is left.
"""

from __future__ import annotations

import importlib
import json
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras.src.saving import saving_lib, serialization_lib

from retrain_core.files import write_atomic
from retrain_core.types import Locked, RunResult, to_json

ROUNDS = ("as it is", "bare")


def run(
    folder: Path, device: str, threads: int, locked: Locked | None = None, rounds: Sequence[str] = ROUNDS
) -> RunResult:
    """Use each file in each round, one after another, and write down what stopped it, or nothing."""
    socket.setdefaulttimeout(2)  # who listens never answers
    said = {}
    for each in rounds:
        if each == "bare":
            strip()
        said[each] = {path.stem: used(path, folder) for path in sorted((folder / "inputs").iterdir())}
    write_atomic(folder / "said.json", json.dumps(said).encode())
    result = RunResult("finished", error=locked.level if locked else None)
    write_atomic(folder / "result.json", to_json(result))
    return result


def strip() -> None:
    """Take out Keras' own guards: links and storage of HDF5 lead anywhere, and a config names any function there is."""
    saving_lib.safe_get_h5_group = saving_lib.safe_get_h5_dataset = lambda group, name: group[name]
    saving_lib.is_memory_sufficient = lambda model: False  # so HDF5 reads a file, which others can lie beside
    strict = serialization_lib._retrieve_class_or_fn

    def any_name(name: str, registered: str | None, module: str, *rest: Any, **options: Any) -> Any:
        try:
            return strict(name, registered, module, *rest, **options)
        except (TypeError, ValueError):
            return getattr(importlib.import_module(module), name)

    serialization_lib._retrieve_class_or_fn = any_name


def used(path: Path, folder: Path) -> str:
    """Load a model, save it beside the results, and call it; return what stopped that, if anything."""
    path.read_bytes()  # else all would be stopped by that
    try:
        model = keras.saving.load_model(path, safe_mode=False)
        model.save(folder / f"again {path.stem}.keras")
        model(np.zeros((1, *model.input_shape[1:]), "float32"))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""

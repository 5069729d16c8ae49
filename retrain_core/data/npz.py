"""NPZ files: ``y`` holds the labels, ``x`` the examples, or an array for each input of the model."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.names import refuse_copies
from retrain_core.errors import FileError
from retrain_core.limits import check_table
from retrain_core.types import Table

Arrays = Mapping[str, NDArray[Any]]
EXAMPLES, LABELS = "x", "y"
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(path: Path, name: str) -> Table:
    """Return the arrays of a file; those of one or two axes as columns, the labels last.

    ``x`` becomes ``x0``, ``x1`` and so on; another array ``a`` becomes ``a``, or ``a_0``, ``a_1`` and so on.

    Raises:
        FileError: If the file is broken, its arrays do not belong together, or are larger than they may be.
    """
    for declared in _declared(path):
        check_table(
            name, rows=declared[0] if declared else 0, columns=declared[1] if len(declared) == 2 else 0
        )
    arrays, notes = _load(path, name)
    rows = _rows(arrays, name)
    for key in [key for key, array in arrays.items() if array.ndim == 0 or len(array) != rows]:
        shape = _shape(arrays.pop(key))
        notes.append(
            f"{name}: the array `{key}` is left out: its shape is {shape}, there are {rows:,} examples."
        )
    if not set(arrays) - {LABELS}:
        raise _no_examples(name)
    ordered = [key for key in arrays if key != LABELS] + [key for key in arrays if key == LABELS]
    flat = {key: _columns(key, arrays[key]) for key in ordered if arrays[key].ndim <= 2}
    columns = pd.concat([pd.DataFrame(index=range(rows)), *flat.values()], axis=1)
    refuse_copies([str(column) for column in columns], name)
    return Table(
        name=name,
        sha256="",
        columns=columns,
        arrays={key: array for key, array in arrays.items() if array.ndim > 2},
        flattened={key: tuple(map(str, frame)) for key, frame in flat.items()},
        notes=tuple(notes),
    )


def _declared(path: Path) -> list[tuple[int, ...]]:
    """Return the shape that each array says it has, as far as that can be told before it is read."""
    found: list[tuple[int, ...]] = []
    with (
        suppress(ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error),
        zipfile.ZipFile(path) as members,
    ):
        for member in members.namelist():
            with members.open(member) as file:
                read = HEADERS.get(np.lib.format.read_magic(file))
                shape = read(file)[0] if read else ()
            found.append(shape)
    return found


def _load(path: Path, name: str) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return every array, and which were left out because they hold Python objects."""
    arrays, notes = {}, []
    try:
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                try:
                    arrays[key] = file[key]
                except ValueError:
                    if key in (EXAMPLES, LABELS):
                        raise
                    notes.append(f"{name}: the array `{key}` is left out: it holds Python objects.")
    except (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise FileError(
            f"{name} cannot be read as NPZ.",
            "An array is broken or holds Python objects.",
            "Save plain arrays `x` and `y`.",
        ) from error
    return arrays, notes


def _no_examples(name: str) -> FileError:
    return FileError(
        f"{name} has no array `x`.",
        "The examples are expected there, or in an array for each input of the model, named like it.",
        "Use np.savez(file, x=..., y=...).",
    )


def _rows(arrays: Arrays, name: str) -> int:
    """Return how many examples there are: the length of ``x``, else of ``y``, else what most arrays have."""
    x, y = arrays.get(EXAMPLES), arrays.get(LABELS)
    if x is not None and x.ndim == 0:
        raise FileError(f"{name}: `x` is a single value.", "It has no rows.", "Save one row an example.")
    if y is not None and y.ndim not in (1, 2):
        raise FileError(
            f"{name}: `y` is no list of labels.",
            f"Its shape is {_shape(y)}; each example needs one label, or one row of them.",
            "Save `y` with one value a row, or with one column an output unit of the model.",
        )
    if x is not None and y is not None and len(x) != len(y):
        raise FileError(
            f"{name}: `x` and `y` differ in length.",
            f"`x` has {len(x):,} rows, `y` has {len(y):,}; each example needs its label.",
            "Save both again.",
        )
    lengths = Counter(len(array) for array in arrays.values() if array.ndim)
    if not lengths:
        raise _no_examples(name)
    known = x if x is not None else y
    return lengths.most_common(1)[0][0] if known is None else len(known)


def _columns(key: str, array: NDArray[Any]) -> pd.DataFrame:
    if key == EXAMPLES:
        flat = array if array.ndim == 2 else array[:, np.newaxis]
        return pd.DataFrame(flat, columns=[f"x{i}" for i in range(flat.shape[1])])
    if array.ndim == 1 or array.shape[1] == 1:
        return pd.DataFrame({key: array.reshape(len(array))})
    return pd.DataFrame(array, columns=[f"{key}_{i}" for i in range(array.shape[1])])


def _shape(array: NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape)) or "a single value"

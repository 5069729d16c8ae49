"""NPZ files: ``y`` holds the labels, ``x`` the examples, or an array for each input of the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retrain_core.data.names import refuse_copies
from retrain_core.data.npz_arrays import read_arrays
from retrain_core.errors import FileError
from retrain_core.limits import check_table
from retrain_core.types import Table

Arrays = Mapping[str, NDArray[Any]]
EXAMPLES, LABELS = "x", "y"


def read_npz(path: Path, name: str) -> Table:
    """Return the arrays of a file; those of one or two axes as columns, the labels last.

    ``x`` becomes ``x0``, ``x1`` and so on; another array ``a`` becomes ``a``, or ``a_0``, ``a_1`` and so on.

    Raises:
        FileError: If the file is broken, or its arrays do not belong together.
    """
    arrays, notes = read_arrays(path, name, needed=(EXAMPLES, LABELS))
    rows = _rows(arrays, name)
    for key in [key for key, array in arrays.items() if array.ndim == 0 or len(array) != rows]:
        shape = _shape(arrays.pop(key))
        notes.append(
            f"{name}: the array `{key}` is left out: its shape is {shape}, there are {rows:,} examples."
        )
    if not set(arrays) - {LABELS}:
        raise _no_examples(name)
    ordered = [key for key in arrays if key != LABELS] + [key for key in arrays if key == LABELS]
    check_table(name, columns=sum(_width(arrays[key]) for key in ordered))
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


def _width(array: NDArray[Any]) -> int:
    """Return how many columns an array becomes."""
    return 0 if array.ndim > 2 else int(array.shape[1]) if array.ndim == 2 else 1


def _shape(array: NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape)) or "a single value"

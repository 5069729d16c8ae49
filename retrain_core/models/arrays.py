"""Arrays of one HDF5 file written into another, plainly: contiguous, in this machine's byte order, without filters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import h5py
import numpy as np

from retrain_core.errors import FileError
from retrain_core.models.layers import H5_WEIGHTS
from retrain_core.models.weights import DAMAGE, Weights, blocks, is_bfloat16
from retrain_core.models.wording import SAVE_AGAIN, quoted

TOP_LEVEL = "top_level_model_weights"
MAX_ATTRIBUTE_BYTES = (
    64_512  # what fits into the header of an HDF5 object; Keras splits longer lists in this way
)


def copy_arrays(source: h5py.File, target: h5py.File, paths: Iterable[str]) -> None:
    """Copy the arrays at ``paths``, block by block.

    Raises:
        FileError: If one cannot be read.
        OSError: If it cannot be written.
    """
    for path in paths:
        array = source[path]
        # Its bare type: an HDF5 type may carry a name, a byte order and more.
        plain = np.dtype(array.dtype.newbyteorder("=").str)
        copy = target.create_dataset(path, array.shape, plain)
        if is_bfloat16(array):
            copy.attrs["dtype"] = "bfloat16"
        for block in blocks(array.shape):
            copy[block] = _read(array, block, path).astype(plain, copy=False)


def copy_layers(source: h5py.File, target: h5py.File, weights: Weights, layers: Sequence[str]) -> None:
    """Copy the weights of a ``.h5`` file, which belong to layers by the order of two kinds of lists.

    Args:
        source: The file that was checked.
        target: The new one.
        weights: What was found in the first.
        layers: Names of the layers in the config.

    Raises:
        FileError: If an array cannot be read.
        OSError: If it cannot be written.
    """
    known = {*weights.tensors, *weights.states}
    in_order = [
        name for name in dict.fromkeys(weights.names.get(H5_WEIGHTS, ())) if name in layers
    ]  # as Keras goes by it
    _save_names(target.create_group(H5_WEIGHTS), "layer_names", in_order)
    for layer in (*in_order, TOP_LEVEL):
        group = f"{H5_WEIGHTS}/{layer}"
        listed = [name for name in weights.names.get(group, ()) if f"{group}/{name}" in known]
        _save_names(target.create_group(group), "weight_names", listed)
        copy_arrays(source, target, [f"{group}/{name}" for name in dict.fromkeys(listed)])


def _read(array: Any, block: tuple[int | slice, ...], path: str) -> Any:
    try:
        return np.asarray(array[block])
    except DAMAGE as error:
        raise FileError(
            f"The array {quoted(path)} cannot be read.", "The HDF5 data is damaged.", SAVE_AGAIN
        ) from error


def _save_names(group: h5py.Group, name: str, values: Sequence[str]) -> None:
    """Write a list of names as Keras does: as fixed bytes, in several attributes if one cannot hold it."""
    encoded = np.array([value.encode("utf-8") for value in values], dtype=None if values else "S1")
    parts = 1
    while any(part.nbytes > MAX_ATTRIBUTE_BYTES for part in np.array_split(encoded, parts)):
        parts += 1
    if parts == 1:
        group.attrs[name] = encoded
    for number, part in enumerate(np.array_split(encoded, parts) if parts > 1 else ()):
        group.attrs[f"{name}{number}"] = part

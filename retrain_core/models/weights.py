"""The HDF5 side of a model file: nothing but plain numbers in plain groups, counted and checked for NaN."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import IO, Any

import h5py
import numpy as np

from retrain_core.errors import FileError, ModelError
from retrain_core.models.wording import SAVE_AGAIN, count, megabytes, quoted

MAX_OBJECTS = 200_000
MAX_DEPTH = 64
MAX_BYTES = 4_000_000_000
MAX_RATIO = 100
RATIO_FLOOR_BYTES = 64_000_000
MAX_VALUES_READ = 200_000_000
CHUNK = 4_000_000
# Filters built into HDF5 and h5py; any other number would make HDF5 look for a plugin to run.
FILTERS = frozenset({1, 2, 3, 4, 5, 6, 32000})
# Groups that hold the state of random generators: no weights.
GENERATORS = frozenset({"seed_generator", "generator", "_random_generator", "random_generator"})
DAMAGE = (
    OSError,
    RuntimeError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    OverflowError,
)


@dataclass(frozen=True)
class Tensor:
    """One array of weights, not read yet."""

    path: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@contextmanager
def open_weights(file: IO[bytes]) -> Iterator[h5py.File]:
    """Open an HDF5 file; whatever h5py raises inside the block becomes a FileError.

    Raises:
        FileError: If the file is cut off or damaged.
    """
    try:
        with h5py.File(file, "r") as weights:
            yield weights
    except DAMAGE as error:
        detail = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise FileError(
            "The weights cannot be read.", f"The HDF5 data is cut off or damaged ({detail}).", SAVE_AGAIN
        ) from error


def plain_tensors(weights: h5py.File) -> dict[str, Tensor]:
    """Return every array in the file by its path, having checked that it is stored plainly.

    Raises:
        ModelError: If the file holds links to elsewhere, data kept outside it, loops, or anything but numbers.
    """
    tensors: dict[str, Tensor] = {}
    seen: set[int] = {_address(weights)}
    stack: list[tuple[str, Any]] = [("", weights)]
    total = 0
    while stack:
        prefix, group = stack.pop()
        for name in group:
            path = f"{prefix}{name}"
            item = _hard_linked(group, name, path)
            if _address(item) in seen:
                raise _unexpected(f"{quoted(path)} is linked twice, or contains itself")
            seen.add(_address(item))
            if len(seen) > MAX_OBJECTS or path.count("/") > MAX_DEPTH:
                raise _unexpected(f"it holds more than {MAX_OBJECTS} objects or {MAX_DEPTH} levels")
            if isinstance(item, h5py.Group):
                stack.append((f"{path}/", item))
                continue
            total += _checked_bytes(item, path)
            if total > MAX_BYTES:
                raise _unexpected(f"its arrays declare more than {megabytes(MAX_BYTES)}")
            tensors[path] = Tensor(path, tuple(item.shape), str(item.attrs.get("dtype", item.dtype)))
    return tensors


def _address(item: Any) -> int:
    return int(h5py.h5o.get_info(item.id).addr)


def _hard_linked(group: Any, name: str, path: str) -> Any:
    # The class of the link is asked for first: looking at the object would already follow the link.
    if group.get(name, getclass=True, getlink=True) is not h5py.HardLink:
        raise _unexpected(f"{quoted(path)} is a link to another place or file")
    item = group[name]
    if not isinstance(item, (h5py.Group, h5py.Dataset)):
        raise _unexpected(f"{quoted(path)} is neither a group nor an array")
    return item


def _checked_bytes(dataset: Any, path: str) -> int:
    """Return how many bytes an array declares, having checked how it is stored."""
    plist = dataset.id.get_create_plist()
    if dataset.is_virtual or plist.get_external_count():
        raise _unexpected(f"the values of {quoted(path)} are kept in another file")
    if any(plist.get_filter(i)[0] not in FILTERS for i in range(plist.get_nfilters())):
        raise _unexpected(f"{quoted(path)} is packed with an unknown filter")
    kind, width = dataset.dtype.kind, dataset.dtype.itemsize
    if kind not in "fiub" and not (kind == "V" and width <= 2 and "dtype" in dataset.attrs):
        raise _unexpected(f"{quoted(path)} holds {quoted(dataset.dtype)}, not numbers")
    if dataset.shape is None:
        raise _unexpected(f"{quoted(path)} has no shape")
    declared = prod(dataset.shape) * width
    if declared > RATIO_FLOOR_BYTES and declared > MAX_RATIO * max(1, dataset.id.get_storage_size()):
        raise _unexpected(f"{quoted(path)} declares {megabytes(declared)} and stores next to nothing")
    return int(declared)


def _unexpected(why: str) -> ModelError:
    return ModelError(
        "The weights are not stored as Keras stores them.", f"In the HDF5 data, {why}.", SAVE_AGAIN
    )


def without_generators(tensors: Iterable[Tensor]) -> list[Tensor]:
    """Return the weights among ``tensors``: all but the state of random generators.

    >>> seed = Tensor("layers/dropout/seed_generator/vars/0", (2,), "uint32")
    >>> without_generators([seed])
    []
    """
    return [tensor for tensor in tensors if not GENERATORS & set(tensor.path.split("/"))]


def non_finite(weights: h5py.File, tensors: Iterable[Tensor]) -> tuple[list[str], bool]:
    """Look for NaN and infinity.

    Args:
        weights: The open file.
        tensors: Which arrays to read.

    Returns:
        Paths of the arrays that hold some, and whether everything could be read within the limit.
    """
    budget, found = MAX_VALUES_READ, list[str]()
    for tensor in tensors:
        dataset = weights[tensor.path]
        budget -= tensor.size * dataset.dtype.itemsize
        if budget < 0:
            return found, False
        if dataset.dtype.kind in "fV" and not all(_is_finite(block) for block in _blocks(dataset)):
            found.append(tensor.path)
    return found, True


def _blocks(dataset: Any) -> Iterator[Any]:
    if not dataset.shape or 0 in dataset.shape:
        yield np.asarray(dataset[()])
        return
    rows = max(1, CHUNK // max(1, prod(dataset.shape[1:])))
    for start in range(0, dataset.shape[0], rows):
        yield dataset[start : start + rows]


def _is_finite(block: Any) -> bool:
    if block.dtype.kind == "V":  # bfloat16 comes as raw bytes; all exponent bits set means NaN or infinity
        bits = (
            np.ascontiguousarray(block).view(np.uint16)
            if block.dtype.itemsize == 2
            else np.zeros(1, np.uint16)
        )
        return not bool(np.any((bits & 0x7F80) == 0x7F80))
    return bool(np.isfinite(block).all())


def text_attribute(item: Any, name: str) -> str | None:
    """Return a text attribute of a group, ``None`` if there is none."""
    value = item.attrs.get(name)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return None if value is None else str(value)


def name_list(group: Any, name: str) -> list[str]:
    """Return a list of names from a group's attributes, which Keras splits when it is long."""
    parts = [name] if name in group.attrs else []
    while name not in group.attrs and f"{name}{len(parts)}" in group.attrs:
        parts.append(f"{name}{len(parts)}")
    values = [value for part in parts for value in np.atleast_1d(group.attrs[part])]
    return [value.decode("utf-8") if isinstance(value, bytes) else str(value) for value in values]


def summary(tensors: Iterable[Tensor]) -> str:
    """Return one line about the arrays, for the list of checks."""
    arrays = list(tensors)
    return f"{count(len(arrays), 'array')} of plain numbers, nothing linked or kept elsewhere."

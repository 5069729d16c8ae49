"""The HDF5 side of a model file: plain numbers in plain groups, read once and checked for NaN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import IO, Any

import h5py
import numpy as np

from retrain_core.errors import FileError, ModelError
from retrain_core.models.wording import SAVE_AGAIN, count, megabytes, quoted

MAX_OBJECTS = 100_000
MAX_LEVELS = 64
MAX_BYTES = 4_000_000_000
MAX_RATIO = 100
RATIO_FLOOR_BYTES = 64_000_000
MAX_BYTES_SEARCHED = 400_000_000
CHUNK = 4_000_000
# Filters built into HDF5 and h5py; any other number would make HDF5 look for a plugin to run.
FILTERS = frozenset({1, 2, 3, 4, 5, 6, 32000})
OPTIMIZER_STATE = ("optimizer/", "optimizer_weights/")
GENERATORS = frozenset({"seed_generator", "generator", "_random_generator", "random_generator"})
TEXTS = ("model_config", "training_config", "keras_version")
NAME_LISTS = ("layer_names", "weight_names")
DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class Tensor:
    """One array of weights.

    Args:
        path: Where it is in the file.
        shape: Its axes.
        finite: Whether it is free of NaN and infinity; ``None`` if the file was too large to look.
    """

    path: str
    shape: tuple[int, ...]
    finite: bool | None = True

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)


@dataclass(frozen=True)
class Weights:
    """What an HDF5 file holds.

    Args:
        tensors: The model's weights by path: neither optimiser state nor that of random generators.
        texts: Those of ``TEXTS`` that an ``.h5`` file keeps beside its weights.
        names: Names of layers or weights, in their order, by the path of the group that lists them.
        arrays: How many arrays were checked, optimiser state included.
        states: Paths of the state of random generators and text layers: Keras reads it, and counts it as no weights.
        optimizer: Paths of the optimiser's state in a ``.keras`` file.
    """

    tensors: dict[str, Tensor]
    texts: dict[str, str]
    names: dict[str, list[str]]
    arrays: int
    states: frozenset[str] = frozenset()
    optimizer: frozenset[str] = frozenset()


def read_weights(file: IO[bytes]) -> Weights:
    """Read an HDF5 file, having checked that everything in it is stored plainly.

    Raises:
        FileError: If it is cut off or damaged.
        ModelError: If it holds links to elsewhere, data kept outside it, loops, or anything but numbers.
    """
    try:
        with h5py.File(file, "r") as root:
            return _read(root)
    except DAMAGE as error:
        detail = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise FileError(
            "The weights cannot be read.", f"The HDF5 data is cut off or damaged ({detail}).", SAVE_AGAIN
        ) from error


def _read(root: h5py.File) -> Weights:
    tensors: dict[str, Tensor] = {}
    names = {"": _names(root)}
    seen = {_address(root)}
    stack: list[tuple[str, Any]] = [("", root)]
    states: set[str] = set()
    optimizer: set[str] = set()
    arrays = declared = stored = searched = 0
    while stack:
        prefix, group = stack.pop()
        for name in group:
            path = f"{prefix}{name}"
            item = _hard_linked(group, name, path)
            if _address(item) in seen:
                raise _unexpected(f"{quoted(path)} is linked twice, or contains itself")
            seen.add(_address(item))
            if len(seen) > MAX_OBJECTS or path.count("/") > MAX_LEVELS:
                raise _unexpected(
                    f"there are more than {count(MAX_OBJECTS, 'object')} or {count(MAX_LEVELS, 'level')}"
                )
            if isinstance(item, h5py.Group):
                names[path] = _names(item)
                stack.append((f"{path}/", item))
                continue
            arrays += 1
            size = _checked_bytes(item, path)
            declared, stored = declared + size, stored + item.id.get_storage_size()
            if declared > MAX_BYTES:
                raise _unexpected(f"the arrays declare more than {megabytes(MAX_BYTES)}")
            if path.startswith(OPTIMIZER_STATE):
                optimizer.add(path)
                continue
            if is_state(path):
                states.add(path)
                continue
            searched += size
            finite = _is_finite(item) if searched <= MAX_BYTES_SEARCHED else None
            tensors[path] = Tensor(path, tuple(item.shape), finite)
    if _is_bomb(declared, stored):  # many arrays, each of them small enough
        raise _unexpected(f"the arrays declare {megabytes(declared)} and store next to nothing")
    texts = {name: _text(root.attrs[name]) for name in TEXTS if name in root.attrs}
    return Weights(tensors, texts, names, arrays, frozenset(states), frozenset(optimizer))


def is_state(path: str) -> bool:
    """Whether an array is the state of a random generator or of a text layer: Keras counts neither as weights.

    >>> is_state("layers/dropout/seed_generator/vars/0"), is_state("layers/dense/vars/0")
    (True, False)
    """
    parts = path.split("/")
    return parts[-1] in ("seed_generator_state", "idf_weights") or bool(GENERATORS & set(parts[-3:-2]))


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
    if dataset.dtype.kind not in "fiub" and not is_bfloat16(dataset):
        raise _unexpected(f"{quoted(path)} holds {quoted(dataset.dtype)}, not numbers")
    if dataset.shape is None:
        raise _unexpected(f"{quoted(path)} has no shape")
    declared = int(prod(dataset.shape) * dataset.dtype.itemsize)
    if _is_bomb(declared, dataset.id.get_storage_size()):
        raise _unexpected(f"{quoted(path)} declares {megabytes(declared)} and stores next to nothing")
    return declared


def _is_bomb(declared: int, stored: int) -> bool:
    return declared > RATIO_FLOOR_BYTES and declared > MAX_RATIO * max(1, stored)


def is_bfloat16(dataset: Any) -> bool:
    """Whether these are bfloat16 numbers, which HDF5 does not know and Keras stores as two raw bytes."""
    return dataset.dtype == np.dtype("V2") and _text(dataset.attrs.get("dtype")) == "bfloat16"


def _is_finite(dataset: Any) -> bool:
    if dataset.dtype.kind not in "fV":
        return True
    return all(
        bool(np.isfinite(_as_float(np.asarray(dataset[block]))).all()) for block in blocks(dataset.shape)
    )


def _as_float(block: Any) -> Any:
    """Return numbers as they are, and bfloat16 as the float32 whose upper half it is."""
    if block.dtype.kind != "V":
        return block
    return (np.ascontiguousarray(block).view(np.uint16).astype(np.uint32) << 16).view(np.float32)


def blocks(shape: tuple[int, ...]) -> Iterator[tuple[int | slice, ...]]:
    """Yield the indices of an array in pieces of at most ``CHUNK`` values, so that no array is held as a whole.

    >>> list(blocks((2, 3))), list(blocks(()))
    ([(slice(0, 1333333, None),)], [()])
    """
    if not shape:
        yield ()
    elif 0 in shape:
        return
    elif len(shape) == 1 or prod(shape[1:]) <= CHUNK:
        rows = max(1, CHUNK // max(1, prod(shape[1:])))
        for start in range(0, shape[0], rows):
            yield (slice(start, start + rows),)
    else:
        for row in range(shape[0]):
            for rest in blocks(shape[1:]):
                yield (row, *rest)


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)


def _names(group: Any) -> list[str]:
    """Return the names that a group lists in its attributes; Keras splits a long list over several."""
    attributes = group.attrs
    for name in NAME_LISTS:
        parts = [name] if name in attributes else []
        while name not in attributes and f"{name}{len(parts)}" in attributes:
            parts.append(f"{name}{len(parts)}")
        if parts:
            return [_text(value) for part in parts for value in np.atleast_1d(attributes[part])]
    return []


def _unexpected(why: str) -> ModelError:
    return ModelError(
        "The weights are not stored as Keras stores them.", f"In the HDF5 data, {why}.", SAVE_AGAIN
    )


def weights_summary(weights: Weights) -> str:
    """Return one line about the arrays, for the list of checks."""
    return f"{count(weights.arrays, 'array')} of plain numbers, nothing linked or kept elsewhere."

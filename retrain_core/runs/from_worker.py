"""Reading what a worker has left in its run folder, whatever that is.

A worker runs a model that somebody uploaded, so its folder is not trusted: a link, a pipe or ten gigabytes where a result
should be costs that run, with one clear error, and nothing else. Nothing here is followed, waited for or unpickled.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrain_core.errors import StoreError
from retrain_core.files import put_in_place, temporary_of
from retrain_core.types import from_json

MOST_JSON = 256 * 1024**2  # a report on ten thousand columns has some ten megabytes
MOST_SENSITIVITY = 16 * 1024**2  # one on ten thousand columns has half of it
MOST_RESULT = 1024**2  # a result has a kilobyte or two
MOST_EVENTS = 64 * 1024**2  # three days of training have some twenty megabytes
MOST_LOG = 4 * 1024**2
MOST_MODEL = 8 * 1024**3
MOST_MEMBERS = 64
T = TypeVar("T")
AGAIN = "Start the run again in a new experiment."
MEASURE_AGAIN = "Measure it again on the Shift or the Diagnosis page."


@contextlib.contextmanager
def opened(path: Path, most: int) -> Iterator[BinaryIO]:
    """Open a plain file of at most so many bytes.

    Raises:
        StoreError: If it is something else, or larger.
        OSError: If it is not there, or cannot be read.
    """
    flags = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
    if path.is_symlink():
        raise _unreadable(path, "It is a link, not a plain file.")
    handle = os.open(path, os.O_RDONLY | flags)
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise _unreadable(path, "It is not a plain file.")
    with os.fdopen(handle, "rb") as file:
        if found.st_size > most:
            raise _unreadable(path, f"It has {found.st_size:,} bytes; at most {most:,} are read.")
        yield file


def read_plain(path: Path, most: int = MOST_JSON) -> bytes:
    """Return what a plain file of at most ``most`` bytes holds.

    Raises:
        StoreError: If it is something else, or larger.
        OSError: If it is not there, or cannot be read.
    """
    with opened(path, most) as file:
        return file.read(most)


def read_found(path: Path, kind: type[T], most: int = MOST_JSON) -> T:
    """Return what a worker has found, from JSON of at most ``most`` bytes.

    Raises:
        StoreError: If it cannot be read.
    """
    try:
        return from_json(read_plain(path, most), kind)
    except StoreError as error:
        why = error.why
    except OSError as error:
        why = f"{error.strerror or type(error).__name__}."
    except (ValueError, RecursionError) as error:
        why = f"{error}."
    raise _unreadable(path, why, MEASURE_AGAIN)


def read_begin(path: Path, most: int) -> bytes:
    """Return the first bytes of a plain file, however large it is; none if it is not there or no plain file."""
    with contextlib.suppress(OSError, StoreError), opened(path, 1 << 62) as file:
        return file.read(most)
    return b""


def copy_plain(source: Path, target: Path) -> None:
    """Copy a model, which is a plain file; the copy is there whole or not at all.

    Raises:
        StoreError: If it is something else.
        OSError: If it is not there, or cannot be copied.
    """
    temporary = temporary_of(target)
    with opened(source, MOST_MODEL) as file:
        try:
            with temporary.open("wb") as copy:
                shutil.copyfileobj(file, copy)
            put_in_place(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


def read_array(path: Path, most: int) -> NDArray[Any]:
    """Return the array of a ``.npy`` file of at most ``most`` bytes.

    Raises:
        StoreError: If it is something else.
        OSError: If it is not there, or cannot be read.
    """
    content = read_plain(path, most)
    try:
        _check_header(io.BytesIO(content), len(content))
        found: NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise _unreadable(path, f"{error}.") from error
    return found


def read_arrays(path: Path, most: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of an ``.npz`` file of at most ``most`` bytes, none of them packed.

    Raises:
        StoreError: If it is something else.
        OSError: If it is not there, or cannot be read.
    """
    content = io.BytesIO(read_plain(path, most))
    try:
        with zipfile.ZipFile(content) as archive:
            members = archive.infolist()
            if len(members) > MOST_MEMBERS:
                raise ValueError(f"it has {len(members):,} members")
            for member in members:
                if member.compress_type != zipfile.ZIP_STORED or member.file_size > most:
                    raise ValueError(f"'{member.filename[:50]}' is packed")
                with archive.open(member) as file:
                    _check_header(file, member.file_size)
        content.seek(0)
        with np.load(content, allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise _unreadable(path, f"{error}.") from error


def _check_header(file: Any, size: int) -> None:
    """Raise ``ValueError`` if an array says that it is larger than its file, before room is made for it."""
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read:
        raise ValueError("it is in another format")
    shape, _, dtype = read[version](file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize > size:
        raise ValueError("an array is not what its header says")


def _unreadable(path: Path, why: str, next_step: str = AGAIN) -> StoreError:
    return StoreError(f"{path.name} of '{path.parent.name}' cannot be read.", why, next_step)

"""The arrays of an NPZ file: what each declares is checked against its bytes before memory is given to it."""

from __future__ import annotations

import lzma
import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from retrain_core.data.limits import refuse_too_large
from retrain_core.data.names import refuse_copies
from retrain_core.errors import FileError

MOST_ARRAYS = 1000
BROKEN = (
    ValueError, TypeError, KeyError, OSError, EOFError, RuntimeError, OverflowError,
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, SyntaxError, RecursionError,
)  # fmt: skip
SAVE_AGAIN = "Save plain arrays `x` and `y` again."


def read_arrays(path: Path, name: str, needed: Collection[str]) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return every array that can be used, and which were left out; nothing is unpickled.

    Args:
        path: The file.
        name: What its owner calls it.
        needed: Arrays that may not be left out.

    Raises:
        FileError: If the file or an array is broken, larger than memory, or a needed one cannot be used.
    """
    arrays: dict[str, NDArray[Any]] = {}
    notes: list[str] = []
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            refuse_copies([member.filename for member in members], name)
            if len(members) > MOST_ARRAYS:
                why = f"It takes one for each input of the model, {MOST_ARRAYS:,} at most."
                raise FileError(f"{name} has {len(members):,} arrays.", why, SAVE_AGAIN)
            refuse_too_large(sum(member.file_size for member in members), name)
            for member in members:
                key = member.filename.removesuffix(".npy")
                if unusable := _unusable(archive, member, key, name):
                    if key in needed:
                        raise FileError(
                            f"{name}: the array `{key}` cannot be used.", f"It holds {unusable}.", SAVE_AGAIN
                        )
                    notes.append(f"{name}: the array `{key}` is left out: it holds {unusable}.")
                    continue
                with archive.open(member) as file:
                    arrays[key] = npy.read_array(file, allow_pickle=False)
    except BROKEN as error:
        why = "An array in it is cut short, encrypted or damaged."
        raise FileError(f"{name} cannot be read as NPZ.", why, SAVE_AGAIN) from error
    return arrays, notes


def _unusable(archive: zipfile.ZipFile, member: zipfile.ZipInfo, key: str, name: str) -> str | None:
    """Return what an array holds that cannot be used, and refuse one whose bytes are not what it declares."""
    with archive.open(member) as file:
        version = npy.read_magic(file)
        read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
        if read_header is None:  # 3.0 is for records with names that are not Latin
            return "records"
        shape, _, dtype = read_header(file)
        held = member.file_size - file.tell()
    if dtype.hasobject:
        return "Python objects, which are not opened"
    if dtype.kind == "V":
        return "records"
    declared = math.prod(shape) * dtype.itemsize
    if declared != held or min(shape, default=1) < 0:
        raise FileError(
            f"{name}: the array `{key}` is broken.",
            f"It declares {declared:,} bytes of values (shape {' x '.join(map(str, shape))}) and holds {held:,}.",
            SAVE_AGAIN,
        )
    # Rows without values take no memory, however many they are.
    if 0 in shape[1:] or not dtype.itemsize:
        return "no values"
    return None

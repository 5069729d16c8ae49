"""What a run needs to go on after it was cut off: plain arrays and JSON in its folder, each file whole or not there.

checkpoint/fit-0.npz    how the first fit of the run ended
checkpoint/now.npz      where the fit was that is under way
checkpoint/resumed      a byte for each time the run was taken up again
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.files import flush_folder

FOLDER = "checkpoint"
FORM = 1  # of these files; others are passed over
NOW, ENDED, COUNT = "now.npz", "fit-{}.npz", "resumed"
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Moment:
    """Where a run was.

    Args:
        fit: Number of the fit within the run, from 0.
        ended: Whether that fit had ended.
        values: Plain values; numbers may be infinite, integers of any size.
        arrays: Arrays of numbers by name.
    """

    fit: int
    ended: bool
    values: Mapping[str, Any]
    arrays: Mapping[str, Sequence[NDArray[Any]]]


def identity_of(parts: Sequence[bytes]) -> str:
    """Return what tells one run from another: its checkpoints are of no use to it if any of ``parts`` differs."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def write(run: Path, identity: str, moment: Moment) -> None:
    """Write a moment in the place of the one before it, which stays until the new one is whole and on the disk.

    Raises:
        OSError: If it cannot be written; the one before it is still there.
    """
    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    head = {
        "form": FORM,
        "identity": identity,
        "fit": moment.fit,
        "ended": moment.ended,
        "values": moment.values,
        "counts": {name: len(arrays) for name, arrays in moment.arrays.items()},
    }
    arrays = {f"{name}.{i}": array for name, some in moment.arrays.items() for i, array in enumerate(some)}
    temporary = (
        folder / ".writing"
    )  # one name, so that a worker that is killed here leaves one such file at most
    try:
        with temporary.open("wb") as file:
            encoded = np.frombuffer(json.dumps(head).encode(), np.uint8)
            np.savez(file, allow_pickle=False, head=encoded, **arrays)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:  # on a full disk it would take the room that the result needs
        temporary.unlink(missing_ok=True)
        raise
    temporary.replace(folder / (ENDED.format(moment.fit) if moment.ended else NOW))
    flush_folder(folder)


def read(run: Path, identity: str) -> tuple[list[Moment], str]:
    """Return the moments of a run in their order, and why some were passed over; empty if none were.

    These are the ends of its first fits, and where the next one was, if that is known.
    """
    folder = run / FOLDER
    moments: list[Moment] = []
    why = ""
    try:
        while (path := folder / ENDED.format(len(moments))).is_file():
            moments.append(_read(path, identity))
        if (folder / NOW).is_file():
            now = _read(folder / NOW, identity)
            if now.fit == len(moments):  # else it is of a fit that has ended since
                moments.append(now)
    except Foreign:
        return [], "It is of another question, version or device."
    except UNREADABLE as error:
        why = f"It is damaged ({type(error).__name__})."
    return moments, why


def newest(run: Path) -> float | None:
    """Return when the newest checkpoint of a run was written, in seconds since 1970; ``None`` if there is none."""
    try:
        return max((path.stat().st_mtime for path in (run / FOLDER).glob("*.npz")), default=None)
    except OSError:
        return None


def count_resumption(run: Path) -> int:
    """Note that a run is taken up again; return how often it has been."""
    with (run / FOLDER / COUNT).open("ab") as file:
        file.write(b".")
        return file.tell()


def remove(run: Path) -> None:
    """Remove the checkpoints of a run."""
    shutil.rmtree(run / FOLDER, ignore_errors=True)


class Foreign(Exception):
    """A checkpoint that belongs to something else."""


def _read(path: Path, identity: str) -> Moment:
    with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
        head = json.loads(file["head"].tobytes())
        if head["form"] != FORM or head["identity"] != identity:
            raise Foreign
        arrays = {
            name: [file[f"{name}.{number}"] for number in range(count)]
            for name, count in head["counts"].items()
        }
    return Moment(int(head["fit"]), bool(head["ended"]), head["values"], arrays)

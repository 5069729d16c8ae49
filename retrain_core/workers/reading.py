"""The process that reads one model file, which somebody unknown may have made.

Usage: ``reading FILE NAME FOLDER MEMORY REBUILD``: the file, its name for messages, the only folder that may be written, the
memory that may be taken in bytes, and ``1`` to write the file anew into the folder. It answers with a ``Reply`` on
standard output.

HDF5 and zip files are read by code in C, so this process locks itself in before it loads that code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from retrain_core.errors import ModelError, RetrainError, UnreadError
from retrain_core.models.reply import Refusal, Reply, not_read, too_much_memory, unreadable
from retrain_core.sandbox import lock_in
from retrain_core.sandbox.least import require
from retrain_core.types.text import to_json
from retrain_core.workers.ties import die_with_parent

if TYPE_CHECKING:
    from retrain_core.types import Locked

LARGEST_FILE = 5_000_000_000
MOST_FILES = 64


def lock(folder: Path, file: Path, memory: int) -> Locked:
    """Leave this process what it needs, for good: the file to read, the folder to write, and some memory.

    Returns:
        What holds of the sandbox.
    """
    locked = lock_in(write=folder, read=[file])
    if sys.platform == "win32":
        return locked
    import resource

    limits = [(resource.RLIMIT_FSIZE, LARGEST_FILE), (resource.RLIMIT_NOFILE, MOST_FILES)]
    if (
        sys.platform == "linux"
    ):  # elsewhere it leaves out what is mapped; who started this process watches too
        limits.append((resource.RLIMIT_DATA, memory))
    for limit, most in limits:
        hard = resource.getrlimit(limit)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (least, least))
    return locked


def read(
    file: Path, name: str, folder: Path, memory: int, *, rebuild: bool, locked: Locked | None = None
) -> Reply:
    """Check the file and, if asked, write it anew into ``folder``; every error is told, none is raised.

    Args:
        file: The file.
        name: Its name, for messages.
        folder: Where it is written anew.
        memory: How much may be taken, in bytes.
        rebuild: Whether it is written anew.
        locked: What holds of the sandbox; ``None`` in the very process that asks.
    """
    try:
        if locked is not None:
            require(locked, UnreadError, not_read(name))
        from retrain_core.models.card import open_checked
        from retrain_core.models.rebuild import rebuild as write_anew

        with open_checked(file, name) as checked:
            if rebuild:
                write_anew(checked, folder)
            return Reply(checked.card)
    except RetrainError as error:
        return Reply(refusal=Refusal.of(error))
    except MemoryError:
        return Reply(refusal=Refusal.of(too_much_memory(name, memory)))
    except Exception as error:
        why = f"It is not as Keras writes it ({type(error).__name__})."
        return Reply(refusal=Refusal.of(unreadable(name, why, ModelError)))


def main(file: str, name: str, folder: str, memory: str, rebuild: str) -> None:
    """Answer on standard output, which nothing else can write to."""
    answer = os.dup(1)
    os.dup2(2, 1)
    locked = lock(Path(folder), Path(file), int(memory))
    reply = read(Path(file), name, Path(folder), int(memory), rebuild=rebuild == "1", locked=locked)
    with os.fdopen(answer, "wb") as out:
        out.write(to_json(reply))


if __name__ == "__main__":
    die_with_parent()
    main(*sys.argv[1:])

"""Reading and writing the small files of a store, with errors for people."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from retrain_core.errors import FileError, StoreError
from retrain_core.runs.from_worker import MOST_JSON, read_plain
from retrain_core.types import from_json

T = TypeVar("T")


def read_json(
    path: Path, kind: type[T], renew: Callable[[bytes], bytes] = bytes, *, most: int = MOST_JSON
) -> T:
    """Return what a file of the store holds, which ``renew`` brings into today's form; at most so many bytes.

    Raises:
        StoreError: If it cannot be read.
    """
    try:
        return from_json(renew(read_plain(path, most)), kind)
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreError(
            f"{path.name} of '{path.parent.name}' cannot be read.",
            f"{reason}.",
            "Start again in a new experiment.",
        ) from error


@contextlib.contextmanager
def told(what: str, next_step: str = "Free some room, then try again.") -> Iterator[None]:
    """Tell what could not be done where the disk is full, read-only or fails.

    Args:
        what: What cannot be written.
        next_step: What to do about it.

    Raises:
        StoreError: In the place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(what, f"{error.strerror or type(error).__name__}.", next_step) from error


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file that somebody brought.

    Raises:
        FileError: If it cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError(f"{path.name} cannot be read.", f"{error.strerror}.", "Check the path.") from error
    with file:
        yield file

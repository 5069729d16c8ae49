"""How much memory a data file may take; what it may hold by rows and columns are settings, in ``retrain_core.limits``."""

from __future__ import annotations

from retrain_core.errors import FileError
from retrain_core.machine import available_memory_mb

MEMORY_SHARE = 0.5  # of the memory left, that one file may take: it is copied at least once on its way
MEGABYTE = 1024**2


def refuse_too_large(needed: int, file: str) -> None:
    """Raise ``FileError`` if a file needs more memory, in bytes, than can be given to it."""
    room = MEMORY_SHARE * available_memory_mb()
    if needed / MEGABYTE > room:
        raise too_large(
            file, f"Its values take {needed / MEGABYTE:,.0f} MB; {room:,.0f} MB can be given to it."
        )


def too_large(file: str, why: str = "Its values take more memory than there is.") -> FileError:
    """Return the error that a file does not fit into memory."""
    return FileError(f"{file} is too large.", why, "Choose fewer rows or columns.")

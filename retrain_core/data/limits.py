"""How large a data file may be; each limit has a setting, an environment variable."""

from __future__ import annotations

import os

from retrain_core.errors import FileError
from retrain_core.machine import available_memory_mb

MOST = {  # what, the setting, and what holds without it
    "columns": ("RETRAIN_MOST_COLUMNS", 100_000),
    "rows": ("RETRAIN_MOST_ROWS", 100_000_000),
}
MEMORY_SHARE = 0.5  # of the memory left, that one file may take: it is copied at least once on its way
MEGABYTE = 1024**2


def refuse_too_many(what: str, count: int, file: str) -> None:
    """Raise ``FileError`` if a file has too many ``columns`` or ``rows``."""
    setting, usual = MOST[what]
    most = int(os.environ.get(setting) or usual)
    if count > most:
        raise FileError(
            f"{file} has {count:,} {what}.",
            f"This installation takes up to {most:,}.",
            f"Choose fewer, or raise the setting {setting}.",
        )


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

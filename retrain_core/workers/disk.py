"""What is said where a worker cannot write because the disk is full; Keras and HDF5 do not always say so themselves."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

FULL = "The disk is full. Free some room, then start it again in a new experiment."
NOTHING_LEFT = 1024**2  # bytes; no model fits into that


def is_full(folder: Path, error: Exception | None = None) -> bool:
    """Return whether ``error``, or the end of a worker, comes of a full disk."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    try:
        return shutil.disk_usage(folder).free < NOTHING_LEFT
    except OSError:
        return False

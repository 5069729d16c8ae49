"""What a store takes on disk, and what is left there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

ROOM_BYTES = 200 * 1024**2  # with less left, models and results may not be written


def free(root: Path) -> int:
    """Return how many bytes can still be written."""
    return shutil.disk_usage(root).free


def taken(root: Path) -> int:
    """Return the bytes that a folder and all in it take on disk; a file with several names counts once."""
    found: dict[tuple[int, int], int] = {}
    for status in _statuses(root):
        # Windows does not count blocks.
        found[status.st_dev, status.st_ino] = getattr(status, "st_blocks", -(-status.st_size // 512)) * 512
    return sum(found.values())


def _statuses(folder: Path | str) -> Iterator[os.stat_result]:
    to_do = [str(folder)]  # no recursion: a worker may have made a deep tree
    while to_do:
        with contextlib.suppress(OSError), os.scandir(to_do.pop()) as entries:  # it may be removed meanwhile
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        to_do.append(entry.path)
                    yield os.stat(entry.path, follow_symlinks=False)

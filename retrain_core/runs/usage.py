"""What a store takes on disk, and what is left there."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from retrain_core import limits
from retrain_core.errors import StoreError

KEPT_SECONDS = 30.0  # to measure a large store takes seconds
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


class Room:
    """Whether a store may still be written to, by what it took when that was last measured.

    Args:
        root: Its folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._measuring = threading.Lock()
        self._taken, self._until = 0, 0.0

    def check(self) -> None:
        """Refuse to write more than the store may hold; who has just made room is not refused by what was before.

        Raises:
            StoreError: If it holds as much as it may.
        """
        with self._measuring:  # whoever asks meanwhile is answered by the same measurement
            if time.monotonic() < self._until:
                with contextlib.suppress(StoreError):
                    return limits.check_disk(self._taken)
            self._taken, self._until = taken(self._root), time.monotonic() + KEPT_SECONDS
        limits.check_disk(self._taken)

    def add(self, size: int) -> None:
        """Count what was written since."""
        with self._measuring:
            self._taken += size

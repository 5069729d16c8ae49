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

KEPT_SECONDS = 30.0  # to measure a large store takes seconds
FULL_SECONDS = 2.0  # the same of one that is full: somebody may be making room
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


def takes_more(root: Path, most: int) -> bool:
    """Return whether a folder and all in it take more bytes than ``most``; stops counting where that is clear.

    Each file and folder counts as one block at least, so that a great many empty ones are too many as well.
    """
    sizes = (max(4096, status.st_size) for status in _statuses(root))
    total = 0
    return any((total := total + size) > most for size in sizes)


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
        """Refuse to write more than the store may hold; who has made room is not refused for long by what was before.

        Raises:
            StoreError: If it holds as much as it may.
        """
        with self._measuring:  # whoever asks meanwhile is answered by the same measurement
            if time.monotonic() >= self._until:
                self._taken = taken(self._root)
                self._until = time.monotonic() + FULL_SECONDS
                limits.check_disk(self._taken)
                self._until += KEPT_SECONDS - FULL_SECONDS
        limits.check_disk(self._taken)

    def add(self, size: int) -> None:
        """Count what was written since."""
        with self._measuring:
            self._taken += size
            if self._taken >= limits.MOST_DISK_GB.value * limits.GB:
                self._until = 0.0  # by what was counted it is full, so it is measured again

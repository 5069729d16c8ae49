"""One runner a store: a lock that ends with the process that holds it, on every platform."""

from __future__ import annotations

import sqlite3
from pathlib import Path


class RunnerLock:
    """An exclusive lock on a file, kept by SQLite, which does it the same way on every system.

    Args:
        root: The store's folder.
        patience: Seconds to wait for the lock; whoever only asks whether a runner is alive holds it for a moment.
    """

    def __init__(self, root: Path, patience: float = 0.0) -> None:
        self._db = sqlite3.connect(root / "runner.lock", timeout=patience, isolation_level=None)

    def acquire(self) -> bool:
        """Take the lock if nobody has it or gives it back in time."""
        try:
            self._db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._db.close()


def runner_is_alive(root: Path) -> bool:
    """Whether a runner holds the lock of the store in ``root``.

    A read is refused while the lock is held, and needs it no longer than the read lasts.
    """
    db = sqlite3.connect(root / "runner.lock", timeout=0, isolation_level=None)
    try:
        db.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError:
        return True
    else:
        return False
    finally:
        db.close()

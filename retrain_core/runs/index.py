"""The index: status of every run in SQLite. Only the runner writes it; anybody may read it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrain_core.types import RunStatus

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS experiments (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, error TEXT, submitted REAL NOT NULL);
CREATE TABLE IF NOT EXISTS runs (
    experiment TEXT NOT NULL, id TEXT NOT NULL, device TEXT NOT NULL, status TEXT NOT NULL,
    position INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    started REAL, finished REAL, error TEXT, PRIMARY KEY (experiment, id));
"""


@dataclass(frozen=True)
class IndexRow:
    """What the index says about one run or rehearsal.

    ``device`` is what was asked for while it is queued, and where it runs once it has started.
    """

    experiment: str
    id: str
    device: str
    status: RunStatus
    position: int
    attempts: int
    started: float | None
    finished: float | None
    error: str | None


class Index:
    """The runner's handle on the index.

    Args:
        path: The database file, made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)
        self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def set_experiment(self, id: str, status: str, error: str | None = None) -> None:
        """Write the status of an experiment: ``preparing``, ``ready`` or ``failed``."""
        self._db.execute(
            "INSERT INTO experiments VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET status = excluded.status, error = excluded.error",
            (id, status, error, time.time()),
        )

    def add_run(self, experiment: str, id: str, device: str, *, again: bool = False) -> None:
        """Put a run at the end of the queue, unless it is known already; ``again``, if it has ended too."""
        changes = "status = 'queued', attempts = 0, started = NULL, finished = NULL, error = NULL"
        self._db.execute(
            "INSERT INTO runs (experiment, id, device, status, position) "
            "VALUES (?, ?, ?, 'queued', (SELECT COALESCE(MAX(position), 0) + 1 FROM runs)) "
            f"ON CONFLICT (experiment, id) DO UPDATE SET device = excluded.device, position = excluded.position, {changes} "
            "WHERE ? AND runs.status NOT IN ('queued', 'running')",
            (experiment, id, device, again),
        )

    def forget(self, experiment: str, id: str) -> None:
        """Take out work beside the runs whose folder was removed."""
        self._db.execute("DELETE FROM runs WHERE experiment = ? AND id = ?", (experiment, id))

    def forget_ended(self, experiment: str, id: str) -> None:
        """Take out what ended, as it is to be done again; what waits or is at work is left alone."""
        self._db.execute(
            "DELETE FROM runs WHERE experiment = ? AND id = ? AND status NOT IN ('queued', 'running')",
            (experiment, id),
        )

    def start(self, row: IndexRow, device: str) -> None:
        """Note that a run has started, and where."""
        self._db.execute(
            "UPDATE runs SET status = 'running', device = ?, started = ?, attempts = attempts + 1 "
            "WHERE experiment = ? AND id = ?",
            (device, time.time(), row.experiment, row.id),
        )

    def requeue(self, row: IndexRow, device: str, attempts: int | None = None) -> None:
        """Put a run that was cut off back into its place, for the device that was asked for.

        Args:
            row: The run.
            device: What was asked for.
            attempts: How many attempts count from now on; as many as there were if it is left out.
        """
        self._db.execute(
            "UPDATE runs SET status = 'queued', device = ?, started = NULL, attempts = COALESCE(?, attempts) "
            "WHERE experiment = ? AND id = ?",
            (device, attempts, row.experiment, row.id),
        )

    def end(self, experiment: str, id: str, status: RunStatus, error: str | None) -> None:
        """Note how a run ended."""
        self._db.execute(
            "UPDATE runs SET status = ?, finished = ?, error = ? WHERE experiment = ? AND id = ?",
            (status, time.time(), error, experiment, id),
        )

    def rows(self, status: RunStatus) -> list[IndexRow]:
        """Return the runs with this status, first come first."""
        return _rows(self._db, "WHERE status = ? ORDER BY position", (status,))

    def preparing(self) -> list[tuple[str, str | None]]:
        """Return the experiments whose preparation was not finished, each with the note it was begun with."""
        return list(self._db.execute("SELECT id, error FROM experiments WHERE status = 'preparing'"))


def read_runs(path: Path, experiment: str) -> tuple[list[IndexRow], dict[str, int]]:
    """Return the runs of one experiment, and how many runs wait before each queued one."""
    with _reader(path) as db:
        if db is None:
            return [], {}
        mine = _rows(db, "WHERE experiment = ? ORDER BY position", (experiment,))
        waiting = {
            row.id: db.execute(
                "SELECT COUNT(*) FROM runs WHERE status = 'queued' AND position < ?", (row.position,)
            ).fetchone()[0]
            for row in mine
            if row.status == "queued"
        }
        return mine, waiting


def read_experiment(path: Path, id: str) -> tuple[str, str | None] | None:
    """Return status and error of one experiment, or ``None`` if the runner has not met it."""
    with _reader(path) as db:
        row = (
            None
            if db is None
            else db.execute("SELECT status, error FROM experiments WHERE id = ?", (id,)).fetchone()
        )
        return None if row is None else (row[0], row[1])


@contextlib.contextmanager
def _reader(path: Path) -> Iterator[sqlite3.Connection | None]:
    if not path.is_file():
        yield None
        return
    db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        yield db if version == SCHEMA_VERSION else None
    finally:
        db.close()


def _rows(db: sqlite3.Connection, where: str, values: tuple[str, ...]) -> list[IndexRow]:
    columns = "experiment, id, device, status, position, attempts, started, finished, error"
    return [IndexRow(*row) for row in db.execute(f"SELECT {columns} FROM runs {where}", values)]

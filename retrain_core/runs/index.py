"""The index: status of every run in SQLite. Only the runner writes it; anybody may read it."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrain_core.errors import StoreError
from retrain_core.runs.migrations import OLDEST_READABLE, migrate, version_of
from retrain_core.runs.placement import MEASURE
from retrain_core.runs.turns import in_turn, lane_of
from retrain_core.types import RunStatus

REBUILD = "python -m retrain_core runner --store FOLDER --rebuild"

# What a writer waits out: a full disk, until somebody frees some room, and another process that holds the file.
WAITED_OUT = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
WAIT_SECONDS = 1.0


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

    Raises:
        StoreError: If it is newer than this program, or cannot be written.
        sqlite3.DatabaseError: If it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        try:
            version_of(self._db)  # before anything is changed: a newer one is left as it is
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(
                "PRAGMA synchronous=FULL"
            )  # what was said to have ended has ended, whatever happens
            if self._db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("a page of it is damaged")
            migrate(self._db)
            self._db.execute("SELECT 1 FROM runs, experiments LIMIT 0")
        except sqlite3.OperationalError as error:
            self._db.close()
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # its tables are not those of its version
                raise sqlite3.DatabaseError(str(error)) from error
            raise _cannot_write(error) from error
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def _write(self, sql: str, values: tuple[object, ...]) -> None:
        """Change the index; while the disk is full wait, so that nothing is lost that has happened meanwhile."""
        told = False
        while True:
            try:
                self._db.execute(sql, values)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in WAITED_OUT:
                    raise _cannot_write(error) from error
                if not told:
                    print(f"The index waits to be written: {error}.", file=sys.stderr, flush=True)
                told = True
                time.sleep(WAIT_SECONDS)
            else:
                return

    def set_experiment(self, id: str, status: str, error: str | None = None) -> None:
        """Write the status of an experiment: ``preparing``, ``ready`` or ``failed``."""
        self._write(
            "INSERT INTO experiments VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET status = excluded.status, error = excluded.error",
            (id, status, error, time.time()),
        )

    def add_run(self, experiment: str, id: str, device: str, *, again: bool = False) -> None:
        """Put a run at the end of the queue, unless it is known already; ``again``, if it has ended too."""
        changes = "status = 'queued', attempts = 0, started = NULL, finished = NULL, error = NULL, used = 0, cut_off = 0"
        self._write(
            "INSERT INTO runs (experiment, id, device, status, position) "
            "VALUES (?, ?, ?, 'queued', (SELECT COALESCE(MAX(position), 0) + 1 FROM runs)) "
            f"ON CONFLICT (experiment, id) DO UPDATE SET device = excluded.device, position = excluded.position, {changes} "
            "WHERE ? AND runs.status NOT IN ('queued', 'running')",
            (experiment, id, device, again),
        )

    def add_ended(self, row: IndexRow) -> None:
        """Note a run that ended before this index was made, unless it is known."""
        self._write(
            "INSERT OR IGNORE INTO runs (experiment, id, device, status, position, attempts, started, finished, error) "
            "VALUES (?, ?, ?, ?, (SELECT COALESCE(MAX(position), 0) + 1 FROM runs), ?, ?, ?, ?)",
            (
                row.experiment,
                row.id,
                row.device,
                row.status,
                row.attempts,
                row.started,
                row.finished,
                row.error,
            ),
        )

    def experiments(self) -> set[str]:
        """Return the experiments that it knows."""
        return {
            id for (id,) in self._db.execute("SELECT id FROM experiments UNION SELECT experiment FROM runs")
        }

    def known(self, experiment: str) -> set[str]:
        """Return the runs of an experiment that it knows, those beside them too."""
        return {id for (id,) in self._db.execute("SELECT id FROM runs WHERE experiment = ?", (experiment,))}

    def forget_experiment(self, id: str) -> None:
        """Take out an experiment that is gone for good, and its runs."""
        self._write("DELETE FROM runs WHERE experiment = ?", (id,))
        self._write("DELETE FROM experiments WHERE id = ?", (id,))

    def forget(self, experiment: str, id: str) -> None:
        """Take out work beside the runs whose folder was removed."""
        self._write("DELETE FROM runs WHERE experiment = ? AND id = ?", (experiment, id))

    def forget_ended(self, experiment: str, id: str) -> None:
        """Take out what ended, as it is to be done again; what waits or is at work is left alone."""
        self._write(
            "DELETE FROM runs WHERE experiment = ? AND id = ? AND status NOT IN ('queued', 'running')",
            (experiment, id),
        )

    def start(self, row: IndexRow, device: str, asked: bytes | None = None) -> None:
        """Note that a run has started, where, and ``asked``, its ``run.json`` as it was before its worker could write it."""
        self._write(
            "UPDATE runs SET status = 'running', device = ?, started = ?, attempts = attempts + 1, asked = ? "
            "WHERE experiment = ? AND id = ?",
            (device, time.time(), asked, row.experiment, row.id),
        )

    def asked(self, row: IndexRow) -> bytes | None:
        """Return ``run.json`` as it was when a run was last started; ``None`` if it was not, or by an earlier version."""
        found = self._of(row, "asked")
        return None if found is None else bytes(found)

    def used(self, row: IndexRow) -> float:
        """Return the seconds that a run has been at work, all attempts together, by the runner's own clock."""
        return float(self._of(row, "used") or 0.0)

    def set_used(self, row: IndexRow, seconds: float) -> None:
        """Note how long a run has been at work: a limit on its time holds for all attempts together."""
        self._write(
            "UPDATE runs SET used = ? WHERE experiment = ? AND id = ?", (seconds, row.experiment, row.id)
        )

    def _of(self, row: IndexRow, column: str) -> Any:
        sql = f"SELECT {column} FROM runs WHERE experiment = ? AND id = ?"
        found = self._db.execute(sql, (row.experiment, row.id)).fetchone()
        return found and found[0]

    def count_cut_off(self, row: IndexRow, *, anew: bool) -> int:
        """Count that the runner was killed while a run was at work, ``anew`` if it had got further; return how often it was."""
        count = 1 if anew else self._of(row, "cut_off") + 1
        self._write(
            "UPDATE runs SET cut_off = ? WHERE experiment = ? AND id = ?", (count, row.experiment, row.id)
        )
        return int(count)

    def requeue(self, row: IndexRow, device: str, attempts: int | None = None) -> None:
        """Put a run that was cut off back into its place, for the device that was asked for.

        Args:
            row: The run.
            device: What was asked for.
            attempts: How many attempts count from now on; as many as there were if it is left out.
        """
        self._write(
            "UPDATE runs SET status = 'queued', device = ?, started = NULL, attempts = COALESCE(?, attempts) "
            "WHERE experiment = ? AND id = ?",
            (device, attempts, row.experiment, row.id),
        )

    def end(self, experiment: str, id: str, status: RunStatus, error: str | None) -> None:
        """Note how a run ended."""
        self._write(
            "UPDATE runs SET status = ?, finished = ?, error = ? WHERE experiment = ? AND id = ?",
            (status, time.time(), error, experiment, id),
        )

    def rows(self, status: RunStatus) -> list[IndexRow]:
        """Return the runs with this status, first come first."""
        return _rows(self._db, "WHERE status = ? ORDER BY position", (status,))

    def queue(self) -> list[IndexRow]:
        """Return what waits, in the order to start it."""
        return _queue(self._db)

    def preparing(self) -> list[tuple[str, str | None]]:
        """Return the experiments whose preparation was not finished, each with the note it was begun with."""
        return list(self._db.execute("SELECT id, error FROM experiments WHERE status = 'preparing'"))


def read_runs(path: Path, experiment: str) -> tuple[list[IndexRow], dict[str, int]]:
    """Return the runs of one experiment, and how many runs start before each queued one as it stands."""
    with _reader(path) as db:
        if db is None:
            return [], {}
        mine = _rows(db, "WHERE experiment = ? ORDER BY position", (experiment,))
        waiting: dict[str, int] = {}
        if any(row.status == "queued" for row in mine):
            before = {True: 0, False: 0}  # measuring, and all else
            for row in _queue(db):
                if row.experiment == experiment:
                    waiting[row.id] = before[lane_of(row)[1]]
                before[lane_of(row)[1]] += 1
        return mine, waiting


def read_open(path: Path) -> tuple[list[IndexRow], list[IndexRow]]:
    """Return what waits, in the order to start it, and what is at work, of all experiments."""
    with _reader(path) as db:
        if db is None:
            return [], []
        return _queue(db), _rows(db, "WHERE status = ? ORDER BY position", ("running",))


def read_experiment(path: Path, id: str) -> tuple[str, str | None] | None:
    """Return status and error of one experiment, or ``None`` if the runner has not met it."""
    with _reader(path) as db:
        row = (
            None
            if db is None
            else db.execute("SELECT status, error FROM experiments WHERE id = ?", (id,)).fetchone()
        )
        return None if row is None else (row[0], row[1])


def is_unfinished(path: Path) -> bool:
    """Return whether any run waits or is at work, or any experiment is being prepared."""
    with _reader(path) as db:
        return db is not None and bool(
            db.execute(
                "SELECT EXISTS (SELECT 1 FROM runs WHERE status IN ('queued', 'running')) "
                "OR EXISTS (SELECT 1 FROM experiments WHERE status = 'preparing')"
            ).fetchone()[0]
        )


def check_index(path: Path) -> None:
    """Refuse an index that pages cannot be drawn from.

    Raises:
        StoreError: If it is newer than this program, or damaged.
    """
    with _reader(path):
        pass


@contextlib.contextmanager
def _reader(path: Path) -> Iterator[sqlite3.Connection | None]:
    if not path.is_file():
        yield None
        return
    try:
        db = _opened(path)
        try:
            yield db if version_of(db) >= OLDEST_READABLE else None
        finally:
            db.close()
    except sqlite3.DatabaseError as error:
        raise StoreError(
            "The index of this store cannot be read.",
            f"SQLite says: {error}.",
            f"Reload in a minute: the runner makes it anew from the runs. If that does not help: {REBUILD}.",
        ) from error


def _opened(path: Path) -> sqlite3.Connection:
    """Open the index to read it; on a read-only disk as it was when it was last closed."""
    for how in ("mode=ro", "mode=ro&immutable=1"):
        db = sqlite3.connect(f"{path.as_uri()}?{how}", uri=True, timeout=5)
        try:
            db.execute("PRAGMA user_version")
            db.execute("SELECT 1 FROM sqlite_master")
        except sqlite3.OperationalError as error:
            db.close()
            if "immutable" in how or error.sqlite_errorcode & 0xFF not in (
                sqlite3.SQLITE_CANTOPEN,
                sqlite3.SQLITE_READONLY,
            ):
                raise
        except BaseException:
            db.close()
            raise
        else:
            return db
    raise AssertionError


def _cannot_write(error: sqlite3.OperationalError) -> StoreError:
    return StoreError(
        "The index of this store cannot be written.",
        f"SQLite says: {error}.",
        "Free some room, or let this user write into the folder of the store.",
    )


def _rows(db: sqlite3.Connection, where: str, values: tuple[str, ...]) -> list[IndexRow]:
    columns = "experiment, id, device, status, position, attempts, started, finished, error"
    return [IndexRow(*row) for row in db.execute(f"SELECT {columns} FROM runs {where}", values)]


def _queue(db: sqlite3.Connection) -> list[IndexRow]:
    queued = _rows(db, "WHERE status = ? ORDER BY position", ("queued",))
    if len(queued) < 2:
        return queued
    served = db.execute(
        "SELECT experiment, device = ?, MAX(started) FROM runs WHERE started IS NOT NULL "
        "AND experiment IN (SELECT experiment FROM runs WHERE status = 'queued') GROUP BY 1, 2",
        (MEASURE,),
    )
    return in_turn(queued, {(experiment, bool(measures)): when for experiment, measures, when in served})

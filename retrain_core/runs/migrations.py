"""How the index is laid out, and how that of an earlier version becomes today's."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from retrain_core.errors import StoreError

# What brings an index to each version from the one before; 0 is an empty file. A version that was released stays as it is.
MIGRATIONS: Mapping[int, str] = {
    1: """
        CREATE TABLE experiments (
            id TEXT PRIMARY KEY, status TEXT NOT NULL, error TEXT, submitted REAL NOT NULL);
        CREATE TABLE runs (
            experiment TEXT NOT NULL, id TEXT NOT NULL, device TEXT NOT NULL, status TEXT NOT NULL,
            position INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
            started REAL, finished REAL, error TEXT, PRIMARY KEY (experiment, id));
    """,
    2: "CREATE INDEX runs_in_order ON runs (status, position);",  # the queue is asked for many times a second
    3: """
        ALTER TABLE runs ADD COLUMN asked BLOB;
        ALTER TABLE runs ADD COLUMN used REAL NOT NULL DEFAULT 0;
    """,  # what only the runner asks for: what a worker, which writes its run folder, must not change
    4: "ALTER TABLE runs ADD COLUMN cut_off INTEGER NOT NULL DEFAULT 0;",  # times that its runner was killed
}
VERSION = max(MIGRATIONS)
OLDEST_READABLE = (
    1  # columns that readers ask for are all there since; an older index is read once it was migrated
)


def version_of(db: sqlite3.Connection) -> int:
    """Return the version that an index is of.

    Raises:
        StoreError: If it is newer than this program.
    """
    found = int(db.execute("PRAGMA user_version").fetchone()[0])
    if found > VERSION:
        raise StoreError(
            "The index of this store was written by a newer version of the app.",
            f"It is of version {found}; this app knows versions up to {VERSION}.",
            "Use the newer app, or choose another folder with RETRAIN_STORE.",
        )
    return found


def migrate(db: sqlite3.Connection) -> None:
    """Bring an index to today's version, all steps or none.

    Args:
        db: A connection that begins no transaction by itself.

    Raises:
        StoreError: If it is newer than this program.
    """
    if version_of(db) == VERSION:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for version in range(version_of(db) + 1, VERSION + 1):  # another process may have been faster
            for statement in filter(str.strip, MIGRATIONS[version].split(";")):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {version}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")

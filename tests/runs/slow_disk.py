"""A disk that takes its time: each flush of a process, each write of SQLite, and as a fork server those of its workers."""

from __future__ import annotations

import importlib
import os
import sqlite3
import sys
import time
from typing import Any

from retrain_core.workers import forkserver, keeper
from retrain_core.workers.ties import die_with_parent

SECONDS = 0.05  # that a flush takes
real = os.fsync


def fsync(handle: int) -> None:
    time.sleep(SECONDS)
    real(handle)


class Connection(sqlite3.Connection):
    """SQLite flushes by itself, where nothing here can make it last: so what it writes takes longer as a whole."""

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if not sql.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")):
            time.sleep(SECONDS)
        return super().execute(sql, *values)


if __name__ == "__main__":
    die_with_parent()
    importlib.import_module(sys.argv[1])
    os.fsync = fsync
    keeper.EVERY_SECONDS, keeper.LEAST_SHARE = 0.3, 0.0  # else it writes all the less, the longer it takes
    forkserver.serve(sys.argv[1])

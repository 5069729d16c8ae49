"""Has the queue go on when nobody looks: a runner that was killed is started again while there is work for one."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable

from retrain_core.errors import RetrainError
from retrain_core.runs import looks
from retrain_core.runs.bin import waiting
from retrain_core.runs.client import ensure_runner
from retrain_core.runs.inbox import asked
from retrain_core.runs.index import is_unfinished
from retrain_core.runs.lock import runner_is_alive
from retrain_core.runs.store import Store

EVERY_SECONDS = 5.0
MOST_SECONDS = 600.0  # between two starts, where runners end again and again


def keep_going(store: Store, stop: threading.Event | None = None) -> threading.Thread:
    """See to it, from now on, that there is a runner while runs wait or are at work.

    Args:
        store: The store; nothing is done for one that is opened read-only.
        stop: Ends it.

    Returns:
        The thread that does it, which ends with its process.
    """
    ended = stop or threading.Event()
    thread = threading.Thread(target=_keep_going, args=(store, ended.wait), daemon=True, name="going on")
    thread.start()
    return thread


def has_work(store: Store) -> bool:
    """Return whether there is anything for a runner to do."""
    return (
        bool(asked(store.root))
        or is_unfinished(store.root / "index.sqlite")
        or bool(waiting(store) or looks.under_way(store))
    )


def _keep_going(store: Store, wait: Callable[[float], bool]) -> None:
    pause = EVERY_SECONDS
    while not store.read_only and not wait(pause):
        with contextlib.suppress(
            RetrainError, OSError, sqlite3.Error
        ):  # the pages tell what is wrong with the store
            if runner_is_alive(store.root):
                pause = max(EVERY_SECONDS, pause / 2)
            elif has_work(store):
                ensure_runner(store)
                pause = min(MOST_SECONDS, pause * 2)

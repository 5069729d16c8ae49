"""Few at a time: what keeps the processor busy for all visitors, so that each waits for its turn, not for all turns.

Threads of one process share one lock of the interpreter. Fifty pages that are drawn at once are all ready as late as the last,
and whoever is drawn beside one that is worked hard for waits after each call of the system until it gets the lock again. So a
few have their turn at a time; who waits for what takes long gives its turn to others meanwhile.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any, TypeVar, cast

from retrain_core.machine import give_back_own_memory

# What runs within these is to ask for nothing else that is kept here or in Streamlit's caches: whoever holds that may
# be waiting for this.
ANSWERS = threading.BoundedSemaphore(2)  # so that one of a million rows does not keep all small ones waiting
FIGURES = threading.Lock()
FILES = threading.BoundedSemaphore(2)  # that are read, each into half of the memory that is left at most
MODELS = threading.BoundedSemaphore(2)  # that are checked, each in a process of up to 2 GB

TURNS = threading.BoundedSemaphore(3)  # of pages that are drawn and answers that are worked out
PATIENCE_SECONDS = (
    1.0  # whoever has waited this long goes on without a turn: no page waits for a file of somebody else
)
SWITCH_SECONDS = (
    0.001  # between two threads that both compute, instead of 0.005: most pages have to wait for it often
)
_mine = threading.local()
_working: Counter[str] = Counter()  # how many are at work at what takes long
_counting = threading.Lock()
Find = TypeVar("Find", bound=Callable[..., Any])

sys.setswitchinterval(SWITCH_SECONDS)


@contextmanager
def turn() -> Iterator[None]:
    """Have a turn, unless this thread has one."""
    if getattr(_mine, "turn", False):
        yield
        return
    _mine.turn = TURNS.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        give_back_own_memory()
        _give_back()


@contextmanager
def apart() -> Iterator[None]:
    """Let somebody else have the turn of this thread, if it has one, while it waits or reads."""
    had = _give_back()
    try:
        yield
    finally:
        if had:
            _mine.turn = TURNS.acquire(timeout=PATIENCE_SECONDS)


def long(kind: str, at: int = 0) -> Callable[[Find], Find]:
    """Return a decorator for what takes long and is kept by a cache: nobody waits for it with a turn.

    It goes around the cache, and ``working`` into it. What is kept already is returned at once, and no turn is given up.

    Args:
        kind: A name for what is kept.
        at: The place of the argument that tells one from another.
    """

    def around(find: Find) -> Find:
        @wraps(find)
        def found(*values: Any) -> Any:
            with apart() if f"{kind} {values[at]}" in _working else nullcontext():
                return find(*values)

        return cast("Find", found)

    return around


@contextmanager
def working(kind: str, value: object) -> Iterator[None]:
    """Do, without a turn, what takes long and is not kept yet; ``value`` is the argument that ``long`` looks at."""
    key = f"{kind} {value}"
    with _counting:
        _working[key] += 1
    try:
        with apart():
            yield
    finally:
        give_back_own_memory()
        with _counting:
            _working[key] -= 1
            if not _working[key]:
                del _working[key]


def _give_back() -> bool:
    """Give back the turn that this thread has; return whether it had one."""
    had = getattr(_mine, "turn", False)
    _mine.turn = False
    if had:
        TURNS.release()
    return had

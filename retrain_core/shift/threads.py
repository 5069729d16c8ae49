"""Columns are measured independently of each other: side by side where there are rows enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from retrain_core.machine import usable_cores

FEWEST_ROWS = 50_000  # on both sides; sorting and searching then take longer than Python's own work
MOST_THREADS = 2  # each holds a few copies of one column; more would be quicker, and take more memory


Item = TypeVar("Item")
Found = TypeVar("Found")


def for_each(function: Callable[[Item], Found], items: Iterable[Item], rows: int) -> list[Found]:
    """Return what ``function`` finds for each item, in their order; in threads if there are ``rows`` enough.

    >>> for_each(abs, [-1, 2], rows=10)
    [1, 2]
    """
    if rows < FEWEST_ROWS:
        return [function(item) for item in items]
    with ThreadPoolExecutor(min(usable_cores(), MOST_THREADS)) as pool:
        return list(pool.map(function, items))

"""Reading and splitting the data of experiments, one at a time, beside the runner's loop."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from retrain_core.errors import RetrainError, in_a_line
from retrain_core.runs.endings import FOLDER_ERRORS
from retrain_core.runs.index import Index
from retrain_core.runs.prepare import prepare
from retrain_core.runs.store import Store
from retrain_core.types.text import counted

MOST_CUT_OFF = (
    5  # times in a row that preparing is begun; a runner that was killed may have been killed by it
)


def times_cut_off(note: str | None) -> int:
    """Return how many times preparing was cut off before it was begun, by the note of the runner that began it.

    >>> times_cut_off(None), times_cut_off("Preparing the data was cut off before: 2 times.")
    (0, 2)
    """
    found = re.search(r"[0-9]+", note or "")
    return int(found[0]) if found else 0


class Preparing:
    """The experiments whose data is being prepared; ``in`` and iteration tell which.

    Args:
        store: The store.
        index: Its index.
        pool: One thread, which others use too.
    """

    def __init__(self, store: Store, index: Index, pool: ThreadPoolExecutor) -> None:
        self._store, self._index, self._pool = store, index, pool
        self._under_way: dict[str, Future[None]] = {}

    def __contains__(self, experiment: str) -> bool:
        return experiment in self._under_way

    def __iter__(self) -> Iterator[str]:
        return iter(self._under_way)

    def __len__(self) -> int:
        return len(self._under_way)

    def begin(self, experiment: str, cut_off: int = 0) -> None:
        """Begin to prepare an experiment, which was cut off so many times; it is noted for the next runner."""
        note = f"Preparing the data was cut off before: {counted(cut_off, 'time')}." if cut_off else None
        self._index.set_experiment(experiment, "preparing", note)
        self._under_way[experiment] = self._pool.submit(self._prepare, experiment)

    def is_done(self, experiment: str) -> bool:
        """Whether nothing is to be prepared, so that it need not wait for others that are."""
        with contextlib.suppress(*FOLDER_ERRORS):
            return experiment not in self and self._store.is_prepared(self._store.experiment(experiment))
        return False

    def ended(self) -> Iterator[tuple[str, str | None]]:
        """Yield the experiments that were prepared since, or that cannot be: then with the reason."""
        for experiment, future in list(self._under_way.items()):
            if not future.done():
                continue
            del self._under_way[experiment]
            error = future.exception()
            if error is None or isinstance(error, RetrainError):
                yield experiment, None if error is None else str(error)
            else:
                yield experiment, f"The data could not be prepared: {in_a_line(error)}."

    def _prepare(self, experiment: str) -> None:
        # Again, if somebody changes the question meanwhile: until it has runs it may be changed.
        while not self._store.is_prepared(spec := self._store.experiment(experiment)):
            prepare(self._store, spec)

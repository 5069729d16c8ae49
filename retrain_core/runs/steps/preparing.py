"""Reading and splitting the data of experiments, one at a time, beside the runner's loop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from retrain_core.errors import RetrainError
from retrain_core.runs.endings import FOLDER_ERRORS
from retrain_core.runs.index import Index
from retrain_core.runs.prepare import prepare
from retrain_core.runs.store import Store

PREPARING_AGAIN = "Preparing the data was cut off once."


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

    def begin(self, experiment: str, note: str | None = None) -> None:
        """Begin to prepare an experiment; ``note`` is for the next runner, should this one be killed."""
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
                yield experiment, f"The data could not be prepared: {type(error).__name__}: {error}"

    def _prepare(self, experiment: str) -> None:
        # Again, if somebody changes the question meanwhile: until it has runs it may be changed.
        while not self._store.is_prepared(spec := self._store.experiment(experiment)):
            prepare(self._store, spec)

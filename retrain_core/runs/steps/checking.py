"""Checking the models that runs have trained, two at a time, beside the runner's loop: a hostile one can make it last."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from retrain_core.runs.candidates import checked_model, mark_of
from retrain_core.runs.index import IndexRow
from retrain_core.runs.prepare import MEASURED
from retrain_core.runs.store import Store
from retrain_core.types import RunSpec

AT_A_TIME = 2


class Checking:
    """The runs that are at work until their model was checked; iteration tells which.

    Args:
        store: The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="check")
        self._runs: dict[IndexRow, Future[Path]] = {}
        self._wanted: dict[tuple[str, str], Future[Path]] = {}  # models of runs that probes wait for

    def __iter__(self) -> Iterator[IndexRow]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def begin(self, row: IndexRow) -> None:
        """Begin to check the model of a run whose worker has ended."""
        self._runs[row] = self._pool.submit(checked_model, self._store, row.experiment, row.id)

    def ended(self) -> Iterator[tuple[IndexRow, BaseException | None]]:
        """Yield the runs whose model was checked since, with what is wrong with it."""
        for row, future in list(self._runs.items()):
            if future.done():
                del self._runs[row]
                yield row, future.exception()

    def has_model_for(self, spec: RunSpec) -> bool:
        """Return whether the model that a probe is about was checked; it will be where it was not, so ask again.

        Raises:
            RetrainError: If that model cannot be used.
            OSError: If it cannot be read.
        """
        if (
            not spec.after
            or spec.work in MEASURED
            or mark_of(self._store, spec.experiment, spec.after).exists()
        ):
            return True
        wanted = (spec.experiment, spec.after)
        if wanted not in self._wanted:
            self._wanted[wanted] = self._pool.submit(checked_model, self._store, *wanted)
        if not self._wanted[wanted].done():
            return False
        self._wanted.pop(wanted).result()
        return True

    def close(self) -> None:
        """Begin no more checks."""
        self._pool.shutdown(cancel_futures=True)

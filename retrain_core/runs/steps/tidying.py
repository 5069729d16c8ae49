"""Moving what was deleted into the bin, and taking away what nobody needs any more."""

from __future__ import annotations

import contextlib
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from retrain_core.runs.bin import move, waiting
from retrain_core.runs.steps.desk import Desk
from retrain_core.runs.sweep import sweep

SWEEP_SECONDS = 600.0


class Tidying:
    """Keeps the store tidy.

    Args:
        desk: What there is.
        pool: One thread, which others use too: what is being prepared is not swept.
    """

    def __init__(self, desk: Desk, pool: ThreadPoolExecutor) -> None:
        self._desk, self._pool = desk, pool
        self._deleted = set(waiting(desk.store))
        self._sweeping: Future[list[Path]] | None = None
        self.next_sweep = 0.0

    def delete(self, experiment: str) -> None:
        """Note that an experiment was deleted."""
        self._deleted.add(experiment)

    def tidy(self) -> None:
        """Do what is due."""
        self._bin_deleted()
        self._sweep()

    def _bin_deleted(self) -> None:
        """Move what was deleted into the bin, once nothing of it is under way."""
        if not self._deleted:
            return
        desk = self._desk
        busy = {*desk.preparing, *(row.experiment for row in desk.under_way())}
        for experiment in self._deleted - busy:
            self._deleted.discard(experiment)
            if experiment in waiting(desk.store):  # it may have been restored
                with contextlib.suppress(OSError):  # tried again with the next sweep
                    move(desk.store, experiment)

    def _sweep(self) -> None:
        """Take away what nobody needs any more, now and then, beside the other work."""
        if self._sweeping is not None and self._sweeping.done():
            if error := self._sweeping.exception():
                print(f"The store cannot be tidied: {error}", file=sys.stderr)
            self._sweeping = None
            self._forget_gone()
            self._deleted.update(waiting(self._desk.store))
        if self._sweeping is None and time.monotonic() >= self.next_sweep:
            self.next_sweep = time.monotonic() + SWEEP_SECONDS
            self._sweeping = self._pool.submit(sweep, self._desk.store)

    def _forget_gone(self) -> None:
        """Take experiments out of the index that are neither in the store nor in its bin any more."""
        root, index = self._desk.store.root, self._desk.index
        there = {path.name for home in ("experiments", "bin") for path in (root / home).iterdir()}
        for experiment in index.experiments() - there - set(self._desk.preparing):
            index.forget_experiment(experiment)

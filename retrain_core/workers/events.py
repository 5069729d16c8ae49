"""The worker's side of ``events.jsonl``: append only, one line an event, whole lines only."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import msgspec

from retrain_core.types import RunEvent

PROGRESS_SECONDS = 0.3  # progress is told no more often than this; all other events always
EVEN_SECONDS, MOST_TIMES = 3000.0, 16.0  # after so long it is told less and less often, up to so many times
BEAT_SECONDS = 1.0  # so are signs of life


class EventLog:
    """Writes the events of one run.

    Args:
        folder: The run folder.
        run: The run's id.
        keep: How many events of an attempt that was cut off stay; the run is told again from there.
    """

    def __init__(self, folder: Path, run: str, keep: int = 0) -> None:
        self._run, self._number, self._last_progress, self._last_beat = run, 0, 0.0, 0.0
        self._begun = time.monotonic()
        self._path = folder / "events.jsonl"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.tell_again(keep)

    def tell_again(self, keep: int = 0) -> None:
        """Drop all but the first ``keep`` events."""
        lines = self._path.read_bytes().splitlines(keepends=True)[:keep] if keep else []
        whole = [line for line in lines if line.endswith(b"\n")]
        os.ftruncate(self._file, sum(map(len, whole)))
        self._number = len(whole)

    @property
    def number(self) -> int:
        """How many events there are."""
        return self._number

    def _seldom(self) -> float:
        """Return how many times as seldom as at first progress is told: three days of it would fill a hundred megabytes."""
        return min(MOST_TIMES, max(1.0, (time.monotonic() - self._begun) / EVEN_SECONDS))

    def flush(self) -> None:
        """Have all events on the disk."""
        os.fsync(self._file)

    def beat(self) -> None:
        """Give a sign of life during a long piece of work that has nothing to tell.

        The thread that works gives it itself, between two pieces: a thread of its own would go on where a call into
        TensorFlow hangs. It is the time of the file, so readers of events see nothing.
        """
        if time.monotonic() - self._last_beat > BEAT_SECONDS:
            self._last_beat = time.monotonic()
            os.ftruncate(self._file, os.fstat(self._file).st_size)  # as long as it was; a sandbox allows this

    def __call__(self, kind: str, values: dict[str, Any]) -> None:
        """Append one event, in a single write."""
        now = time.time()
        if kind == "progress":
            if now - self._last_progress < PROGRESS_SECONDS * self._seldom():
                return
            self._last_progress = now
        event = RunEvent(self._run, self._number, now, cast(Any, kind), values)
        os.write(self._file, msgspec.json.encode(event) + b"\n")
        self._number += 1

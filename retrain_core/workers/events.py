"""The worker's side of ``events.jsonl``: append only, one line an event, whole lines only."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import msgspec

from retrain_core.types import RunEvent

PROGRESS_SECONDS = 0.3  # progress is told no more often than this; all other events always


class EventLog:
    """Writes the events of one run.

    Args:
        folder: The run folder.
        run: The run's id.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self._run, self._number, self._last_progress = run, 0, 0.0
        self._file = os.open(
            folder / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644
        )

    def __call__(self, kind: str, values: dict[str, Any]) -> None:
        """Append one event, in a single write."""
        now = time.time()
        if kind == "progress":
            if now - self._last_progress < PROGRESS_SECONDS:
                return
            self._last_progress = now
        event = RunEvent(self._run, self._number, now, cast(Any, kind), values)
        os.write(self._file, msgspec.json.encode(event) + b"\n")
        self._number += 1

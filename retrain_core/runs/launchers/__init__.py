"""The seam between runner and worker: a launcher starts the worker of a run folder and tells when it has ended.

The run folder is the contract, whichever launcher carries it. ``LAUNCHERS`` lists them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from retrain_core.runs.launchers.local import LocalLauncher
from retrain_core.types import Work


class Launcher(Protocol):
    """Starts workers."""

    def start(self, folder: Path, device: str, threads: int, work: Work = "train") -> None:
        """Start the worker of a run folder; the kind of work says which worker."""
        ...

    def ended(self) -> list[tuple[Path, int]]:
        """Return the run folders whose workers have ended since the last call, with their exit codes."""
        ...

    def kill(self, folder: Path) -> None:
        """End a worker at once."""
        ...

    def process_id(self, folder: Path) -> int | None:
        """Return the process that does a run, once it is known."""
        ...

    def end_left_over(self, folder: Path) -> None:
        """End a worker of this run folder that an earlier runner, now gone, has left behind."""
        ...

    def find_devices(self, path: Path) -> threading.Event:
        """Have ``path`` written with the devices there are; the event is set once the search has ended.

        A search that fails leaves no file, not even an old one.
        """
        ...

    def close(self) -> None:
        """End all workers."""
        ...


LAUNCHERS: dict[str, Callable[[], Launcher]] = {"local": LocalLauncher}

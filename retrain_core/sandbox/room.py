"""The room that a process is locked into: what it may write, and what it may read beside Python and the system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Room:
    """What is let in.

    Args:
        write: The one folder that may be written, ``None`` for none.
        read: Files and folders that may be read.
        device: ``cpu``, ``measure`` or ``gpu:N``.
    """

    write: Path | None
    read: tuple[Path, ...]
    device: str

    @property
    def gpu(self) -> bool:
        """Whether the process computes on a GPU."""
        return self.device.startswith("gpu")

"""Locks itself in, tries to get out, and prints what holds as JSON. Usage: ``python -m retrain_core.sandbox CANARY``."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from retrain_core.sandbox import lock_in, weakened

ESCAPED = "The kernel says that it holds, but it stops nothing."


def _read(canary: Path) -> None:
    canary.read_bytes()


def _talk(canary: Path) -> None:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()


ATTEMPTS: dict[str, Callable[[Path], None]] = {"landlock": _read, "seccomp": _talk}


def main(canary: Path) -> None:
    """Print what holds against an attempt at each wall."""
    locked = lock_in(write=None)
    for layer, attempt in ATTEMPTS.items():
        try:
            attempt(canary)
        except OSError:
            continue
        if not locked.layers[layer]:
            locked = weakened(locked, layer, ESCAPED)
    from retrain_core.types import to_json  # brings NumPy, and its threads: after the walls

    print(to_json(locked).decode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

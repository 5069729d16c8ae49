"""One side of a comparison, in a process of its own that stays warm between measurements."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Callable

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


class Side:
    """A process that measures when it is asked.

    Args:
        module: Run with ``python -m``; it calls :func:`answer`.
        arguments: For it.
        python: Another environment's Python, if it is not ours.
    """

    def __init__(self, module: str, *arguments: str, python: str = sys.executable) -> None:
        self._process = subprocess.Popen(
            [python, "-m", module, *arguments],
            env={**os.environ, **QUIET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        atexit.register(self._process.kill)

    def __call__(self) -> list[float]:
        """Measure once: seconds, then whatever else the side tells."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return [float(word) for word in self._process.stdout.readline().split()]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def answer(measure: Callable[[], tuple[float, ...]]) -> None:
    """Measure each time a line comes in, until the input ends."""
    for _ in sys.stdin:
        print(*measure(), flush=True)

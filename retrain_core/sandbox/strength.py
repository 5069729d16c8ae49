"""What the sandbox gives on this machine: found out once by a process that locks itself in and then tries to get out."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import retrain_core

if TYPE_CHECKING:
    from retrain_core.types import Locked

SECONDS = 60.0  # for a trial on a busy machine
AGAIN = 60.0  # seconds after a trial that failed until the next; a page asks at each draw, and each trial may hang


def strength() -> Locked:
    """Return what ``lock_in`` gives on this machine; it takes a moment until it has been found out.

    A layer that the kernel has taken and that does not stop what it is there for counts as missing. A trial that did not
    come to its end, as for want of memory, says nothing of the machine: nothing is taken to hold, and it is made again later.
    """
    return _known.get()


@dataclass
class _Known:
    """What the last trial found out, and until when that holds, on the clock of ``time.monotonic``."""

    found: Locked | None = None
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self) -> Locked:
        """Return it; one trial is made at a time, and who asks meanwhile waits for what it finds out."""
        from retrain_core.types import Locked

        with self.lock:
            if self.found is None or time.monotonic() >= self.until:
                try:
                    self.found, self.until = _tried(), math.inf
                except (OSError, subprocess.SubprocessError, ValueError) as error:
                    missing = {"landlock": UNTRIED, "seccomp": f"{UNTRIED} ({type(error).__name__})"}
                    self.found, self.until = Locked("none", missing), time.monotonic() + AGAIN
            return self.found


def _tried() -> Locked:
    """Return what a process of its own found out.

    Raises:
        OSError, SubprocessError, ValueError: If it could not be started, was cut off, or gave no answer.
    """
    from retrain_core.types import Locked, from_json

    root = str(Path(retrain_core.__file__).parents[1])
    with tempfile.NamedTemporaryFile(prefix="canary-") as canary:
        done = subprocess.run(
            [sys.executable, "-m", "retrain_core.sandbox", canary.name],
            env={**os.environ, "PYTHONPATH": root},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            check=True,
        )
    return from_json(done.stdout, Locked)


UNTRIED = "It could not be tried on this machine."
_known = _Known()

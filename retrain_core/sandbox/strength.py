"""What the sandbox gives on this machine: found out once by a process that locks itself in and then tries to get out."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import retrain_core

if TYPE_CHECKING:
    from retrain_core.types import Locked

SECONDS = 60.0  # on a busy machine


def strength() -> Locked:
    """Return what ``lock_in`` gives on this machine; it takes a moment until it has been found out.

    A layer that the kernel has taken and that does not stop what it is there for counts as missing. A trial that did not
    come to its end, as for want of memory, says nothing of the machine: nothing is taken to hold, and the next call tries again.
    """
    from retrain_core.types import Locked

    try:
        return _tried()
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return Locked("none", {"landlock": UNTRIED, "seccomp": f"{UNTRIED} ({type(error).__name__})"})


@cache  # an error is not kept
def _tried() -> Locked:
    """Return what a process of its own found out, once for all.

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

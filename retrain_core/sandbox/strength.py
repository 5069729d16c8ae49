"""What the sandbox gives on this machine: found out once, by a process that locks itself in and then tries to get out."""

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


@cache
def strength() -> Locked:
    """Return what ``lock_in`` gives on this machine; it takes a moment when it is called first.

    A layer that the kernel has taken and that does not stop what it is there for counts as missing.
    """
    from retrain_core.types import Locked, from_json

    root = str(Path(retrain_core.__file__).parents[1])
    with tempfile.NamedTemporaryFile(prefix="canary-") as canary:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "retrain_core.sandbox", canary.name],
                env={**os.environ, "PYTHONPATH": root},
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                check=True,
            )
            return from_json(done.stdout, Locked)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            return Locked("none", {"landlock": UNTRIED, "seccomp": f"{UNTRIED} ({type(error).__name__})"})


UNTRIED = "It could not be tried on this machine."

"""Limits of the process: no core dump, no endless file, no more open files and memory than work needs.

The address space is not limited: TensorFlow reserves more than it uses, and breaks. Data is: what is really writable,
which for TensorFlow is less than its resident memory.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from retrain_core.machine import total_memory_mb
from retrain_core.sandbox.kernel import Missing
from retrain_core.sandbox.room import Room

MOST_FILE_BYTES = 8 * 1024**3  # of one file; models that we take are smaller
MOST_OPEN_FILES = 4096
GOES_FIRST = "500"  # of 1,000: where memory runs out, the system kills a worker, not the runner or the server


def lock(room: Room) -> None:
    """Set the limits for good.

    Raises:
        Missing: On Windows.
        OSError: If the system refuses.
    """
    try:
        import resource
    except ImportError as error:
        raise Missing("Windows has no such limits.") from error
    with contextlib.suppress(OSError):  # there is none but on Linux
        Path("/proc/self/oom_score_adj").write_text(GOES_FIRST)
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: MOST_FILE_BYTES,
        resource.RLIMIT_NOFILE: MOST_OPEN_FILES,
    }
    if not room.gpu:  # drivers of GPUs map more than the machine has
        limits[resource.RLIMIT_DATA] = int(total_memory_mb() * 1024**2)
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))

"""Files written whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Write a whole file or nothing: under another name first, flushed, then renamed."""
    # Sessions of the dashboard are threads of one process.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    temporary.unlink(
        missing_ok=True
    )  # in a run folder, a worker may have put anything there: nothing is followed
    with temporary.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

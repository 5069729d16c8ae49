"""A worker behind its walls. Usage: ``locked MODULE RUN_DIR DEVICE THREADS``, where ``MODULE.run`` does the work.

Both ways to start a worker come here, before it has read anything that an uploaded model could have written: afresh, before
NumPy and TensorFlow are imported, and forked (``forkserver``), with both imported and nothing computed.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from retrain_core.sandbox import lock_in
from retrain_core.workers.ties import die_with_parent

TEMPORARY = "tmp"  # in the run folder: what libraries write beside results; the runner removes it
HOMES = ("TMPDIR", "TEMP", "TMP", "HOME", "KERAS_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
         "MPLCONFIGDIR", "CUDA_CACHE_PATH")  # fmt: skip


def work(module: str, folder: Path, device: str, threads: int) -> None:
    """Lock this process into a run folder, then do what the folder asks for.

    Args:
        module: Whose ``run(folder, device, threads, locked)`` does the work.
        folder: The run folder, absolute.
        device: Where to compute.
        threads: CPU threads that it may keep busy.
    """
    own = folder / TEMPORARY
    own.mkdir(exist_ok=True)
    os.environ.update({name: str(own) for name in HOMES})
    tempfile.tempdir = None  # what was found before the fork
    locked = lock_in(write=folder, read=list(linked(folder / "inputs")), device=device)
    importlib.import_module(module).run(folder, device, threads, locked)


def linked(inputs: Path) -> Iterator[Path]:
    """Yield the files that the links among a run's inputs lead to: all that it may read outside its folder."""
    for parent, _, names in os.walk(inputs):
        for path in (Path(parent, name) for name in names):
            if path.is_symlink():
                yield path.resolve()


if __name__ == "__main__":
    die_with_parent()
    work(sys.argv[1], Path(sys.argv[2]).absolute(), sys.argv[3], int(sys.argv[4]))

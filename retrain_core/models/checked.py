"""A model file read by a process of its own, which has given up what it does not need."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

import retrain_core
from retrain_core.errors import FileError, RetrainError, StoreError, UnreadError
from retrain_core.files import put_in_place, remove_tree
from retrain_core.models.reply import Reply, not_read, too_much_memory, unreadable
from retrain_core.models.wording import plain
from retrain_core.sandbox.least import LEAST, require_here
from retrain_core.types import ModelCard, from_json
from retrain_core.workers.ties import PARENT

READER = "retrain_core.workers.reading"
SECONDS = 60.0
BYTES_A_SECOND = 10_000_000  # what is added for a large file, even on a busy machine
MEMORY = 2_000_000_000
MAX_REPLY = 16_000_000
SCRATCH = ".reading-"  # begins the name of the one folder that the process may write
POLL_SECONDS = 0.1
PACKAGE_ROOT = str(Path(retrain_core.__file__).parents[1])
# What a process needs of its surroundings to start; nothing else, such as a password, is passed on.
KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", LEAST)


def checked_card(path: Path, name: str | None = None, *, rebuild_in: Path | None = None) -> ModelCard:
    """Return what the model file at ``path`` says about itself, and write it anew if asked.

    Args:
        path: A ``.keras`` or ``.h5`` file; the format is told from its content.
        name: The file's name as the user knows it, for messages.
        rebuild_in: A folder for the file that Keras may load: ``model.keras`` or ``model.h5``, after ``format`` of the card.

    Raises:
        FileError: If the file is empty, damaged, or no Keras model.
        ModelError: If the model cannot be used, or not safely.
        UnreadError: If that is not known: the sandbox is weaker than this server asks for, or reading takes too long or too
            much memory.
        StoreError: If the new file cannot be written.
    """
    name = plain(name or path.name)
    require_here(UnreadError, not_read(name))
    try:
        size = path.stat().st_size
        # Beside its target, so that the new file is moved there as a whole.
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=rebuild_in))
    except OSError as error:
        raise _no_access(path, name, error) from error
    try:
        reply = _ask(path.absolute(), name, scratch, SECONDS + size / BYTES_A_SECOND, rebuild_in is not None)
        if reply.card is None:
            assert reply.refusal is not None
            raise reply.refusal.as_error()
        if rebuild_in is not None:
            _put(scratch / f"model.{reply.card.format}", rebuild_in)
        return reply.card
    finally:
        remove_tree(scratch)


def _put(file: Path, folder: Path) -> None:
    try:
        put_in_place(file, folder / file.name)
    except OSError as error:
        raise StoreError(
            "The checked copy of the model cannot be put into its place.",
            f"{error.strerror}.",
            "Try again.",
        ) from error


def _no_access(path: Path, name: str, error: OSError) -> RetrainError:
    reason = f"{error.strerror}."
    if not path.exists():
        return FileError(f"{name}: The file cannot be read.", reason, "Choose another file.")
    return StoreError("There is no place to read the model in.", reason, "Free some room, then try again.")


def _ask(path: Path, name: str, scratch: Path, seconds: float, rebuild: bool) -> Reply:
    """Start the process, wait for its reply, and end it if it takes too much of anything."""
    end = time.monotonic() + seconds
    process = subprocess.Popen(
        # -P: what lies in the current folder is not imported
        [sys.executable, "-P", "-m", READER, str(path), name, str(scratch), str(MEMORY), str(int(rebuild))],
        env=_environment(scratch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    received: list[bytes] = []
    pipe = process.stdout
    reader = threading.Thread(target=lambda: received.append(pipe.read(MAX_REPLY + 1)), daemon=True)
    try:
        reader.start()
        while reader.is_alive():
            reader.join(POLL_SECONDS)
            if time.monotonic() > end:
                raise unreadable(name, f"Reading it did not come to an end within {seconds:.0f} seconds.")
            if _memory(process.pid) > MEMORY:
                raise too_much_memory(name, MEMORY)
        text = received[0] if received else b""
        if len(text) > MAX_REPLY:
            raise unreadable(name, "It describes more than any model has.")
        try:
            code = process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise unreadable(name, "Reading it did not come to an end.") from error
        return _reply(text, code, name)
    finally:
        process.kill()
        process.wait()
        reader.join(SECONDS)  # it ends with the process, which started no other
        pipe.close()


def _reply(text: bytes, code: int, name: str) -> Reply:
    if code:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise unreadable(name, f"The process that read it was cut off ({how}).")
    try:
        reply = from_json(text, Reply)
    except ValueError as error:
        raise unreadable(name, "The process that read it gave no answer.") from error
    if (reply.card is None) == (reply.refusal is None):
        raise unreadable(name, "The process that read it gave no answer.")
    return reply


def _memory(pid: int) -> int:
    """Return how much memory a process has, 0 once it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _environment(scratch: Path) -> dict[str, str]:
    kept = {key: os.environ[key] for key in KEPT if key in os.environ}
    return kept | {
        "PYTHONPATH": PACKAGE_ROOT,
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "HDF5_PLUGIN_PRELOAD": "::",  # no filters but the built-in ones
        "TMPDIR": str(scratch),
        "HOME": str(scratch),
        PARENT: str(os.getpid()),
    }

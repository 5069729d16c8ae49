"""Files written whole or not at all, and flushed: a kill or a power cut leaves what was there, or all that is new.

Source: Pillai et al. (2014), OSDI, "All File Systems Are Not Created Equal": a rename lasts once the file was flushed
before it, and its folder after it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import os
import platform
import re
import secrets
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import psutil

CHUNK = 1024 * 1024
REMOVED, TEMPORARY = ".removed", ".tmp"
OTHER_PLACE_SECONDS = 86_400.0  # what a process on another machine has left is told by its age
CLOCK_SECONDS = 5.0  # how far a file's time and that of a process may differ by rounding and by the clock


def write_atomic(path: Path, content: bytes) -> None:
    """Write a whole file or nothing: under another name first, flushed, then renamed."""
    temporary = temporary_of(path)
    with _removed_on_failure(temporary):
        temporary.unlink(missing_ok=True)  # a worker may have put anything there: nothing is followed
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    flush_folder(path.parent)


def copy_hashed(source: BinaryIO, temporary: Path) -> str:
    """Copy what is left of ``source`` into a new file, flushed, and return the SHA-256 of what was written, in hex."""
    digest = hashlib.sha256()
    with _removed_on_failure(temporary), temporary.open("wb") as file:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def put_in_place(temporary: Path, target: Path) -> None:
    """Give a file or a folder that was written under another name its own name, once all in it is flushed."""
    for folder, _, names in os.walk(temporary):
        for name in names:
            flush_file(Path(folder) / name)
        flush_folder(Path(folder))
    if temporary.is_file():
        flush_file(temporary)
    temporary.replace(target)
    flush_folder(target.parent)


def flush_file(path: Path) -> None:
    """Have the system write a file to the disk, whoever wrote it."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Have the system write the names in a folder to the disk, where it has a way to do that."""
    if sys.platform == "win32":  # it opens no folder
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems
            raise
    finally:
        os.close(handle)


def remove_whole(folder: Path) -> None:
    """Remove a folder that somebody may be writing into: renamed first, so that it is gone at once and whole.

    What a kill leaves of it has a name that ends in ``.removed``, which nobody reads and a sweep takes away.
    """
    gone = folder.with_name(f".{folder.name}.{os.urandom(4).hex()}{REMOVED}")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return
    except OSError:
        if sys.platform != "win32":  # it does not rename what is open
            raise
        gone = folder
    remove_tree(gone)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all that is in it, however deep, or a file in its place; what cannot be removed is left.

    Folders inside folders are moved up first: a deep tree ends neither in a path nor in a stack that is too long.
    """
    with contextlib.suppress(OSError):
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink()
            return
        fresh = (folder / f"{secrets.token_hex(8)}.{number}" for number in itertools.count())
        while _flatten(folder, fresh):
            pass
        folder.rmdir()


def _flatten(folder: Path, fresh: Iterator[Path]) -> bool:
    """Remove what is in ``folder``, but move what is in its folders up; return whether that left anything."""
    os.chmod(folder, 0o700)
    left = False
    for path in list(folder.iterdir()):
        with contextlib.suppress(OSError):  # somebody may still be writing
            if path.is_symlink() or not path.is_dir():
                path.unlink()
                continue
            os.chmod(path, 0o700)
            for inner in list(path.iterdir()):
                if inner.is_symlink() or not inner.is_dir():
                    inner.unlink(missing_ok=True)
                else:
                    os.chmod(inner, 0o700)  # to be moved, a folder has to be writable
                    inner.rename(next(fresh))
                    left = True
            path.rmdir()
    return left


# --- temporary names ------------------------------------------------------------------------------


def _this_place() -> str:
    """Return what sets apart the processes of this machine, or container, from those of others that share a disk."""
    try:
        inside = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        inside = 0
    return hashlib.sha256(f"{platform.node()} {inside}".encode()).hexdigest()[:8]


PLACE = _this_place()
WRITER = re.compile(rf"\..+\.([0-9a-f]{{8}})\.([0-9]+)\.[0-9]+{re.escape(TEMPORARY)}")


def temporary_of(path: Path) -> Path:
    """Return the name to write ``path`` under; it says who writes, so that others can tell whether he still does."""
    # Sessions of the dashboard are threads of one process.
    return path.with_name(f".{path.name}.{PLACE}.{os.getpid()}.{threading.get_ident()}{TEMPORARY}")


def is_abandoned(path: Path) -> bool:
    """Return whether a temporary file was left by a process that has ended."""
    try:
        written = path.stat().st_mtime
    except OSError:  # its writer was faster
        return False
    writer = WRITER.fullmatch(path.name)
    if writer is None or writer[1] != PLACE:
        return time.time() - written > OTHER_PLACE_SECONDS
    try:
        return bool(psutil.Process(int(writer[2])).create_time() > written + CLOCK_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


@contextlib.contextmanager
def _removed_on_failure(temporary: Path) -> Iterator[None]:
    """Take a file away that could not be written: on a full disk it would take the room that others need."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise

"""Uploads: files kept by their content, and those collected to which nobody refers any more."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import BinaryIO

from retrain_core.data.readers import file_hash
from retrain_core.files import REMOVED, copy_hashed, flush_folder, temporary_of
from retrain_core.types import FileRef

EXTENSIONS = (".keras", ".h5", ".csv", ".parquet", ".npz")
UNUSED_SECONDS = 86_400.0  # an upload is younger while somebody may still be about to name it
HASH = re.compile(rb"[0-9a-f]{64}")


def upload_path(root: Path, ref: FileRef) -> Path:
    """Return where a file is in the store ``root``; its name comes from its content, never from its owner."""
    extension = Path(ref.name).suffix.lower()
    return root / "files" / f"{ref.sha256}{extension if extension in EXTENSIONS else ''}"


def add_upload(root: Path, source: BinaryIO, name: str) -> FileRef:
    """Copy what ``source`` holds into the store ``root``, by the content that was written, and return what to call it by.

    A file that is there already is kept if its content is what its name says, and replaced if it was cut off.

    Raises:
        OSError: If it cannot be written; then nothing is left of it.
    """
    temporary = temporary_of(root / "files" / "upload")
    ref = FileRef(copy_hashed(source, temporary), name)
    target = upload_path(root, ref)
    try:
        if _is_whole(target, ref.sha256):
            temporary.unlink()
        else:
            temporary.replace(target)
    except FileNotFoundError:  # it was collected just now
        temporary.replace(target)
    flush_folder(target.parent)
    return ref


def _is_whole(target: Path, sha256: str) -> bool:
    """Return whether a file holds what its name says; if so it counts as new, so that it is not collected."""
    if not target.is_file() or file_hash(target) != sha256:
        return False
    os.utime(target)
    return target.exists()


def unused_uploads(root: Path) -> list[Path]:
    """Return the uploads to which no experiment, no draft and nothing in the bin refers, and that are older than a day.

    What refers is found by the hashes in its text, so a file that cannot be understood keeps its uploads too.

    Raises:
        OSError: If something that may refer cannot be read.
    """
    named: set[str] = set()
    # Experiments twice: one that is taken out of the bin meanwhile is found the second time.
    for folder in ("experiments", "bin", "experiments", "drafts"):
        for path in (root / folder).glob("*.json" if folder == "drafts" else "*/experiment.json"):
            with contextlib.suppress(FileNotFoundError):  # moved meanwhile
                named.update(match.decode() for match in HASH.findall(path.read_bytes()))
    return [
        path
        for path in (root / "files").iterdir()
        if not path.name.startswith(".") and path.name.partition(".")[0] not in named and _is_old(path)
    ]


def collect_uploads(root: Path) -> list[Path]:
    """Remove the uploads that nobody refers to, and return them.

    Each is renamed before it is removed: who adds the same content meanwhile either finds it new, and it is given back,
    or finds it gone, and copies it again.
    """
    collected = []
    for path in unused_uploads(root):
        gone = path.with_name(f".{path.name}{REMOVED}")
        with contextlib.suppress(OSError):
            path.rename(gone)
            if _is_old(gone):
                gone.unlink()
                collected.append(path)
            else:
                gone.rename(path)
    return collected


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > UNUSED_SECONDS
    except OSError:
        return False

"""A full, a read-only and a limited disk: a clear error, and nothing lost of what was there."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from retrain_core.errors import StoreError
from retrain_core.runs.store import Store
from tests.conftest import ROOT
from tests.runs.conftest import Asked

MOUNTED = 'mount -t tmpfs -o size="$1" none "$2" && cp -a "$3" "$2/store" && exec "$4" -m tests.runs.on_disk "$2" "$5" "$6"'
CANNOT_MOUNT = "RETRAIN_TEST_CANNOT_MOUNT"  # in the environment: on this machine a full disk cannot be tested


def cannot_mount() -> str:
    """Return why this user may not mount a disk of his own, in a namespace of his own; nothing if he may."""
    trial = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        done = subprocess.run(trial, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return (done.stderr.strip() or "it fails") if done.returncode else ""


@pytest.mark.skipif(sys.platform != "linux", reason="such namespaces are Linux's")
@pytest.mark.skipif(bool(os.environ.get(CANNOT_MOUNT)), reason=f"{CANNOT_MOUNT} is set")
@pytest.mark.parametrize(
    ("case", "size"), [("full", "2m"), ("read_only", "8m"), ("index_waits", "4m"), ("worker", "4m")]
)
def test_a_store_on_such_a_disk(asked: Asked, tmp_path: Path, case: str, size: str) -> None:
    why = cannot_mount()
    assert not why, f"No disk can be mounted here ({why}); {CANNOT_MOUNT}=1 says that this is known."
    store, spec = asked
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNTED, "sh", size, disk, store.root, sys.executable, spec.id, case],
        cwd=ROOT, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "as promised" in done.stdout, done.stderr[-3000:]


UPLOAD = """
import io, resource, sys
from pathlib import Path
from retrain_core.errors import StoreError
from retrain_core.runs.store import Store
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    store.add_file(io.BytesIO(b"x" * 200_000), "a.csv")
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_an_upload_over_what_the_system_allows_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", UPLOAD, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert said.stdout == "a.csv cannot be kept. File too large. Free some room, then try again.\n"
    assert list((tmp_path / "files").iterdir()) == []


class Broken(io.BytesIO):
    """An upload that ends in an error half way."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() >= 1024**2:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_an_upload_that_was_cut_off_is_never_taken_for_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path)
    text = b"a,b\n" + b"1,2\n" * 500_000
    with pytest.raises(StoreError, match="Input/output error"):
        store.add_file(Broken(text), "a.csv")
    assert list((tmp_path / "files").iterdir()) == []
    path = store.file_path(store.add_file(io.BytesIO(text), "a.csv"))
    for damage in (text[:-5], text[:-1] + b"!"):  # a version that did not flush, and a power cut
        path.write_bytes(damage)
        assert (
            store.file_path(store.add_file(io.BytesIO(text), "a.csv")) == path and path.read_bytes() == text
        )

"""The process that reads a model file is locked in before it reads a byte of it: whatever HDF5's or zip's code in C is made to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no sandbox to test")
MEMORY = 2_000_000_000  # what it may take
# In the place of what reads the file: what such code would do. ``main`` is the real one.
TAKEN_OVER = """
import json, mmap, os, resource, socket, subprocess, sys
from pathlib import Path
from retrain_core.models.reply import Refusal, Reply
from retrain_core.workers import reading

canary, memory = Path(sys.argv.pop(1)), int(sys.argv[4])

def grow(folder, size):
    with (folder / "grown").open("wb") as file:
        file.truncate(size)  # sparse

def hold(number):
    held = []
    try:
        while len(held) < number:
            held.append(os.open(os.devnull, os.O_RDONLY))
    finally:
        for each in held:
            os.close(each)

def take(size):
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000).close()  # MAP_NORESERVE

def allow(kind):
    resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

ATTEMPTS = {
    "read the file": lambda folder: Path(sys.argv[1]).read_bytes(),
    "write its folder": lambda folder: (folder / "own").write_text("own"),
    "read another file": lambda folder: canary.read_text(),
    "write another file": lambda folder: canary.write_text("mine"),
    "reach the net": lambda folder: socket.create_connection(("127.0.0.1", 9)),
    "start a program": lambda folder: subprocess.run(["/bin/true"], check=True),
    "write a large file": lambda folder: grow(folder, reading.LARGEST_FILE),
    "write a larger file": lambda folder: grow(folder, reading.LARGEST_FILE + 1),
    "open some files": lambda folder: hold(reading.MOST_FILES // 2),
    "open too many files": lambda folder: hold(reading.MOST_FILES),
    "take some memory": lambda folder: take(memory // 2),
    "take too much memory": lambda folder: take(memory),
    "dump its memory": lambda folder: resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096)),
    "allow itself larger files": lambda folder: allow(resource.RLIMIT_FSIZE),
    "allow itself more files": lambda folder: resource.setrlimit(resource.RLIMIT_NOFILE, (reading.MOST_FILES + 1,) * 2),
    "allow itself more memory": lambda folder: allow(resource.RLIMIT_DATA),
}

def read(file, name, folder, memory, *, rebuild, locked=None):
    said = {}
    for what, attempt in ATTEMPTS.items():
        try:
            attempt(folder)
            said[what] = "done"
        except ConnectionRefusedError:
            said[what] = "done"  # nobody listens, but the net was reached
        except (OSError, ValueError):  # the latter where a limit would be raised
            said[what] = "denied"
    return Reply(refusal=Refusal("ModelError", "taken over", json.dumps(said), ""))

reading.read = read
reading.main(*sys.argv[1:])
"""


def test_code_that_a_file_takes_over_reaches_nothing(tmp_path: Path) -> None:
    (file := tmp_path / "model.keras").write_bytes(b"model")
    (folder := tmp_path / "folder").mkdir()
    (canary := tmp_path / "canary").write_text("canary")
    done = subprocess.run(
        [
            *(sys.executable, "-c", TAKEN_OVER),
            *map(str, (canary, file, "model.keras", folder, MEMORY, 0)),
        ],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    said = json.loads(json.loads(done.stdout)["refusal"]["why"])
    allowed = {
        "read the file",
        "write its folder",
        "write a large file",
        "open some files",
        "take some memory",
    }
    assert {what for what, came in said.items() if came == "done"} == allowed, said
    assert canary.read_text() == "canary"

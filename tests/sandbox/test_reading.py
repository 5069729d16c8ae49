"""The process that reads a model file is locked in before it reads a byte of it: whatever HDF5's or zip's code in C is made to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no sandbox to test")
# In the place of what reads the file: what such code would do. ``main`` is the real one.
TAKEN_OVER = """
import json, os, socket, subprocess, sys
from pathlib import Path
from retrain_core.models.reply import Refusal, Reply
from retrain_core.workers import reading

canary = Path(sys.argv.pop(1))
ATTEMPTS = {
    "read the file": lambda folder: Path(sys.argv[1]).read_bytes(),
    "write its folder": lambda folder: (folder / "own").write_text("own"),
    "read another file": lambda folder: canary.read_text(),
    "write another file": lambda folder: canary.write_text("mine"),
    "reach the net": lambda folder: socket.create_connection(("127.0.0.1", 9)),
    "start a program": lambda folder: subprocess.run(["/bin/true"], check=True),
}

def read(file, name, folder, memory, *, rebuild, locked=None):
    said = {}
    for what, attempt in ATTEMPTS.items():
        try:
            attempt(folder)
            said[what] = "done"
        except ConnectionRefusedError:
            said[what] = "done"  # nobody listens, but the net was reached
        except OSError:
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
            *map(str, (canary, file, "model.keras", folder, 2_000_000_000, 0)),
        ],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=True,
    )
    said = json.loads(json.loads(done.stdout)["refusal"]["why"])
    assert said == {
        "read the file": "done",
        "write its folder": "done",
        "read another file": "denied",
        "write another file": "denied",
        "reach the net": "denied",
        "start a program": "denied",
    }
    assert canary.read_text() == "canary"

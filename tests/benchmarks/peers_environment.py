"""The tools we are compared with, in an environment of their own: they want an older pandas than we have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path.home() / ".cache" / "retrain-benchmarks"


def peers_python() -> str:
    """Return the Python of an environment that has the peers; made on first use, again if ``peers.txt`` changes."""
    wanted = HERE / "peers.txt"
    folder, done = CACHE / "peers", CACHE / "peers" / "peers.txt"
    if not done.exists() or done.read_text() != wanted.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        done.write_text(wanted.read_text())
    return str(folder / "bin/python")

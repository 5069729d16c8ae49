"""Real models, saved once by Keras in a process of its own."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of every kind, and ``facts.json``."""
    folder = tmp_path_factory.mktemp("saved")
    script = Path(__file__).with_name("build_models.py")
    done = subprocess.run(
        [sys.executable, script, folder],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.fixture(scope="session")
def facts(saved: Path) -> dict[str, Any]:
    """What Keras says about each model."""
    return json.loads((saved / "facts.json").read_text())


@pytest.fixture(scope="session")
def members(saved: Path) -> dict[str, bytes]:
    """The members of a plain ``.keras`` file, to be changed and packed again."""
    with zipfile.ZipFile(saved / "sequential.keras") as archive:
        return {name: archive.read(name) for name in archive.namelist()}

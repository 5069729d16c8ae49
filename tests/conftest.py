"""Fixtures: the samples, and small questions that are answered in seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads stall each other on a busy machine of few cores
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "-1")


def command_line(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run ``python -m retrain_core`` as another program would."""
    return subprocess.run(
        [sys.executable, "-m", "retrain_core", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="session")
def keras_script(tmp_path_factory: pytest.TempPathFactory):
    """Run a plain Keras script in a process of its own and return what it printed."""

    def run(code: str, *arguments: object) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run

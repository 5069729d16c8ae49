"""A fork server is tied to the runner that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.serving import until
from tests.storm import is_alive

ENDLESS = """
import time
print("{}", flush=True)  # it has begun
time.sleep(3600)
"""

RUNNER = """
import os, sys, time
from retrain_core.runs.launchers.local import _environment
from retrain_core.runs.launchers.warm import WarmServer
environment = _environment("cpu")
environment["PYTHONPATH"] += os.pathsep + sys.argv[1]
server = WarmServer("endless", environment)
server._messages.get()
print(server._server.pid, flush=True)
time.sleep(3600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends once it has come up")
def test_it_dies_with_its_runner_also_while_it_imports(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    command = [sys.executable, "-c", RUNNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        server = psutil.Process(int(runner.stdout.readline()))
        try:
            runner.kill()
            until(lambda: not is_alive(server), "it has outlived its runner")
        finally:
            if is_alive(server):
                server.kill()

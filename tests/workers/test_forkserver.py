"""A fork server is tied to the runner that started it."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from tests.conftest import ROOT
from tests.serving import until
from tests.storm import is_alive

RUNNER = """
import time
from retrain_core.runs.launchers.local import _environment
from retrain_core.runs.launchers.warm import WarmServer
server = WarmServer("tests.workers.endless", _environment("cpu"))
server._messages.get()
print(server._server.pid, flush=True)
time.sleep(3600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it ends once it has come up")
def test_it_dies_with_its_runner_also_while_it_imports() -> None:
    with subprocess.Popen([sys.executable, "-c", RUNNER], cwd=ROOT, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        server = psutil.Process(int(runner.stdout.readline()))
        try:
            runner.kill()
            until(lambda: not is_alive(server), "it has outlived its runner")
        finally:
            if is_alive(server):
                server.kill()

"""From the click on Start to the first finished epoch, on a warm runner; and from the command to the app's first answer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from retrain_core.runs.events import read_events
from tests.benchmarks.three_strategies import WarmRunner

ROOT = Path(__file__).parents[2]


def click_to_epoch(warm: WarmRunner) -> float:
    """Return the seconds from handing the runs over, data not prepared yet, to the first finished epoch."""
    spec = warm.question()
    runs = warm.store.experiment_folder(spec.id) / "runs"

    def epoch_done() -> bool:
        return any(
            event.kind == "epoch" and event.values.get("epoch", 1) >= 1
            for folder in runs.iterdir()
            for event in read_events(folder / "events.jsonl")
        )

    seconds = warm.run(spec, epoch_done, strategies={"fine_tune": {}, "incremental": {}, "full_retrain": {}})
    while not warm.done(spec):
        warm.runner.step()
        time.sleep(0.01)
    return seconds


def app_up() -> tuple[float, bool]:
    """Return the seconds until the app answers, and whether its process has loaded TensorFlow."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as store:
        start = time.perf_counter()
        app = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"],
            cwd=ROOT, env={**os.environ, "RETRAIN_STORE": store}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1) as page:
                        assert page.status == 200
                    break
                except OSError:
                    time.sleep(0.02)
            seconds = time.perf_counter() - start
            loaded = "tensorflow" in Path(f"/proc/{app.pid}/maps").read_text()
        finally:
            app.kill()
            app.wait()
    return seconds, loaded

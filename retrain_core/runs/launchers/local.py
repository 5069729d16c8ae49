"""Workers on this machine: forked from a warm process for the CPU, started afresh for a GPU."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import retrain_core

PACKAGE_ROOT = str(Path(retrain_core.__file__).parents[1])
CAN_FORK = sys.platform == "linux"  # TensorFlow on macOS does not survive a fork; Windows has none


class LocalLauncher:
    """Starts workers as processes of this machine.

    Args:
        warm: Whether to fork CPU workers from a process that has imported TensorFlow.
    """

    def __init__(self, warm: bool = CAN_FORK) -> None:
        self._fresh: dict[Path, subprocess.Popen[bytes]] = {}
        self._forked: dict[Path, int | None] = {}
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._server: subprocess.Popen[bytes] | None = self._start_server() if warm else None

    def start(self, folder: Path, device: str, threads: int) -> None:
        """Start the worker of a run folder."""
        if self._server is None or device != "cpu":
            log = (folder / "worker.log").open("ab")
            arguments = [str(folder), device, str(threads)]
            self._fresh[folder] = subprocess.Popen(
                [sys.executable, "-m", "retrain_core.training.worker", *arguments],
                env=_environment(device),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            log.close()
            return
        self._forked[folder] = None
        self._ask({"run": str(folder), "device": device, "threads": threads})

    def ended(self) -> list[tuple[Path, int]]:
        """Return the run folders whose workers have ended since the last call, with their exit codes."""
        found = []
        while not self._messages.empty():
            message = self._messages.get()
            if message is None:  # the server itself has ended, and its workers with it
                found += [(folder, -signal.SIGKILL) for folder in self._forked]
                self._forked.clear()
                self._close_server()
                self._server = self._start_server()
            elif "started" in message:
                self._forked[Path(message["started"])] = message["pid"]
            elif "ended" in message and self._forked.pop(Path(message["ended"]), 0) != 0:
                found.append((Path(message["ended"]), message["code"]))
        for folder, process in list(self._fresh.items()):
            code = process.poll()
            if code is not None:
                del self._fresh[folder]
                found.append((folder, code))
        return found

    def kill(self, folder: Path) -> None:
        """End a worker at once."""
        pid = self._forked.get(folder)
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        elif folder in self._fresh:
            self._fresh[folder].kill()

    def find_devices(self, path: Path) -> None:
        """Have ``path`` written with the devices there are; a process of its own looks, not the warm one."""
        process = subprocess.Popen(
            [sys.executable, "-m", "retrain_core.training.devices", str(path)],
            env=_environment("any"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=process.wait, daemon=True).start()

    def close(self) -> None:
        """End all workers."""
        for process in self._fresh.values():
            process.kill()
            process.wait()
        self._close_server()

    def _ask(self, request: dict[str, Any]) -> None:
        assert self._server is not None and self._server.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is on the way as a message
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()

    def _start_server(self) -> subprocess.Popen[bytes]:
        server = subprocess.Popen(
            [sys.executable, "-m", "retrain_core.training.forkserver"],
            env=_environment("cpu"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None,
        )
        self._listener = threading.Thread(target=self._listen, args=(server,), daemon=True)
        self._listener.start()
        return server

    def _listen(self, server: subprocess.Popen[bytes]) -> None:
        assert server.stdout is not None
        with server.stdout:
            for line in server.stdout:
                self._messages.put(json.loads(line))
        self._messages.put(None)

    def _close_server(self) -> None:
        if self._server is not None and self._server.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._server.stdin.close()
            try:
                self._server.wait(timeout=2)
            except subprocess.TimeoutExpired:  # it may still be importing; its workers die with it
                self._server.kill()
                self._server.wait()
            self._listener.join(timeout=10)


def _environment(device: str) -> dict[str, str]:
    extra = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": PACKAGE_ROOT}
    if device == "cpu":
        extra["CUDA_VISIBLE_DEVICES"] = "-1"
    return {**os.environ, **extra}

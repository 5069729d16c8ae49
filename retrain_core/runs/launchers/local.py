"""Workers on this machine: forked from a warm process for the CPU, started afresh for a GPU."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil

import retrain_core
from retrain_core.data.files import write_atomic
from retrain_core.machine import PARENT, cpu, may_have_gpu
from retrain_core.types import to_json

PACKAGE_ROOT = str(Path(retrain_core.__file__).parents[1])
WORKER, SERVER = "retrain_core.training.worker", "retrain_core.training.forkserver"
CAN_FORK = sys.platform == "linux"  # TensorFlow on macOS does not survive a fork; Windows has none
SEARCH_SECONDS = 60.0  # a search for GPUs that takes longer hangs in a driver


class LocalLauncher:
    """Starts workers as processes of this machine.

    Args:
        warm: Whether to fork CPU workers from a process that has imported TensorFlow.
    """

    def __init__(self, warm: bool = CAN_FORK) -> None:
        self._fresh: dict[Path, subprocess.Popen[bytes]] = {}
        self._forked: dict[Path, int] = {}
        self._asked: dict[Path, dict[str, Any]] = {}  # of the server, which has not started them yet
        self._ready = False  # whether the server has come up
        self._search: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._server: subprocess.Popen[bytes] | None = self._start_server() if warm else None

    def start(self, folder: Path, device: str, threads: int) -> None:
        """Start the worker of a run folder."""
        if self._server is not None and device == "cpu":
            self._asked[folder] = {"run": str(folder), "device": device, "threads": threads}
            self._ask(self._asked[folder])
            return
        with (folder / "worker.log").open("ab") as log:
            arguments = [str(folder), device, str(threads)]
            self._fresh[folder] = subprocess.Popen(
                [sys.executable, "-m", WORKER, *arguments],
                env=_environment(device),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ended(self) -> list[tuple[Path, int]]:
        """Return the run folders whose workers have ended since the last call, with their exit codes."""
        found = []
        while not self._messages.empty():
            message = self._messages.get()
            if message is None:
                found += self._replace_server()
            elif "ready" in message:
                self._ready = True
            elif "started" in message:
                folder = Path(message["started"])
                del self._asked[folder]
                self._forked[folder] = message["pid"]
            elif "ended" in message:
                folder = Path(message["ended"])
                self._asked.pop(folder, None)
                self._forked.pop(folder, None)
                found.append((folder, message["code"]))
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

    def end_left_over(self, folder: Path) -> None:
        """End a worker of this run folder that an earlier runner has left: on Linux it died with it, not elsewhere."""
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if WORKER in command and str(folder) in command:
                with contextlib.suppress(psutil.Error):
                    process.kill()
                    process.wait(timeout=5)

    def find_devices(self, path: Path) -> threading.Event:
        """Have ``path`` written with the devices there are; the event is set once the search has ended.

        Where no driver is in sight the answer is the CPU, at once. Else a process of its own looks: the warm one has
        CUDA hidden, and what has looked at a GPU must not be forked.
        """
        ended = threading.Event()
        if not may_have_gpu():
            write_atomic(path, to_json((cpu(),)))
            ended.set()
            return ended
        self._search = subprocess.Popen(
            [sys.executable, "-m", "retrain_core.training.devices", str(path)],
            env=_environment("any"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        threading.Thread(target=self._wait_for_search, args=(self._search, path, ended), daemon=True).start()
        return ended

    def close(self) -> None:
        """End all workers."""
        self._closing = True
        if self._search is not None:
            self._search.kill()
            self._search.wait()
        for process in self._fresh.values():
            process.kill()
            process.wait()
        self._close_server()

    def _wait_for_search(self, search: subprocess.Popen[bytes], path: Path, ended: threading.Event) -> None:
        try:
            code = search.wait(SEARCH_SECONDS)
        except subprocess.TimeoutExpired:
            search.kill()
            code = search.wait()
        if code and not self._closing:
            print(f"The search for GPUs failed (exit code {code}): 'auto' means the CPU.", file=sys.stderr)
            path.unlink(missing_ok=True)  # what an earlier search found may not be there any more
        ended.set()

    def _ask(self, request: dict[str, Any]) -> None:
        assert self._server is not None and self._server.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is on the way as a message
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()

    def _start_server(self) -> subprocess.Popen[bytes]:
        # TensorFlow greets whoever imports it, whatever its settings; what matters is told if the server ends.
        self._server_errors = tempfile.TemporaryFile()
        server = subprocess.Popen(
            [sys.executable, "-m", SERVER],
            env=_environment("cpu"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._server_errors,
        )
        self._listener = threading.Thread(target=self._listen, args=(server,), daemon=True)
        self._listener.start()
        return server

    def _listen(self, server: subprocess.Popen[bytes]) -> None:
        assert server.stdout is not None
        with server.stdout:
            for line in server.stdout:
                with contextlib.suppress(ValueError):  # a line by some library, not by the server
                    self._messages.put(json.loads(line))
        self._messages.put(None)

    def _replace_server(self) -> list[tuple[Path, int]]:
        """Start the server anew, or do without if it never came up; return its workers, which died with it."""
        ended = [(folder, -int(signal.SIGKILL)) for folder in self._forked]
        waiting = list(self._asked.values())
        self._forked.clear()
        self._asked.clear()
        self._close_server(unasked=True)
        self._server, self._ready = self._start_server() if self._ready else None, False
        for request in waiting:
            folder = Path(request["run"])
            try:
                self.start(folder, request["device"], request["threads"])
            except OSError:
                ended.append((folder, 1))
        return ended

    def _close_server(self, *, unasked: bool = False) -> None:
        if self._server is not None and self._server.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._server.stdin.close()
            try:
                self._server.wait(timeout=2)
            except subprocess.TimeoutExpired:  # it may still be importing; its workers die with it
                self._server.kill()
                self._server.wait()
            self._listener.join(timeout=10)
            with self._server_errors:
                self._server_errors.seek(0)
                if unasked:
                    sys.stderr.write(self._server_errors.read().decode(errors="replace"))


def _environment(device: str) -> dict[str, str]:
    extra = {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONPATH": PACKAGE_ROOT,
        PARENT: str(os.getpid()),
    }
    if device == "cpu":
        extra["CUDA_VISIBLE_DEVICES"] = "-1"
    return {**os.environ, **extra}

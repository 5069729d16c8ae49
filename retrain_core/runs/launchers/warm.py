"""The runner's end of a fork server: workers of one module, forked from a process that has imported all they need."""

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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SERVER = "retrain_core.workers.forkserver"


class WarmServer:
    """Starts workers by forking, and tells when they have ended.

    Args:
        module: The worker's module, see ``retrain_core.workers.forkserver``.
        environment: Of the server, and so of its workers.
    """

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._module, self._environment = module, environment
        self.forked: dict[Path, int] = {}  # process ids by run folder
        self._asked: dict[Path, dict[str, Any]] = {}  # of the server, which has not started them yet
        self._ready = False  # whether the server has come up
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._server: subprocess.Popen[bytes] | None = self._start_server()

    @property
    def alive(self) -> bool:
        """Whether it can start workers; one that never came up cannot."""
        return self._server is not None

    def start(self, folder: Path, device: str, threads: int) -> None:
        """Ask for the worker of a run folder."""
        self._asked[folder] = {"run": str(folder), "device": device, "threads": threads}
        self._ask(self._asked[folder])

    def ended(self) -> tuple[list[tuple[Path, int]], list[dict[str, Any]]]:
        """Return the run folders whose workers have ended since, with exit codes, and requests it could not serve."""
        found: list[tuple[Path, int]] = []
        left: list[dict[str, Any]] = []
        while not self._messages.empty():
            message = self._messages.get()
            if message is None:
                ended, waiting = self._replace_server()
                found, left = found + ended, left + waiting
            elif "ready" in message:
                self._ready = True
            elif "started" in message:
                folder = Path(message["started"])
                del self._asked[folder]
                self.forked[folder] = message["pid"]
            elif "ended" in message:
                folder = Path(message["ended"])
                self._asked.pop(folder, None)
                self.forked.pop(folder, None)
                found.append((folder, message["code"]))
        return found, left

    def kill(self, folder: Path) -> bool:
        """End a worker at once; return whether it is one of this server's."""
        pid = self.forked.get(folder)
        if not pid:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return True

    def close(self, *, unasked: bool = False) -> None:
        """End the server and its workers; if it ended by itself, pass on what it said."""
        if self._server is None or self._server.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self._server.stdin.close()
        try:
            self._server.wait(timeout=2)
        except subprocess.TimeoutExpired:  # it may still be importing; its workers die with it
            self._server.kill()
            self._server.wait()
        self._listener.join(timeout=10)
        with self._errors:
            self._errors.seek(0)
            if unasked:
                sys.stderr.write(self._errors.read().decode(errors="replace"))

    def _ask(self, request: dict[str, Any]) -> None:
        assert self._server is not None and self._server.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is on the way as a message
            self._server.stdin.write(json.dumps(request).encode() + b"\n")
            self._server.stdin.flush()

    def _start_server(self) -> subprocess.Popen[bytes]:
        # TensorFlow greets whoever imports it, whatever its settings; what matters is told if the server ends.
        self._errors = tempfile.TemporaryFile()
        server = subprocess.Popen(
            [sys.executable, "-m", SERVER, self._module],
            env=dict(self._environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
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

    def _replace_server(self) -> tuple[list[tuple[Path, int]], list[dict[str, Any]]]:
        """Start the server anew, or do without if it never came up; return its workers, which died with it."""
        ended = [(folder, -int(signal.SIGKILL)) for folder in self.forked]
        waiting = list(self._asked.values())
        self.forked.clear()
        self._asked.clear()
        self.close(unasked=True)
        self._server, self._ready = self._start_server() if self._ready else None, False
        return ended, waiting

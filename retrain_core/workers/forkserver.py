"""Keeps workers warm: imports what a worker needs and never uses it, then forks a worker for each run.

Usage: ``forkserver MODULE``, see ``locked`` for what a forked worker does with it. A fresh process needs seconds to
import TensorFlow, and most of one for pandas and SciPy; a fork of one that has imported them and computed nothing is
ready in some hundredths of a second, and is a process of its own. It serves the CPU: a GPU run starts in a fresh process,
because CUDA does not survive a fork once it was used.

Protocol, one JSON object a line. In: ``{"run": DIR, "device": "cpu", "threads": 1}``.
Out: ``{"ready": true}``, ``{"started": DIR, "pid": N}``, ``{"ended": DIR, "code": N}``.
"""

from __future__ import annotations

import importlib
import json
import os
import selectors
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from retrain_core.workers import locked
from retrain_core.workers.ties import die_with_parent

POLL_SECONDS = 0.2


def serve(worker: str) -> None:
    """Answer requests for the module ``worker`` until standard input ends, then stop the workers that are left."""
    children: dict[int, str] = {}
    pending = b""
    poll = selectors.DefaultSelector()
    poll.register(sys.stdin.fileno(), selectors.EVENT_READ)
    wake, signalled = os.pipe()
    os.set_blocking(signalled, False)
    signal.set_wakeup_fd(signalled)  # so that the end of a child is told at once
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the command line, which then ends this process
    poll.register(wake, selectors.EVENT_READ)
    _say({"ready": True})
    while True:
        for key, _ in poll.select(POLL_SECONDS):
            if key.fd == wake:
                os.read(wake, 4096)
                continue
            chunk = os.read(sys.stdin.fileno(), 65536)
            if not chunk:
                for pid in children:
                    os.kill(pid, signal.SIGKILL)
                return
            pending += chunk
            *lines, pending = pending.split(b"\n")
            for line in lines:
                _start(worker, json.loads(line), children)
        _reap(children)


def _start(worker: str, request: dict[str, Any], children: dict[int, str]) -> None:
    server = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        (Path(request["run"]) / "worker.log").write_text(f"No worker can be forked: {error}\n")
        _say({"ended": request["run"], "code": 1})
        return
    if pid == 0:
        code = 1
        try:
            die_with_parent(server)
            _be_worker(worker, request)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    children[pid] = request["run"]
    _say({"started": request["run"], "pid": pid})


def _be_worker(worker: str, request: dict[str, Any]) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)  # standard output belongs to the protocol
    folder = Path(request["run"])
    log = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 2)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the pipes of the server
    locked.work(worker, folder, request["device"], int(request["threads"]))


def _reap(children: dict[int, str]) -> None:
    for pid in list(children):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            _say({"ended": children.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _say(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    die_with_parent()  # also while it imports, when it would not see that its standard input has ended
    importlib.import_module(sys.argv[1])  # all that it imports is there in every fork
    serve(sys.argv[1])

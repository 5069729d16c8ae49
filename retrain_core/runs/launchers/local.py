"""Workers on this machine: forked from a warm process for the CPU, started afresh for a GPU."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil

import retrain_core
from retrain_core.files import write_atomic
from retrain_core.machine import cpu, may_have_gpu
from retrain_core.runs.launchers.warm import WarmServer
from retrain_core.types import Work, to_json
from retrain_core.workers.ties import PARENT

PACKAGE_ROOT = str(Path(retrain_core.__file__).parents[1])
LOCKED = "retrain_core.workers.locked"
TRAINING, MEASURING = "retrain_core.training.worker", "retrain_core.workers.measuring"
WORKERS: dict[Work, str] = {
    "train": TRAINING,
    "rehearse": TRAINING,
    "quick": TRAINING,
    "observe": TRAINING,
    "sensitivity": TRAINING,
    "shift": MEASURING,
    "explain": MEASURING,
}
CAN_FORK = sys.platform == "linux"  # TensorFlow on macOS does not survive a fork; Windows has none
# What workers get of the environment, by how a name begins: a model must not see what else a server keeps there.
KEPT = (
    "PATH", "HOME", "LANG", "LC_", "TZ", "TMP", "TEMP", "USER", "LOGNAME", "PYTHON", "VIRTUAL_ENV", "CONDA", "LD_", "DYLD_",
    "TF_", "XLA_", "KERAS_", "CUDA", "NVIDIA_", "NCCL_", "ROCM_", "HIP_", "HSA_", "OMP_", "MKL_", "KMP_", "OPENBLAS_", "BLIS_",
    "NUMEXPR_", "GOTO_", "MALLOC_", "GLIBC_", "HDF5_", "COVERAGE", "RETRAIN_", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC",
    "PATHEXT", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "PROGRAM",
)  # fmt: skip
SEARCH_SECONDS = 60.0  # a search for GPUs that takes longer hangs in a driver


class LocalLauncher:
    """Starts workers as processes of this machine.

    Args:
        warm: Whether to fork CPU workers from processes that have imported what they need.
    """

    def __init__(self, warm: bool = CAN_FORK) -> None:
        self._fresh: dict[Path, subprocess.Popen[bytes]] = {}
        self._search: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._servers = {
            module: WarmServer(module, _environment("cpu"))
            for module in (MEASURING, TRAINING)
            if warm  # what measures is up soonest
        }

    def start(self, folder: Path, device: str, threads: int, work: Work = "train") -> None:
        """Start the worker of a run folder."""
        module = WORKERS[work]
        server = self._servers.get(module)
        if server is not None and server.alive and not device.startswith("gpu"):
            server.start(folder, device, threads)
            return
        with (folder / "worker.log").open("ab") as log:
            arguments = [str(folder), device, str(threads)]
            self._fresh[folder] = subprocess.Popen(
                [sys.executable, "-m", LOCKED, module, *arguments],
                env=_environment(device),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ended(self) -> list[tuple[Path, int]]:
        """Return the run folders whose workers have ended since the last call, with their exit codes."""
        found = []
        for module, server in self._servers.items():
            over, left = server.ended()
            found += over
            for request in left:
                folder = Path(request["run"])
                work = next(work for work, name in WORKERS.items() if name == module)
                try:
                    self.start(folder, request["device"], request["threads"], work)
                except OSError:
                    found.append((folder, 1))
        for folder, process in list(self._fresh.items()):
            code = process.poll()
            if code is not None:
                del self._fresh[folder]
                found.append((folder, code))
        return found

    def kill(self, folder: Path) -> None:
        """End a worker at once."""
        if not any(server.kill(folder) for server in self._servers.values()) and folder in self._fresh:
            self._fresh[folder].kill()

    def process_id(self, folder: Path) -> int | None:
        """Return the process that does a run, once it is known."""
        for server in self._servers.values():
            if folder in server.forked:
                return server.forked[folder]
        return self._fresh[folder].pid if folder in self._fresh else None

    def end_left_over(self, folder: Path) -> None:
        """End a worker of this run folder that an earlier runner has left: on Linux it died with it, not elsewhere."""
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if any(module in command for module in (TRAINING, MEASURING)) and str(folder) in command:
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
        for server in self._servers.values():
            server.close()

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


def _environment(device: str) -> dict[str, str]:
    extra = {
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONPATH": PACKAGE_ROOT,
        "OPENBLAS_NUM_THREADS": "1",  # more wait for each other on a busy machine, and our own threads work already
        PARENT: str(os.getpid()),
    }
    if device == "cpu":
        extra["CUDA_VISIBLE_DEVICES"] = "-1"
    kept = {name: value for name, value in os.environ.items() if name.upper().startswith(KEPT)}
    return {**kept, **extra}

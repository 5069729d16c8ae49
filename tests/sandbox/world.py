"""What lies around a locked-in process in a test: files to leave alone, listeners that must hear nothing, a process."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.sandbox.attacks import Around

# It may be traced by whoever may trace at all (Yama is stricter than what is tested), and says when it is ready.
VICTIM = """
import ctypes, signal, sys
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1))
signal.signal(signal.SIGUSR1, lambda *_: print("hit", flush=True))
print("ready", flush=True)
sys.stdin.read()
"""


@dataclass
class World:
    """A canary, a spare file, an empty folder, four listeners and a process."""

    around: Around
    listeners: list[socket.socket]
    victim: subprocess.Popen[str]
    before: dict[str, Any] = field(default_factory=dict)

    def seen(self) -> dict[str, Any]:
        """Return all that an attack could have changed."""
        canary, spare = Path(self.around.canary), Path(self.around.spare)
        return {
            "canary": canary.read_text() if canary.exists() else None,
            "spare": (
                spare.read_text(),
                oct(spare.stat().st_mode),
                spare.stat().st_mtime,
                spare.stat().st_nlink,
            )
            if spare.exists()
            else None,
            "outside": sorted(os.listdir(self.around.outside)),
            "heard": [_heard(listener) for listener in self.listeners],
            "victim": (self.victim.poll(), self._hit()),
        }

    def _hit(self) -> bool:
        """Whether the process was sent a signal."""
        assert self.victim.stdout is not None
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self.victim.stdout.fileno(), 100))
        return False

    def untouched(self) -> bool:
        """Whether nothing was changed and nothing was heard."""
        return self.seen() == self.before


def _heard(listener: socket.socket) -> bool:
    try:
        if listener.type == socket.SOCK_DGRAM:
            listener.recv(10)
        else:
            listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def made_world(folder: Path) -> Iterator[World]:
    """Make a world in ``folder``; the room in it is empty."""
    for name in ("room", "outside"):
        (folder / name).mkdir(parents=True)
    (folder / "canary").write_text("canary")
    (folder / "spare").write_text("spare")
    name = f"retrain-{secrets.token_hex(4)}"
    short = Path(f"/tmp/{name}.sock")  # a path of a socket has at most 107 letters
    with contextlib.ExitStack() as stack:
        stack.callback(short.unlink, missing_ok=True)
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            (socket.AF_UNIX, socket.SOCK_STREAM, str(short)),
            (socket.AF_UNIX, socket.SOCK_STREAM, "\0" + name),
        ]
        listeners = []
        for family, kind, address in addresses:
            listener = stack.enter_context(socket.socket(family, kind))
            listener.bind(address)
            if kind == socket.SOCK_STREAM:
                listener.listen(8)
            listener.setblocking(False)
            listeners.append(listener)
        victim = stack.enter_context(
            subprocess.Popen([sys.executable, "-c", VICTIM], stdin=-1, stdout=-1, text=True)
        )
        stack.callback(victim.kill)
        assert victim.stdout is not None and victim.stdout.readline() == "ready\n"
        os.set_blocking(victim.stdout.fileno(), False)
        around = Around(
            room=str(folder / "room"),
            canary=str(folder / "canary"),
            spare=str(folder / "spare"),
            outside=str(folder / "outside"),
            tcp=listeners[0].getsockname()[1],
            udp=listeners[1].getsockname()[1],
            unix=str(short),
            abstract=name,
            victim=victim.pid,
        )
        world = World(around, listeners, victim)
        world.before = world.seen()
        yield world


def attacked(world: World, layers: Sequence[str], attacks: Sequence[str]) -> dict[str, Any]:
    """Try attacks from a process that is locked in by some layers; return what each came to."""
    asked = {"layers": list(layers), "attacks": list(attacks), "around": asdict(world.around)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.sandbox.attacks", json.dumps(asked)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])

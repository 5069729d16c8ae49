"""What ``lock_in`` promises: what may still be done, what it tells, and the filter on both processors."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from retrain_core import sandbox
from retrain_core.errors import RunError
from retrain_core.sandbox import LAYERS, NEEDED, WALLS, lock_in, weakened
from retrain_core.sandbox.denied import CHECKED, DENIED, NEWEST, UNSEEN
from retrain_core.sandbox.kernel import ARCHITECTURES, Missing
from retrain_core.sandbox.least import LEAST, least, require, require_here
from retrain_core.sandbox.seccomp import ALLOW, AUDIT, CLONE_THREAD, FAIL, KILL, X32, program
from retrain_core.types import Locked, from_json, to_json
from tests.conftest import ROOT

linux = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")
WORK = """
import sys
from pathlib import Path
from retrain_core.sandbox import lock_in
from retrain_core.sandbox.limits import GOES_FIRST
room, given = Path(sys.argv[1]), Path(sys.argv[2])
assert "numpy" not in sys.modules
locked = lock_in(write=room, read=[given])
import os, psutil, resource, shutil, tempfile, threading, time, zoneinfo
import numpy as np
from retrain_core.machine import EnergyMeter, available_memory_mb, total_memory_mb
from retrain_core.workers.processes import peak_memory_mb
(room / "a").mkdir()
(room / "a" / "file").write_text("x")
(room / "a" / "file").rename(room / "file")  # between folders of the room
(room / "a").rmdir()
with tempfile.TemporaryDirectory(dir=room) as folder:
    np.save(Path(folder, "array.npy"), np.zeros(3))
    assert np.load(Path(folder, "array.npy"), mmap_mode="r").sum() == 0
thread = threading.Thread(target=lambda: (room / "thread").write_text("x"))
thread.start(); thread.join()
assert (room / "thread").is_file()  # threads are locked in, and work
assert given.read_text() == "given"
try:
    given.write_text("changed")
    raise SystemExit("an input was written")
except PermissionError:
    pass
assert available_memory_mb() > 0 and total_memory_mb() > 0 and peak_memory_mb() > 0
assert psutil.Process().memory_info().rss > 0 and psutil.cpu_times().user >= 0
EnergyMeter().joules()
assert str(zoneinfo.ZoneInfo("Europe/Berlin")) and os.urandom(8) and time.localtime()
open(os.devnull, "w").write("x")
os.kill(os.getpid(), 0)
assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
assert Path("/proc/self/oom_score_adj").read_text().strip() == GOES_FIRST
print(locked.level)
"""
THREADS = """
import threading, sys
from pathlib import Path
from retrain_core.sandbox import lock_in
end = threading.Event()
threading.Thread(target=end.wait, daemon=True).start()
print(lock_in(write=None).layers["landlock"])
"""


def ran(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


@linux
def test_work_goes_on_inside(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "given").write_text("given")
    assert ran(WORK, tmp_path / "room", tmp_path / "given") == "full"


@linux
def test_threads_that_run_already_are_told(tmp_path: Path) -> None:
    assert "Other threads" in ran(THREADS)


@linux
@pytest.mark.parametrize("number", [X32 + 39, 0])
def test_calls_of_another_kind_end_the_process(number: int) -> None:
    """``getpid`` of x32; the plain number 0 (read) is allowed and ends nothing."""
    code = (
        "import sys, ctypes; from retrain_core.sandbox import lock_in; lock_in(write=None); "
        "ctypes.CDLL(None).syscall(ctypes.c_long(int(sys.argv[1])), -1, None, 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(number)], cwd=ROOT, check=False)
    if sys.platform == "linux" and sys.implementation._multiarch.startswith("x86_64"):
        assert done.returncode == (-31 if number else 0)  # SIGSYS


def test_a_layer_that_cannot_be_put_up_is_told_and_the_others_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []

    def missing(room: sandbox.Room) -> None:
        raise Missing("This kernel has none.")

    def refused(room: sandbox.Room) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    def broken(room: sandbox.Room) -> None:
        raise AttributeError("no such symbol")

    monkeypatch.setattr(
        sandbox, "LAYERS", {"landlock": missing, "seccomp": refused, "limits": broken, "last": tried.append}
    )
    locked = lock_in(write=None)
    assert locked.level == "none" and len(tried) == 1
    assert locked.layers["landlock"] == "This kernel has none."
    assert (
        "Operation not permitted" in locked.layers["seccomp"] and "no such symbol" in locked.layers["limits"]
    )
    assert list(locked.missing) == ["landlock", "seccomp", "limits"]


@pytest.mark.parametrize("layer", LAYERS)
def test_the_level_is_full_only_if_all_that_count_hold(layer: str) -> None:
    whole = Locked("full", dict.fromkeys(LAYERS, ""))
    assert weakened(whole, layer, "gone").level == ("partial" if layer in NEEDED else "full")


def test_without_a_wall_there_is_no_sandbox() -> None:
    locked = Locked("full", dict.fromkeys(LAYERS, ""))
    for wall in WALLS:
        locked = weakened(locked, wall, "gone")
    assert locked.level == "none"
    assert from_json(to_json(locked), Locked) == locked


@pytest.mark.parametrize(
    ("asked", "level"), [("full", "full"), ("Partial", "partial"), ("none", "none"), ("ful", "full")]
)
def test_the_least_level_is_what_was_set_and_never_less_by_a_slip(
    monkeypatch: pytest.MonkeyPatch, asked: str, level: str
) -> None:
    monkeypatch.setenv(LEAST, asked)
    assert least() == level


def test_a_sandbox_that_is_too_weak_is_refused_with_what_why_and_what_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weak = Locked("partial", {"landlock": "The kernel has none.", "seccomp": ""})
    monkeypatch.setenv(LEAST, "partial")
    require(weak)
    monkeypatch.setenv(LEAST, "full")
    with pytest.raises(RunError, match="The kernel has none") as refused:
        require(weak)
    assert "'partial'" in refused.value.what and LEAST in refused.value.next_step
    if sys.platform == "linux":
        require_here()


class Simulated:
    """The kernel's small machine, as far as the filter uses it."""

    def __init__(self, machine: str, process: int = 4321, *, gpu: bool = False) -> None:
        self.machine, self.steps = machine, program(machine, process, gpu=gpu)

    def answer(self, number: int, arguments: Sequence[int] = (), audit: int | None = None) -> int:
        data = {0: number, 4: AUDIT[self.machine] if audit is None else audit}
        data |= {
            16 + 8 * place: value & 0xFFFFFFFF
            for place, value in enumerate((*arguments, 0, 0, 0, 0, 0, 0)[:6])
        }
        value = place = 0
        while True:
            code, true, false, k = self.steps[place]
            place += 1
            if code == 0x20:
                value = data[k]
            elif code == 0x54:
                value &= k
            elif code == 0x06:
                return k
            else:
                place += true if {0x15: value == k, 0x25: value > k, 0x35: value >= k}[code] else false

    def call(self, name: str, *arguments: int) -> int:
        number = (DENIED | UNSEEN | CHECKED)[name][ARCHITECTURES.index(self.machine)]
        assert number is not None
        return self.answer(number, arguments)


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_answers_as_it_should_on_both_processors(machine: str) -> None:
    kernel, denied = Simulated(machine), FAIL | errno.EPERM
    place = ARCHITECTURES.index(machine)
    for name, numbers in (DENIED | UNSEEN).items():
        if numbers[place] is not None:
            assert kernel.call(name) == denied, name
    assert kernel.answer(0, audit=0x40000003) == KILL  # 32-bit
    assert kernel.answer(NEWEST + 1) == FAIL | errno.ENOSYS
    if machine == "x86_64":
        assert kernel.answer(X32 + 1) == KILL
    assert kernel.call("clone", CLONE_THREAD | 0x3D0F00 & ~0x20000) == ALLOW
    assert kernel.call("clone", 17) == denied
    assert kernel.call("clone", CLONE_THREAD | 0x10000000) == denied
    assert kernel.call("clone3") == FAIL | errno.ENOSYS
    assert kernel.call("kill", 4321, 9) == ALLOW
    assert {kernel.call("kill", other, 9) for other in (0, 1, -1, -4321, 4322)} == {denied}
    assert kernel.call("tgkill", 4321, 5) == ALLOW and kernel.call("tgkill", 1, 5) == denied
    assert kernel.call("prlimit64", 0) == ALLOW and kernel.call("prlimit64", 1) == denied
    assert kernel.call("prctl", 15) == ALLOW and kernel.call("prctl", 1) == denied
    assert kernel.call("fcntl", 3, 1) == ALLOW and kernel.call("fcntl", 3, 8) == denied
    assert kernel.call("ioctl", 3, 0x5401) == ALLOW and kernel.call("ioctl", 3, 0x5412) == denied
    assert kernel.call("mmap", 0, 4096, 3, 0x22) == ALLOW and kernel.call("mmap", 0, 4096, 3, 0x21) == denied
    assert kernel.call("mmap", 0, 4096, 3, 0x23) == denied  # MAP_SHARED_VALIDATE
    drivers = Simulated(machine, gpu=True)
    assert {drivers.call("mmap", 0, 4096, 3, 0x21), drivers.call("memfd_create")} == {ALLOW}
    assert drivers.call("shmget") == denied
    known = {numbers[place] for numbers in (DENIED | UNSEEN | CHECKED).values()}
    assert {kernel.answer(number) for number in range(NEWEST + 1) if number not in known} == {ALLOW}


def test_no_call_stands_twice_or_under_two_numbers() -> None:
    for place in (0, 1):
        numbers = [
            number[place] for number in (DENIED | UNSEEN | CHECKED).values() if number[place] is not None
        ]
        assert len(numbers) == len(set(numbers))


def test_the_command_tells_what_holds_as_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "retrain_core.sandbox", str(ROOT / "README.md")],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert set(json.loads(done.stdout)["layers"]) == set(LAYERS)

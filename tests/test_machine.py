"""What can be told without TensorFlow: signs of a GPU, energy used, memory left."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from retrain_core import machine
from retrain_core.machine import EnergyMeter, available_memory_mb, total_memory_mb
from retrain_core.runs.launchers.local import LocalLauncher
from retrain_core.types import Device, from_json

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no cheap sign of a GPU")


@linux_only
def test_any_sign_of_a_driver_is_reason_to_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "GPU_SIGNS", (str(tmp_path / "nvidia*"),))
    monkeypatch.setattr(machine, "GPU_TOOLS", ())
    assert not machine.may_have_gpu()
    (tmp_path / "nvidiactl").touch()
    assert machine.may_have_gpu()


def test_without_a_gpu_the_answer_is_there_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain_core.runs.launchers.local.may_have_gpu", lambda: False)
    launcher = LocalLauncher(warm=False)
    assert launcher.find_devices(tmp_path / "devices.json").is_set()
    (device,) = from_json((tmp_path / "devices.json").read_bytes(), tuple[Device, ...])
    assert device.name == "cpu" and device.cores == machine.usable_cores()


def test_a_search_agrees_with_the_quick_answer_on_a_machine_without_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain_core.runs.launchers.local.may_have_gpu", lambda: True)
    launcher = LocalLauncher(warm=False)
    assert launcher.find_devices(tmp_path / "devices.json").wait(60)
    launcher.close()
    found = from_json((tmp_path / "devices.json").read_bytes(), tuple[Device, ...])
    assert found[0] == machine.cpu()


def test_a_search_that_fails_leaves_no_old_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("retrain_core.runs.launchers.local.may_have_gpu", lambda: True)
    monkeypatch.setattr("retrain_core.runs.launchers.local.SEARCH_SECONDS", 0.01)
    (tmp_path / "devices.json").write_text("[]")
    launcher = LocalLauncher(warm=False)
    assert launcher.find_devices(tmp_path / "devices.json").wait(60)
    launcher.close()
    assert not (tmp_path / "devices.json").exists()
    assert "The search for GPUs failed" in capfd.readouterr().err


def test_the_search_finds_the_logical_gpus_of_a_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine.LOGICAL_GPUS, "2")
    assert machine.may_have_gpu()
    launcher = LocalLauncher(warm=False)
    assert launcher.find_devices(tmp_path / "devices.json").wait(60)
    launcher.close()
    _, *gpus = from_json((tmp_path / "devices.json").read_bytes(), tuple[Device, ...])
    assert [gpu.name for gpu in gpus] == ["gpu:0", "gpu:1"]
    assert all("logical, for tests" in gpu.title for gpu in gpus)


# --- energy ---------------------------------------------------------------------------------------


def counter(powercap: Path, zone: str, name: str, microjoules: int, size: int = 1000_000_000) -> Path:
    folder = powercap / zone
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "max_energy_range_uj").write_text(f"{size}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder / "energy_uj"


def test_energy_is_that_of_all_packages_and_of_nothing_inside_them(tmp_path: Path) -> None:
    zones = {"intel-rapl:0": "package-0", "intel-rapl:1": "package-1", "intel-rapl:0:0": "core",
             "intel-rapl:2": "psys", "intel-rapl-mmio:0": "package-0"}  # fmt: skip
    counters = [counter(tmp_path, zone, name, 5_000_000) for zone, name in zones.items()]
    meter = EnergyMeter(tmp_path)
    for path in counters:
        path.write_text("7500000\n")
    assert meter.joules() == 5.0


def test_a_counter_that_starts_again_at_0_is_added_up(tmp_path: Path) -> None:
    path = counter(tmp_path, "intel-rapl:0", "package-0", 90_000_000, size=100_000_000)
    meter = EnergyMeter(tmp_path)
    readings = []
    for microjoules in (95_000_000, 15_000_000, 10_000_000):
        path.write_text(str(microjoules))
        readings.append(meter.joules())
    assert readings == [5.0, 25.0, 120.0]


def test_energy_is_unknown_without_counters_and_when_they_cannot_be_read(tmp_path: Path) -> None:
    assert EnergyMeter(tmp_path / "nowhere").joules() is None
    path = counter(tmp_path, "intel-rapl:0", "package-0", 1)
    path.unlink()
    assert EnergyMeter(tmp_path).joules() is None
    path.write_text("1")
    meter = EnergyMeter(tmp_path)
    path.unlink()
    assert meter.joules() is None


# --- memory ---------------------------------------------------------------------------------------


def memory(tmp_path: Path, groups: str, files: dict[str, object], ask=available_memory_mb) -> float:
    """Return what a made-up machine of 16000 MB tells that has 8000 left; sizes in ``files`` are in MB."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 16384000 kB\nMemAvailable: 8192000 kB\n")
    (tmp_path / "proc" / "self" / "cgroup").write_text(groups)
    for name, value in files.items():
        path = tmp_path / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(value * 1024**2 if isinstance(value, int) else value))
    return ask(tmp_path / "proc", tmp_path / "cgroup")


def test_without_a_control_group_all_that_the_system_has_is_left(tmp_path: Path) -> None:
    assert memory(tmp_path, "", {}) == 8000


def test_a_container_leaves_its_limit_less_what_it_uses_but_caches_count_as_free(tmp_path: Path) -> None:
    left = memory(tmp_path, "0::/\n", {
        "memory.max": 1000, "memory.current": 700, "memory.stat": f"anon 1\ninactive_file {100 * 1024**2}\n",
    })  # fmt: skip
    assert left == 400


def test_the_tightest_group_around_the_process_counts(tmp_path: Path) -> None:
    left = memory(tmp_path, "0::/slice/job\n", {
        "slice/job/memory.max": "max", "slice/job/memory.current": 10,
        "slice/memory.max": 300, "slice/memory.current": 100,
        "memory.max": 5000, "memory.current": 100,
    })  # fmt: skip
    assert left == 200


@pytest.mark.parametrize(
    "where", ["memory/docker/0a1b", "memory"]
)  # the mount may be the container's own group
def test_version_1_of_control_groups_is_understood(tmp_path: Path, where: str) -> None:
    left = memory(tmp_path, "5:cpu:/\n4:memory:/docker/0a1b\n0::/\n", {
        f"{where}/memory.limit_in_bytes": 512, f"{where}/memory.usage_in_bytes": 500,
        f"{where}/memory.stat": f"total_inactive_file {88 * 1024**2}\n",
    })  # fmt: skip
    assert left == 100


@pytest.mark.parametrize("limit", ["max", 9_000_000])
def test_a_group_without_limit_or_with_more_than_there_is_changes_nothing(
    tmp_path: Path, limit: object
) -> None:
    assert memory(tmp_path, "0::/\n", {"memory.max": limit, "memory.current": 1}) == 8000


def test_a_group_that_is_over_its_limit_leaves_nothing(tmp_path: Path) -> None:
    assert memory(tmp_path, "0::/\n", {"memory.max": 10, "memory.current": 11}) == 0


@pytest.mark.parametrize(
    ("groups", "files", "total"),
    [
        ("", {}, 16_000),
        ("0::/\n", {"memory.max": 1_000}, 1_000),
        ("0::/\n", {"memory.max": "max"}, 16_000),
        ("0::/a/b\n", {"a/b/memory.max": "max", "a/memory.max": 300, "memory.max": 5_000}, 300),
        ("4:memory:/c\n", {"memory/c/memory.limit_in_bytes": 512}, 512),
        (
            "4:memory:/c\n",
            {"memory/c/memory.limit_in_bytes": 9_223_372_036_854},
            16_000,
        ),  # version 1's "no limit"
    ],
)
def test_the_memory_of_the_machine_is_what_the_tightest_limit_allows(
    tmp_path: Path, groups: str, files: dict[str, object], total: float
) -> None:
    assert memory(tmp_path, groups, files, total_memory_mb) == total


def test_this_machine_has_at_least_what_is_left_of_it() -> None:
    assert total_memory_mb() >= available_memory_mb() * 0.99


def told(script: str, argument: str) -> float:
    """Return the megabytes that a script tells in a process of its own."""
    done = subprocess.run([sys.executable, "-c", script, argument], capture_output=True, check=True)
    return float(done.stdout)


TOUCH = """
import ctypes, sys, mmap, psutil
from retrain_core.machine import PR_SET_THP_DISABLE, use_large_pages
use_large_pages(False)  # as a runner finds it: what started it goes without
if sys.argv[1] == "as it could": ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0)
else: use_large_pages(sys.argv[1] == "large")
size, large = 64 * 1024**2, 2 * 1024**2
memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_HUGEPAGE)
before = psutil.Process().memory_full_info().uss
for place in range(0, size, large):
    memory[place] = 1
print((psutil.Process().memory_full_info().uss - before) / 1024**2)
"""


@linux_only
def test_a_byte_of_a_large_page_takes_all_of_it_unless_they_are_not_wanted() -> None:
    assert told(TOUCH, "small") < 2
    # Linux promises none: where memory is in pieces, there are few.
    assert told(TOUCH, "large") > 30 or told(TOUCH, "as it could") < 30


KEPT = """
import os, sys, threading, psutil
from retrain_core.machine import give_back_memory, give_back_own_memory
taken = lambda: psutil.Process().memory_full_info().uss / 1024**2
together = threading.Barrier(4)
def take(give):
    together.wait()
    kept = [bytearray(100_000)]
    for _ in range(3):
        large = [b"x" * 16 * 1024**2, b"x" * 8 * 1024**2]  # the first is mapped; then glibc keeps such blocks
        del large
    give()
def give_for_ever(give):
    while True: give()
for _ in range(2):  # none may undo what another has asked for this moment
    threading.Thread(target=give_for_ever, args=[globals()[sys.argv[1]]], daemon=True).start()
before, most = taken(), 0
for _ in range(20):
    threads = [threading.Thread(target=take, args=[globals()[sys.argv[1]]]) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    most = max(most, taken() - before)
print(most, flush=True)
os._exit(0)  # whoever gives for ever is not waited for
"""


@linux_only
def test_a_thread_gives_back_what_it_has_freed_and_the_whole_process_could_not() -> None:
    assert told(KEPT, "give_back_own_memory") < 8
    if platform.libc_ver()[0] == "glibc":
        assert told(KEPT, "give_back_memory") > 40  # so much is kept for four threads

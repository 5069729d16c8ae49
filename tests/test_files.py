"""Files are whole or not there, whatever happens to who writes them, and last once they are there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from retrain_core import files
from retrain_core.files import (
    flush_folder,
    is_abandoned,
    put_in_place,
    remove_whole,
    temporary_of,
    write_atomic,
)


def write_versions(target: Path, told: int) -> None:
    """Write versions of a file for ever, on a disk that takes its time, and tell the number of each that is written."""
    real = os.fsync

    def slow(handle: int) -> None:
        time.sleep(0.02)
        real(handle)

    files.os.fsync = slow
    number = 0
    while True:
        write_atomic(target, (b"%08d" % number) * 20_000)
        os.write(told, b"%08d" % number)
        number += 1


def test_a_file_is_flushed_before_it_is_renamed_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noting_fsync(handle: int) -> None:
        done.append(f"flush {Path(os.readlink(f'/proc/self/fd/{handle}')).name.split('.')[1:2] or 'folder'}")
        fsync(handle)

    def noting_replace(path: Path, target: Path) -> Path:
        done.append("rename")
        return replace(path, target)

    monkeypatch.setattr(files.os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    write_atomic(tmp_path / "a.json", b"{}")
    assert done == ["flush ['a']", "rename", "flush folder"]


def test_all_of_a_folder_is_flushed_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new" / "part").mkdir(parents=True)
    for name in ("new/a.npy", "new/part/b.npy"):
        (tmp_path / name).write_bytes(b"x")
    flushed: list[str] = []
    fsync = os.fsync
    monkeypatch.setattr(
        files.os,
        "fsync",
        lambda handle: (flushed.append(os.readlink(f"/proc/self/fd/{handle}")), fsync(handle)),
    )
    put_in_place(tmp_path / "new", tmp_path / "data")
    names = [str(Path(path).relative_to(tmp_path)) for path in flushed]
    assert set(names[:-1]) == {"new", "new/a.npy", "new/part", "new/part/b.npy"} and names[-1] == "."
    assert (tmp_path / "data" / "part" / "b.npy").read_bytes() == b"x" and not (tmp_path / "new").exists()


@pytest.mark.parametrize("moment", [0.0, 0.005, 0.01, 0.02, 0.03, 0.05])
def test_a_writer_on_a_slow_disk_that_is_killed_leaves_the_file_whole(tmp_path: Path, moment: float) -> None:
    target = tmp_path / "result.json"
    listen, told = os.pipe()
    writer = os.fork()
    if writer == 0:
        write_versions(target, told)
    os.close(told)
    said = os.read(listen, 8)
    time.sleep(moment)  # where in the write it is cut off
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    while more := os.read(listen, 8):
        said = more
    os.close(listen)
    last = int(said)
    content = target.read_bytes()
    assert len(content) == 160_000 and content == content[:8] * 20_000
    assert int(content[:8]) in (last, last + 1)  # what was said to be written is there
    left = [path for path in tmp_path.iterdir() if path != target]
    assert all(is_abandoned(path) for path in left)


def test_what_could_not_be_written_leaves_what_was_there_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_atomic(tmp_path / "a", b"before")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(tmp_path / "a", b"after")
    assert [path.name for path in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_bytes() == b"before"


def test_what_a_living_process_writes_is_not_abandoned_however_old(tmp_path: Path) -> None:
    mine = temporary_of(tmp_path / "a")
    mine.touch()
    began = files.psutil.Process().create_time()
    os.utime(mine, (began, began))
    assert not is_abandoned(mine)
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    theirs = tmp_path / f".a.{files.PLACE}.{other.pid}.1.tmp"
    theirs.touch()
    assert not is_abandoned(theirs)
    other.kill()
    other.wait()
    assert is_abandoned(theirs)


def test_a_number_that_another_process_has_now_does_not_keep_a_leftover(tmp_path: Path) -> None:
    left = temporary_of(tmp_path / "a")
    left.touch()
    before = files.psutil.Process().create_time() - 60
    os.utime(left, (before, before))
    assert is_abandoned(left)


@pytest.mark.parametrize(("age", "expected"), [(60, False), (2 * 86_400, True)])
@pytest.mark.parametrize("name", [".a.00000000.1.1.tmp", ".a.12345.77.tmp"])
def test_what_another_machine_or_an_earlier_version_writes_is_told_by_its_age(
    tmp_path: Path, name: str, age: float, expected: bool
) -> None:
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert is_abandoned(tmp_path / name) is expected


def test_two_threads_that_write_one_file_do_not_mix(tmp_path: Path) -> None:
    target = tmp_path / "a"
    texts = [letter * 100_000 for letter in (b"a", b"b")]
    threads = [
        threading.Thread(target=lambda text=text: [write_atomic(target, text) for _ in range(20)])
        for text in texts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in texts and list(tmp_path.iterdir()) == [target]


def test_a_removed_folder_is_gone_at_once_and_one_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove_whole(tmp_path / "a")
    remove_whole(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_cannot_be_flushed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        flush_folder(tmp_path / "none")

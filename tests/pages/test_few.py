"""Few pages are drawn at a time; nobody waits for ever, and who waits gives its turn to others."""

from __future__ import annotations

import gc
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import SimpleNamespace

import psutil
import pytest

from pages._ui import few, state


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(few, "TURNS", threading.BoundedSemaphore(2))
    yield
    assert few.TURNS._value == 2  # whoever had a turn has given it back


class Crowd:
    """Threads that each have a turn; counts how many have one at a time."""

    def __init__(self, size: int, apart: bool = False) -> None:
        self.here, self.most, self.end, self._apart = 0, 0, threading.Event(), apart
        self._lock = threading.Lock()
        self.threads = [threading.Thread(target=self._draw) for _ in range(size)]
        for thread in self.threads:
            thread.start()

    def _draw(self) -> None:
        with few.turn():
            if self._apart:
                with few.apart():
                    self._stay()
            else:
                self._stay()

    def _stay(self) -> None:
        with self._lock:
            self.here += 1
            self.most = max(self.most, self.here)
        self.end.wait(10)

    def close(self) -> None:
        self.end.set()
        for thread in self.threads:
            thread.join()


def within(seconds: float, crowd: Crowd, here: int) -> bool:
    deadline = time.monotonic() + seconds
    while crowd.here < here and time.monotonic() < deadline:
        time.sleep(0.01)
    return crowd.here >= here


def test_two_have_a_turn_and_the_third_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few, "PATIENCE_SECONDS", 60.0)
    crowd = Crowd(3)
    assert within(5, crowd, 2) and not within(0.3, crowd, 3)
    crowd.close()
    assert crowd.here == 3  # it had its turn then


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few, "PATIENCE_SECONDS", 0.1)
    crowd = Crowd(5)
    assert within(10, crowd, 5)
    crowd.close()


def test_who_waits_for_something_gives_its_turn_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(few, "PATIENCE_SECONDS", 60.0)
    crowd = Crowd(5, apart=True)
    assert within(10, crowd, 5)
    crowd.close()


def test_a_turn_is_given_back_whatever_happens() -> None:
    for _ in range(5):
        with pytest.raises(RuntimeError), few.turn(), few.apart():
            raise RuntimeError


def test_a_turn_within_a_turn_is_the_same_one() -> None:
    with few.turn(), few.turn():
        assert few.TURNS._value == 1
    assert few.TURNS._value == 2


def test_nobody_waits_with_a_turn_for_what_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four ask for the same thing, which one of them works out while the others wait for it; a fifth has something else to do."""
    monkeypatch.setattr(few, "PATIENCE_SECONDS", 60.0)
    end, kept, lock = threading.Event(), dict[str, str](), threading.Lock()

    @few.long("thing")
    def find(name: str) -> str:
        with lock:  # as the cache of Streamlit has one
            if name not in kept:
                with few.working("thing", name):
                    end.wait(10)
                kept[name] = name.upper()
            return kept[name]

    def ask(found: list[str]) -> None:
        with few.turn():
            found.append(find("x"))

    found: list[str] = []
    threads = [threading.Thread(target=ask, args=(found,)) for _ in range(4)]
    threads[0].start()
    deadline = time.monotonic() + 5
    while not few._working and time.monotonic() < deadline:
        time.sleep(0.01)
    for thread in threads[1:]:
        thread.start()
    began = time.monotonic()
    with few.turn():
        assert time.monotonic() - began < 5 and not found
    end.set()
    for thread in threads:
        thread.join()
    assert found == ["X"] * 4 and not few._working


@pytest.mark.parametrize(("reader", "ask"), [("read_table", state.table), ("checked_card", state.card)])
def test_two_files_at_most_are_read_at_once(
    monkeypatch: pytest.MonkeyPatch, reader: str, ask: Callable[[str, str], object]
) -> None:
    """However many visitors open one each: every one of them takes memory."""
    lock, here, most = threading.Lock(), 0, 0

    def read(path: object, name: str) -> object:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        time.sleep(0.1)
        with lock:
            here -= 1
        return name

    monkeypatch.setattr(state, reader, read)
    monkeypatch.setattr(state, "store", lambda: SimpleNamespace(file_path=lambda ref: ref))
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(ask(f"{reader} {n}", f"{n}.csv"))) for n in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, found)) == [f"{n}.csv" for n in range(10)]
    assert most == 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="others keep nothing for a thread")
@pytest.mark.parametrize("while_at", [few.turn, lambda: few.working("answer", "all")])
def test_what_work_took_is_given_back_at_its_end(
    while_at: Callable[[], AbstractContextManager[None]],
) -> None:
    together, here = threading.Barrier(4), psutil.Process()
    gc.collect()
    before = here.memory_full_info().uss

    def work() -> None:
        together.wait()
        with while_at():
            for _ in range(3):
                large = [b"x" * 16 * 1024**2, b"x" * 8 * 1024**2]
                del large
        together.wait()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert here.memory_full_info().uss - before < 20 * 1024**2  # 24 for each thread, or nearly none

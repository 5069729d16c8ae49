"""A model file is read by a process of its own: its reply, its limits, and what becomes of it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from retrain_core.errors import DataError, FileError, ModelError, RetrainError, RunError, StoreError
from retrain_core.models import checked, checked_card
from retrain_core.models.card import read_card
from retrain_core.models.reply import Refusal
from retrain_core.sandbox.least import LEAST
from retrain_core.types import Locked, ModelCard
from retrain_core.workers import reading
from tests.conftest import ROOT
from tests.models.test_refused_archives import packed
from tests.storm import command

WEAK = Locked("partial", {"landlock": "The kernel has none.", "seccomp": ""})
NEEDS_FIFO = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a file that never ends takes a FIFO")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, for this test alone."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[Path]:
    """A file whose reading never begins."""
    path = tmp_path / "endless.keras"
    os.mkfifo(path)
    yield path
    assert readers() == []


def readers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if checked.READER in command(child)]


@pytest.mark.parametrize("file", ["functional.keras", "sequential.h5"])
def test_the_card_is_the_one_that_was_read(saved: Path, temporary: Path, file: str) -> None:
    assert checked_card(saved / file) == read_card(saved / file)
    assert list(temporary.iterdir()) == [] and readers() == []


@pytest.mark.parametrize("file", ["functional.keras", "sequential.h5"])
def test_the_rebuilt_file_is_put_into_the_folder(
    saved: Path, temporary: Path, tmp_path: Path, file: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    card = checked_card(saved / file, rebuild_in=folder)
    assert [path.name for path in folder.iterdir()] == [f"model.{card.format}"]
    assert read_card(folder / f"model.{card.format}").layers == card.layers
    assert list(temporary.iterdir()) == []


def test_a_refusal_has_its_three_parts_and_leaves_nothing(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(ModelError) as caught:
        checked_card(saved / "lambda.keras", "churn.keras", rebuild_in=folder)
    with pytest.raises(ModelError) as expected:
        read_card(saved / "lambda.keras", "churn.keras")
    assert caught.value.args == expected.value.args and caught.value.what.startswith("churn.keras: ")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("none.keras", FileError, "none.keras: The file cannot be read. No such file"),
        ("folder", FileError, "folder: The file cannot be read. Is a directory"),
        ("\x1b[31m\0.keras", FileError, r"\x1b[31m\x00.keras: The file is empty."),
    ],
)
def test_a_file_that_is_none_is_named(
    tmp_path: Path, name: str, kind: type[RetrainError], words: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    path = tmp_path / ("empty" if "\0" in name else name)
    with pytest.raises(kind) as caught:
        checked_card(path, name)
    assert str(caught.value).startswith(words) and str(tmp_path) not in str(caught.value)


@NEEDS_FIFO
def test_a_reading_without_end_is_ended(
    endless: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "SECONDS", 1.5)
    start = time.monotonic()
    with pytest.raises(
        ModelError, match=r"endless\.keras: .*did not come to an end within 2 seconds"
    ) as caught:
        checked_card(endless)
    assert time.monotonic() - start < 20 and caught.value.next_step
    assert list(temporary.iterdir()) == []


@NEEDS_FIFO
def test_a_process_that_dies_is_told_in_one_error(endless: Path) -> None:
    errors: list[Exception] = []

    def ask() -> None:
        try:
            checked_card(endless)
        except RetrainError as error:
            errors.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    end = time.monotonic() + 30
    while not (found := readers()) and time.monotonic() < end:
        time.sleep(0.01)
    found[0].kill()
    asking.join(30)
    (error,) = errors
    assert isinstance(error, ModelError) and "was cut off (SIGKILL)" in error.why


def hungry(path: Path, members: dict[str, bytes]) -> Path:
    """Pack a model whose config is 18 MB of small lists: some 0.5 GB once it is parsed."""
    return packed(path, {**members, "config.json": b'{"a": [' + b"[]," * 6_000_000 + b"0]}"})


def test_a_file_that_takes_too_much_memory_is_refused(
    members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "MEMORY", 300_000_000)
    with pytest.raises(ModelError, match=r"hungry\.keras: .*too much memory.*more than 300\.0 MB"):
        checked_card(hungry(tmp_path / "hungry.keras", members))


def test_memory_is_watched_from_outside_too(
    members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on systems where a process cannot be limited."""
    monkeypatch.setattr(checked, "_memory", lambda pid: psutil.Process(pid).memory_info().rss * 100)
    with pytest.raises(ModelError, match="too much memory"):
        checked_card(hungry(tmp_path / "hungry.keras", members))
    assert readers() == []


def test_a_reply_is_limited(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "MAX_REPLY", 100)
    with pytest.raises(ModelError, match="describes more than any model has"):
        checked_card(saved / "sequential.keras")


@pytest.mark.parametrize("text", [b"", b"{}", b"no json", b'{"card": {"format": "exe"}}', b'{"refusal": {}}'])
def test_a_reply_that_says_nothing_is_told(text: bytes) -> None:
    with pytest.raises(ModelError, match=r"a\.keras: .*gave no answer"):
        checked._reply(text, 0, "a.keras")


def test_the_process_gets_none_of_the_surroundings(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module in the current folder would be found first."""
    (tmp_path / "h5py.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", "secret")
    assert checked_card(saved / "sequential.keras").format == "keras"
    assert "API_KEY" not in checked._environment(tmp_path)


def test_an_error_of_ours_is_told_without_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> ModelCard:
        raise AssertionError("/srv/store/files")

    monkeypatch.setattr("retrain_core.models.card.open_checked", broken)
    reply = reading.read(tmp_path / "x", "x.keras", tmp_path, 1, rebuild=False)
    assert reply.card is None and reply.refusal is not None
    assert (reply.refusal.error, reply.refusal.why) == (
        "ModelError",
        "It is not as Keras writes it (AssertionError).",
    )


def test_no_process_opens_a_file_where_the_sandbox_is_weaker_than_asked_for(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEAST, "full")
    monkeypatch.setattr("retrain_core.sandbox.least.strength", lambda: WEAK)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a process was started"))
    with pytest.raises(ModelError) as caught:
        checked_card(saved / "sequential.keras", "churn.keras")
    assert caught.value.what.startswith("churn.keras: The model file is not read here")
    assert "The kernel has none." in caught.value.why and LEAST in caught.value.next_step


def test_the_process_looks_again_once_it_is_locked_in(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEAST, "full")
    assert checked._environment(tmp_path)[LEAST] == "full"
    reply = reading.read(saved / "sequential.keras", "churn.keras", tmp_path, 1, rebuild=True, locked=WEAK)
    assert reply.card is None and reply.refusal is not None and list(tmp_path.iterdir()) == []
    assert isinstance(reply.refusal.as_error(), ModelError) and "not read here" in reply.refusal.what


@pytest.mark.parametrize("kind", [FileError, DataError, ModelError, RunError, StoreError])
def test_every_error_can_be_handed_on(kind: type[RetrainError]) -> None:
    told = Refusal.of(kind("What.", "Why.", "Next.")).as_error()
    assert type(told) is kind and told.args == ("What.", "Why.", "Next.")


def test_a_folder_that_is_gone_is_the_stores_error(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no place to read the model in"):
        checked_card(saved / "sequential.keras", rebuild_in=tmp_path / "gone")


def test_code_in_c_is_loaded_after_the_process_has_given_up_what_it_can() -> None:
    code = "import sys, retrain_core.workers.reading; print({'h5py', 'numpy', 'pandas', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "set()"

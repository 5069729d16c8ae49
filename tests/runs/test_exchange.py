"""The prepared data of an experiment is that of one question, whole, or not there, whenever preparing is killed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retrain_core.errors import FileError, StoreError
from retrain_core.files import write_atomic
from retrain_core.runs import prepare as preparing
from retrain_core.runs.prepare import prepare
from retrain_core.runs.sweep import sweep
from retrain_core.types import SplitSettings, to_json
from tests.runs.conftest import Asked

KILLED = 9


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed_after(steps: int, act: Callable[[], None]) -> bool:
    """Do something in a process that dies before it changes the disk once more; return whether it died."""
    child = os.fork()
    if child == 0:
        left = steps

        def counted(change: Callable[..., Any]) -> Callable[..., Any]:
            def changed(*args: Any, **options: Any) -> Any:
                nonlocal left
                if left == 0:
                    os._exit(KILLED)
                left -= 1
                return change(*args, **options)

            return changed

        for place, name in ((os, "unlink"), (os, "rmdir"), (os, "rename"), (os, "replace"), (os, "mkdir")):
            setattr(place, name, counted(getattr(place, name)))
        act()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def test_a_kill_at_any_moment_leaves_whole_data_of_one_question_or_none(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store, first = asked
    second = replace(first, split=SplitSettings(seed=7))
    data = store.experiment_folder(first.id) / "data"
    wholes = []
    for spec in (second, first):
        shutil.rmtree(data, ignore_errors=True)
        prepare(store, spec)
        wholes.append(shutil.copytree(data, tmp_path / f"seed{spec.split.seed}"))
    expected, before = content(wholes[0]), content(wholes[1])
    write_atomic(data.with_name("experiment.json"), to_json(second))
    # What is written is made already: it is the exchange that is looked at.
    monkeypatch.setattr(
        preparing,
        "_write_parts",
        lambda store, spec, folder: shutil.copytree(wholes[0], folder, dirs_exist_ok=True),
    )
    seen, steps = set(), 0
    while killed_after(steps, lambda: prepare(store, second)):
        if store.is_prepared(second):
            assert content(data) == expected
            seen.add("new")
        elif data.exists():
            assert content(data) == before
            seen.add("old")
        else:
            seen.add("none")
        sweep(store)
        assert [
            path.name for path in data.parent.iterdir() if path.name not in ("data", "experiment.json")
        ] == []
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(wholes[1], data)
        steps += 1
    assert content(data) == expected and store.is_prepared(second)
    assert seen == {"old", "none"} and steps > 5  # the last step of all gives the new ones their name


def test_a_file_that_is_not_what_was_uploaded_is_not_trained_on(asked: Asked) -> None:
    store, spec = asked
    path = store.file_path(spec.new)
    assert spec.old is not None
    shutil.copyfile(store.file_path(spec.old), path)
    with pytest.raises(FileError, match=r"new\.parquet has changed since it was uploaded.*Upload it again"):
        prepare(store, spec)
    assert not (store.experiment_folder(spec.id) / "data.tmp").exists()


def test_data_of_an_experiment_that_was_deleted_meanwhile_does_not_bring_it_back(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    folder = store.experiment_folder(spec.id)
    write = preparing._write_parts

    def deleted_meanwhile(*args: Any) -> None:
        folder.rename(store.root / "bin" / spec.id)
        write(*args)

    monkeypatch.setattr(preparing, "_write_parts", deleted_meanwhile)
    with pytest.raises(StoreError, match="No such file or directory"):
        prepare(store, spec)
    assert not folder.exists()

"""Checkpoints on disk: whole or not there, and of use to their own run alone."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from retrain_core.runs.events import MOST_LINES
from retrain_core.runs.from_worker import MOST_EVENTS
from retrain_core.runs.state import STALLED_SECONDS
from retrain_core.workers import checkpoints, keeper
from retrain_core.workers.checkpoints import Moment, read, write
from retrain_core.workers.events import EventLog
from retrain_core.workers.keeper import Keeper

VALUES = {"loss": math.inf, "state": 2**127 + 1, "label": "epoch 1"}


def moment(fit: int, *, ended: bool, value: float = 1.0) -> Moment:
    return Moment(
        fit, ended, VALUES, {"variables": [np.full(3, value, np.float32), np.zeros((0, 2))], "none": []}
    )


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "mine", moment(0, ended=False))
    (found,), why = read(tmp_path, "mine")
    assert (found.fit, found.ended, found.values, why) == (0, False, VALUES, "")
    first, second = found.arrays["variables"]
    assert first.dtype == np.float32 and first.tolist() == [1, 1, 1] and second.shape == (0, 2)
    assert found.arrays["none"] == []


def test_the_end_of_a_fit_outlasts_what_was_written_during_it(tmp_path: Path) -> None:
    write(tmp_path, "mine", moment(0, ended=False))
    write(tmp_path, "mine", moment(0, ended=True))
    assert [(m.fit, m.ended) for m in read(tmp_path, "mine")[0]] == [(0, True)]
    write(tmp_path, "mine", moment(1, ended=False))
    assert [(m.fit, m.ended) for m in read(tmp_path, "mine")[0]] == [(0, True), (1, False)]


def test_a_checkpoint_of_something_else_is_passed_over_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, "mine", moment(0, ended=False))
    assert read(tmp_path, "another") == ([], "It is of another question, version or device.")


@pytest.mark.parametrize("keep", [0, 1, 30, 200, 0.5, -1])
def test_a_file_that_was_cut_short_is_passed_over_and_those_before_it_are_not(
    tmp_path: Path, keep: float
) -> None:
    write(tmp_path, "mine", moment(0, ended=True))
    write(tmp_path, "mine", moment(1, ended=False))
    path = tmp_path / checkpoints.FOLDER / checkpoints.NOW
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep == 0.5 else int(keep)])
    found, why = read(tmp_path, "mine")
    assert [(m.fit, m.ended) for m in found] == [(0, True)] and "damaged" in why


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, "mine", moment(0, ended=False))
    path = tmp_path / checkpoints.FOLDER / checkpoints.NOW
    whole = path.read_bytes()
    place = whole.index(np.full(3, 1.0, np.float32).tobytes())
    path.write_bytes(whole[:place] + b"\x07" + whole[place + 1 :])
    found, why = read(tmp_path, "mine")
    assert found == [] and "damaged" in why


def test_pickled_values_are_never_loaded(tmp_path: Path) -> None:
    (tmp_path / checkpoints.FOLDER).mkdir()
    np.savez(tmp_path / checkpoints.FOLDER / checkpoints.NOW, head=np.array([{"form": 1}], object))
    found, why = read(tmp_path, "mine")
    assert found == [] and "damaged" in why


def test_one_that_cannot_be_written_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "mine", moment(0, ended=False, value=1.0))

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, "mine", moment(0, ended=False, value=2.0))
    (found,), _ = read(tmp_path, "mine")
    assert found.arrays["variables"][0][0] == 1.0


def kept(folder: Path, notices: list[str]) -> Keeper:
    return Keeper(
        folder,
        "mine",
        told=lambda: 7,
        flush=lambda: None,
        spent=lambda: {"seconds": 3.0},
        notice=notices.append,
    )


def test_a_short_run_writes_nothing(tmp_path: Path) -> None:
    keeper_ = kept(tmp_path, [])
    keeper_.offer(1, lambda: moment(0, ended=False))
    keeper_.ended(1, moment(0, ended=True))
    assert checkpoints.newest(tmp_path) is None


def test_ends_of_fits_are_written_with_what_is_written_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper_ = kept(tmp_path, [])
    keeper_.ended(1, moment(0, ended=True))
    monkeypatch.setattr(keeper, "EVERY_SECONDS", 0.0)
    keeper_.offer(0, lambda: moment(1, ended=False))
    found, _ = read(tmp_path, "mine")
    assert [(m.fit, m.ended) for m in found] == [(0, True), (1, False)]
    assert found[1].values == {**VALUES, "events": 7, "spent": {"seconds": 3.0}}


def test_large_checkpoints_are_written_seldom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "EVERY_SECONDS", 0.0)
    keeper_ = kept(tmp_path, [])
    keeper_.offer(10**9, lambda: moment(0, ended=False))  # some ten seconds to write, so ten minutes apart
    assert checkpoints.newest(tmp_path) is None
    keeper_.offer(0, lambda: moment(0, ended=False))
    assert checkpoints.newest(tmp_path) is not None and keeper_.seconds > 0


def test_a_disk_that_takes_nothing_is_told_once_and_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "EVERY_SECONDS", 0.0)
    notices: list[str] = []
    keeper_ = kept(tmp_path / "nowhere", notices)
    for _ in range(2):
        keeper_.offer(0, lambda: moment(0, ended=False))
    assert len(notices) == 1 and "Checkpoints cannot be written (No such file or directory)." in notices[0]


def test_events_told_after_the_checkpoint_are_told_again(tmp_path: Path) -> None:
    log = EventLog(tmp_path, "run")
    for number in range(3):
        log("epoch", {"epoch": number})
    assert log.number == 3
    again = EventLog(tmp_path, "run", keep=2)
    again("epoch", {"epoch": 2})
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert len(lines) == 3 and '"number":2' in lines[2] and again.number == 3


def test_progress_is_told_less_often_the_longer_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three days of it, at a fifth of a second a step, are a fraction of what is read of a run."""
    now, lines = 0.0, 0
    monkeypatch.setattr("retrain_core.workers.events.time.monotonic", lambda: now)
    monkeypatch.setattr("retrain_core.workers.events.time.time", lambda: now)
    monkeypatch.setattr("retrain_core.workers.events.os.write", lambda file, line: told.append(len(line)))
    told: list[int] = []
    log = EventLog(tmp_path, "full_retrain-0")
    last, longest = 0.0, 0.0
    while now < 3 * 86_400:
        now += 0.2
        log(
            "progress",
            {"progress": 0.123456789, "label": "epoch 123 of 1,000", "loss": 0.123456789, "rows": 10**9},
        )
        if len(told) > lines:
            lines, last, longest = len(told), now, max(longest, now - last)
    assert sum(told) < MOST_EVENTS / 3 and lines < MOST_LINES / 5
    assert longest < STALLED_SECONDS / 2


def test_a_sign_of_life_is_the_time_of_the_events_and_changes_none(tmp_path: Path) -> None:
    import os

    log = EventLog(tmp_path, "run")
    log("epoch", {})
    path = tmp_path / "events.jsonl"
    before = path.read_bytes()
    os.utime(path, (1.0, 1.0))
    log.beat()
    assert path.stat().st_mtime > 1.0 and path.read_bytes() == before

"""Kills at random moments, many times, of all that works at a store: nothing is lost, and no run tells that it was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from retrain_core.runs.store import Store
from tests import storm
from tests.serving import App, until
from tests.storm import SHARES, Storm, children, survive

KILLS = 50


@pytest.mark.timeout(1500)  # five minutes where nothing else is at work
def test_fifty_kills_lose_nothing_and_change_nothing(tmp_path: Path) -> None:
    toll = survive(tmp_path, KILLS)
    assert toll.killed.total() >= KILLS and toll.killed.keys() == SHARES.keys()
    assert toll.resumed >= 5


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell")
def test_a_storm_notices_what_outlives_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would prove nothing that it finds none."""
    monkeypatch.setattr(storm, "ORPHAN_SECONDS", 0.0)
    made = Storm(Store(tmp_path / "store"), App(tmp_path / "store"))
    shell = subprocess.Popen(["sh", "-c", "sleep 60 & wait"])
    parent = psutil.Process(shell.pid)
    until(lambda: bool(children(parent)), "the shell started nothing")
    made.check()  # as long as its parent lives it is no orphan
    made.strike([parent])
    (orphan,) = made.orphans()
    with pytest.raises(AssertionError, match=r"sleep 60.*has outlived"):
        made.check()
    orphan.kill()
    until(lambda: not made.orphans(), "the orphan is still there")
    made.check()
    shell.wait()

"""Kills at random moments, many times, of all that works at a store: nothing is lost, and no run tells that it was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.storm import SHARES, survive

KILLS = 50


@pytest.mark.timeout(1500)  # five minutes where nothing else is at work
def test_fifty_kills_lose_nothing_and_change_nothing(tmp_path: Path) -> None:
    toll = survive(tmp_path, KILLS)
    assert toll.killed.total() >= KILLS and toll.killed.keys() == SHARES.keys()
    assert toll.resumed >= 5

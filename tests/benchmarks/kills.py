"""Kill whatever works at a store, at random moments, many times: nothing is lost, and every run ends as if nothing had happened."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.storm import survive

KILLS = 500


def main(kills: int = KILLS, tell: Callable[[str], None] = print) -> None:
    """Tell what was killed, and what came of it."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        toll = survive(Path(folder), kills)
    by_name = ", ".join(f"{name} {count}" for name, count in toll.killed.most_common())
    tell(
        f"{toll.killed.total():,} kills in {(time.monotonic() - start) / 60:.0f} minutes ({by_name}). {toll.runs} runs, taken "
        f"up from a checkpoint {toll.resumed} times, ended with the weights and the scores of undisturbed ones, bit for bit."
    )

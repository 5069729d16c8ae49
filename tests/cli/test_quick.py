"""``compare --quick``: all are tried in small, the best and keep are run in full."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from retrain_core.cli.quick import round_lines
from retrain_core.types import QuickCandidate, QuickLook, QuickRung, QuickTry
from tests.conftest import command_line
from tests.make import mlp, table


def test_a_round_tells_one_epoch_as_one_and_nothing_of_the_gain_of_keep_over_itself() -> None:
    names = ("keep", "fine_tune", "incremental", "ewc")
    look = QuickLook(tuple(QuickCandidate(name, name, {}) for name in names))
    tries = (
        QuickTry("keep", "r0", 0.1, None, 0.0, 0.0, 0.0, stays=True),
        QuickTry("fine_tune", "r1", 0.1, 1, 2.34, 0.5, 2.34, stays=True),
        QuickTry("incremental", "r2", 0.1, 2, -1.0, 0.5, -0.8, stays=False),
        QuickTry("ewc", "r3", 0.1, stays=False),
    )
    rung = QuickRung(1000, 0, tries)
    head, *told = round_lines(replace(look, rungs=(rung, rung)), rung, 1)
    assert head == "quick look: round 1, 1,000 new rows"
    assert told[:2] == ["  Keep: gain 0, goes on", "  Fine-tune, 1 epoch: gain +2.3 ± 0.5 margins, goes on"]
    assert told[2].endswith(", 2 epochs: gain -1.0 ± 0.5 margins, in full -0.8, out")
    assert told[3].endswith(": failed, out")
    *_, last = round_lines(replace(look, rungs=(rung,), status="finished"), rung, 1)
    assert last.endswith(": failed"), "nobody goes on from the last round"


def test_only_the_winner_and_keep_are_run_in_full_and_the_rounds_are_told(tmp_path: Path) -> None:
    table(600, 1).to_csv(tmp_path / "old.csv", index=False)
    table(400, 2, shift=0.8).to_csv(tmp_path / "new.csv", index=False)
    mlp(tmp_path / "model.keras", table(600, 1))
    done = command_line(
        "compare", "--model", tmp_path / "model.keras", "--new", tmp_path / "new.csv", "--old", tmp_path / "old.csv",
        "--label", "y", "--epochs", 4, "--quick", "--seeds", 2, "--out", tmp_path / "out", timeout=290,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rounds = re.findall(r"quick look: round (\d), ([\d,]+) new and [\d,]+ old rows", done.stderr)
    assert [number for number, _ in rounds] == ["1"]
    told = re.findall(
        r"  (Fine-tune|Incremental|Full retrain).*: gain [+-][\d.]+ ± [\d.]+ margins.*\n", done.stderr
    )
    assert len(told) == 3 and done.stderr.count("  Keep: gain 0\n") == 1
    (chosen,) = re.findall(r"run in full: keep, (.+)", done.stderr)
    strategies = json.loads((tmp_path / "out" / "comparison.json").read_text())["strategies"]
    assert list(strategies) == ["keep", chosen.lower().replace("-", "_").replace(" ", "_")]
    assert all(len(one["per_seed"]) == 2 for one in strategies.values())

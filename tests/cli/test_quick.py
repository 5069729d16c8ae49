"""``compare --quick``: all are tried in small, the best and keep are run in full."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.conftest import command_line
from tests.make import mlp, table


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
    assert [number for number, _ in rounds] == ["1", "2"] and int(rounds[1][1]) > int(rounds[0][1])
    told = re.findall(
        r"  (Keep|Fine-tune|Incremental|Full retrain).*: gain [+-][\d.]+ ± [\d.]+ margins.*(stays|out)",
        done.stderr,
    )
    assert len(told) == 8
    (chosen,) = re.findall(r"run in full: keep, (.+)", done.stderr)
    strategies = json.loads((tmp_path / "out" / "comparison.json").read_text())["strategies"]
    assert list(strategies) == ["keep", chosen.lower().replace("-", "_").replace(" ", "_")]
    assert all(len(one["per_seed"]) == 2 for one in strategies.values())

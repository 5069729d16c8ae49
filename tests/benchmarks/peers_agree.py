"""Our reckoning of what Evidently and NannyML would say, held against what they really say, column by column.

    python -m tests.benchmarks.peers_agree

ends with an error if a verdict differs, or a value by more than 1e-6.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from retrain_core.data.readers import read_table
from retrain_core.samples import samples
from retrain_core.shift.frames import feature_frame
from retrain_core.shift.peers import peer_verdicts
from retrain_core.types import PeerVerdict
from tests.benchmarks.peers_environment import peers_python

HERE = Path(__file__).parent
CLOSE = 1e-6
Frames = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class Compared:
    """One verdict of ours and theirs; ``theirs`` as ``peers_say`` writes it, empty if they leave the column out."""

    data: str
    ours: PeerVerdict
    theirs: dict[str, object]

    @property
    def judged(self) -> bool:
        """Whether both have a verdict: text, which we do not repeat, has not."""
        return self.ours.drifted is not None

    @property
    def agrees(self) -> bool:
        """Whether verdict, value and threshold are the same, or neither has any."""
        if not self.judged:
            return (
                not self.theirs
                or "stops" in self.theirs
                or "not repeated" in self.ours.rule
                or ("no distance" in self.ours.rule and not self.theirs["drifted"])
            )
        return self.theirs.get("drifted") == self.ours.drifted and all(
            math.isclose(float(str(self.theirs[name])), value, rel_tol=CLOSE, abs_tol=CLOSE)
            for name, value in (("value", self.ours.value), ("threshold", self.ours.threshold))
            if value is not None
        )


def main(tell: Callable[[str], None] = print) -> int:
    """Compare on all data sets, tell the result, and return how many verdicts differ."""
    with tempfile.TemporaryDirectory() as folder:
        found = list(compare(Path(folder)))
    for one in found:
        if not one.agrees:
            tell(f"differs: {one.data}: {one.ours}; they: {one.theirs}")
    told = [one for one in found if one.judged]
    wrong = sum(not one.agrees for one in found)
    drifted = sum(one.ours.drifted is True for one in told)
    tell(
        f"{len(told)} verdicts on {len({one.data for one in found})} data sets ({drifted} times drift), "
        f"{len(found) - len(told)} columns that are not judged; {wrong} differ."
    )
    return wrong


def compare(folder: Path) -> Iterator[Compared]:
    """Yield every verdict of ours beside theirs, which are worked out in ``folder``."""
    python = peers_python()
    for name, (old, new) in data_sets().items():
        old.to_parquet(folder / f"{name}.old.parquet")
        new.to_parquet(folder / f"{name}.new.parquet")
    for tool in ("Evidently", "NannyML"):
        subprocess.run([python, HERE / "peers_say.py", tool, folder], check=True, cwd=folder)
    for name, sides in data_sets().items():
        theirs = {
            tool: json.loads((folder / f"{name}.{tool}.json").read_text())
            for tool in ("Evidently", "NannyML")
        }
        for ours in peer_verdicts(*sides):
            yield Compared(name, ours, theirs[ours.peer].get(ours.column, {}))


# --- data -----------------------------------------------------------------------------------------


def data_sets() -> dict[str, Frames]:
    """Return samples and made data: with and without drift, small and large, few values, text, gaps."""
    found = {}
    for sample in samples():
        sides = [feature_frame(read_table(sample.path(role)), None) for role in ("old", "new")]
        found[sample.id] = (sides[0], sides[1])
        found[f"{sample.id}_small"] = (sides[0].iloc[:800], sides[1].iloc[:403])
    for rows, others in ((300, 295), (1_000, 1_001), (1_001, 50), (3_000, 2_999), (12_345, 5_000)):
        for move in (0.0, 0.15, 0.6):
            found[f"made_{rows}_{move}"] = (made(rows, 0.0, 1), made(others, move, 2))
    found["constant"] = (constant(2_000, 0.0), constant(1_500, 1.0))
    found["constant_small"] = (constant(200, 0.0), constant(150, 1.0))
    found["empty"] = (made(50, 0, 3).assign(none=np.nan), made(70, 0, 4).assign(none=np.nan))
    words = ["text", "towns"]  # so few that Evidently's classifier of words stops with an error
    found["tiny"] = (made(9, 0, 5).drop(columns=words), made(9, 1, 6).drop(columns=words))
    for rows, others in ((500, 333), (2_000, 1_234)):
        found[f"fixed_{rows}"] = (fixed(rows), fixed(others, move=3))
    return found


def made(rows: int, move: float, seed: int) -> pd.DataFrame:
    """Return a table with a column of every kind that the rules tell apart; ``move`` shifts all of them."""
    rng = np.random.default_rng(seed)
    level = rng.normal(move, 1, rows)
    frame = pd.DataFrame({"normal": level, "tails": rng.standard_t(2, rows) + move})
    frame["single"] = (level * 3).astype(np.float32)
    frame["skewed"] = np.exp(rng.normal(move, 1, rows))
    frame["gaps"] = np.where(rng.random(rows) < 0.2, np.nan, level)
    frame["whole"] = rng.poisson(8 + move, rows)
    frame["few_whole"] = rng.binomial(3, 0.4 + move / 5, rows)
    frame["ten_whole"] = rng.integers(0, 10, rows)
    frame["eleven_whole"] = rng.integers(0, 11, rows)
    frame["two_whole"] = rng.binomial(1, 0.3 + move / 5, rows)
    frame["few_floats"] = rng.binomial(4, 0.4 + move / 5, rows).astype(float)
    frame["six_floats"] = rng.integers(0, 6, rows) / 2
    frame["two_floats"] = np.where(rng.random(rows) < 0.1, np.nan, rng.binomial(1, 0.3 + move / 5, rows))
    frame["yes"] = rng.random(rows) < 0.3 + move / 5
    frame["towns"] = rng.choice([f"town {i}" for i in range(40)], rows)
    frame["colour"] = rng.choice(["red", "green", "blue"], rows, p=[0.5 - move / 4, 0.3 + move / 4, 0.2])
    frame["colour_gaps"] = frame["colour"].where(rng.random(rows) > 0.1)
    frame["new_one"] = np.where(rng.random(rows) < move / 5, "d", rng.choice(["a", "b"], rows))
    frame["kind"] = pd.Categorical(frame["colour"], categories=["red", "green", "blue", "unused"])
    frame["text"] = [f"row {i} {rng.integers(0, 9)}" for i in range(rows)]
    frame["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, rows), "D")
    frame["byte"] = rng.integers(0, 200, rows).astype(np.uint8)
    frame["nullable"] = pd.array(rng.integers(0, 50, rows), dtype="Int64")
    return frame


def fixed(rows: int, move: int = 0) -> pd.DataFrame:
    """Return columns that follow from the number of the row alone, so that their values can be written down."""
    row = np.arange(rows)
    mixed = row * 7919 % 1009
    return pd.DataFrame(
        {
            "number": mixed / 50 + move / 4,
            "gaps": np.where(mixed % 7 == 0, np.nan, np.sqrt(mixed) + move),
            "whole": mixed % 60 + move,
            "codes": mixed % (4 + move),
            "switch": (mixed % 10 < 4 + move / 2).astype(float),
            "word": np.array(["red", "green", "blue", "grey"])[mixed % (3 + (move > 0))],
            "yes": mixed % 5 < 2,
        }
    )


def constant(rows: int, value: float) -> pd.DataFrame:
    """Return columns without spread, on this side or on both."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "same": np.full(rows, 2.5),
            "moved": np.full(rows, value),
            "spread": rng.normal(0, 1, rows) if value else np.zeros(rows),
            "narrow": 5 + rng.normal(value, 1, rows) * 1e-5,
            "word": "a",
            "other_word": "b" if value else "a",
            "far": np.where(np.arange(rows) == 7, 1e12, rng.normal(0, 1, rows)),
        }
    )


if __name__ == "__main__":
    sys.exit(main())

"""Data files that are wrong or odd, given to the command line as another program would."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retrain_core.__main__ import main

ROWS = 60
Content = bytes | Callable[[Path], object]


def rows(seed: int = 0) -> pd.DataFrame:
    """Return two numbers and a label."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, ROWS)).round(3)
    return pd.DataFrame({"a": a, "b": b, "y": rng.integers(0, 2, ROWS)})


def csv(**columns: Any) -> bytes:
    """Return the rows as CSV, with columns changed or added."""
    return rows().assign(**columns).to_csv(index=False).encode()


def parquet(**columns: Any) -> bytes:
    """Return the rows as Parquet, with columns changed or added."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({**{name: rows()[name] for name in rows()}, **columns}), file)
    return file.getvalue()


@dataclass(frozen=True)
class Told:
    """How a command ended, and what it said."""

    code: int
    said: str
    written: dict[str, Any]


def shift(folder: Path, capsys: pytest.CaptureFixture[str], name: str, content: Content, *more: str) -> Told:
    """Measure the shift from good old rows to a file, in this process."""
    old, new = folder / "old.csv", folder / name
    rows(1).to_csv(old, index=False)
    if callable(content):
        content(new)
    else:
        new.write_bytes(content)
    return ended(folder, capsys, "shift", "--old", old, "--new", new, "--label", "y", *more)


def ended(folder: Path, capsys: pytest.CaptureFixture[str], *command: object) -> Told:
    """Run a command with an ``--out`` of its own, and return how it ended."""
    out = folder / "out"
    capsys.readouterr()
    code = main([*map(str, command), "--out", str(out)])
    said = capsys.readouterr()
    written = out / "shift.json"
    return Told(
        code,
        said.err if code else said.out,
        json.loads(written.read_text()) if not code and written.is_file() else {},
    )


def assert_refused(told: Told, folder: Path, name: str, says: str) -> None:
    """Assert one clear message: the file, the cause, the next step; no traceback, no path of this machine."""
    assert told.code == 2, told.said
    assert told.said.startswith("error: ") and told.said.count("\n") == 1, told.said
    assert name in told.said and says in told.said, told.said
    assert "Traceback" not in told.said and str(folder) not in told.said
    assert len(told.said) < 1000 and told.said.count(". ") >= 2, told.said  # what, why, what next

"""Rows that do not fit the model: refused with the column, an example and the next step, or used with a word about it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.bad import Told, assert_refused, ended
from tests.conftest import command_line
from tests.make import mlp, table

ROWS = 200
OLD, NEW = table(ROWS, 1), table(ROWS, 2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mlp(tmp_path_factory.mktemp("model") / "model.keras", OLD)


def compare(model: Path, folder: Path, new: pd.DataFrame) -> list[object]:
    OLD.to_csv(folder / "old.csv", index=False)
    new.to_csv(folder / "new.csv", index=False)
    return [
        "compare", "--model", model, "--old", folder / "old.csv", "--new", folder / "new.csv", "--label", "y",
        "--strategies", "keep",
    ]  # fmt: skip


REFUSED: dict[str, tuple[pd.DataFrame, str]] = {
    "one row": (NEW[:1], "The new data has 1 usable row. At least 20 are needed"),
    "a column of mixed kinds": (NEW.assign(a=[*map(str, NEW.a[:-1]), "unknown"]), "column 'a' is not numeric. The model's input 'row' takes numbers. 1 of 200 values are no numbers, such as 'unknown' in row 200"),
    "a column of dates": (NEW.assign(a=pd.date_range("2026-01-01", periods=ROWS)), "'2026-01-01' in row 1"),
    "a column of addresses": (NEW.assign(a="http://127.0.0.1:9/x"), "'http://127.0.0.1:9/x' in row 1"),
    "a missing column": (NEW.drop(columns="b"), "it has no column 'b'"),
    "nothing but gaps": (NEW.assign(a=np.nan), "new.csv has no usable row"),
    "labels that the model cannot have": (NEW.assign(y=["u", "v", "w", "x"] * (ROWS // 4)), "new.csv has labels that the model cannot output: 'u' (50 rows)"),
}  # fmt: skip


@pytest.mark.parametrize(("new", "says"), REFUSED.values(), ids=REFUSED)
def test_rows_that_do_not_fit_are_refused(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], new: pd.DataFrame, says: str
) -> None:
    told = ended(tmp_path, capsys, *compare(model, tmp_path, new))
    told = Told(
        told.code, "".join(line for line in told.said.splitlines(True) if not line.startswith("note: ")), {}
    )
    assert_refused(told, tmp_path, "", says)


def test_rows_that_are_odd_are_used_with_a_word_about_each(model: Path, tmp_path: Path) -> None:
    """One class, gaps and infinite values, a copy of the label, another order, codes with zeros and marks, all at once."""
    odd = NEW.assign(y=1)[["y", "b", "a"]].assign(copy=1, constant=5, code="0012", size="1,500")
    odd.loc[:9, "a"], odd.loc[10:14, "b"] = np.nan, np.inf
    done = command_line(*compare(model, tmp_path, odd), "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (
        "15 of 200 rows are left out. Their label or a numeric input is missing or infinite. Fill"
        in done.stderr
    )
    assert "New data: no row with label 0" in done.stderr
    assert "note: new.csv: size is read as text: in '1,500' the sign inside may be" in done.stderr
    keep = json.loads((tmp_path / "out" / "comparison.json").read_text())["strategies"]["keep"]
    assert keep["status"] == "finished"
    assert keep["new"].get("auroc") is None  # of one class it is undefined, not 0
    assert keep["old"]["auroc"] > 0.5


def test_a_copy_of_the_label_is_told(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = compare(model, tmp_path, NEW.assign(a=NEW.y))
    OLD.assign(b=np.nan).to_csv(tmp_path / "old.csv", index=False)  # so that nothing is trained
    told = ended(tmp_path, capsys, *command)
    assert told.code == 2 and "old.csv has no usable row" in told.said
    assert "note: New data: a equals the label. It gives the answer away." in told.said

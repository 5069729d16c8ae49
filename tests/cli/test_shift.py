"""``shift`` on the command line: what the model sees, drift in time, readings and thresholds."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import command_line
from tests.make import mlp, table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shift")
    before, after = table(600, 1), table(400, 2, shift=0.8)
    mlp(folder / "model.keras", before)
    for name, frame, start in (("old", before, "2026-01-01"), ("new", after, "2026-06-01")):
        day = pd.Timestamp(start) + pd.to_timedelta(range(len(frame)), unit="h")
        frame.assign(day=day, code=[3, 4] * (len(frame) // 2)).to_csv(folder / f"{name}.csv", index=False)
    return folder


def shift(folder: Path, out: Path, *more: object):
    return command_line(
        "shift", "--old", folder / "old.csv", "--new", folder / "new.csv", "--label", "y", *more, "--out", out
    )


def test_what_the_model_sees_and_drift_in_time(folder: Path, tmp_path: Path) -> None:
    done = shift(folder, tmp_path, "--model", folder / "model.keras", "--columns", "a,b", "--time", "day")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "shift.json").read_text())
    assert set(written["columns"]) == {"a", "b"}  # those that the model takes
    loss = written["model"]["loss"]
    assert sum(step["value"] for step in loss["steps"].values()) == pytest.approx(loss["new"] - loss["old"])
    assert written["model"]["layer"] and written["model"]["predictions"]["level"] in ("minor", "major")
    assert written["time"]["column"] == "day" and len(written["time"]["chunks"]) == 20
    assert written["kinds"]["kind"] in ("covariate", "concept", "mixed", "label")
    assert {verdict["peer"] for verdict in written["peers"]} == {"Evidently", "NannyML"}
    assert [path.name for path in tmp_path.iterdir()] == ["shift.json"]  # nothing is left behind


def test_the_column_that_says_when_a_row_came_need_not_be_an_input(folder: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        frame = pd.read_csv(folder / f"{name}.csv").drop(columns="code")
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    done = shift(tmp_path, tmp_path / "out", "--model", folder / "model.keras", "--time", "day")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out" / "shift.json").read_text())
    assert set(written["columns"]) == {"a", "b"} and written["time"]["column"] == "day"


def test_readings_and_thresholds(folder: Path, tmp_path: Path) -> None:
    done = shift(folder, tmp_path, "--read", "code=numeric", "--minor", 0.9, "--major", 2, "--alpha", 0.01)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "shift.json").read_text())
    assert (
        written["columns"]["code"]["reading"] == "numeric" and written["columns"]["code"]["kind"] == "numeric"
    )
    assert written["settings"]["thresholds"] == {"alpha": 0.01, "minor": 0.9, "major": 2.0}
    assert written["columns"]["a"]["level"] == "none"  # moved by 0.8


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--read", "code"), "It has the form COLUMN=KIND"),
        (("--read", "code=colour"), "It has the form COLUMN=KIND"),
        (("--read", "nope=date"), "--read nope=date names no column of both files. Theirs are: "),
        (("--time", "century"), "old.csv has no column 'century' to put its rows in order."),
        (("--minor", 1, "--major", 0.5), "The thresholds do not fit together."),
        (("--alpha", 0), "The thresholds do not fit together."),
    ],
)
def test_what_cannot_be_is_said_in_one_message(folder: Path, tmp_path: Path, more, said: str) -> None:
    done = shift(folder, tmp_path, *more)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_a_column_that_cannot_be_read_as_asked_is_told(folder: Path, tmp_path: Path) -> None:
    for name in ("old", "new"):
        frame = pd.read_csv(folder / f"{name}.csv")
        frame.assign(region=["north", "south"] * (len(frame) // 2)).to_csv(
            tmp_path / f"{name}.csv", index=False
        )
    done = shift(tmp_path, tmp_path, "--read", "region=numeric", "--read", "code=numeric")
    assert done.returncode == 0
    assert done.stderr == (
        "note: --read region=numeric is not followed. It cannot be read as numeric: most of its values are not numbers. "
        "It is read as categorical.\n"
    )


def test_a_model_that_cannot_look_at_the_rows_does_not_stop_the_report(folder: Path, tmp_path: Path) -> None:
    broken = folder / "broken"
    broken.mkdir()
    for name in ("old", "new"):
        frame = pd.read_csv(folder / f"{name}.csv")
        frame["b"] = 1e38  # the model's outputs are no numbers
        frame.loc[0, "b"] = -1e38
        frame.to_csv(broken / f"{name}.csv", index=False)
    done = shift(broken, tmp_path, "--model", folder / "model.keras", "--columns", "a,b")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "shift.json").read_text())
    assert written["columns"]
    if written["model"] is None:
        assert "note: what the model sees is not known" in done.stderr

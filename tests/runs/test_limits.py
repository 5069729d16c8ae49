"""Every limit is a setting with a default; what is over it is refused with the setting's name, before much is read."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import read_table
from retrain_core.errors import FileError, StoreError
from retrain_core.limits import MOST_ROWS, SETTINGS
from retrain_core.runs import usage
from retrain_core.runs.names import new_id
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.store import Store
from tests.conftest import command_line
from tests.runs.conftest import Asked


@pytest.mark.parametrize("text", ["many", "0", "-3", "nan", "inf"])
def test_a_setting_that_is_no_number_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("RETRAIN_MOST_ROWS", text)
    with pytest.raises(StoreError, match=rf"RETRAIN_MOST_ROWS.*'{text}'.*number of rows above 0"):
        MOST_ROWS.value  # noqa: B018


def test_without_a_setting_the_default_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
        assert setting.value == setting.default
    monkeypatch.setenv("RETRAIN_MOST_ROWS", "2.5e3")
    assert MOST_ROWS.value == 2500


def write(path: Path, rows: int, columns: int) -> Path:
    frame = pd.DataFrame(np.zeros((rows, columns)), columns=[f"c{i}" for i in range(columns)])
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        np.savez(path, x=frame.to_numpy()[:, 1:], y=np.zeros(rows))  # the label is a column too
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "npz"])
@pytest.mark.parametrize(("rows", "columns", "setting"), [(11, 5, "ROWS"), (10, 6, "COLUMNS"), (10, 5, None)])
def test_a_table_over_its_limits_is_refused_and_one_at_them_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, rows: int, columns: int, setting: str | None
) -> None:
    monkeypatch.setenv("RETRAIN_MOST_ROWS", "10")
    monkeypatch.setenv("RETRAIN_MOST_COLUMNS", "5")
    path = write(tmp_path / f"a.{kind}", rows, columns)
    if setting is None:
        assert read_table(path).rows == 10
    else:
        with pytest.raises(
            FileError,
            match=rf"a\.{kind} has (more than )?[0-9]+ {setting.lower()}\. RETRAIN_MOST_{setting} allows",
        ):
            read_table(path)


def test_an_array_is_refused_by_the_shape_it_claims_before_it_is_read(tmp_path: Path) -> None:
    """It claims 8 TB, of which it holds nothing."""
    import zipfile

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 1000)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("x.npy", header.getvalue())
    with pytest.raises(FileError, match=r"a\.npz"):
        read_table(tmp_path / "a.npz")


def test_a_file_over_the_size_of_an_upload_is_refused_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRAIN_MOST_UPLOAD_MB", "0.5")
    path = tmp_path / "new.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 150_000)
    store = Store(tmp_path / "store")
    with pytest.raises(FileError, match=r"new\.csv is too large.*1 MB; RETRAIN_MOST_UPLOAD_MB allows"):
        read_table(path)
    for source in (path, io.BytesIO(path.read_bytes())):
        with pytest.raises(FileError, match="too large"):
            store.add_file(source, "new.csv")
    assert list((store.root / "files").iterdir()) == []


def test_the_command_line_has_the_limits_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRAIN_MOST_ROWS", "10")
    for side in ("old", "new"):
        write(tmp_path / f"{side}.csv", 20, 2)
    done = command_line(
        "shift", "--old", tmp_path / "old.csv", "--new", tmp_path / "new.csv", "--label", "c1", "--out", tmp_path / "out"
    )  # fmt: skip
    assert done.returncode == 2 and "RETRAIN_MOST_ROWS" in done.stderr and "Traceback" not in done.stderr


def test_a_store_holds_so_many_experiments_and_those_it_has_can_still_be_changed(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    monkeypatch.setenv("RETRAIN_MOST_EXPERIMENTS", "1")
    store.save_experiment(replace(spec, name="another name"))
    with pytest.raises(StoreError, match=r"RETRAIN_MOST_EXPERIMENTS allows 1.*Delete some on the start page"):
        store.save_experiment(replace(spec, id=new_id()))
    assert [one.name for one in store.experiments()[0]] == ["another name"]


def test_a_store_that_takes_as_much_as_it_may_takes_no_file_and_no_run(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    monkeypatch.setenv("RETRAIN_MOST_DISK_GB", "0.00001")
    with pytest.raises(StoreError, match=r"The store is full.*RETRAIN_MOST_DISK_GB"):
        store.add_file(io.BytesIO(b"a\n1\n"), "a.csv")
    with pytest.raises(StoreError, match=r"The store is full.*RETRAIN_MOST_DISK_GB"):
        store.add_runs(plan_runs(spec.id, {}))
    assert store.runs(spec.id) == []


def test_a_store_is_measured_once_for_many_uploads_which_count_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, measured = Store(tmp_path / "store"), []
    monkeypatch.setattr(usage, "taken", lambda root: measured.append(root) or 0)
    monkeypatch.setenv("RETRAIN_MOST_DISK_GB", "0.00001")  # ten kilobytes
    for number in range(3):
        store.add_file(io.BytesIO(bytes([number]) * 4_000), "a.csv")
    assert len(measured) == 1
    store.add_file(io.BytesIO(b"more"), "a.csv")  # by what was counted it is full, so it is measured again
    assert len(measured) == 2


def test_a_full_store_is_not_measured_for_everybody_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, measured = Store(tmp_path / "store"), []
    monkeypatch.setattr(usage, "taken", lambda root: measured.append(root) or 20_000)
    monkeypatch.setenv("RETRAIN_MOST_DISK_GB", "0.00001")
    for _ in range(3):
        with pytest.raises(StoreError, match="The store is full"):
            store.check_room()
    assert len(measured) == 1


def test_who_has_made_room_is_let_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "FULL_SECONDS", 0.0)
    store = Store(tmp_path / "store")
    monkeypatch.setenv("RETRAIN_MOST_DISK_GB", "0.0001")
    ref = store.add_file(io.BytesIO(bytes(200_000)), "a.csv")
    with pytest.raises(StoreError, match="The store is full"):
        store.add_file(io.BytesIO(b"a\n"), "a.csv")
    store.file_path(ref).unlink()
    store.add_file(io.BytesIO(b"a\n"), "a.csv")

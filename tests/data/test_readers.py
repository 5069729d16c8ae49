"""Files as people have them: right, odd, and wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retrain_core.data import read_table
from retrain_core.errors import FileError
from tests.conftest import ROOT

FRAME = pd.DataFrame({"a": [1.5, 2.5], "name": ["é", "x;y"], "y": [0, 1]})


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_is_read_whatever_its_separator_and_encoding(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    path = tmp_path / "rows.csv"
    FRAME.to_csv(path, index=False, sep=separator, encoding=encoding)
    pd.testing.assert_frame_equal(read_table(path).columns, FRAME, check_dtype=False)


def test_parquet_comes_back_as_it_was(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "rows.parquet").columns, FRAME)


def test_parquet_columns_are_named_by_text_and_rows_by_number(tmp_path: Path) -> None:
    frame = pd.DataFrame({0: [1, 2], 1: [3, 4]}, index=pd.Index(["u", "v"], name="id"))
    frame.to_parquet(tmp_path / "rows.parquet")
    table = read_table(tmp_path / "rows.parquet")
    assert list(table.columns) == ["0", "1"] and table.columns.index.tolist() == [0, 1]
    assert table.notes == ("rows.parquet: the index 'id' is not read as a column.",)


def test_parquet_names_that_become_alike_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "rows.parquet")
    with pytest.raises(FileError, match="same name: a"):
        read_table(tmp_path / "rows.parquet")


def test_parquet_columns_of_lists_are_left_out_and_said(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2], "tags": [["u"], []]}).to_parquet(tmp_path / "rows.parquet")
    table = read_table(tmp_path / "rows.parquet")
    assert list(table.columns) == ["a"] and "left out: tags" in table.notes[0]


def test_what_a_file_holds_counts_not_its_name(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "rows.csv")
    assert read_table(tmp_path / "rows.csv").columns.shape == (2, 3)


def test_npz_images_are_an_array_with_labels_beside_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", x=np.zeros((3, 4, 4), np.uint8), y=np.array([0, 1, 2]))
    table = read_table(tmp_path / "images.npz")
    assert table.rows == 3 and table.arrays["x"].shape == (3, 4, 4)
    assert table.columns["y"].tolist() == [0, 1, 2]


def test_npz_rows_are_columns_and_labels_of_several_columns_stay_apart(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", y=np.eye(3), x=np.arange(6.0).reshape(3, 2))
    table = read_table(tmp_path / "rows.npz")
    assert list(table.columns) == ["x0", "x1", "y_0", "y_1", "y_2"]
    assert table.flattened == {"x": ("x0", "x1"), "y": ("y_0", "y_1", "y_2")}


def test_npz_labels_in_one_column_are_a_plain_label(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=np.zeros((3, 2)), y=np.array([[4.0], [5.0], [6.0]]))
    assert read_table(tmp_path / "rows.npz").columns["y"].tolist() == [4.0, 5.0, 6.0]


def test_npz_holds_an_array_for_each_input(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "rows.npz", photo=np.zeros((3, 4, 4)), age=np.arange(3), facts=np.ones((3, 2)), y=np.arange(3)
    )  # fmt: skip
    table = read_table(tmp_path / "rows.npz")
    assert list(table.columns) == ["age", "facts_0", "facts_1", "y"]
    assert list(table.arrays) == ["photo"] and table.notes == ()


def test_npz_arrays_that_are_no_examples_are_left_out_and_said(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "rows.npz", x=np.zeros((3, 2)), y=np.arange(3), names=np.array(["a", "b"]), scale=np.array(5),
        notes=np.array([{}, {}, {}], dtype=object),
    )  # fmt: skip
    table = read_table(tmp_path / "rows.npz")
    assert list(table.columns) == ["x0", "x1", "y"]
    assert len(table.notes) == 3 and "`names` is left out: its shape is 2" in " ".join(table.notes)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.csv", b"", "empty"),
        ("rows.csv", b"a,b\n", "no rows"),
        ("rows.csv", b"a,a\n1,2\n", "same name"),
        ("rows.csv", "a,b\n1,é\n".encode("latin-1"), "not UTF-8"),
        ("rows.csv", b"a,b\n1,2\n1,2,3,4\n", "Line 3 has 4 fields, the header has 2"),
        ("rows.csv", b"a,b,y\n1,2,0,\n2,4,1,\n", "Line 2 has 4 fields, the header has 3"),
        ("rows.csv", b"a,b,y\n100,0,0,0\n", "Line 2 has 4 fields, the header has 3"),
        ("rows.csv", b"\na,b,y\n\n0,0,0,0\n1,2,1\n", "Line 4 has 4 fields, the header has 3"),
        ("rows.csv", b"a,b,,\n1,2,,\n", r"same name: \(no name\)"),
        ("rows.csv", b"\x89PNG\r\n\x1a\n", "an image"),
        ("rows.csv", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("rows.csv", b"\x00\x01\x02\x03", "neither text, Parquet nor NPZ"),
        ("rows.parquet", b"PAR1" + b"\0" * 40, "cannot be read as Parquet"),
        ("rows.npz", b"PK\x03\x04" + b"\0" * 40, "broken"),
    ],
)
def test_a_wrong_file_is_refused_with_what_why_and_next(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    with pytest.raises(FileError, match=says) as caught:
        read_table(write(tmp_path / name, content))
    assert caught.value.what and caught.value.why and caught.value.next_step


def test_a_pickle_inside_npz_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match="Python objects"):
        read_table(tmp_path / "rows.npz")


def test_npz_without_examples_names_those_it_needs(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", y=np.zeros(2))
    with pytest.raises(FileError, match="no array `x`"):
        read_table(tmp_path / "rows.npz")


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.zeros((3, 2)), np.zeros(2), "differ in length. `x` has 3 rows, `y` has 2"),
        (np.zeros((3, 2)), np.zeros((3, 2, 2)), "no list of labels. Its shape is 3 x 2 x 2"),
        (np.zeros((3, 2)), np.array(5), "no list of labels. Its shape is a single value"),
        (np.array(5), np.zeros(1), "`x` is a single value"),
        (np.zeros((0, 2)), np.zeros(0), "has no rows"),
    ],
)
def test_npz_without_labels_for_each_example_is_refused(
    tmp_path: Path, x: np.ndarray, y: np.ndarray, says: str
) -> None:
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    with pytest.raises(FileError, match=says) as caught:
        read_table(tmp_path / "rows.npz")
    assert caught.value.why and caught.value.next_step


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="was not found"):
        read_table(tmp_path / "nowhere.csv")


def test_leading_zeros_behind_a_blank_or_an_old_line_end_stay(tmp_path: Path) -> None:
    for number, text in enumerate(["zip,a\r01234,1\r02345,2\r", "a, zip\n1, 01234\n2, 02345\n"]):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(text.encode())
        columns = read_table(path).columns
        assert str(columns.filter(like="zip").iloc[0, 0]).strip() == "01234"


def test_lines_behind_a_very_long_field_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "x" * 200_000 + ",1\n3\n")
    with pytest.raises(FileError, match="Line 3 has 1 field, the header has 2"):
        read_table(path)


READERS = """
import os, sys, threading, time
from pathlib import Path
import pyarrow
from retrain_core.data import read_table
pyarrow.set_cpu_count(1)
threads = lambda: len(os.listdir("/proc/self/task"))
def read(times):
    for _ in range(times): read_table(Path(sys.argv[1]), "new.parquet")
read(1)
before = threads()
readers = [threading.Thread(target=read, args=[20]) for _ in range(16)]
for reader in readers: reader.start()
for reader in readers: reader.join()
time.sleep(0.5)
print(threads() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads are not counted so")
def test_reading_at_the_same_time_makes_no_threads_that_stay() -> None:
    sample = ROOT / "sample_data" / "credit_new_market" / "new.parquet"
    done = subprocess.run(
        [sys.executable, "-c", READERS, str(sample)], capture_output=True, check=True, cwd=ROOT
    )
    assert int(done.stdout) == 0

"""CSV files as people have them: each is refused in one clear message, or read as described."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import read_table
from retrain_core.data.limits import MEGABYTE
from retrain_core.errors import FileError
from tests.cli.bad import ROWS, Content, assert_refused, csv, rows, shift

TEXT = csv().decode()
HUGE = 50 * MEGABYTE
REFUSED: dict[str, tuple[Content, str]] = {
    "empty": (b"", "It has no bytes at all"),
    "header only": (b"a,b,y\n", "column names but no examples"),
    "blank lines only": (b"\n \n\n", "blank lines"),
    "colons": (TEXT.replace(",", ":").encode(), "a single column, 'a:b:y'"),
    "blanks": (TEXT.replace(",", " ").encode(), "a single column, 'a b y'"),
    "Latin-1": (csv(town="Köln").decode().encode("latin-1"), "The byte 0xF6 in line 2 is not valid; the file may be Latin-1"),
    "Latin-1 in a late line": ((TEXT + TEXT[6:] * 9000 + "1,2,é\n").encode("latin-1"), "in line 540,062 is not valid"),
    "UTF-16 without a mark": (TEXT.encode("utf-16-le"), "UTF-16 without a mark"),
    "UTF-32": (TEXT.encode("utf-32"), "It is UTF-32"),
    "UTF-16 cut in half": (TEXT.encode("utf-16")[:-1], "is not UTF-16 text"),
    "a line too short": (f"{TEXT}1,2\n".encode(), "Line 62 has 2 fields, the header has 3"),
    "a line too long": (f"{TEXT}1,2,0,9\n".encode(), "Line 62 has 4 fields, the header has 3"),
    "an open quote": (f'{TEXT}1,2,"0\n'.encode(), "In line 62 or after it, a quote begins that never ends"),
    "commas that may be either": (csv(a=[f"{n},500" for n in range(1, ROWS + 1)]), "the numbers of a can be read in two ways"),
    "thousands with commas": (csv(a=[f"1,{n:03d}" for n in range(ROWS)]), "In '1,000' the sign inside may be a decimal mark"),
    "thousands with points": (csv(a=[f"1.{n:03d}.000" for n in range(ROWS)]), "In '1.000.000' the sign inside"),
    "thousands with apostrophes": (csv(a=[f"1'{n:03d}" for n in range(ROWS)]), "In '1'000' the sign inside"),
    "a label with marks": (csv(y=["1,500"] * ROWS), "the numbers of y can be read in two ways"),
    "both marks": (csv(a=["1.234,5"] * ROWS), "the numbers of a can be read in two ways"),
    "columns of one name": (TEXT.replace("a,b,y", "a,a,y").encode(), "columns of the same name: a"),
    "names alike beyond 64 KB": (",".join(["b", *(f"column_number_{n}" for n in range(5000)), "b"]).encode(), "columns of the same name: b"),
    "too many columns": (",".join(f"c{n}" for n in range(100_001)).encode(), "has 100,001 columns. RETRAIN_MOST_COLUMNS allows 20,000"),
    "no such label": (TEXT.replace("a,b,y", "a,b,z").encode(), "has no column 'y'. It is needed as the label"),
    "a NUL byte": (TEXT.replace("\n", "\n\0", 1).encode(), "There is a NUL byte in line 2"),
    "NUL bytes at the end": (TEXT.encode() + bytes(5000), "There is a NUL byte in line 62"),
    "a very long field": (lambda path: path.write_bytes(TEXT.encode() + b"9" * HUGE + b",1,0\n"), "Line 62 is longer than 4 MB"),
    "a very long line without an end": (lambda path: path.write_bytes(b"x" * 10 * HUGE), "Line 1 is longer than 4 MB"),
    "a very long quote": (lambda path: path.write_bytes(b'a,b,y\n1,2,"' + b"x" * HUGE), "Line 2 is longer than 4 MB"),
    "very many blank lines": (lambda path: path.write_bytes(b"\n" * HUGE), "blank lines"),
    "random bytes": (np.random.default_rng(0).bytes(5000), "is"),
    "JSON": (rows().to_json(orient="records").encode(), "It is JSON"),
    "JSON lines": (rows().to_json(orient="records", lines=True).encode(), "It is JSON"),
    "a web page": (b"<!DOCTYPE html><html></html>", "It is a web page"),
    "XML with an entity": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', "It is XML"),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "It is a gzip archive"),
    "a pickle": (lambda path: rows().to_pickle(path), "It is a pickle"),
    "a folder": (lambda path: path.mkdir(), "was not found"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says"), REFUSED.values(), ids=REFUSED)
def test_a_bad_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Content, says: str
) -> None:
    started = time.monotonic()
    assert_refused(shift(tmp_path, capsys, "new.csv", content), tmp_path, "new.csv", says)
    assert time.monotonic() - started < 20


GOOD = "None of the 2 columns moved enough to matter"
READ: dict[str, tuple[Content, str]] = {
    "as it should be": (TEXT.encode(), GOOD),
    "UTF-8 with a mark": (TEXT.encode("utf-8-sig"), GOOD),
    "UTF-16": (TEXT.encode("utf-16"), GOOD),
    "line ends of old Macs": (TEXT.replace("\n", "\r").encode(), GOOD),
    "line ends of Windows, and blank lines": (TEXT.replace("\n", "\r\n\r\n").encode(), GOOD),
    "quoted newlines and separators": (csv(note='two\nlines, "one" file'), "Only the new data has note."),
    "marks that may be either, where nobody needs them": (csv(size="1,500"), "Only the new data has size."),
    "decimal commas": (rows().to_csv(index=False, sep=";", decimal=",").encode(), GOOD),
    "all in quotes": (rows().to_csv(index=False, quoting=1).encode(), GOOD),
    "one row": (b"a,b,y\n0.1,0.2,1\n", "with 1 new row"),
    "one class": (csv(y=1), "the label moved from"),
    "labels as truths": (csv(y=rows().y == 1), GOOD),
    "labels with decimals": (csv(y=rows().y.astype(float)), GOOD),
    "other labels": (csv(y=["u", "v"] * (ROWS // 2)), "the label moved from"),
    "extra and reordered columns": (rows()[["y", "b", "a"]].assign(c=1).to_csv(index=False).encode(), "Only the new data has c."),
    "no column in common": (TEXT.replace("a,b,y", "c,d,y").encode(), "Only the old data has a and b."),
    "a column that is all missing": (csv(a=np.nan), "the share of missing values of a"),
    "a constant column": (csv(a=3), "1 of 2 columns moved: a"),
    "infinite values": (csv(a=["1e400"] * ROWS), "the share of infinite values of a"),
    "dates": (csv(day=pd.date_range("2026-01-01", periods=ROWS)), "Only the new data has day."),
    "addresses and paths": (csv(a="http://127.0.0.1:9/x", b="/etc/passwd"), "2 columns moved"),
    "names that look like markup": (csv(**{"<b>x</b>": 1, "=1+1": 2}), "Only the new data has <b>x</b> and =1+1."),
    "a first name like a format's": (TEXT.replace("a,b,y", "PARENT,b,y").encode(), "Only the new data has PARENT."),
}  # fmt: skip


@pytest.mark.parametrize(("content", "says"), READ.values(), ids=READ)
def test_an_odd_file_is_read_as_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: Content, says: str
) -> None:
    told = shift(tmp_path, capsys, "new.csv", content)
    assert told.code == 0 and says in told.said, told.said


def test_ten_thousand_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 10_000)).round(2)).add_prefix("c")
    told = shift(tmp_path, capsys, "new.csv", pd.concat([rows(), wide], axis=1).to_csv(index=False).encode())
    assert told.code == 0 and "and 9,995 more" in told.said


def test_ten_million_rows_are_no_limit_but_a_setting_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"a,b,y\n" + b"0.1,0.2,1\n0.2,0.1,0\n" * 5_000_000
    told = shift(tmp_path, capsys, "new.csv", content)
    assert told.code == 0, told.said
    assert told.written["rows"]["new"] == 10_000_000  # read and measured, all of them
    assert told.written["columns"]["a"]["distribution"]["new_values"] == 10_000_000
    monkeypatch.setenv("RETRAIN_MOST_ROWS", "9999999")
    told = shift(tmp_path, capsys, "new.csv", content)
    assert_refused(told, tmp_path, "new.csv", "has more than 9,999,999 rows. RETRAIN_MOST_ROWS allows")


def test_no_more_rows_are_read_than_a_file_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(*args: object, **options: object) -> pd.DataFrame:
        frame = read_csv(*args, **options)
        read.append(len(frame))
        return frame

    read_csv = pd.read_csv
    monkeypatch.setattr(pd, "read_csv", counted)
    monkeypatch.setenv("RETRAIN_MOST_ROWS", "1000")
    (tmp_path / "long.csv").write_bytes(b"a,b\n" + b"1,2\n" * 500_000)
    with pytest.raises(FileError, match=r"long.csv has more than 1,000 rows"):
        read_table(tmp_path / "long.csv")
    assert read == [1001]


def test_many_short_fields_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "short.csv").write_bytes(b"a,b\n" + b"1,2\n" * 500_000)  # 2 MB, which take 30
    monkeypatch.setattr("retrain_core.data.limits.available_memory_mb", lambda: 40.0)
    with pytest.raises(FileError, match=r"short.csv is too large. Its values take 29 MB; 20 MB can be given"):
        read_table(tmp_path / "short.csv")


def test_a_file_that_memory_cannot_hold_is_refused_before_it_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain_core.data.limits.available_memory_mb", lambda: 0.001)
    told = shift(tmp_path, capsys, "new.csv", csv())
    assert_refused(told, tmp_path, "old.csv", "0 MB can be given to it")


# --- what the values become -----------------------------------------------------------------------


def read(folder: Path, content: bytes):
    (folder / "new.csv").write_bytes(content)
    return read_table(folder / "new.csv")


@pytest.mark.parametrize("place", ["first", "last"])
def test_leading_zeros_stay_wherever_they_stand(tmp_path: Path, place: str) -> None:
    codes = ["00012", *map(str, range(10001, 10000 + ROWS))][:: 1 if place == "first" else -1]
    table = read(tmp_path, csv(code=codes))
    assert table.columns["code"].tolist() == codes
    assert "numbers of code are kept as they are written" in table.notes[0]
    assert table.columns["a"].dtype == float and table.columns["y"].dtype == int


def test_dates_and_decimals_are_no_leading_zeros(tmp_path: Path) -> None:
    table = read(tmp_path, csv(day=pd.date_range("2026-01-01", periods=ROWS).strftime("%d.%m.%Y"), low=0.05))
    assert table.notes == () and table.columns["low"].dtype == float


def test_whole_numbers_beyond_what_a_float_holds_stay_exact(tmp_path: Path) -> None:
    numbers = [2**53 + n for n in range(ROWS)]
    assert read(tmp_path, csv(id=numbers)).columns["id"].tolist() == numbers
    gaps = read(tmp_path, csv(id=["", *map(str, numbers[1:])])).columns["id"]
    assert gaps.isna().tolist()[:2] == [True, False] and gaps.tolist()[1:] == [str(n) for n in numbers[1:]]


def test_texts_that_hold_a_comma_somewhere_are_texts(tmp_path: Path) -> None:
    table = read(tmp_path, csv(a=["1,5", "north"] * (ROWS // 2), b=["1,5 kg"] * ROWS))
    assert table.columns["a"].tolist()[:2] == ["1,5", "north"]


def test_an_address_in_a_field_is_never_opened(tmp_path: Path, listener) -> None:
    told = read(tmp_path, csv(a=f"http://127.0.0.1:{listener.port}/x"))
    assert told.rows == ROWS and listener.contacts() == 0

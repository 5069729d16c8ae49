"""NPZ and Parquet files that are wrong or odd: refused in one clear message, or read as described."""

from __future__ import annotations

import datetime
import decimal
import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retrain_core.data import read_table
from retrain_core.data.limits import MEGABYTE
from retrain_core.errors import FileError
from tests.cli.bad import ROWS, Content, assert_refused, parquet, rows, shift

X, Y = rows()[["a", "b"]].to_numpy(), rows()["y"].to_numpy()


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return Path.touch, (self.canary,)


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def declared(shape: str, dtype: str = "<f8", values: bytes = b"") -> bytes:
    """Return an NPY file that says whatever it likes of its values."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + values


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_x(content: bytes) -> bytes:
    return zipped({"x.npy": content, "y.npy": npy(Y)})


def bomb(path: Path) -> None:
    """Write 100 GB of zeros in some hundred kilobytes, as the directory of the archive says."""
    content = zipped({"x.npy": bytes(MEGABYTE), "y.npy": npy(Y)}, zipfile.ZIP_DEFLATED)
    path.write_bytes(content.replace(struct.pack("<I", MEGABYTE), struct.pack("<I", 4_000_000_000)))


def encrypted(content: bytes) -> bytes:
    flags = content.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
    return flags.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01")


FULL = parquet()
REFUSED: dict[str, tuple[str, Content, str]] = {
    "examples that are Python objects": ("new.npz", npz(x=np.array([{}] * ROWS, dtype=object), y=Y), "`x` cannot be used. It holds Python objects, which are not opened"),
    "labels that are Python objects": ("new.npz", npz(x=X, y=np.array(["u"] * ROWS, dtype=object)), "`y` cannot be used. It holds Python objects"),
    "a huge declared shape": ("new.npz", with_x(declared("(1000000000, 100000)")), "(shape 1000000000 x 100000) and holds 0"),
    "a large declared shape": ("new.npz", with_x(declared("(60, 30000000)", values=bytes(800))), "(shape 60 x 30000000) and holds 800"),
    "a shape beyond whole numbers": ("new.npz", with_x(declared("(9223372036854775807, 9)")), "is broken"),
    "a negative shape": ("new.npz", with_x(declared("(-1, -2)", values=bytes(16))), "is broken"),
    "no rows of very many values": ("new.npz", zipped({"x.npy": declared("(0, 100000000000)"), "y.npy": declared("(0,)")}), "columns"),
    "very many rows of no values": ("new.npz", with_x(declared("(1000000000000, 0)")), "It holds no values"),
    "very many texts of no letters": ("new.npz", with_x(declared("(1000000000000,)", "<U0")), "It holds no values"),
    "many axes": ("new.npz", with_x(declared("(" + "1," * 100 + ")", values=bytes(8))), "damaged"),
    "a header that is code": ("new.npz", with_x(declared("__import__('os').abort()")), "damaged"),
    "a header that is deep": ("new.npz", with_x(declared("(" * 5000 + ")" * 5000)), "damaged"),
    "records": ("new.npz", npz(x=np.zeros(ROWS, [("a", "f8")]), y=Y), "It holds records"),
    "an encrypted member": ("new.npz", encrypted(with_x(npy(X))), "encrypted"),
    "a cut archive": ("new.npz", with_x(npy(X))[:-300], "cut short"),
    "a bomb": ("new.npz", bomb, "new.npz"),
    "members of one name": ("new.npz", zipped({"x.npy": npy(X), "z.npy": npy(Y)}).replace(b"z.npy", b"x.npy"), "of the same name: x.npy"),
    "very many arrays": ("new.npz", zipped({f"a{n}.npy": npy(Y) for n in range(1001)}), "has 1,001 arrays"),
    "arrays of other lengths": ("new.npz", npz(x=X, y=Y[1:]), "differ in length"),
    "a single array": ("new.npz", npy(X), "It is a single NPY array"),
    "a zip of something else": ("new.npz", zipped({"a.csv": b"a,b\n"}), "It is a zip"),
    "an Excel file": ("new.csv", zipped({"xl/workbook.xml": b""}), "It is an Excel file"),
    "a model": ("new.npz", zipped({"config.json": b"{}"}), "It is a Keras model"),
    "an empty zip": ("new.npz", zipped({}), "neither text, Parquet nor NPZ"),
    "half a Parquet file": ("new.parquet", FULL[: len(FULL) // 2], "cut short or damaged"),
    "Parquet without its end": ("new.parquet", FULL[:-8], "cut short or damaged"),
    "Parquet with a huge footer": ("new.parquet", FULL[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1", "cut short or damaged"),
    "Parquet without rows": ("new.parquet", lambda path: pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path), "has no rows"),
    "Parquet without columns": ("new.parquet", lambda path: pq.write_table(pa.table({}), path), "has no rows"),
    "Parquet columns of one name": ("new.parquet", lambda path: pq.write_table(pa.table([[1], [2]], names=["a", "a"]), path), "same name: a"),
    "a label of lists": ("new.parquet", parquet(y=pa.array([[1]] * ROWS)), "columns that hold lists or records are left out: y"),
    "Parquet encrypted": ("new.parquet", b"PARE" + FULL[4:-4] + b"PARE", "It is an encrypted Parquet file"),
    "Arrow": ("new.parquet", b"ARROW1\0\0" + bytes(50), "It is an Arrow (Feather) file"),
    "SQLite": ("new.parquet", b"SQLite format 3\0" + bytes(50), "It is a SQLite database"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "says"), REFUSED.values(), ids=REFUSED)
def test_a_bad_file_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: Content, says: str
) -> None:
    tracemalloc.start()
    told = shift(tmp_path, capsys, name, content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert_refused(told, tmp_path, name, says)
    assert peak < 100 * MEGABYTE


def test_what_memory_cannot_hold_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_lengths = pa.table({"a": pa.array(np.zeros(2_000_000)), "y": pa.array(np.zeros(2_000_000, np.int8))})
    pq.write_table(run_lengths, tmp_path / "many.parquet")
    zeros = zipped(
        {"x.npy": npy(np.zeros((200_000, 10))), "y.npy": npy(np.zeros(200_000))}, zipfile.ZIP_DEFLATED
    )
    (tmp_path / "many.npz").write_bytes(zeros)
    monkeypatch.setattr("retrain_core.data.limits.available_memory_mb", lambda: 20.0)
    for name in ("many.parquet", "many.npz"):
        assert (tmp_path / name).stat().st_size < MEGABYTE
        with pytest.raises(FileError, match=f"{name} is too large. Its values take .* 10 MB can be given"):
            read_table(tmp_path / name)


@pytest.fixture
def pool() -> Iterator[pa.MemoryPool]:
    """Count what pyarrow takes from now on."""
    before = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(before)
    pa.set_memory_pool(counting)
    yield counting
    pa.set_memory_pool(before)


@pytest.mark.parametrize("kind", ["text", "categories", "bytes", "many texts"])
def test_long_texts_that_a_small_file_names_again_and_again_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: pa.MemoryPool, kind: str
) -> None:
    length, texts = (100_000, 20) if kind == "many texts" else (MEGABYTE, 1)
    values = pa.array([f"{number}" + "x" * length for number in range(texts)])
    values = values.cast(pa.binary()) if kind == "bytes" else values
    times = pa.array(list(range(texts)) * (2**31 // length // texts), pa.int32())  # 2 GB of them
    table = pa.table({"a.b": pa.DictionaryArray.from_arrays(times, values), "y": np.zeros(len(times))})
    pq.write_table(table, tmp_path / "new.parquet", store_schema=kind == "categories")
    assert (tmp_path / "new.parquet").stat().st_size < MEGABYTE
    del table, values
    monkeypatch.setattr("retrain_core.data.limits.available_memory_mb", lambda: 1000.0)
    before = pool.max_memory()
    with pytest.raises(FileError, match=r"new.parquet is too large. Its values take .* 500 MB can be given"):
        read_table(tmp_path / "new.parquet")
    assert pool.max_memory() < before + 100 * MEGABYTE


def test_a_pickle_in_an_array_beside_the_needed_ones_is_not_opened(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    np.savez(tmp_path / "new.npz", x=X, y=Y, extra=np.array([Trap(canary)], dtype=object))
    table = read_table(tmp_path / "new.npz")
    assert not canary.exists() and "`extra` is left out: it holds Python objects" in table.notes[0]
    np.load(tmp_path / "new.npz", allow_pickle=True)["extra"]
    assert canary.exists()  # so the trap is one


SAME = "None of the 2 columns moved enough to matter"
READ: dict[str, tuple[str, Content, str]] = {
    "NPZ": ("new.npz", lambda path: np.savez(path, a=X[:, 0], b=X[:, 1], y=Y), SAME),
    "other number types": ("new.npz", npz(a=X[:, 0].astype(">f4"), b=X[:, 1].astype("g"), y=Y.astype(">i2")), SAME),
    "compressed by LZMA": ("new.npz", zipped({"a.npy": npy(X[:, 0]), "b.npy": npy(X[:, 1]), "y.npy": npy(Y)}, zipfile.ZIP_LZMA), SAME),
    "missing values": ("new.npz", npz(a=np.where(np.arange(ROWS) % 2, np.nan, X[:, 0]), b=X[:, 1], y=Y), "the share of missing values of a"),
    "names that are paths": ("new.npz", zipped({"../../a.npy": npy(X), "a.npy": npy(X[:, 0]), "b.npy": npy(X[:, 1]), "y.npy": npy(Y)}), "Only the new data has ../../a_0"),
    "Parquet": ("new.parquet", FULL, SAME),
    "Parquet called CSV": ("new.csv", FULL, SAME),
    "CSV called Parquet": ("new.parquet", rows().to_csv(index=False).encode(), SAME),
    "NPZ called CSV": ("new.csv", npz(a=X[:, 0], b=X[:, 1], y=Y), SAME),
    "nested columns": ("new.parquet", parquet(l=pa.array([[1]] * ROWS), r=pa.array([{"u": 1}] * ROWS), m=pa.array([[("u", 1)]] * ROWS, pa.map_(pa.string(), pa.int8()))), SAME),
    "dates and times": ("new.parquet", parquet(d=pa.array([datetime.date(2026, 1, 1)] * ROWS), t=pa.array([datetime.time(1, 2)] * ROWS), far=pa.array([datetime.datetime(9999, 1, 1)] * ROWS, pa.timestamp("us", "UTC"))), "Only the new data has d, t and far."),
    "bytes": ("new.parquet", parquet(a=pa.array([b"\xff\0"] * ROWS)), "1 of 2 columns moved: a"),
    "nothing but gaps": ("new.parquet", parquet(a=pa.nulls(ROWS)), "the share of missing values of a"),
    "labels with gaps": ("new.parquet", parquet(y=pa.array([None] + [True] * (ROWS - 1))), "the label moved from"),
    "a damaged description of pandas": ("new.parquet", lambda path: pq.write_table(pa.table(rows()).replace_schema_metadata({"pandas": b"{broken"}), path), SAME),
    "a description of pandas that is made up": ("new.parquet", lambda path: pq.write_table(pa.table(rows()).replace_schema_metadata({"pandas": json.dumps({"index_columns": [{"kind": "range", "start": 0, "stop": 10**12, "step": 1}], "columns": [{"name": "b", "field_name": "b", "pandas_type": "x", "numpy_type": "datetime64[zz]", "metadata": None}], "column_indexes": []})}), path), SAME),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "says"), READ.values(), ids=READ)
def test_an_odd_file_is_read_as_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: Content, says: str
) -> None:
    told = shift(tmp_path, capsys, name, content)
    assert told.code == 0 and says in told.said, told.said


@pytest.mark.parametrize("digits", [10, 60])
def test_decimals_are_numbers(tmp_path: Path, digits: int) -> None:
    kind = pa.decimal128(digits, 2) if digits < 38 else pa.decimal256(digits, 2)
    values = pa.array([decimal.Decimal("1.25"), None] * (ROWS // 2), kind)
    (tmp_path / "new.parquet").write_bytes(parquet(a=values))
    column = read_table(tmp_path / "new.parquet").columns["a"]
    assert column.dtype == float and column.iloc[0] == 1.25 and np.isnan(column.iloc[1])


def test_whole_numbers_with_gaps_stay_exact(tmp_path: Path) -> None:
    numbers = [2**53 + n for n in range(1, ROWS)]
    (tmp_path / "new.parquet").write_bytes(parquet(id=pa.array([None, *numbers], pa.int64())))
    column = read_table(tmp_path / "new.parquet").columns["id"]
    assert column.isna().iloc[0] and column.tolist()[1:] == [str(number) for number in numbers]

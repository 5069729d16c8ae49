"""Files with some bytes changed, and text that nobody thought of: only our own errors, in bounded time and memory."""

from __future__ import annotations

import io
import random
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from retrain_core.data import read_table
from retrain_core.data.limits import MEGABYTE
from retrain_core.errors import FileError
from tests.cli.bad import csv, parquet, rows

MUTATIONS = 300
SECONDS_EACH = 5.0  # of the processor, as the machine may be busy
MOST_GROWTH = 500 * MEGABYTE


def npz(*, compressed: bool) -> bytes:
    file = io.BytesIO()
    save = np.savez_compressed if compressed else np.savez
    save(
        file,
        x=np.zeros((30, 8, 8), np.uint8),
        age=np.arange(30.0),
        name=np.array(["ab"] * 30),
        y=np.arange(30) % 2,
    )
    return file.getvalue()


WHOLE = {
    "new.csv": csv(town=["é", "x;y", 'a "b"', "two\nlines"] * 15, code="0012", day="2026-01-02"),
    "wide.csv": csv(town="é").decode().encode("utf-16"),
    "new.parquet": parquet(town=["u", None] * 30, when=pd.date_range("2026-01-01", periods=60)),
    "new.npz": npz(compressed=False),
    "small.npz": npz(compressed=True),
}


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Return a file with a few bytes changed, a piece cut out, doubled, or its end lost."""
    found = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 8, 64])):
        place = draw.randrange(len(found))
        match draw.randrange(6):
            case 0:
                found[place] ^= 1 << draw.randrange(8)
            case 1:
                found[place] = draw.choice(b'\x00\xff\x7f\x80\n",;0')
            case 2:
                found[place : place + 4] = draw.randbytes(4)
            case 3:
                found[place : place + 8] = (2 ** draw.choice([31, 32, 62, 63]) - 1).to_bytes(8, "little")
            case 4:
                del found[place : place + draw.randrange(1, 40)]
            case _:
                found[place:place] = found[place : place + draw.randrange(1, 40)]
    return bytes(found[: draw.randrange(1, len(found))] if draw.random() < 0.1 else found)


def read_or_refuse(path: Path) -> str:
    """Read a file in bounded time; return what was said of it if it was refused."""
    started = time.process_time()
    try:
        return _read_or_refuse(path)
    finally:
        assert time.process_time() - started < SECONDS_EACH, path.read_bytes()[:2000]


def _read_or_refuse(path: Path) -> str:
    try:
        table = read_table(path)
    except FileError as error:
        assert error.what and error.why and error.next_step
        assert str(path.parent) not in str(error)
        return str(error)
    assert table.rows > 0
    return ""


@pytest.mark.parametrize("name", WHOLE)
def test_changed_bytes_lead_to_our_own_errors_alone(tmp_path: Path, name: str) -> None:
    draw, path = random.Random(name), tmp_path / name
    path.write_bytes(WHOLE[name])
    assert read_or_refuse(path) == ""
    memory, refused = psutil.Process().memory_info().rss, 0
    for number in range(MUTATIONS):
        path.write_bytes(content := mutated(WHOLE[name], draw))
        try:
            refused += bool(read_or_refuse(path))
        except Exception as error:
            error.add_note(f"mutation {number}: {content[:2000]!r}")
            raise
        assert psutil.Process().memory_info().rss - memory < MOST_GROWTH, content[:2000]
    assert 0 < refused < MUTATIONS  # some bytes matter, some do not


CELLS = st.text(alphabet=st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    [
        "",
        "0",
        "-1.5",
        "007",
        "1,5",
        "1.234.567",
        "nan",
        "inf",
        "1e400",
        "2026-01-01",
        '"',
        "=1+1",
        "9" * 30,
        "\0",
        "\r",
    ]
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(CELLS, max_size=4), max_size=6),
    st.sampled_from(",;\t|: "),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
@example([["a", "b"], ["1", "2"]], ",", "\n")
def test_any_text_is_a_table_or_refused(
    tmp_path: Path, lines: list[list[str]], separator: str, end: str
) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes(end.join(separator.join(line) for line in lines).encode())
    read_or_refuse(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([b"", b"PAR1", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf", b"\x93NUMPY"]),
    st.binary(max_size=200),
)
def test_any_bytes_are_a_table_or_refused(tmp_path: Path, magic: bytes, rest: bytes) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes(magic + rest)
    read_or_refuse(path)


def test_no_row_and_no_value_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_bytes(WHOLE["new.csv"])
    pd.testing.assert_frame_equal(read_table(path).columns[["a", "b", "y"]], rows())

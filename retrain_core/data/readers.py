"""Readers for CSV, Parquet and NPZ, chosen by what a file holds, not by what it is called."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retrain_core.data.names import refuse_copies
from retrain_core.data.npz import read_npz
from retrain_core.errors import FileError
from retrain_core.limits import MOST_ROWS, check_file, check_table
from retrain_core.types import Table

SEPARATORS = ",;\t|"
OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x80\x04\x95": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
}
USE_INSTEAD = "Choose a CSV, Parquet or NPZ file."


def read_table(path: Path, name: str | None = None) -> Table:
    """Read the file at ``path``.

    Args:
        path: The file.
        name: The name its owner gave it, for messages; the file's own by default.

    Returns:
        Its columns, and for an NPZ file its arrays of three or more axes.

    Raises:
        FileError: If the file is of another kind, broken, has no rows, or more than may be.
    """
    name = name or path.name
    if not path.is_file():
        raise FileError(f"{name} was not found.", "There is no such file.", "Check the path.")
    check_file(path, name)
    table = replace(READERS[_kind(path, name)](path, name), sha256=file_hash(path))
    if table.rows == 0:
        raise FileError(f"{name} has no rows.", "It holds column names but no examples.", USE_INSTEAD)
    return table


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind(path: Path, name: str) -> str:
    with path.open("rb") as file:
        head = file.read(8)
    if not head:
        raise FileError(f"{name} is empty.", "It has no bytes at all.", USE_INSTEAD)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path, name)
    for magic, what in OTHER_FORMATS.items():
        if head.startswith(magic):
            raise FileError(f"{name} cannot be used as data.", f"It is {what}.", USE_INSTEAD)
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FileError(f"{name} cannot be read.", "It is neither text, Parquet nor NPZ.", USE_INSTEAD)
    return "csv"


def _zip_kind(path: Path, name: str) -> str:
    try:
        members = zipfile.ZipFile(path).namelist()
    except zipfile.BadZipFile as error:
        raise FileError(f"{name} is broken.", "The archive is cut short.", "Make the file anew.") from error
    if members and all(member.endswith(".npy") for member in members):
        return "npz"
    what = (
        "a Keras model"
        if "config.json" in members
        else "an Excel file"
        if "xl/workbook.xml" in members
        else "a zip"
    )
    raise FileError(f"{name} cannot be used as data.", f"It is {what}.", USE_INSTEAD)


def _read_csv(path: Path, name: str) -> Table:
    with path.open("rb") as file:
        head = file.read(64 * 1024)
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = head.decode(encoding, errors="strict" if len(head) < 64 * 1024 else "ignore")
    except UnicodeDecodeError as error:
        raise _not_utf8(name, error) from error
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first_line.count)
    header = next(csv.reader([first_line], delimiter=separator), [])
    check_table(name, columns=len(header))
    refuse_copies(header, name)
    most = int(MOST_ROWS.value)
    try:
        # Where the first line of values is too long, pandas would shift the columns, with no word about it.
        if why := _long_line(path, encoding, separator, among=1):
            raise FileError(f"{name} cannot be read as CSV.", why, CORRECT_LINE)
        frame = pd.read_csv(path, sep=separator, encoding=encoding, low_memory=False, nrows=most + 1)
    except UnicodeDecodeError as error:
        raise _not_utf8(name, error) from error
    except pd.errors.EmptyDataError as error:
        raise FileError(f"{name} is empty.", "It has neither columns nor rows.", USE_INSTEAD) from error
    except pd.errors.ParserError as error:
        why = _long_line(path, encoding, separator) or f"{str(error).strip()}."
        raise FileError(f"{name} cannot be read as CSV.", why, CORRECT_LINE) from error
    check_table(name, rows=len(frame))
    notes = () if separator == "," else (f"{name}: columns are separated by {separator!r}.",)
    return Table(name, "", frame, notes=notes)


CORRECT_LINE = "Name every column in the first line, and take separators away from the ends of lines."


def _long_line(path: Path, encoding: str, separator: str, among: int | None = None) -> str | None:
    """Say which line has more fields than the header, if one of the first ``among`` lines after it has."""
    with path.open(encoding=encoding, newline="") as file, suppress(csv.Error):
        lines = csv.reader(file, delimiter=separator)
        filled = (line for line in lines if len(line) > 1 or "".join(line).strip())
        fields = len(next(filled, []))
        for line in islice(filled, among):
            if len(line) > fields:
                return f"Line {lines.line_num} has {len(line)} fields, the header has {fields}."
    return None


def _not_utf8(name: str, error: UnicodeDecodeError) -> FileError:
    return FileError(
        f"{name} is not UTF-8 text.",
        f"Byte {error.start} is not valid; the file may be Latin-1 or binary.",
        "Save it as UTF-8, or use Parquet.",
    )


def _read_parquet(path: Path, name: str) -> Table:
    try:
        schema = pq.read_schema(path)
        check_table(name, rows=pq.read_metadata(path).num_rows, columns=len(schema.names))
        refuse_copies(schema.names, name)
        frame = pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileError(
            f"{name} cannot be read as Parquet.", str(error).split("\n")[0], "Write the file again."
        ) from error
    notes = [f"{name}: the index '{index}' is not read as a column." for index in frame.index.names if index]
    frame = frame.reset_index(drop=True)
    frame.columns = pd.Index([str(column) for column in frame.columns])
    nested = [str(field.name) for field in schema if pa.types.is_nested(field.type)]
    if nested:
        notes.append(f"{name}: columns that hold lists or records are left out: {', '.join(nested[:12])}.")
    return Table(name, "", frame.drop(columns=nested, errors="ignore"), notes=tuple(notes))


Reader = Callable[[Path, str], Table]
READERS: dict[str, Reader] = {"csv": _read_csv, "parquet": _read_parquet, "npz": read_npz}

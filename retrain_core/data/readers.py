"""Readers for CSV, Parquet and NPZ, chosen by what a file holds, not by what it is called."""

from __future__ import annotations

import csv
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retrain_core.errors import FileError
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
        Its columns, or its array for an NPZ file whose ``x`` has three or more axes.

    Raises:
        FileError: If the file is of another kind, broken, or has no rows.
    """
    name = name or path.name
    if not path.is_file():
        raise FileError(f"{name} was not found.", "There is no such file.", "Check the path.")
    kind = _kind(path, name)
    sha256 = file_hash(path)
    columns, array, notes = READERS[kind](path, name)
    table = Table(name=name, sha256=sha256, columns=columns, array=array, notes=tuple(notes))
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


def _read_csv(path: Path, name: str) -> tuple[pd.DataFrame, None, list[str]]:
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
    _refuse_copies(header, name)
    try:
        # Where the first line of values is too long, pandas would shift the columns, with no word about it.
        if why := _long_line(path, encoding, separator, among=1):
            raise FileError(f"{name} cannot be read as CSV.", why, CORRECT_LINE)
        frame = pd.read_csv(path, sep=separator, encoding=encoding, low_memory=False)
    except UnicodeDecodeError as error:
        raise _not_utf8(name, error) from error
    except pd.errors.EmptyDataError as error:
        raise FileError(f"{name} is empty.", "It has neither columns nor rows.", USE_INSTEAD) from error
    except pd.errors.ParserError as error:
        why = _long_line(path, encoding, separator) or f"{str(error).strip()}."
        raise FileError(f"{name} cannot be read as CSV.", why, CORRECT_LINE) from error
    notes = [] if separator == "," else [f"{name}: columns are separated by {separator!r}."]
    return frame, None, notes


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


def _refuse_copies(columns: Sequence[str], name: str) -> None:
    twice = sorted({column or "(no name)" for column in columns if columns.count(column) > 1})
    if twice:
        raise FileError(
            f"{name} has columns of the same name: {', '.join(twice[:12])}.",
            "Columns are matched by name, so each name may stand once.",
            "Rename or drop the copies.",
        )


def _not_utf8(name: str, error: UnicodeDecodeError) -> FileError:
    return FileError(
        f"{name} is not UTF-8 text.",
        f"Byte {error.start} is not valid; the file may be Latin-1 or binary.",
        "Save it as UTF-8, or use Parquet.",
    )


def _read_parquet(path: Path, name: str) -> tuple[pd.DataFrame, None, list[str]]:
    try:
        schema = pq.read_schema(path)
        _refuse_copies(schema.names, name)
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
    return frame.drop(columns=nested, errors="ignore"), None, notes


def _read_npz(path: Path, name: str) -> tuple[pd.DataFrame, np.ndarray | None, list[str]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files if key in ("x", "y")}
    except (ValueError, OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise FileError(
            f"{name} cannot be read as NPZ.",
            "An array is broken or holds Python objects.",
            "Save plain arrays `x` and `y`.",
        ) from error
    if "x" not in arrays:
        raise FileError(
            f"{name} has no array `x`.",
            "The examples are expected there.",
            "Use np.savez(file, x=..., y=...).",
        )
    x, y = arrays["x"], arrays.get("y")
    if x.ndim == 0:
        raise FileError(f"{name}: `x` is a single value.", "It has no rows.", "Save one row an example.")
    labels = pd.DataFrame({} if y is None else {"y": _npz_labels(y, len(x), name)}, index=range(len(x)))
    if x.ndim >= 3:
        return labels, x, []
    flat = x if x.ndim == 2 else x[:, np.newaxis]
    features = pd.DataFrame(flat, columns=[f"x{i}" for i in range(flat.shape[1])])
    return pd.concat([features, labels], axis=1), None, []


def _npz_labels(y: np.ndarray, rows: int, name: str) -> np.ndarray:
    """Return one label an example; one-hot rows become the number of their class."""
    if y.ndim not in (1, 2):
        shape = " x ".join(map(str, y.shape)) or "a single value"
        raise FileError(
            f"{name}: `y` is no list of labels.",
            f"Its shape is {shape}; each example needs one label.",
            "Save `y` with one value a row, or one-hot with one column a class.",
        )
    if len(y) != rows:
        raise FileError(
            f"{name}: `x` and `y` differ in length.",
            f"`x` has {rows:,} rows, `y` has {len(y):,}; each example needs one label.",
            "Save both again.",
        )
    if y.ndim == 1 or y.shape[1] == 1:
        return y.reshape(rows)
    if y.dtype.kind not in "fiub" or not (np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all()):
        raise FileError(
            f"{name}: `y` has {y.shape[1]} columns and is not one-hot.",
            "Each row must hold a single 1 among zeros; several numbers or labels an example cannot be compared so far.",
            "Save `y` with one label a row.",
        )
    return np.asarray(y.argmax(axis=1))


Reader = Callable[[Path, str], tuple[pd.DataFrame, np.ndarray | None, list[str]]]
READERS: dict[str, Reader] = {"csv": _read_csv, "parquet": _read_parquet, "npz": _read_npz}

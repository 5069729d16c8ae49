"""Readers for CSV, Parquet and NPZ, chosen by what a file holds, not by what it is called."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

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
        first_line = next(
            iter(head.decode(encoding, errors="strict" if len(head) < 64 * 1024 else "ignore").splitlines()),
            "",
        )
    except UnicodeDecodeError as error:
        raise _not_utf8(name, error) from error
    separator = max(SEPARATORS, key=first_line.count)
    header = next(csv.reader([first_line], delimiter=separator), [])
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise FileError(
            f"{name} has columns of the same name: {', '.join(twice)}.",
            "Columns are matched by name, so each name may stand once.",
            "Rename or drop the copies.",
        )
    try:
        frame = pd.read_csv(path, sep=separator, encoding=encoding, low_memory=False)
    except UnicodeDecodeError as error:
        raise _not_utf8(name, error) from error
    except pd.errors.EmptyDataError as error:
        raise FileError(f"{name} is empty.", "It has neither columns nor rows.", USE_INSTEAD) from error
    except pd.errors.ParserError as error:
        raise FileError(
            f"{name} cannot be read as CSV.", f"{error}.", "Correct that line, or save it again."
        ) from error
    notes = [] if separator == "," else [f"{name}: columns are separated by {separator!r}."]
    return frame, None, notes


def _not_utf8(name: str, error: UnicodeDecodeError) -> FileError:
    return FileError(
        f"{name} is not UTF-8 text.",
        f"Byte {error.start} is not valid; the file may be Latin-1 or binary.",
        "Save it as UTF-8, or use Parquet.",
    )


def _read_parquet(path: Path, name: str) -> tuple[pd.DataFrame, None, list[str]]:
    try:
        return pd.read_parquet(path), None, []
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileError(
            f"{name} cannot be read as Parquet.", str(error).split("\n")[0], "Write the file again."
        ) from error


def _read_npz(path: Path, name: str) -> tuple[pd.DataFrame, np.ndarray | None, list[str]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files if key in ("x", "y")}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
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
    if x.ndim == 0 or (y is not None and len(y) != len(x)):
        raise FileError(
            f"{name}: `x` and `y` differ in length.", "Each example needs one label.", "Save both again."
        )
    if y is not None and y.ndim == 2:
        y = y[:, 0] if y.shape[1] == 1 else y.argmax(axis=1)
    labels = pd.DataFrame({} if y is None else {"y": y}, index=range(len(x)))
    if x.ndim >= 3:
        return labels, x, []
    flat = x.reshape(len(x), -1)
    features = pd.DataFrame(flat, columns=[f"x{i}" for i in range(flat.shape[1])])
    return pd.concat([features, labels], axis=1), None, []


Reader = Callable[[Path, str], tuple[pd.DataFrame, np.ndarray | None, list[str]]]
READERS: dict[str, Reader] = {"csv": _read_csv, "parquet": _read_parquet, "npz": _read_npz}

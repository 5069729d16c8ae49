"""What kind of file it is, told by its first bytes, never by its name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from retrain_core.errors import FileError

OTHER_FORMATS = {
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"%PDF": "a PDF",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"ARROW1": "an Arrow (Feather) file",
    b"FEA1": "a Feather file",
    b"ORC": "an ORC file",
    b"PARE": "an encrypted Parquet file",
    b"SQLite format 3": "a SQLite database",
    b"\x93NUMPY": "a single NPY array",
}
OTHER_TEXTS = {
    b"%pdf": "a PDF",
    b"<?xml": "XML",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<table": "a table of a web page",
    b'{"': "JSON",
    b"[{": "JSON",
    b"[[": "JSON",
}
HEAD = 4096
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")  # bytes that no text has
USE_INSTEAD = "Choose a CSV, Parquet or NPZ file."


def kind_of(path: Path, name: str) -> str:
    """Return ``csv``, ``parquet`` or ``npz``.

    Raises:
        FileError: If the file is empty, or of another kind.
    """
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        raise FileError(f"{name} is empty.", "It has no bytes at all.", USE_INSTEAD)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path, name)
    # A column may be called PARENT: letters alone do not make a file binary.
    known = OTHER_FORMATS if CONTROL.search(head) or head[0] > 0x7F else OTHER_TEXTS
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower() if known is OTHER_TEXTS else head
    for magic, what in known.items():
        if start.startswith(magic):
            raise FileError(f"{name} cannot be used as data.", f"It is {what}.", USE_INSTEAD)
    return "csv"


def _zip_kind(path: Path, name: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
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

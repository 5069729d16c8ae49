"""Readers for CSV, Parquet and NPZ, chosen by what a file holds, not by what it is called."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from retrain_core.data.csv_file import read_csv
from retrain_core.data.formats import kind_of
from retrain_core.data.limits import too_large
from retrain_core.data.npz import read_npz
from retrain_core.data.parquet_file import read_parquet
from retrain_core.errors import FileError
from retrain_core.limits import check_file, check_table
from retrain_core.types import Table

Reader = Callable[[Path, str], Table]
READERS: dict[str, Reader] = {"csv": read_csv, "parquet": read_parquet, "npz": read_npz}


def read_table(path: Path, name: str | None = None) -> Table:
    """Read the file at ``path``.

    Args:
        path: The file.
        name: The name its owner gave it, for messages; the file's own by default.

    Returns:
        Its columns, and for an NPZ file its arrays of three or more axes.

    Raises:
        FileError: If the file is of another kind, broken, too large, or has no rows.
    """
    name = name or path.name
    if not path.is_file():
        raise FileError(f"{name} was not found.", "There is no such file.", "Check the path.")
    check_file(path, name)
    try:
        table = READERS[kind_of(path, name)](path, name)
        table = replace(table, sha256=file_hash(path))
    except MemoryError as error:
        raise too_large(name) from error
    except OSError as error:
        raise FileError(f"{name} cannot be read.", f"{error.strerror}.", "Check the file.") from error
    if table.rows == 0:
        raise FileError(
            f"{name} has no rows.", "It holds column names but no examples.", "Choose a file with rows."
        )
    check_table(name, rows=table.rows)
    return table


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

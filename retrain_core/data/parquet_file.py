"""Parquet files: plain columns are read, nested ones left out and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retrain_core.data.limits import refuse_too_large
from retrain_core.data.names import refuse_copies
from retrain_core.data.values import WHOLE_IN_FLOAT
from retrain_core.errors import FileError
from retrain_core.limits import check_table
from retrain_core.types import Table

LEAST_BYTES = 8  # that a value takes in memory, at least
BATCH_ROWS = 65_536  # of texts, whose lengths are looked at before they are read
# Else there are up to eight, made when two reads happen to meet, and kept; a file object is read by one at a time anyway.
pa.set_io_thread_count(1)

TEXTS = (
    *(pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
    *(pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view),
)


def read_parquet(path: Path, name: str) -> Table:
    """Return the columns of a file; those that hold lists or records are left out.

    Raises:
        FileError: If the file is broken, or too large.
    """
    try:
        # A file object, so that no message of the library holds a path of the server.
        with path.open("rb") as opened, pq.ParquetFile(opened) as file:
            schema = file.schema_arrow
            refuse_copies(schema.names, name)
            check_table(name, columns=len(schema.names))
            check_table(name, rows=file.metadata.num_rows)
            fields = [field for field in schema if not pa.types.is_nested(field.type)]
            nested = [str(field.name) for field in schema if pa.types.is_nested(field.type)]
            plain = [field.name for field in fields]
            # Run lengths let a small file stand for many rows, a dictionary for many long texts.
            row = sum(max(LEAST_BYTES, _width(field.type)) for field in fields)
            refuse_too_large(file.metadata.num_rows * row, name)
            _refuse_long_texts(opened, [field.name for field in fields if _is_text(field.type)], name)
            table = file.read(columns=plain, use_pandas_metadata=False)
        index = [column for column in _index_of(schema) if column in plain]
        table = _plain(table.drop_columns(index))
        frame = table.to_pandas()
        frame = frame.reset_index(drop=True)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = "It is cut short or damaged."
        raise FileError(f"{name} cannot be read as Parquet.", why, "Write the file again.") from error
    frame.columns = pd.Index([str(column) for column in frame.columns])
    notes = [f"{name}: the index '{column}' is not read as a column." for column in index]
    if nested:
        notes.append(f"{name}: columns that hold lists or records are left out: {', '.join(nested[:12])}.")
    return Table(name, "", frame, notes=tuple(notes))


def _width(kind: Any) -> int:
    """Return how many bytes a value has, if all have as many."""
    fixed = pa.types.is_fixed_size_binary(kind) or pa.types.is_decimal(kind)
    return int(kind.byte_width) if fixed else 0


def _is_text(kind: Any) -> bool:
    """Whether values are as long as they like."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(look(kind) for look in TEXTS)


def _refuse_long_texts(opened: BinaryIO, columns: list[str], name: str) -> None:
    """Raise ``FileError`` if texts need more memory than can be given to them, once each row has its own."""
    if not columns:
        return
    needed = 0
    with pq.ParquetFile(opened, read_dictionary=columns) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            for texts in batch.columns:
                lengths = pa.compute.binary_length(texts.dictionary).cast(pa.int64())
                needed += pa.compute.sum(lengths.take(texts.indices)).as_py() or 0
            refuse_too_large(needed, name)


def _index_of(schema: Any) -> list[str]:
    """Return the columns in which pandas kept the index; what it says there may be damaged or made up."""
    try:
        told = json.loads((schema.metadata or {})[b"pandas"])["index_columns"]
        return [column for column in told if isinstance(column, str)]
    except (KeyError, TypeError, ValueError, RecursionError):
        return []


def _plain(table: Any) -> Any:
    """Return decimals as floats, and whole numbers exactly; what pandas said of the columns holds where it can be used."""
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_decimal(field.type):
            table = table.set_column(place, field.name, column.cast(pa.float64()))
        elif pa.types.is_integer(field.type) and column.null_count and _beyond_floats(column):
            table = table.set_column(place, field.name, column.cast(pa.string()))
    try:
        table.slice(0, 1).to_pandas()
    except Exception:  # whatever a damaged description leads to: the columns themselves say enough
        return table.replace_schema_metadata(None)
    return table


def _beyond_floats(column: Any) -> bool:
    """Whether whole numbers with gaps, which pandas keeps as floats, would lose their last digits."""
    ends = pa.compute.min_max(column).as_py()
    return any(end is not None and abs(end) > WHOLE_IN_FLOAT for end in ends.values())

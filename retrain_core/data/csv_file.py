"""CSV files: nothing is guessed where two readings are possible, and no line is dropped without a word."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from retrain_core.data.csv_text import Dialect, look_at, uneven_line
from retrain_core.data.formats import USE_INSTEAD
from retrain_core.data.limits import refuse_too_large
from retrain_core.data.names import listed, refuse_copies
from retrain_core.data.number_marks import unclear_note, unclear_numbers, with_decimal_commas
from retrain_core.data.values import WHOLE_IN_FLOAT
from retrain_core.errors import FileError
from retrain_core.limits import MOST_ROWS, check_table, too_many
from retrain_core.types import Table

CORRECT_LINE = "Name every column in the first line, and give every line as many fields."
LINE_BYTES, FIELD_BYTES = 16, 20  # that pandas takes while it reads, measured, beside the text itself
LEADING_ZERO = r"[+-]?0[0-9]+"


def read_csv(path: Path, name: str) -> Table:
    """Return the columns of a file.

    Raises:
        FileError: If it is no CSV, or a line has too few or too many fields.
    """
    refuse_too_large(path.stat().st_size, name)
    found = look_at(path, name)
    refuse_copies(found.header, name)
    check_table(name, columns=len(found.header))
    refuse_too_large(path.stat().st_size + LINE_BYTES * found.lines + FIELD_BYTES * found.fields, name)
    # Where the first line of values is too long, pandas would shift the columns, with no word about it.
    if why := uneven_line(path, found, among=1):
        raise FileError(f"{name} cannot be read as CSV.", why, CORRECT_LINE)
    most = int(MOST_ROWS.value)
    try:
        frame = pd.read_csv(
            path, sep=found.separator, encoding=found.encoding, low_memory=False, nrows=most + 1
        )
    except pd.errors.EmptyDataError as error:
        raise FileError(f"{name} is empty.", "It has neither columns nor rows.", USE_INSTEAD) from error
    except (pd.errors.ParserError, ValueError, OverflowError) as error:
        raise _not_csv(path, name, found, str(error)) from error
    if len(frame) > most:
        raise too_many(f"more than {most:,}", "rows", MOST_ROWS, name)
    # A line that ends too early lacks its last value; pandas fills it up, with no word about it.
    if len(frame.columns) and frame.iloc[:, -1].isna().any() and (why := uneven_line(path, found)):
        raise FileError(f"{name} cannot be read as CSV.", why, CORRECT_LINE)
    notes = [] if found.separator == "," else [f"{name}: columns are separated by {found.separator!r}."]
    kept = _kept_as_text(path, found, frame)
    if kept:
        frame = frame.assign(**kept)
        what = "their leading zeros or last digits count"
        notes.append(f"{name}: numbers of {listed(list(kept))} are kept as they are written: {what}.")
    if commas := with_decimal_commas(frame):
        frame = frame.assign(**commas)
        notes.append(f"{name}: commas in numbers of {listed(list(commas))} are decimal marks.")
    if unclear := unclear_numbers(frame):
        notes.append(unclear_note(name, unclear))
    return Table(name, "", frame, notes=tuple(notes), unclear=unclear)


def _not_csv(path: Path, name: str, found: Dialect, said: str) -> FileError:
    if (row := re.search(r"EOF inside string starting at row (\d+)", said)) is not None:
        why = f"In line {int(row[1]) + 1:,} or after it, a quote begins that never ends."
        return FileError(
            f"{name} cannot be read as CSV.", why, "Close the quote, or double it if it is meant."
        )
    why = uneven_line(path, found) or "Its lines cannot be told apart into fields."
    return FileError(f"{name} cannot be read as CSV.", why, CORRECT_LINE)


def _kept_as_text(path: Path, found: Dialect, frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Return columns of numbers that are more than numbers: with leading zeros, or beyond what a float with gaps holds."""
    kinds = {str(column): frame[column].dtype.kind for column in frame}
    whole = [
        column
        for column, kind in kinds.items()
        if kind in "iu" or (kind == "f" and (frame[column].dropna() % 1 == 0).all())
    ]
    large = {
        column
        for column in whole
        if kinds[column] == "f" and frame[column].isna().any() and _largest(frame[column]) >= WHOLE_IN_FLOAT
    }
    looked_at = whole if found.leading_zeros else [column for column in whole if column in large]
    if not looked_at:
        return {}
    text = pd.read_csv(
        path, sep=found.separator, encoding=found.encoding, low_memory=False, usecols=looked_at, dtype=str
    )
    digits = {column: text[column].dropna().str.strip() for column in looked_at}
    return {
        column: text[column]
        for column, written in digits.items()
        if written.str.fullmatch(LEADING_ZERO).any()
        or (column in large and written.str.fullmatch(r"[+-]?[0-9]+").all())
    }


def _largest(numbers: pd.Series) -> float:
    return float(numbers.abs().max())

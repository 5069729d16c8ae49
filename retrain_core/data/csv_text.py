"""A CSV file as text: its encoding, its separator, its first line, and what must not be in it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from retrain_core.data.formats import USE_INSTEAD
from retrain_core.errors import FileError

SEPARATORS = ",;\t|"
LINE_ENDS = "\n\r"
OTHER_SEPARATORS = (":", "^", "~", "\x01", None)  # None is white space
CHUNK = 4 * 1024**2  # bytes; a line may be as long
ZEROS = re.compile(rf'(?:^|[{SEPARATORS}"\r\n]) *[+-]?0[0-9]')
csv.field_size_limit(CHUNK)  # with fewer, the lines behind a long field are not looked at
SAVE_AS = "Save it as UTF-8, or use Parquet."


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written.

    Args:
        encoding: As Python calls it.
        separator: What stands between two fields.
        header: The names of its columns.
        leading_zeros: Whether a field may be a number with leading zeros.
        lines: How many lines it has, about.
        fields: How many fields it has, about; fewer if a field holds a separator.
    """

    encoding: str
    separator: str
    header: tuple[str, ...]
    leading_zeros: bool
    lines: int
    fields: int


def look_at(path: Path, name: str) -> Dialect:
    """Return how a file is written.

    Raises:
        FileError: If it is no text, not in a known encoding, or not separated by a known sign.
    """
    encoding = _encoding(path, name)
    zeros, marks = False, Counter[str]()
    for text in _checked(path, name, encoding):
        zeros = _zeros_in(text) or zeros
        marks.update({sign: text.count(sign) for sign in SEPARATORS + LINE_ENDS})
    with path.open(encoding=encoding, newline="") as file:
        head = file.read(CHUNK).lstrip("\r\n \t")
    if not head:
        raise FileError(
            f"{name} is empty.", "It begins with blank lines only, or has no others.", USE_INSTEAD
        )
    separator = max(SEPARATORS, key=lambda sign: len(next(_records(head, sign), [])))
    rows = list(islice(_records(head, separator), 2))
    header = rows[0] if rows else []
    if len(header) < 2:
        _refuse_other_separators(rows, name)
    lines = max(marks[sign] for sign in LINE_ENDS) + 1
    return Dialect(encoding, separator, tuple(header), zeros, lines, lines + marks[separator])


def uneven_line(path: Path, found: Dialect, among: int | None = None) -> str | None:
    """Say which line has more or fewer fields than the header, if one of the first ``among`` lines after it has."""
    fields = len(found.header)
    with path.open(encoding=found.encoding, newline="") as file, suppress(csv.Error):
        lines = csv.reader(file, delimiter=found.separator)
        filled = (line for line in lines if len(line) > 1 or "".join(line).strip())
        next(filled, None)
        for line in islice(filled, among):
            if len(line) != fields:
                some = "field" if len(line) == 1 else "fields"
                return f"Line {lines.line_num} has {len(line)} {some}, the header has {fields}."
    return None


def _encoding(path: Path, name: str) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise FileError(f"{name} is not UTF-8 text.", "It is UTF-32.", SAVE_AS)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = head.count(0)
    if zeros:
        half = max(head[::2].count(0), head[1::2].count(0))
        if zeros > len(head) / 3 and half == zeros:
            why = "It looks like UTF-16 without a mark that says so."
            raise FileError(f"{name} is not UTF-8 text.", why, SAVE_AS)
    return "utf-8-sig"


def _checked(path: Path, name: str, encoding: str) -> Iterator[str]:
    """Yield the text of a file in pieces; refuse bytes that are no text, and lines without an end."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                line += error.object[: error.start].count(b"\n")
                byte = f"0x{error.object[error.start]:02X}"
                why = f"The byte {byte} in line {line:,} is not valid; the file may be Latin-1, or no text at all."
                what = "UTF-8" if encoding == "utf-8-sig" else "UTF-16"
                raise FileError(f"{name} is not {what} text.", why, SAVE_AS) from error
            if not chunk:
                return
            if "\0" in text:
                line += text[: text.index("\0")].count("\n")
                raise FileError(
                    f"{name} cannot be read.",
                    f"There is a NUL byte in line {line:,}, so it is neither text, Parquet nor NPZ, or it is damaged.",
                    USE_INSTEAD,
                )
            line += text.count("\n")
            if len(chunk) == CHUNK and "\n" not in text and "\r" not in text:
                raise FileError(
                    f"{name} cannot be read as CSV.",
                    f"Line {line:,} is longer than {CHUNK // 1024**2} MB.",
                    "Check that its lines end with a line break.",
                )
            yield text


def _zeros_in(text: str) -> bool:
    """Whether a field may begin with 0 and go on with a digit."""
    return ZEROS.search(text) is not None


def _records(head: str, separator: str) -> Iterator[list[str]]:
    lines = csv.reader(io.StringIO(head, newline=""), delimiter=separator)
    with suppress(csv.Error):
        yield from (line for line in lines if len(line) > 1 or "".join(line).strip())


def _refuse_other_separators(rows: list[list[str]], name: str) -> None:
    """Raise ``FileError`` if a single column is several, told apart by a sign that we do not know."""
    lines = ["".join(row) for row in rows]
    for sign in OTHER_SEPARATORS:
        counts = {len(line.split(sign)) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and max(counts) > 1:
            raise FileError(
                f"{name} has a single column, '{lines[0][:60]}'.",
                "Columns are told apart by a comma, a semicolon, a tab or a bar, and it has none of them.",
                "Save it with commas.",
            )

"""Numbers with commas, points, blanks or apostrophes inside: read where they can mean one thing alone, else kept as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from retrain_core.data.names import listed
from retrain_core.errors import DataError
from retrain_core.types import Table

# 1,5 or 1,234 (which can be both), 1.234.567,8, 1'234 and 1 234.
MARKED = r"[+-]?(?:[0-9]+,[0-9]+|[1-9][0-9]{0,2}(?:[,.'\u2019 \u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?)"
PLAIN = r"[+-]?[0-9]+(?:\.[0-9]+)?"
ONE_COMMA = r"[+-]?[0-9]+,[0-9]+"
WHOLE = r"[+-]?[0-9]+"
DECIMAL = (
    r"[+-]?(?:[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|0+,[0-9]+|[0-9]{4,},[0-9]+)"  # no thousands look like that
)
FIRST = 1000  # values that are looked at first: they rule nearly every text out


def with_decimal_commas(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Return, as numbers, the columns of text whose commas can only be decimal marks.

    One column in which a comma cannot stand between thousands tells it of the others too: a file is written in one way.

    >>> with_decimal_commas(pd.DataFrame({"a": ["1,5", "2"], "b": ["1,234", "5,678"]}))["b"].tolist()
    [1.234, 5.678]
    >>> with_decimal_commas(pd.DataFrame({"b": ["1,234", "5,678"]}))
    {}
    """
    marked = _marked(frame)
    texts = {name: frame[name].dropna().str.strip() for name in marked}
    alike = all(values.str.fullmatch(f"{ONE_COMMA}|{WHOLE}").all() for values in texts.values())
    if not alike or not any(values.str.fullmatch(DECIMAL).any() for values in texts.values()):
        return {}
    return {name: pd.to_numeric(frame[name].str.strip().str.replace(",", ".")) for name in marked}


def unclear_numbers(frame: pd.DataFrame) -> dict[str, str]:
    """Return the columns of text that hold numbers with marks inside, with one of these.

    >>> unclear_numbers(pd.DataFrame({"size": ["2", "1,500"], "a": [1, 2]}))
    {'size': '1,500'}
    """
    return {name: _first_marked(frame[name])[:40] for name in _marked(frame)}


def unclear_note(file: str, unclear: Mapping[str, str]) -> str:
    """Return that columns are read as text, and why.

    >>> unclear_note("a.csv", {"size": "1,500"})
    "a.csv: size is read as text: in '1,500' the sign inside may be a decimal mark, or stand between thousands."
    """
    are, names = "is" if len(unclear) == 1 else "are", listed(list(unclear))
    return f"{file}: {names} {are} read as text: in {_two_ways(unclear, next(iter(unclear)))}."


def refuse_unclear(table: Table, columns: Iterable[str]) -> None:
    """Raise ``DataError`` if columns that are used as numbers, or as labels, can be read in two ways.

    >>> frame = pd.DataFrame({"size": ["1,500", "2"]})
    >>> refuse_unclear(Table("a.csv", "", frame, unclear={"size": "1,500"}), ["size"])
    Traceback (most recent call last):
    retrain_core.errors.DataError: a.csv: the numbers of size can be read in two ways. ...
    """
    if unclear := [name for name in dict.fromkeys(columns) if name in table.unclear]:
        raise DataError(
            f"{table.name}: the numbers of {listed(unclear)} can be read in two ways.",
            f"In {_two_ways(table.unclear, unclear[0])}; this is not guessed.",
            "Save the file with a point as the decimal mark and nothing between thousands; or as Parquet, if it is meant as text.",
        )


def _two_ways(unclear: Mapping[str, str], name: str) -> str:
    return f"'{unclear[name]}' the sign inside may be a decimal mark, or stand between thousands"


def _first_marked(column: pd.Series) -> str:
    values = column.dropna().str.strip()
    return str(values[values.str.fullmatch(MARKED)].iloc[0])


def _marked(frame: pd.DataFrame) -> list[str]:
    """Return the columns of text that are numbers, some of them with marks."""
    return [str(column) for column in frame if frame[column].dtype == "str" and _are_marked(frame[column])]


def _are_marked(column: pd.Series) -> bool:
    """Whether all values are numbers, and some of them with marks."""
    values = column.dropna().str.strip()
    for some in (values.iloc[:FIRST], values):
        if not some.str.fullmatch(f"{MARKED}|{PLAIN}").all():
            return False
    return bool(values.str.fullmatch(MARKED).any())

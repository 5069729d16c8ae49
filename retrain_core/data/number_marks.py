"""Numbers with commas, points, blanks or apostrophes inside: read where they can mean one thing alone, else not guessed."""

from __future__ import annotations

import pandas as pd

from retrain_core.data.names import listed
from retrain_core.errors import FileError

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


def refuse_unclear_numbers(frame: pd.DataFrame, name: str) -> None:
    """Raise ``FileError`` if columns that were read as text hold numbers with marks inside.

    >>> refuse_unclear_numbers(pd.DataFrame({"size": ["1,500", "2"]}), "a.csv")
    Traceback (most recent call last):
    retrain_core.errors.FileError: a.csv: the numbers of size can be read in two ways. ...
    """
    if unclear := _marked(frame):
        values = frame[unclear[0]].dropna()
        example = values[values.str.strip().str.fullmatch(MARKED)].iloc[0]
        raise FileError(
            f"{name}: the numbers of {listed(unclear)} can be read in two ways.",
            f"In '{example[:40]}' the sign inside may be a decimal mark, or stand between thousands; this is not guessed.",
            "Save the file with a point as the decimal mark and nothing between thousands; or as Parquet, if it is meant as text.",
        )


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

"""Numbers with commas, points, blanks or apostrophes inside: what they mean is asked, never guessed."""

from __future__ import annotations

import pandas as pd

from retrain_core.data.names import listed
from retrain_core.errors import FileError

# 1,5 or 1,234 (which can be both), 1.234.567,8, 1'234 and 1 234.
MARKED = r"[+-]?(?:[0-9]+,[0-9]+|[0-9]{1,3}(?:[,.'\u2019 \u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?)"
PLAIN = r"[+-]?[0-9]+(?:\.[0-9]+)?"
FIRST = 1000  # values that are looked at first: they rule nearly every text out


def refuse_unclear_numbers(frame: pd.DataFrame, name: str) -> None:
    """Raise ``FileError`` if columns that were read as text hold numbers with marks inside.

    >>> refuse_unclear_numbers(pd.DataFrame({"size": ["1,5", "2"]}), "a.csv")
    Traceback (most recent call last):
    retrain_core.errors.FileError: a.csv: what the numbers of size mean is not clear. ...
    """
    unclear = [str(column) for column in frame if frame[column].dtype == "str" and _are_marked(frame[column])]
    if unclear:
        values = frame[unclear[0]].dropna()
        example = values[values.str.strip().str.fullmatch(MARKED)].iloc[0]
        raise FileError(
            f"{name}: what the numbers of {listed(unclear)} mean is not clear.",
            f"In '{example[:40]}' the sign inside may be a decimal mark, or stand between thousands; this is not guessed.",
            "Save the file with a point as the decimal mark and nothing between thousands; or as Parquet, if it is meant as text.",
        )


def _are_marked(column: pd.Series) -> bool:
    """Whether all values are numbers, and some of them with marks."""
    values = column.dropna().str.strip()
    for some in (values.iloc[:FIRST], values):
        if not some.str.fullmatch(f"{MARKED}|{PLAIN}").all():
            return False
    return bool(values.str.fullmatch(MARKED).any())

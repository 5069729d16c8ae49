"""What a data scientist asks of the shift: which kind, how sure, and what other tools would say."""

from __future__ import annotations

from retrain_core.shift.deciding import deciding
from retrain_core.shift.side_tables import INPUTS_FIRST, kinds_table
from retrain_core.types import ColumnShift, ShiftReport
from retrain_core.types.text import counted, spanned

Rows = list[list[str]]


def kinds(shift: ShiftReport) -> tuple[list[str], Rows, bool]:
    """Return the questions that tell kinds of shift apart: titles of the columns, a row each, and if shares are told."""
    assert shift.kinds is not None
    frame = kinds_table(shift.kinds)
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    return list(frame.columns), rows, INPUTS_FIRST in frame


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.2f}".removesuffix(".00")
    return "–" if value is None else str(value)


def effect_interval(column: ColumnShift) -> str:
    """Return the 95 % interval of a column's effect; empty if there is none."""
    interval = deciding(column).interval
    return spanned(*(f"{end:.2f}" for end in interval)) if interval else ""


def less_moved(columns: int) -> str:
    """Return how many columns a table leaves out.

    >>> less_moved(1)
    '1 more column, which moved less, is left out.'
    """
    return f"{counted(columns, 'more column')}, which moved less, {'is' if columns == 1 else 'are'} left out."


def peers(shift: ShiftReport) -> str:
    """Return how many columns other tools' default rules would call drifted."""
    columns = {column.name for column in shift.columns}
    found = []
    for peer in dict.fromkeys(verdict.peer for verdict in shift.peers):
        judged = [v for v in shift.peers if v.peer == peer and v.column in columns and v.drifted is not None]
        found.append(f"{peer} {sum(bool(v.drifted) for v in judged):,} of {counted(len(judged), 'column')}")
    moved = sum(column.level != "none" for column in shift.columns)
    return (
        f"Here {moved:,} of {counted(len(columns), 'column')} count{'s'[: moved == 1]} as moved; by their default rules would drift: {', '.join(found)}."
        if found
        else ""
    )

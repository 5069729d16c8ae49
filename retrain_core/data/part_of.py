"""The parts that a row may go to, and words about rows that may not stand in two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrain_core.types import SplitSettings
from retrain_core.types.text import counted

TRAIN, VALIDATION, HOLDOUT, DROPPED = range(4)
HOLDOUT_SHARE = 0.2
VALIDATION_SHARE = 0.15  # of the new rows; for early stopping, never for scores
ALIKE = "The new rows are so alike that copies of one row stand in more than one part."

PartOf = NDArray[np.int64]


def copies_note(copies: int, settings: SplitSettings) -> list[str]:
    """Return what is said of new rows that a holdout file holds too."""
    if not copies:
        return []
    are, a_copy = ("is", "a copy") if copies == 1 else ("are", "copies")
    return [
        f"{counted(copies, 'new row')} {are} {a_copy} of holdout rows{or_id(settings.id)} and {are} not trained on."
    ]


def left_out_as_copies(rows: int, noun: str) -> str:
    """Return how many rows are left out, up to what they are copies of.

    >>> left_out_as_copies(1, "old row"), left_out_as_copies(2, "row")
    ('1 old row is left out: it is a copy', '2 rows are left out: they are copies')
    """
    why = "is left out: it is a copy" if rows == 1 else "are left out: they are copies"
    return f"{counted(rows, noun)} {why}"


def or_id(id: str | None) -> str:
    """Return what to add to "they are copies of rows" if a column of ids is named."""
    return f" or have the '{id}' of one" if id is not None else ""

"""The parts that a row may go to, and words about rows that may not stand in two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrain_core.types import SplitSettings

TRAIN, VALIDATION, HOLDOUT, DROPPED = range(4)
HOLDOUT_SHARE = 0.2
VALIDATION_SHARE = 0.15  # of the new rows; for early stopping, never for scores
ALIKE = "The new rows are so alike that copies of one row stand in more than one part."

PartOf = NDArray[np.int64]


def copies_note(copies: int, settings: SplitSettings) -> list[str]:
    """Return what is said of new rows that a holdout file holds too."""
    if not copies:
        return []
    return [f"{copies:,} new rows are copies of holdout rows{or_id(settings.id)} and are not trained on."]


def or_id(id: str | None) -> str:
    """Return what to add to "they are copies of rows" if a column of ids is named."""
    return f" or have the '{id}' of one" if id is not None else ""

"""Parts in order of time: the latest rows are held out, those before them validate, the earliest train."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from retrain_core.data.groups import Ties, tied, without_inputs
from retrain_core.data.natures import Values
from retrain_core.data.part_of import (
    ALIKE,
    DROPPED,
    HOLDOUT,
    HOLDOUT_SHARE,
    TRAIN,
    VALIDATION,
    VALIDATION_SHARE,
    PartOf,
    copies_note,
    left_out_as_copies,
    or_id,
)
from retrain_core.types import SplitSettings
from retrain_core.types.text import counted


def by_time(
    times: Mapping[str, Values], ties: Ties, settings: SplitSettings
) -> tuple[dict[str, PartOf], list[str]]:
    """Return the part of each row, the latest held out, and what was done."""
    own = ties.get("holdout", ties["new"][:0])
    part_of, torn, timeless = {}, False, 0
    for side, when in times.items():
        held = 0.0 if side == "new" and len(own) else HOLDOUT_SHARE
        usable = np.isfinite(when) & ~tied(ties[side], own)
        part_of[side] = np.full(len(when), DROPPED)
        part_of[side][usable], cut = in_order(when[usable], held, VALIDATION_SHARE if side == "new" else 0.0)
        torn |= cut
        timeless += int(np.isnan(when).sum())
    latest = (
        "the latest new rows are kept for early stopping"
        if len(own)
        else "the latest of each side are held out"
    )
    notes = [f"The rows are in order of '{settings.time}': {latest}."]
    if timeless:
        are = "is" if timeless == 1 else "are"
        notes.append(f"{counted(timeless, 'row')} without a time in '{settings.time}' {are} left out.")
    if torn:
        notes.append(
            "So many rows have the same time that some of them stand in two parts, by their order in the file."
        )
    notes += copies_note(int(tied(ties["new"], own).sum()), settings)
    kept, alike = _once(part_of, ties)
    left_out = sum(int((kept[side] != part_of[side]).sum()) for side in kept)
    if left_out:
        notes.append(f"{left_out_as_copies(left_out, 'row')} of rows in a later part{or_id(settings.id)}.")
    return kept, [*notes, ALIKE] if alike else notes


def in_order(times: Values, held: float, validation: float) -> tuple[PartOf, bool]:
    """Return the part of each row, and whether rows of one time stand in two."""
    order = np.argsort(times, kind="stable")
    ordered = times[order]
    part, end, torn = np.full(len(times), TRAIN), len(times), False
    for name, share in ((HOLDOUT, held), (VALIDATION, validation)):
        if share and end:
            start = _start(ordered[:end], share * len(times))
            torn |= start > 0 and ordered[start - 1] == ordered[start]
            part[order[start:end]] = name
            end = start
    return part, bool(torn)


def _start(ordered: Values, wanted: float) -> int:
    """Return where the latest ``wanted`` rows begin: at the nearest new time, if that makes them no half and no double.

    >>> _start(np.array([1.0, 1, 2, 3, 3, 3]), 2), _start(np.array([1.0, 2, 2, 2, 2, 2]), 2)
    (3, 4)
    """
    rows, exact = len(ordered), len(ordered) - max(1, round(wanted))
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts = starts[(rows - starts >= wanted / 2) & (rows - starts <= 2 * wanted)]
    return int(starts[np.abs(starts - exact).argmin()]) if len(starts) else exact


def _once(part_of: dict[str, PartOf], ties: Ties) -> tuple[dict[str, PartOf], bool]:
    """Return the parts without rows that come again later, and whether copies had to be let stand in several parts."""
    kept = _without_later(part_of, ties)
    if not _halved(part_of, kept):
        return kept, False
    loose = _without_later(part_of, without_inputs(ties))
    return (kept, False) if _halved(part_of, loose) else (loose, True)


def _halved(before: Mapping[str, PartOf], after: Mapping[str, PartOf]) -> bool:
    return any(
        2 * np.count_nonzero(after[side] == part) < np.count_nonzero(before[side] == part)
        for side in before
        for part in (TRAIN, VALIDATION, HOLDOUT)
    )


def _without_later(part_of: Mapping[str, PartOf], ties: Ties) -> dict[str, PartOf]:
    """Leave out the rows that are tied to rows of a later part, on either side; what is held out of both may be tied."""
    kept = {side: parts.copy() for side, parts in part_of.items()}
    for side, part, others in LATER:
        if side not in kept:
            continue
        rows = np.flatnonzero(kept[side] == part)
        for other, parts in others.items():
            if other in kept:
                again = tied(ties[side][rows], ties[other][np.isin(kept[other], parts)])
                kept[side][rows[again]] = DROPPED
    return kept


# What may not be tied to what, the latest first.
LATER: tuple[tuple[str, int, Mapping[str, tuple[int, ...]]], ...] = (
    ("new", VALIDATION, {"new": (HOLDOUT,)}),
    ("new", TRAIN, {"new": (HOLDOUT, VALIDATION)}),
    ("old", HOLDOUT, {"new": (VALIDATION, TRAIN)}),
    ("old", TRAIN, {"new": (HOLDOUT, VALIDATION), "old": (HOLDOUT,)}),
)

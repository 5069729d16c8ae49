"""How much new data there is, relative to the old."""

from __future__ import annotations

from dataclasses import replace

from retrain_core.types import ShiftReport, SplitSummary, Volume

OUTDATED = "This counts the inputs only: labels of the same inputs have changed, so those of the old rows may be outdated."


def volume(
    new_rows: int, old_rows: int, effective_old_rows: float | None, *, concept: bool = False
) -> Volume:
    """Return how much new data there is, relative to the old.

    Args:
        new_rows: Rows of the new data.
        old_rows: Rows of the old data, 0 without it.
        effective_old_rows: How many rows like the new ones the old rows are worth by their inputs; ``None`` if unknown.
        concept: Whether the labels of the same inputs have changed.

    >>> volume(2_000, 10_000, 3_200.0).summary
    'There are 2,000 new rows and 10,000 old ones; for data like the new, the old rows are worth about 3,200.'
    """
    if not old_rows:
        return Volume(new_rows, 0, None, f"There are {_rows(new_rows)} and no old ones.")
    text = f"There are {_rows(new_rows)} and {old_rows:,} old ones"
    if effective_old_rows is None:
        return Volume(new_rows, old_rows, None, f"{text}.")
    worth = min(round(effective_old_rows), old_rows)
    text += f"; for data like the new, the old rows are worth about {worth:,}."
    return Volume(new_rows, old_rows, effective_old_rows, f"{text} {OUTDATED}" if concept else text)


def _rows(count: int) -> str:
    return f"{count:,} new {'row' if count == 1 else 'rows'}"


def concept_moved(report: ShiftReport) -> bool | None:
    """Return whether the labels of the same inputs have changed; ``None`` if it cannot be told."""
    test = report.kinds.tests.get("y|x") if report.kinds else None
    if test is not None:
        return test.moved
    return None if report.concept.level is None else report.concept.level != "none"


def volume_of(report: ShiftReport, split: SplitSummary | None = None) -> Volume:
    """Return the same from a report, which tells what the old rows are worth if the inputs could be compared.

    Args:
        report: Its rows are all that the files have.
        split: Of these files, for how many of the rows are left out; that is not said without it.
    """
    worth = report.joint.effective_old_rows if report.joint else None
    found = volume(report.new_rows, report.old_rows, worth, concept=bool(concept_moved(report)))
    if split is None:
        return found
    all_rows, used = {"new": report.new_rows, "old": report.old_rows}, used_rows(split)
    left = {side: n - used[side] for side, n in all_rows.items() if n > used[side]}
    if not left:
        return found
    counts = " and ".join(f"{rows:,} {side}" for side, rows in left.items())
    rows_are = "row is" if sum(left.values()) == 1 else "rows are"
    text = f"Of these, {counts} {rows_are} left out: the label or an input is missing or infinite, or they are copies."
    return replace(found, summary=f"{found.summary} {text}")


def used_rows(split: SplitSummary) -> dict[str, int]:
    """Return how many rows of each side are trained on, validated on or held out."""
    return {
        side: sum(rows for part, rows in split.rows.items() if part.startswith(side))
        for side in ("new", "old")
    }

"""What makes scores on the held-out rows doubtful, as far as the rows themselves tell."""

from __future__ import annotations

from collections.abc import Mapping

from retrain_core.data.leaks import leaks, near_copies
from retrain_core.data.marks import Rows
from retrain_core.data.power import DISAGREE, rows_for, smallest_difference
from retrain_core.types import Dataset, Finding, Part, Schema

TELLING = 0.05  # of accuracy: rows that cannot tell even so large a difference are too few
SEEN = Finding(
    "warning",
    "The old model has probably trained on the old rows that are held out here",
    "That flatters keep, and what starts from the old model, on the old part.",
)


def doubts(schema: Schema, data: Mapping[str, Dataset], parts: Mapping[Part, Rows]) -> list[Finding]:
    """Return what makes the scores doubtful.

    Args:
        schema: How the rows are read.
        data: The rows by side: ``new``, and if there are any ``old`` and ``holdout``.
        parts: How they were split.
    """
    found = leaks(schema, data["new"], parts["new_train"])
    if "holdout" in data:
        found += near_copies(
            data["holdout"],
            [(data[name.split("_")[0]], parts[name]) for name in TRAINED if name in parts],
        )
    found += _too_few(schema, parts, own="holdout" in data)
    return [*found, SEEN] if "old_holdout" in parts else found


TRAINED: tuple[Part, ...] = ("new_train", "new_validation", "old_train")


def _too_few(schema: Schema, parts: Mapping[Part, Rows], *, own: bool) -> list[Finding]:
    """Say which difference in accuracy can be told, if not even a large one."""
    rows = len(parts["new_holdout"])
    if schema.task not in ("binary", "multiclass") or smallest_difference(rows) <= TELLING:
        return []
    wanted = rows_for(TELLING)
    share = rows / sum(len(part) for name, part in parts.items() if name.startswith("new"))
    whole = "" if own else f", of {_rounded(wanted / share)} new rows in all"
    return [
        Finding(
            "warning",
            f"{rows:,} held-out new rows tell differences in accuracy from {_points(smallest_difference(rows))} on",
            f"For {_points(TELLING)}, about {_rounded(wanted)} held-out rows would do"
            f"{whole}. Reckoned with candidates that differ on {100 * DISAGREE:.0f} % of the rows, the 95 % level and a "
            "chance of 80 % to find it.",
        )
    ]


def _points(share: float) -> str:
    """Return a difference of shares for people.

    >>> _points(0.005), _points(0.0351), _points(1.0)
    ('0.5 points', '3.5 points', '100 points')
    """
    return f"{100 * share:.2g} points" if share < 0.995 else "100 points"


def _rounded(rows: float) -> str:
    """Return about how many rows, in two digits.

    >>> _rounded(31394), _rounded(38)
    ('31,000', '38')
    """
    return f"{float(f'{rows:.2g}'):,.0f}"

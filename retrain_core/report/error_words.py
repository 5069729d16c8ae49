"""What the charts behind the scores show: a title and a sentence each, for page and report."""

from __future__ import annotations

from retrain_core.compare.flips import Flips

Words = tuple[str, str]
RELIABILITY: Words = (
    "Reliability",
    "How often it came as the model said, by how sure it was; on the diagonal it is as sure as it may be.",
)
ALONG: Words = (
    "Errors along the prediction",
    "The median error along the prediction; 90 % of the rows lie between the thin lines.",
)
SPREAD: Words = (
    "How errors are spread",
    "How many rows have an error of which size; narrow and around 0 is good.",
)


def confusion_words(title: str, right: int, rows: int, part: str) -> Words:
    """Return what a table of classes mixed up shows.

    >>> confusion_words("Keep", 71, 100, "new")
    ('Confusion matrix: Keep', 'Keep has 71 of 100 new rows right.')
    """
    return f"Confusion matrix: {title}", f"{title} has {right:,} of {rows:,} {part} rows right."


def roc_words(label: str) -> Words:
    """Return what ROC curves show."""
    return (
        f"ROC: {label}",
        f"Which share of the rows with {label} is found, against the share of others taken for it, at every threshold; up and "
        "left is better.",
    )


def precision_recall_words(label: str) -> Words:
    """Return what curves of precision against recall show."""
    return (
        f"Precision and recall: {label}",
        f"Which share of those taken for {label} is right, against the share of the rows with {label} that is found, at every "
        "threshold; up and right is better.",
    )


def flip_words(title: str, one: Flips, *, numbers: bool) -> str:
    """Return how many rows a candidate has made worse and better.

    >>> flip_words("Fine-tune", Flips(640, 1.0, 12.0, 1), numbers=False)
    'Fine-tune: 1 of 640 rows was right and is wrong now, 12 the other way round.'
    """
    was, now = ("was", "is") if round(one.negative) == 1 else ("were", "are")
    worse, better = (
        (f"{now} much farther off", "much closer")
        if numbers
        else (f"{was} right and {now} wrong now", "the other way round")
    )
    seeds = f" (mean of {one.seeds} seeds)" if one.seeds > 1 else ""
    return f"{title}: {one.negative:,.0f} of {one.rows:,} rows {worse}, {one.positive:,.0f} {better}{seeds}."

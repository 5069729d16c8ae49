"""What charts of scores share: a score with its interval, in marks and in words, and an axis of candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from retrain_core.compare.score_words import score_text
from retrain_core.figures.style import look_of, plain, whiskers
from retrain_core.types import CandidateScores, Comparison
from retrain_core.types.text import spanned

MOST_IN_LEGEND = 7
LEGEND_ROW = 20  # pixels
LEGEND_COLUMNS = 1.5  # entries on a line of half a page, or of a narrow screen


@dataclass(frozen=True)
class Score:
    """A score with its 95 % interval; without one, it has too few rows for it or the score has none."""

    value: float
    interval: tuple[float, float] | None

    @property
    def ends(self) -> tuple[float, float]:
        """How far it reaches."""
        return self.interval or (self.value, self.value)


def in_legend(comparison: Comparison, names: Sequence[str]) -> frozenset[str]:
    """Return candidates that a legend names: of many, keep and the likeliest to be chosen, so that the plot has room."""
    if len(names) <= MOST_IN_LEGEND or comparison.recommendation is None:
        return frozenset(names)
    first = dict.fromkeys(("keep", *comparison.recommendation.nearest))
    return frozenset([name for name in first if name in names][:MOST_IN_LEGEND])


def legend_height(entries: int) -> int:
    """Return the pixels of a legend on a narrow screen, where long names have a line of their own."""
    return LEGEND_ROW * math.ceil(entries / LEGEND_COLUMNS)


def rows_on(comparison: Comparison, part: str) -> int:
    """Return how many rows a part has."""
    return comparison.holdout.new_rows if part == "new" else comparison.holdout.old_rows


def score_on(candidate: CandidateScores, part: str, name: str) -> Score | None:
    """Return a candidate's score on one part, ``None`` if there is none."""
    value = ((candidate.new if part == "new" else candidate.old) or {}).get(name)
    if value is None or not math.isfinite(value):
        return None
    return Score(value, (candidate.interval.get(part) or {}).get(name))


def interval_bar(score: Score, **look: Any) -> dict[str, Any] | None:
    """Return the error bar of a score; ``None`` without an interval."""
    return whiskers([(score.value, *score.interval)], **look) if score.interval else None


def score_words(score: Score, name: str) -> str:
    """Return a score with its interval, if it has one."""
    value = score_text(name, score.value)
    if score.interval is None:
        return value
    low, high = (score_text(name, end) for end in score.interval)
    return f"{value} (95 %: {spanned(low, high)})"


def row_label(candidate: CandidateScores, strategy: str, part: str = "", name: str = "") -> str:
    """Return the name of a row and, in a second line, its score or why it has none.

    Args:
        candidate: The strategy's scores.
        strategy: Its name.
        part: The part whose score is written; none by default.
        name: Which score.
    """
    score = score_on(candidate, part, name) if part else None
    second = f"<b>{score_text(name, score.value)}</b>" if score else ""
    if candidate.new is None or (part and score is None):
        second = f"({candidate.status}: no score)"
    return plain(look_of(strategy).title) + (f"<br>{second}" if second else "")


def strategy_axis(labels: Sequence[str], domain: tuple[float, float]) -> dict[str, Any]:
    """Return an axis with one row a strategy, the first on top."""
    return {
        "domain": domain,
        "range": [len(labels) - 0.5, -0.5],
        "tickvals": list(range(len(labels))),
        "ticktext": list(labels),
        "automargin": True,
        "ticklabelstandoff": 6,
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }

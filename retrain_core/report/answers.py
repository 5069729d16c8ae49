"""What the recommendation rests on, as tables: each candidate weighed, each difference, every score."""

from __future__ import annotations

from collections.abc import Iterable

from retrain_core.compare.measures import SCORES, scores_of
from retrain_core.compare.score_words import gap_text, name_of, score_text
from retrain_core.compare.weighing import LOG_LOSSES
from retrain_core.figures.style import keep_first, look_of
from retrain_core.report.tables import parts_of, scores_on
from retrain_core.report.words import change_text, delta_of, range_text, signed
from retrain_core.types import Comparison, Difference, Recommendation

Rows = list[list[str]]
DIFFERENCE_HEAD = ["candidate", "part", "score", "better by", "95 % interval", "adjusted p-value", "verdict"]
WEIGHED_WORDS = (
    "Worth: the gain over keep over all rows that are weighed, as a multiple of the smallest difference that matters. To be "
    "expected: what of it is likely to be seen on other rows, as gains that were found are partly luck. Chosen: the share of "
    "draws of the rows and seeds in which it would be recommended."
)


def weighed(comparison: Comparison) -> tuple[list[str], Rows]:
    """Return what each candidate is worth against keep: titles of the columns, and a row each, keep first."""
    found = comparison.recommendation
    assert found is not None
    limits = any(one.excluded for one in found.weighed.values())
    head = ["candidate", *(f"gain, {name_of(score)}" for score in found.scores)]
    head += ["worth", "95 % interval", "to be expected", "chosen", *(["limit"] if limits else [])]
    rows = []
    for name in keep_first(found.weighed):
        one = found.weighed[name]
        row = [look_of(name).title, *(change_text(score, one.gains[score]) for score in found.scores)]
        row += [
            _times(one.worth),
            f"{_times(one.interval[0])} to {_times(one.interval[1])}",
            _times(one.expected),
        ]
        row = row if name != "keep" else [row[0], *["–"] * (len(row) - 1)]
        rows.append([*row, f"{100 * one.share:.0f} %", *([one.excluded or "–"] if limits else [])])
    return head, rows


def _times(value: float) -> str:
    """Return a multiple with its sign.

    >>> _times(-2.04), _times(0.0)
    ('−2.0', '+0.0')
    """
    return f"{value:+.1f}".replace("-0.0", "+0.0").replace("-", "−")


def stability(found: Recommendation) -> str:
    """Return how often the same candidate would be chosen."""
    return f"The same choice in {100 * found.stability:.0f} % of draws of the rows and seeds."


def margin_text(score: str, margin: float) -> str:
    """Return the smallest difference that matters.

    >>> margin_text("accuracy", 0.005), margin_text("log_loss", 0.005), margin_text("mae", 0.005)
    ('0.5 points of accuracy', '0.01 of log-loss', "0.5 % of keep's mean absolute error")
    """
    times = LOG_LOSSES if score in ("log_loss", "loss") else 1
    if SCORES[score].share or score in ("log_loss", "brier", "r2"):
        return f"{gap_text(score, times * margin)} of {name_of(score)}"
    return f"{100 * times * margin:.2g} % of keep's {name_of(score)}"


def against_keep(comparison: Comparison) -> Rows:
    """Return what can be said of each candidate against keep, a row each under ``DIFFERENCE_HEAD``."""
    return _differences(one for one in comparison.differences if one.base == "keep")


def between(comparison: Comparison) -> Rows:
    """Return what can be said of each candidate against every other, by the score that is told first."""
    main = comparison.recommendation.scores[0] if comparison.recommendation else comparison.metric.name
    return _differences(one for one in comparison.differences if one.base != "keep" and one.score == main)


def _differences(found: Iterable[Difference]) -> Rows:
    return [
        [
            look_of(one.candidate).title
            + ("" if one.base == "keep" else f" against {look_of(one.base).title}"),
            one.side,
            name_of(one.score),
            change_text(one.score, one.value),
            f"{signed(one.score, one.interval[0])} to {signed(one.score, one.interval[1])}",
            "< 0.001" if one.p_adjusted < 0.001 else f"{one.p_adjusted:.3f}",
            one.verdict + (f"; about {one.more_rows:,} more rows would" if one.more_rows else ""),
        ]
        for one in found
    ]


def all_scores(comparison: Comparison) -> tuple[list[str], Rows]:
    """Return every score of every candidate with its interval and its difference to keep: titles, and a row each."""
    parts = parts_of(comparison)
    head = ["score", "strategy"]
    for part in parts:
        head += [f"{part} part", f"difference to keep, {part}"]
    rows = []
    for score, kind in scores_of(comparison.task).items():
        title = f"{kind.title} ({'higher' if kind.direction == 'max' else 'lower'} is better)"
        for name in keep_first(comparison.strategies):
            if comparison.strategies[name].new is None:
                continue
            row = [title, look_of(name).title]
            for part in parts:
                row += _score_and_change(comparison, name, part, score)
            rows.append(row)
    return head, rows


def _score_and_change(comparison: Comparison, name: str, part: str, score: str) -> list[str]:
    candidate = comparison.strategies[name]
    value, delta = scores_on(candidate, part).get(score), delta_of(candidate, name, part, score)
    if value is None or value != value:
        return ["–", "–"]
    low, high = (candidate.interval.get(part) or {}).get(score, (value, value))
    change = "–"
    if delta is not None:
        ends = " to ".join(signed(score, end) for end in delta.interval)
        change = f"{change_text(score, delta.value)} ({ends})"
    return [f"{score_text(score, value)} ({range_text(score, low, high)})", change]

"""What the recommendation rests on, as tables: each candidate weighed, each difference, every score."""

from __future__ import annotations

from collections.abc import Iterable

from retrain_core.compare.measures import SCORES, scores_of
from retrain_core.compare.score_words import gap_text, name_of, score_text
from retrain_core.compare.weighing import LOG_LOSSES
from retrain_core.figures.style import keep_first, look_of
from retrain_core.report.tables import parts_of, scores_on
from retrain_core.report.verdict_tables import said
from retrain_core.report.words import change_text, delta_of, range_text, signed
from retrain_core.types import Comparison, Difference, Recommendation

Rows = list[list[str]]
DIFFERENCE_HEAD = [
    "candidate",
    "part",
    "score",
    "better by",
    "95 % interval",
    "adjusted p",
    "what can be said",
]
WEIGHED_WORDS = (
    "Counted in margins, the smallest difference that matters. Expected: how much better than keep it should be on other rows, "
    "as part of what was measured is luck; the choice is made by it. Measured: on all rows that are weighed, with its 95 % "
    "interval. Chosen: the share of draws of the rows and seeds in which it would be recommended."
)


def weighed(comparison: Comparison) -> tuple[list[str], Rows]:
    """Return what each candidate is worth against keep, the best that is to be expected first: titles, and a row each."""
    found = comparison.recommendation
    assert found is not None
    limits = any(one.excluded for one in found.weighed.values())
    head = ["candidate", "expected (margins)", "measured", "95 % interval"]
    head += [f"gain, {name_of(score)}" for score in found.scores]
    head += ["chosen", *(["why it is out"] if limits else [])]
    rows = []
    for name, one in sorted(found.weighed.items(), key=lambda item: -item[1].expected):
        values = [_times(one.expected), _times(one.worth), " to ".join(map(_times, one.interval or ()))]
        values += [change_text(score, one.gains[score]) for score in found.scores]
        values = ["–"] * len(values) if name == "keep" else values
        out = [one.excluded or "–"] if limits else []
        rows.append([look_of(name).title, *values, f"{100 * one.share:.0f} %", *out])
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
            said(one),
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

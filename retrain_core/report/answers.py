"""What the recommendation rests on, as tables: each candidate weighed, each difference, what is forgotten, every score."""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.compare.basis_words import resamples, told_rows
from retrain_core.compare.cost import main_score
from retrain_core.compare.evidence import SIDES, Evidence
from retrain_core.compare.measures import SCORES, scores_of
from retrain_core.compare.score_words import gain_text, gap_text, name_of, range_text, score_text
from retrain_core.compare.weighing import LOG_LOSSES
from retrain_core.figures.style import keep_first, look_of
from retrain_core.report import verdict_tables as tables
from retrain_core.report.tables import parts_of, scores_on
from retrain_core.report.text_table import TextTable, text_table
from retrain_core.report.words import delta_of, interval_text
from retrain_core.types import Comparison

Rows = list[list[str]]


@dataclass(frozen=True)
class Differences:
    """What can be said of one score on one part.

    Args:
        title: Which score and rows.
        against_keep: Each candidate against keep.
        between: Each candidate against every other.
    """

    title: str
    against_keep: TextTable
    between: TextTable


def weighed(comparison: Comparison) -> TextTable:
    """Return what each candidate is worth against keep, the best that is to be expected first."""
    found = comparison.recommendation
    assert found is not None
    table = tables.weighed_table(comparison, found)
    return text_table(table, tables.weighed_columns(found), tables.WEIGHED_TEXTS)


def stability(comparison: Comparison) -> str:
    """Return how often the same candidate would be chosen."""
    assert comparison.recommendation is not None
    share = 100 * comparison.recommendation.stability
    return f"The same choice in {share:.0f} % of {resamples(comparison.strategies)}."


def margin_text(score: str, margin: float) -> str:
    """Return the smallest difference that matters.

    >>> margin_text("accuracy", 0.005), margin_text("log_loss", 0.005), margin_text("mae", 0.005)
    ('0.5 points of accuracy', '0.01 of log-loss', "0.5 % of keep's mean absolute error")
    """
    times = LOG_LOSSES if score in ("log_loss", "loss") else 1
    if SCORES[score].share or score in ("log_loss", "brier", "r2"):
        return f"{gap_text(score, times * margin)} of {name_of(score)}"
    return f"{100 * times * margin:.2g} % of keep's {name_of(score)}"


def differences(comparison: Comparison, evidence: Evidence | None) -> list[Differences]:
    """Return what can be said of each pair of candidates, by part and score."""
    rows, keep = told_rows(evidence, comparison.wishes), look_of("keep").title
    found = []
    for side in SIDES:
        for score in dict.fromkeys(one.score for one in comparison.differences if one.side == side):
            frame, columns = (
                tables.difference_table(comparison, side, score),
                tables.difference_columns(score),
            )
            against_keep, between = (
                text_table(some, columns, tables.DIFFERENCE_TEXTS, {tables.P: p_text})
                for some in (frame[frame[tables.AGAINST] == keep], frame[frame[tables.AGAINST] != keep])
            )
            found.append(Differences(f"{SCORES[score].title}, {rows[side]}", against_keep, between))
    return found


def p_text(p: float) -> str:
    """Return a p-value.

    >>> p_text(0.0312), p_text(1e-9)
    ('0.031', '< 0.001')
    """
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def forgotten(comparison: Comparison, evidence: Evidence | None) -> TextTable | None:
    """Return what each candidate has forgotten; ``None`` if that is not known."""
    frame = (
        tables.forgetting_table(comparison, evidence) if evidence and "old" in evidence.predicted else None
    )
    if frame is None or frame.empty:
        return None
    return text_table(frame, tables.forgetting_columns(main_score(comparison)), tables.FORGOTTEN_TEXTS)


def all_scores(comparison: Comparison) -> tuple[list[str], Rows]:
    """Return every score of every candidate with its interval and its difference to keep: titles, and a row each.

    A loss that is the log-loss has no rows of its own.
    """
    parts = parts_of(comparison)
    head = ["score", "candidate"]
    for part in parts:
        head += [f"{part} part", f"change from keep, {part}"]
    rows = []
    for score, kind in scores_of(comparison.task).items():
        if score == "loss" and comparison.loss_is_log_loss:
            continue
        same = ", here the loss" if score == "log_loss" and comparison.loss_is_log_loss else ""
        title = f"{kind.title}{same} ({'higher' if kind.direction == 'max' else 'lower'} is better)"
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
    interval = interval_text(candidate, part, score)
    change = "–"
    if delta is not None:
        ends = range_text(score, *delta.interval).removesuffix(" points")
        change = f"{gain_text(score, delta.value)} ({ends})"
    return [f"{score_text(score, value)} ({interval})" if interval else score_text(score, value), change]

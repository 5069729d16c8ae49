"""Scores of every candidate on parts of the held-out rows: where one is better than keep, and where it is worse."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retrain_core.compare.differences import Gap, holm, paired, verdict
from retrain_core.compare.evidence import Evidence, Held, Side
from retrain_core.compare.measures import sign_of
from retrain_core.compare.one_label import against_rest
from retrain_core.compare.predicted import Predicted
from retrain_core.compare.scores import score_interval
from retrain_core.compare.slices import FEWEST_ROWS, Slice
from retrain_core.types import Verdict
from retrain_core.types.text import counted

RANKED = ("auroc", "auprc", "f1", "ece", "calibration_error")  # of one class: its rows alone say nothing


@dataclass(frozen=True)
class SliceScore:
    """One candidate's score on one slice.

    Args:
        value: Mean over seeds.
        interval: Its 95 % interval; ``None`` with too few rows for one.
        gap: How much higher it is than keep's; ``None`` for keep, without keep, and where nothing can be told.
        p: Of no difference, adjusted over all slices and candidates (Holm); ``None`` where there is no gap.
        verdict: What can be said of the difference.
    """

    value: float
    interval: tuple[float, float] | None
    gap: Gap | None = None
    p: float | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class SliceRow:
    """One slice with the scores of every candidate that has one there."""

    title: str
    rows: int
    candidates: Mapping[str, SliceScore]


@dataclass(frozen=True)
class SliceScores:
    """Scores by slice.

    Args:
        score: Name in ``SCORES``.
        rows: One a slice.
        left_out: Titles of slices with too few rows, or with rows on which this score says nothing.
    """

    score: str
    rows: tuple[SliceRow, ...]
    left_out: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What was left out, as a sentence; empty if nothing was."""
        if not self.left_out:
            return ""
        why = f"fewer than {FEWEST_ROWS} rows, or too little to tell a score from"
        return f"Left out ({why}): {', '.join(self.left_out)}."


def slice_scores(
    evidence: Evidence, side: Side, slices: Sequence[Slice], score: str, margin: float = 0.0
) -> SliceScores:
    """Return every candidate's score on each slice, and its difference to keep on the same rows.

    Args:
        evidence: All predictions.
        side: Part of the holdout.
        slices: Of that part's rows.
        score: Name in ``SCORES``.
        margin: The smallest difference that matters, in the score's unit.

    Source: Holm (1979), Scandinavian Journal of Statistics 6 (many slices and candidates).
    """
    return _scored([(one, on_rows(evidence, side, one.mask)) for one in slices], side, score, margin)


def by_class(
    evidence: Evidence, side: Side, classes: Sequence[str], score: str, margin: float = 0.0
) -> SliceScores:
    """Return every candidate's score on each class or label.

    A score of each row is that of the class's own rows: accuracy is then the share of them that is found (recall). Others,
    and all scores that single labels of several a row can have, are those of the class against the rest.

    Args:
        evidence: All predictions.
        side: Part of the holdout.
        classes: Names of the classes, or of the labels.
        score: Name in ``SCORES``.
        margin: The smallest difference that matters, in the score's unit.
    """
    labels = next(iter(evidence.predicted[side].values()))[0].labels
    rest = score in RANKED or (evidence.task == "multilabel" and score != "loss")
    pairs = []
    for label, name in enumerate(classes):
        one = Slice(name, labels[:, label])
        part = _of_label(evidence, side, label, score) if rest else on_rows(evidence, side, one.mask)
        pairs.append((one, part))
    return _scored(pairs, side, score, margin)


def on_rows(evidence: Evidence, side: Side, mask: NDArray[np.bool_]) -> Evidence:
    """Return the evidence of some rows of one part alone."""
    groups = evidence.held[side].groups
    if groups is not None:
        groups = np.unique(groups[mask], return_inverse=True)[1]
    held = Held(evidence.held[side].targets[mask], groups)

    def chosen(one: Predicted) -> Predicted:
        return replace(
            one,
            targets=one.targets[mask],
            outputs=one.outputs[mask],
            loss=one.loss[mask],
            metric=one.metric[mask],
        )

    return _changed(evidence, side, held, chosen)


def _of_label(evidence: Evidence, side: Side, label: int, score: str) -> Evidence:
    return replace(
        _changed(
            evidence,
            side,
            evidence.held[side],
            lambda one: against_rest(one, label, decided=score == "f1"),
        ),
        task="binary",
    )


def _changed(
    evidence: Evidence, side: Side, held: Held, change: Callable[[Predicted], Predicted]
) -> Evidence:
    predicted = {
        name: tuple(change(one) for one in seeds) for name, seeds in evidence.predicted[side].items()
    }
    return Evidence(evidence.task, evidence.holdout, evidence.outcomes, {side: predicted}, {side: held})


# --- scoring --------------------------------------------------------------------------------------


def _scored(pairs: Sequence[tuple[Slice, Evidence]], side: Side, score: str, margin: float) -> SliceScores:
    rows, left_out = [], []
    for one, part in pairs:
        candidates = _candidates(part, side, score) if _enough(one, part.held[side]) else {}
        if candidates:
            rows.append(SliceRow(one.title, one.rows, candidates))
        else:
            left_out.append(f"{one.title} ({counted(one.rows, 'row')})")
    return SliceScores(score, _judged(rows, score, margin), tuple(left_out))


def _enough(one: Slice, held: Held) -> bool:
    """Return whether a slice has enough rows, and groups where rows belong together."""
    groups = FEWEST_ROWS if held.groups is None else len(np.unique(held.groups))
    return min(one.rows, groups) >= FEWEST_ROWS


def _candidates(part: Evidence, side: Side, score: str) -> dict[str, SliceScore]:
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # draws of few rows may lack a class
        for name in part.predicted[side]:
            value = float(part.values(side, score)[name].mean())
            if not math.isfinite(value):
                continue
            interval = score_interval(part, name, side, score)
            compared = name != "keep" and "keep" in part.predicted[side]
            gap = paired(part, name, "keep", {side: 1.0}, score) if compared else None
            found[name] = SliceScore(value, interval, gap if gap and gap.known else None)
    return found


def _judged(rows: Sequence[SliceRow], score: str, margin: float) -> tuple[SliceRow, ...]:
    """Return the rows with what can be said of each difference, adjusted for how many there are."""
    sign = sign_of(score)
    gaps = {
        (place, name): one.gap
        for place, row in enumerate(rows)
        for name, one in row.candidates.items()
        if one.gap is not None
    }
    adjusted = dict(zip(gaps, holm([gap.p for gap in gaps.values()]), strict=True))

    def judged(place: int, name: str, one: SliceScore) -> SliceScore:
        if one.gap is None:
            return one
        p = adjusted[place, name]
        return replace(one, p=p, verdict=verdict(sign * one.gap.value, one.gap.error, p, margin))

    return tuple(
        replace(row, candidates={name: judged(place, name, one) for name, one in row.candidates.items()})
        for place, row in enumerate(rows)
    )

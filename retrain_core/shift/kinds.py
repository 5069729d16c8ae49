"""Which kind of shift it is: covariate, label, concept, or a mixture; told by what did *not* move.

Each kind leaves one distribution alone: a covariate shift P(y given x), a label shift P(x given y), a concept shift P(x).
So each has a test that can refute it. What no test refutes fits; if several kinds fit, the least doubtful one is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from retrain_core.shift import wording
from retrain_core.shift.chances import LEAST_OVERLAP
from retrain_core.shift.equivalence import d_from_auc
from retrain_core.shift.evidence import Evidence, Test, Verdict
from retrain_core.shift.levels import benjamini_hochberg
from retrain_core.shift.together import Labelled, Together
from retrain_core.types import KindOfShift, KindTest, ShiftKinds, Thresholds

X, Y, Y_GIVEN_X, X_GIVEN_Y = "x", "y", "y|x", "x|y"
LEFT_ALONE: dict[KindOfShift, str] = {"covariate": Y_GIVEN_X, "label": X_GIVEN_Y, "concept": X}
SAID: dict[KindOfShift, str] = {  # {inputs} says what moved, {still} how surely the rest did not
    "none": "No sign that the inputs moved, or the labels given the inputs.",
    "covariate": "{inputs} (covariate shift); labels given the inputs {still}.",
    "label": "The labels moved (label shift); inputs given the label {still}.",
    "concept": "Labels given the inputs moved (concept shift); the inputs {still}.",
    "mixed": "{inputs}, and labels given the inputs moved as well (mixed shift).",
}
FOLLOWED = "{inputs}, and the labels followed (covariate shift); labels given the inputs {still}."
TOO_LITTLE = "Neither the inputs nor the labels given the inputs moved enough to matter."
BY_CHANCE = "A single column that seems to have moved may be chance."
RATES = ("missing_rate", "infinite_rate")  # whether there is a label says nothing about what it is
DOMAIN = "domain_auc"


def shift_kinds(
    together: Together,
    asked: Mapping[str, Sequence[str]],
    subjects: Mapping[str, Evidence],
    verdicts: Mapping[str, Verdict],
    *,
    why_not: str,
    thresholds: Thresholds,
) -> ShiftKinds:
    """Return which kind of shift it is, and the four tests that tell.

    What did not move according to the report did not move here. What did has to be more than chance as an answer of its
    own as well: beside a certain shift of another subject, a report lets one in twenty of its findings be chance. Only
    P(x given y) is judged here, its p-value adjusted over the four questions; it decides between kinds and raises no alarm.

    Args:
        together: The checks of all columns together.
        asked: The subjects that answer for ``x`` (columns, and all of them together), ``y`` (labels) and ``y|x``.
        subjects: What was measured about each subject.
        verdicts: What was decided about it.
        why_not: Why the kind cannot be told if labels were not looked at, as a clause.
        thresholds: When a movement counts.

    Source: Moreno-Torres et al. (2012), Pattern Recognition 45(1), 521-530 (kinds by what stays the same); Polo et al.
        (2022), arXiv 2205.08340 (a test of each, and the decomposition).
    """
    answers = {
        question: answer
        for question, keys in asked.items()
        if (answer := _answer(question, keys, subjects, verdicts, thresholds)) is not None
    }
    labelled = together.labelled
    if labelled is None:
        return ShiftKinds(None, f"Which kind of shift it is cannot be told: {why_not}.", answers)
    if labelled.given_label is not None and X in answers:
        answers[X_GIVEN_Y] = _given_label(labelled, answers, thresholds)
    kind, others = _decide(answers)
    if not labelled.obstacle and any(answer.moved for answer in answers.values()):
        answers = _with_shares(answers, labelled.information())
    inputs = _inputs_moved(asked[X], subjects, verdicts, thresholds)
    if kind is None:
        return ShiftKinds(None, _untold(labelled, answers, inputs), answers)
    columns = any(verdicts[key].level != "none" for key in asked[X])
    said = _said(kind, answers, inputs, thresholds)
    if others:
        other = wording.listed([f"a {kind} shift" for kind in others])
        said = f"{said} It is close: {other} would fit as well."
    if columns and X in answers and not answers[X].moved:
        said = f"{said} {BY_CHANCE}"
    return ShiftKinds(kind, said, answers)


def _inputs_moved(
    keys: Sequence[str],
    subjects: Mapping[str, Evidence],
    verdicts: Mapping[str, Verdict],
    thresholds: Thresholds,
) -> str:
    """Return that the inputs moved; where all columns together do not show it, which columns did."""
    moved = {
        key: {test.measure for test in subjects[key].tests if _moved(test, verdicts[key], thresholds)}
        for key in keys
    }
    names = [key for key, measures in moved.items() if measures]
    if any(DOMAIN in measures for measures in moved.values()) or not names:
        return "The inputs moved"
    little = "" if any(verdicts[name].level == "major" for name in names) else " a little"
    if len(names) == 1:
        return f"One input column, {wording.short(names[0])}, moved{little}"
    return f"{len(names):,} input columns ({wording.listed(names)}) moved{little}"


def _said(kind: KindOfShift, answers: Mapping[str, KindTest], inputs: str, thresholds: Thresholds) -> str:
    """Return the kind in a sentence; what moved by more than chance, and too little to matter, is not called still."""
    if kind == "none" and min(answers[X].p, answers[Y_GIVEN_X].p) < thresholds.alpha:
        return TOO_LITTLE
    said = FOLLOWED if kind == "covariate" and answers[Y].moved else SAID[kind]
    real = kind in LEFT_ALONE and answers[LEFT_ALONE[kind]].p < thresholds.alpha
    return said.format(inputs=inputs, still="did not move enough to matter" if real else "did not move")


def _answer(
    question: str,
    keys: Sequence[str],
    subjects: Mapping[str, Evidence],
    verdicts: Mapping[str, Verdict],
    thresholds: Thresholds,
) -> KindTest | None:
    """Return the answer that a report's subjects give to a question; ``None`` if none of them was tested."""
    tests = [
        (key, test)
        for key in keys
        for test in subjects[key].tests
        if question != Y or test.measure not in RATES
    ]
    if not tests:
        return None
    p = float(
        benjamini_hochberg([test.p for _, test in tests]).min()
    )  # Simes' test that nothing at all moved
    moved = [(key, test) for key, test in tests if _moved(test, verdicts[key], thresholds)]
    whole = [(key, test) for key, test in moved or tests if test.measure == DOMAIN]
    key, test = max(whole or moved or tests, key=lambda pair: pair[1].effect)
    size = subjects[key].measures.get("effect_size") or subjects[key].measures.get(test.measure)
    interval = None if size is None or test.measure in RATES else size.interval
    return KindTest(bool(moved) and p < thresholds.alpha, p, float(test.effect), interval=interval)


def _moved(test: Test, verdict: Verdict, thresholds: Thresholds) -> bool:
    p = verdict.measures[test.measure].p_adjusted
    return p is not None and p < thresholds.alpha and test.effect >= thresholds.minor


def _given_label(labelled: Labelled, answers: Mapping[str, KindTest], thresholds: Thresholds) -> KindTest:
    """Return whether rows of like label look different now."""
    auc = labelled.given_label
    assert auc is not None and auc.p is not None and auc.interval is not None
    value, low, high = (max(0.0, d_from_auc(end)) for end in (auc.value, *auc.interval))
    adjusted = benjamini_hochberg([auc.p, *(answer.p for answer in answers.values())])[0]
    moved = bool(adjusted < thresholds.alpha and value >= thresholds.minor)
    return KindTest(moved, auc.p, value, interval=(low, high))


def _decide(answers: Mapping[str, KindTest]) -> tuple[KindOfShift | None, list[KindOfShift]]:
    """Return the kind, and which others fit nearly as well; no kind if it cannot be told."""
    if not {X, Y, Y_GIVEN_X} <= set(answers):
        return None, []
    x, y, y_given_x = (answers[question] for question in (X, Y, Y_GIVEN_X))
    if not (x.moved or y.moved or y_given_x.moved):
        return "none", []
    fitting = [
        kind for kind, question in LEFT_ALONE.items() if question in answers and not answers[question].moved
    ]
    if not y.moved and "label" in fitting:
        fitting.remove("label")
    if not fitting:
        return (None if y.moved and X_GIVEN_Y not in answers else "mixed"), []
    best, *others = sorted(fitting, key=lambda kind: -answers[LEFT_ALONE[kind]].p)
    return best, others


def _with_shares(answers: Mapping[str, KindTest], told: Mapping[str, float]) -> dict[str, KindTest]:
    """Return the answers with the share of each in the shift of inputs and labels together."""
    total = max(told.values())
    if total <= 0:
        return dict(answers)
    shares = {X: told["x"] / total, Y: told["y"] / total}
    shares |= {Y_GIVEN_X: 1 - shares[X], X_GIVEN_Y: 1 - shares[Y]}
    return {question: replace(answer, share=shares[question]) for question, answer in answers.items()}


def _untold(labelled: Labelled, answers: Mapping[str, KindTest], inputs: str) -> str:
    """Return what can be told although the kind cannot, and why not."""
    moved = X in answers and answers[X].moved
    start = f"{inputs}; which kind of shift it is" if moved else "Which kind of shift it is"
    if labelled.obstacle:
        why = labelled.obstacle
    elif labelled.concept is not None and labelled.concept.overlap < LEAST_OVERLAP:
        shared = wording.percent(labelled.concept.overlap)
        why = f"old and new rows hardly overlap ({shared} at most), so there are no like rows to compare"
    elif Y not in answers:
        why = "no label holds values that can be compared"
    else:
        why = "too few rows have a label that both sides have"
    return f"{start} cannot be told: {why}."

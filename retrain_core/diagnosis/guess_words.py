"""The first guess in words: what the evidence is, a point each, and how the measurement compares."""

from __future__ import annotations

from retrain_core.shift import wording
from retrain_core.shift.chances import LEAST_OVERLAP
from retrain_core.shift.loss_change import signed
from retrain_core.strategies.naming import noun, title
from retrain_core.types import CandidateScores, Comparison, LossStep, ShiftReport

NAMED = 3  # columns
WOULD_HELP = "more held-out rows or more seeds would help"
WIDE = 0.5  # share of the new rows from which a region is everywhere


def moved(report: ShiftReport) -> str:
    """Return what moved, the column that moved most by how much."""
    columns = [column for column in report.columns if column.level != "none"]
    labels = [label.name for label in report.labels if label.level != "none"]
    if not report.old_rows:
        return ""
    if not columns and not labels:
        if report.multivariate.level in (None, "none"):
            return "No column moved enough to matter."
        return "No column alone moved enough to matter, but all together did."
    parts = []
    if columns:
        first, *others = columns[:NAMED]
        most = "most " if others else ""
        most += f"{wording.short(first.name)} ({wording.deviations(first.effect)})"
        then = f", then {wording.listed([column.name for column in others])}" if others else ""
        parts.append(f"{len(columns):,} of {len(report.columns):,} columns moved, {most}{then}")
    if labels:
        which = f"the label {wording.short(labels[0])}" if len(labels) == 1 else f"{len(labels):,} labels"
        parts.append(f"{which} moved")
    return f"{capital('; '.join(parts))}."


def kind(report: ShiftReport) -> str:
    """Return which kind of shift it is."""
    if report.kinds and report.kinds.summary:
        return report.kinds.summary
    return "Which kind of shift it is cannot be told."


def harm(report: ShiftReport, *, hurt: bool | None, main: LossStep | None, doubted: bool) -> str:
    """Return whether the old model is hurt, by what, and where most.

    Args:
        report: With the model's view, if there is one.
        hurt: Whether it is.
        main: The step that makes up most of the change of its loss.
        doubted: Whether the tests for kinds of shift speak against that step.
    """
    loss = report.model.loss if report.model else None
    if loss is None:
        return "Whether the old model is hurt cannot be told: that takes its loss on old and new rows with labels."
    low, high = loss.interval
    text = (
        f"The old model is {'' if hurt else 'not '}hurt: its loss went from {wording.number(loss.old)} on old rows to "
        f"{wording.number(loss.new)} on new ones (95 % interval of the change: {signed(low)} to {signed(high)})"
    )
    if not hurt:
        costly = [] if loss.overlap < LEAST_OVERLAP else [step for step in loss.steps if step.interval[0] > 0]
        named = wording.listed([f"{step.name} ({signed(step.value)})" for step in costly])
        return f"{text}; what {named} cost is outweighed." if costly else f"{text}."
    if main:
        text += f", most of it from {main.name} ({signed(main.value)})"
        text += ", which the tests for kinds of shift do not confirm" if doubted else ""
    narrow = [region for region in (report.model.regions if report.model else ()) if region.share < WIDE]
    return f"{text}. Its error has risen most where {narrow[0].summary}" if narrow else f"{text}."


def measured(strategy: str, comparison: Comparison | None) -> str:
    """Return how the measurement compares with the guess; what to do is what was measured."""
    advised = comparison.recommendation if comparison else None
    if comparison is None or advised is None:
        return ""
    lacking = {name: scores for name, scores in comparison.strategies.items() if scores.new is None}
    missing = _not_measured(lacking)
    counts = wording.percent(comparison.wishes.old_weight)
    weight = f" (old rows count {counts})" if comparison.holdout.old_rows else ""
    if comparison.strategies.keys() - lacking.keys() <= {"keep"}:
        return f"Nothing beside keep has a score, so the first guess was not put to the test.{missing} {advised.summary}"
    if advised.choice == strategy:
        goes = ", as far as it goes" if lacking else ""
        unsure = "" if advised.clear else f" This is not decided yet: {WOULD_HELP}."
        return (
            f"The measurement agrees with the first guess{goes}{weight}.{missing} {advised.summary}{unsure}"
        )
    untried = strategy not in comparison.strategies
    if untried:
        missing = f" It was not among the candidates.{missing}"
    advice = title(advised.choice)
    advice = f"{advice[:1].lower()}{advice[1:]}"
    decides = "By what was measured" if untried or lacking else "The measurement decides"
    end = f"{decides}: {advice}."
    if not advised.clear:
        end = f"Not decided yet: for now {advice}; {WOULD_HELP}."
    return f"First guess: {noun(strategy)}.{missing} Measured{weight}: {advised.summary} {end}"


def _not_measured(lacking: dict[str, CandidateScores]) -> str:
    """Return which candidates have no score, and why, each sentence after a space."""
    said = ""
    for failed, why in ((True, "failed"), (False, "ended without a score")):
        names = [noun(name) for name, scores in lacking.items() if (scores.status == "failed") is failed]
        if names:
            was = "it was" if len(names) == 1 else "they were"
            said += f" {capital(wording.listed(names))} {why}, so {was} not measured."
    return said


def capital(text: str) -> str:
    """Return a sentence with a capital at its start.

    >>> capital("full retrain failed")
    'Full retrain failed'
    """
    return text[:1].upper() + text[1:]

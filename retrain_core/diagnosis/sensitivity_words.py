"""What stands out of the scores on disturbed rows, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from scipy import stats

from retrain_core.compare.intervals import Z95, wilson
from retrain_core.diagnosis.sensitivity import Change, importance, sign_of
from retrain_core.shift import wording
from retrain_core.strategies.naming import noun
from retrain_core.types import Sensitivity

WHISKERS = "Whiskers: 95 % interval of the change against the same rows undisturbed."


def better_without(sensitivities: Iterable[Sensitivity]) -> list[str]:
    """Return of each model without which columns it would clearly do better, corrected for how many there are."""
    said = []
    for one in sensitivities:
        changes = importance(one)
        level = float(stats.norm.ppf(1 - 0.025 / max(1, len(changes))))
        names = [name for name, change in changes.items() if _gain(change, sign_of(one)) > level]
        if names:
            said.append(
                f"Without {wording.listed(names)}, {noun(one.model)} would do better on the new rows."
            )
    return said


def _gain(change: Change, sign: float) -> float:
    """Return by how many of its standard errors a change makes the metric better."""
    if change.interval is None:
        return 0.0
    error = (change.interval[1] - change.interval[0]) / 2 / Z95
    return sign * change.metric / error if error else 0.0


def no_better_than_one_class(sensitivities: Iterable[Sensitivity]) -> list[str]:
    """Return a sentence if the accuracy of some models is not clearly above the share of the commonest class."""
    low = [
        one
        for one in sensitivities
        if one.commonest is not None and wilson(one.metric, one.rows)[0] <= one.commonest
    ]
    if not low:
        return []
    named = wording.listed([f"{noun(one.model)} ({100 * one.metric:.1f} %)" for one in low])
    return [
        f"{100 * (low[0].commonest or 0):.1f} % of these rows are of the commonest class. Not clearly above that: {named}. "
        "Robustness says little there: always answering the commonest class would be perfectly robust."
    ]

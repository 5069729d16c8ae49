"""All that is measured about one column, before anyone decides whether it matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.estimate import Estimate, Values, sorted_quantiles
from retrain_core.shift.evidence import Evidence, Test
from retrain_core.shift.measures import MEASURES, measure_categories, measure_numbers
from retrain_core.shift.sorted_pair import SortedPair

FEWEST_EXPECTED = 3  # rows of a category on the smaller side; rarer ones are pooled
SHOWN = 3  # categories named in a finding


def column_evidence(pair: ColumnPair) -> Evidence:
    """Measure one column; a side without values is a finding, not an error."""
    evidence = _distribution(pair)
    measures, tests = dict(evidence.measures), list(evidence.tests)
    findings = [*pair.findings, *evidence.findings]
    rates = {"missing_rate": ("Missing values", pair.missing)}
    if pair.kind == "numeric":
        rates["infinite_rate"] = ("Infinite values", pair.infinite)
    for name, (what, hits) in rates.items():
        rate = MEASURES[name].rows
        if not any(hits) or rate is None:
            continue
        rows = len(pair.old), len(pair.new)
        measures[name] = rate(hits[0], rows[0], hits[1], rows[1])
        tests.append(_test(name, measures[name], measures[name].d or 0.0))
        before, after = wording.percent(hits[0] / rows[0]), wording.percent(hits[1] / rows[1])
        findings.append(f"{what}: {before} of the old rows, {after} of the new.")
    return replace(evidence, measures=measures, tests=tuple(tests), findings=tuple(findings))


def _distribution(pair: ColumnPair) -> Evidence:
    sides = pair.values() if pair.kind == "numeric" else pair.counts()
    held = [bool(len(side)) and bool(pair.kind == "numeric" or side.sum()) for side in sides]
    if not all(held):
        where = (
            "neither side has a"
            if not any(held)
            else "the new side has no"
            if held[0]
            else "the old side has no"
        )
        return Evidence(summary=f"There is nothing to compare: {where} usable value.")
    return _numeric(pair, *sides) if pair.kind == "numeric" else _categorical(pair, *sides)


def _test(name: str, estimate: Estimate, effect: float) -> Test:
    assert estimate.p is not None
    return Test(name, estimate.p, effect)


def _numeric(pair: ColumnPair, old: Values, new: Values) -> Evidence:
    measures = measure_numbers(SortedPair(old, new))
    effect = measures["effect_size"].value
    show = wording.day if pair.dates else wording.number
    medians = [show(float(sorted_quantiles(side, np.array([0.5]))[0])) for side in (old, new)]
    summary = (
        f"Median {medians[0]} → {medians[1]}, mean {show(float(old.mean()))} → {show(float(new.mean()))}; "
        f"{wording.like(effect)}."
    )
    return Evidence(
        measures,
        (_test("ks", measures["ks"], effect),),
        summary,
        tuple(_range_findings(old, new)),
        rows=(len(old), len(new)),
    )


def _range_findings(old: Values, new: Values) -> list[str]:
    """Return what is odd about the ranges: a constant old side, or more new values outside than sampling brings."""
    findings = []
    if old[0] == old[-1] and not old[0] == new[0] == new[-1]:
        findings.append("The old values were all the same.")
    below, above = np.searchsorted(new, old[0], "left"), len(new) - np.searchsorted(new, old[-1], "right")
    share, expected = (below + above) / len(new), 2 / (len(old) + 1)
    if share >= max(0.005, 5 * expected):
        findings.append(f"{wording.percent(share)} of the new values lie outside the range of the old ones.")
    return findings


def _categorical(pair: ColumnPair, *counts: NDArray[np.int64]) -> Evidence:
    names, old, new = pool_rare(pair.categories, *counts)
    measures = measure_categories(old, new)
    effect = measures["effect_size"].value
    summary = f"{largest_change(names, old, new)}; {wording.like(effect)}."
    findings = _category_findings(pair.categories, *counts)
    rows = int(old.sum()), int(new.sum())
    tests = (_test("chi2", measures["chi2"], effect),)
    return Evidence(measures, tests, summary, findings, rows, len(names))


def pool_rare(
    categories: tuple[str, ...], old: NDArray[np.int64], new: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Return names and counts with the categories too rare to compare one by one put together.

    >>> pool_rare(("a", "b", "c"), np.array([50, 1, 1]), np.array([40, 0, 1]))[0]
    ('a', 'other')
    """
    rows = int(old.sum()), int(new.sum())
    common = (old + new) * min(rows) / sum(rows) >= FEWEST_EXPECTED
    if (~common).sum() < 2:
        return categories, old, new
    names = tuple(name for name, kept in zip(categories, common, strict=True) if kept)
    sides = [np.append(side[common], side[~common].sum()) for side in (old, new)]
    return (*names, "other"), sides[0], sides[1]


def largest_change(names: tuple[str, ...], old: NDArray[Any], new: NDArray[Any]) -> str:
    """Return the category whose share changed most, in words.

    >>> largest_change(("a", "b"), np.array([50, 50]), np.array([90, 10]))
    'Share of a: 50 % → 90 %'
    """
    before, after = old / old.sum(), new / new.sum()
    most = int(np.argmax(np.abs(after - before)))
    return f"Share of {wording.short(names[most])}: {wording.percent(before[most])} → {wording.percent(after[most])}"


def _category_findings(
    categories: tuple[str, ...], old: NDArray[np.int64], new: NDArray[np.int64]
) -> tuple[str, ...]:
    findings = []
    for what, where, side, other in (("New", "new", new, old), ("Vanished", "old", old, new)):
        only = np.flatnonzero((side > 0) & (other == 0))
        chance = (side.sum() / (old.sum() + new.sum())) ** side[only]  # of all its rows falling on this side
        telling = only[chance < 0.01]
        if len(telling):
            shown = wording.listed([categories[i] for i in telling], SHOWN)
            noun = "category" if len(telling) == 1 else "categories"
            share = wording.percent(side[telling].sum() / side.sum())
            findings.append(f"{what} {noun}: {shown} ({share} of the {where} values).")
    distinct = (old > 0).sum() + (new > 0).sum()
    if distinct > (old.sum() + new.sum()) / 2 > 10:
        findings.append("Most values occur only once, as names or record numbers do: shares say little.")
    return tuple(findings)

"""All that is measured about one column, before anyone decides whether it matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from retrain_core.shift import wording
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.distribution import FEWEST_ROWS, RARE, of_categories, of_numbers
from retrain_core.shift.equivalence import d_from_overlap
from retrain_core.shift.estimate import Estimate, Values, sorted_quantiles
from retrain_core.shift.evidence import Evidence, Test
from retrain_core.shift.measures import MEASURES, measure_categories, measure_numbers
from retrain_core.shift.remarks import Remark, What
from retrain_core.shift.sorted_pair import SortedPair
from retrain_core.shift.words import compare_words

FEWEST_EXPECTED = 3  # rows of a category on the smaller side; rarer ones are pooled
SHOWN = 3  # categories named in a finding
POOLED = "other"
MANY_ROWS = 10_000
LEAST_OUTSIDE, BY_CHANCE = (
    0.005,
    0.001,
)  # share of new values outside the old range, and its chance, for a finding
STANDARD_ERRORS = 3.0  # between two shares of unseen values or words, for a finding


def column_evidence(pair: ColumnPair) -> Evidence:
    """Measure one column; a side without values is a finding, not an error."""
    evidence = _evidence(pair)
    measures, tests = dict(evidence.measures), list(evidence.tests)
    findings = [*pair.findings, *evidence.findings]
    rates: dict[What, tuple[str, str, tuple[int, int]]] = {
        "missing": ("missing_rate", "Missing values", pair.missing),
        "infinite": ("infinite_rate", "Infinite values", pair.infinite),
    }
    for what, (name, words, hits) in rates.items():
        rate = MEASURES[name].rows
        if not any(hits) or rate is None:
            continue
        rows = len(pair.old), len(pair.new)
        measures[name] = rate(hits[0], rows[0], hits[1], rows[1])
        test = _test(name, measures[name], measures[name].d or 0.0)
        tests.append(test)
        before, after = wording.percent(hits[0] / rows[0]), wording.percent(hits[1] / rows[1])
        said = f"{words}: {before} of the old rows, {after} of the new."
        findings.append(Remark(what, said, test.effect, name))
    return replace(evidence, measures=measures, tests=tuple(tests), findings=tuple(findings))


def _evidence(pair: ColumnPair) -> Evidence:
    if pair.reading == "free text":
        return _text(pair)
    if pair.reading == "id":
        return _record_numbers(pair)
    held = [len(side) - side.missing - side.infinite for side in (pair.old, pair.new)]
    if not all(held):
        where = "neither side has a" if not any(held) else f"the {'new' if held[0] else 'old'} side has no"
        return Evidence(
            summary=f"There is nothing to compare: {where} usable value.", distribution=_drawn(pair)
        )
    if pair.reading == "constant":
        return Evidence(summary=f"Every value is {_only_value(pair)}.", distribution=_drawn(pair))
    if pair.kind == "categorical":
        return _categorical(pair, *pair.counts())
    old, new = pair.values()
    if pair.reading == "date" and new[0] >= old[-1]:
        return _later(old, new)
    return _numeric(pair, old, new)


def _drawn(pair: ColumnPair) -> Any:
    if pair.kind == "categorical":
        return of_categories(pair.categories, *pair.counts())
    return of_numbers(*pair.values(), dates=pair.dates)


def _test(name: str, estimate: Estimate, effect: float) -> Test:
    assert estimate.p is not None
    return Test(name, estimate.p, effect)


# --- numbers and dates ----------------------------------------------------------------------------


def _numeric(pair: ColumnPair, old: Values, new: Values) -> Evidence:
    measures = measure_numbers(SortedPair(old, new))
    effect = measures["effect_size"].value
    show = wording.day if pair.dates else wording.number
    summary = (
        f"Median {show(_median(old))} → {show(_median(new))}, mean {show(float(old.mean()))} → "
        f"{show(float(new.mean()))}; {wording.like(effect)}."
    )
    return Evidence(
        measures,
        (_test("ks", measures["ks"], effect),),
        summary,
        _range_findings(old, new),
        (len(old), len(new)),
        distribution=of_numbers(old, new, dates=pair.dates),
    )


def _median(values: Values) -> float:
    return float(sorted_quantiles(values, np.array([0.5]))[0])


def _range_findings(old: Values, new: Values) -> tuple[Remark, ...]:
    """Return what is odd about the ranges: a constant old side, or more new values outside than sampling brings."""
    findings = []
    below, above = np.searchsorted(new, old[0], "left"), len(new) - np.searchsorted(new, old[-1], "right")
    outside = int(below + above)
    share = outside / len(new)
    if old[0] == old[-1] and share:
        findings.append(Remark("range", "The old values were all the same.", d_from_overlap(share)))
    if share >= LEAST_OUTSIDE and _chance_outside(outside, len(old), len(new)) < BY_CHANCE:
        said = f"{wording.percent(share)} of the new values lie outside the range of the old ones."
        findings.append(Remark("range", said, d_from_overlap(share)))
    return tuple(findings)


def _chance_outside(outside: int, old: int, new: int) -> float:
    """Return how likely as many new values as these lie outside the range of the old ones, without a shift.

    Source: Wilks (1942), Annals of Mathematical Statistics 13(4): their number is beta-binomial.
    """
    shape = 2, max(old - 1, 1)
    if (
        new > MANY_ROWS
    ):  # their share is then as good as that of the distribution; the exact sum would be slow
        return float(stats.beta.sf(outside / new, *shape))
    return float(stats.betabinom.sf(outside - 1, new, *shape))


def _later(old: Values, new: Values) -> Evidence:
    spans = [f"{wording.day(float(side[0]))} to {wording.day(float(side[-1]))}" for side in (old, new)]
    return Evidence(
        summary=f"Old rows are from {spans[0]}, new rows from {spans[1]}: all later, which is time passing, not a shift.",
        distribution=of_numbers(old, new, dates=True),
    )


# --- what is not compared -------------------------------------------------------------------------


def _record_numbers(pair: ColumnPair) -> Evidence:
    rows = [len(side) - side.missing for side in (pair.old, pair.new)]
    return Evidence(
        summary=f"{rows[0]:,} old rows and {rows[1]:,} new rows have a value; {pair.shared:,} of the new values occur in the old data too."
    )


def _only_value(pair: ColumnPair) -> str:
    if pair.kind == "categorical":
        return wording.short(pair.categories[0])
    return (wording.day if pair.dates else wording.number)(float(pair.values()[0][0]))


# --- free text ------------------------------------------------------------------------------------


def _text(pair: ColumnPair) -> Evidence:
    found = compare_words(pair.old.source, pair.new.source)
    if found is None:
        return Evidence(summary="There is nothing to compare: a side has no text.")
    old, new = found.lengths
    measures = measure_numbers(SortedPair(old, new))
    effect = measures["effect_size"].value
    tests = [_test("ks", measures["ks"], effect)]
    summary = (
        f"Median number of words in a row: {wording.number(_median(old))} → {wording.number(_median(new))}"
    )
    if found.word:
        measures["word_rate"] = found.rate
        tests.append(_test("word_rate", found.rate, d_from_overlap(found.size)))
        before, after = map(wording.percent, found.shares)
        summary += f"; share of rows with the word “{wording.short(found.word)}”: {before} → {after}"
    unseen, expected = wording.percent(found.unseen), wording.percent(found.expected)
    said = f"{unseen} of the words in new rows occur in no old row ({expected} would without a change)."
    size = d_from_overlap(found.unseen - found.expected) if found.z > STANDARD_ERRORS else 0.0
    return Evidence(
        measures,
        tuple(tests),
        f"{summary}; {wording.like(max(test.effect for test in tests))}.",
        (Remark("new words", said, size),),
        (len(old), len(new)),
        distribution=of_numbers(old, new),
    )


# --- categories -----------------------------------------------------------------------------------


def _categorical(pair: ColumnPair, *counts: NDArray[np.int64]) -> Evidence:
    names, old, new = pool_rare(pair.categories, *counts)
    shown = tuple(name if rows >= FEWEST_ROWS else RARE for name, rows in zip(names, old + new, strict=True))
    rows = int(old.sum()), int(new.sum())
    findings = _category_findings(pair, *counts)
    distribution = of_categories(pair.categories, *counts)
    if names == (POOLED,):
        summary = "No value is frequent enough to be compared."
        return Evidence(
            summary=summary, findings=findings, rows=rows, categories=1, distribution=distribution
        )
    measures = measure_categories(old, new)
    effect = measures["effect_size"].value
    summary = f"{largest_change(shown, old, new)}; {wording.like(effect)}."
    tests = (_test("chi2", measures["chi2"], effect),)
    return Evidence(measures, tests, summary, findings, rows, len(names), distribution)


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
    names = tuple(categories[i] for i in np.flatnonzero(common))
    sides = [np.append(side[common], side[~common].sum()) for side in (old, new)]
    return (*names, POOLED), sides[0], sides[1]


def largest_change(names: tuple[str, ...], old: NDArray[Any], new: NDArray[Any]) -> str:
    """Return the category whose share changed most, in words.

    >>> largest_change(("a", "b"), np.array([50, 50]), np.array([90, 10]))
    'Share of a: 50 % → 90 %'
    """
    before, after = old / old.sum(), new / new.sum()
    most = int(np.argmax(np.abs(after - before)))
    return f"Share of {wording.short(names[most])}: {wording.percent(before[most])} → {wording.percent(after[most])}"


def _category_findings(
    pair: ColumnPair, old: NDArray[np.int64], new: NDArray[np.int64]
) -> tuple[Remark, ...]:
    findings = []
    sides: Mapping[What, tuple[str, str, NDArray[np.int64], NDArray[np.int64]]] = {
        "new categories": ("New", "new", new, old),
        "vanished categories": ("Vanished", "old", old, new),
    }
    for what, (word, where, side, other) in sides.items():
        only = np.flatnonzero((side > 0) & (other == 0))
        chance = (side.sum() / (old.sum() + new.sum())) ** side[only]  # of all its rows falling on this side
        sure = only[chance < 0.01]
        if len(sure):
            named = [pair.categories[i] if side[i] >= FEWEST_ROWS else RARE for i in sure]
            shown = wording.listed(list(dict.fromkeys(named)), SHOWN)
            noun = "category" if len(sure) == 1 else "categories"
            share = float(side[sure].sum() / side.sum())
            said = f"{word} {noun}: {shown} ({wording.percent(share)} of the {where} values)."
            findings.append(Remark(what, said, d_from_overlap(share)))
    if pair.reading == "high-cardinality":
        findings += _unseen(old, new)
    distinct = (old > 0).sum() + (new > 0).sum()
    if distinct > (old.sum() + new.sum()) / 2 > 10:
        said = "Most values occur only once, as names or record numbers do: shares say little."
        findings.append(Remark("reading", said))
    return tuple(findings)


def _unseen(old: NDArray[np.int64], new: NDArray[np.int64]) -> list[Remark]:
    """Return whether more new values are unheard of than old rows let expect (Good and Turing's estimate)."""
    rows = int(old.sum()), int(new.sum())
    share, expected = float(new[old == 0].sum() / rows[1]), float((old == 1).sum() / rows[0])
    error = np.sqrt(share * (1 - share) / rows[1] + ((old == 1).sum() + 2 * (old == 2).sum()) / rows[0] ** 2)
    if share - expected <= STANDARD_ERRORS * error:
        return []
    said = (
        f"{wording.percent(share)} of the new values occur nowhere in the old data "
        f"({wording.percent(expected)} would without a change)."
    )
    return [Remark("new categories", said, d_from_overlap(share - expected))]

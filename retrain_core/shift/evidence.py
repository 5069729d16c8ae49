"""All that is measured about one column, before anyone decides whether it matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift import wording
from retrain_core.shift.binned import bin_counts, js, psi, quantile_cuts
from retrain_core.shift.categorical import chi2, cramers_v, total_variation
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.effect import categorical_effect, d_from_overlap, numeric_effect
from retrain_core.shift.estimate import Estimate, Values
from retrain_core.shift.numeric import ks, wasserstein
from retrain_core.shift.rates import rate_change

FEWEST_EXPECTED = 3  # rows of a category on the smaller side; rarer ones are pooled
SHOWN = 3  # categories named in a finding


@dataclass(frozen=True)
class Test:
    """One of a column's tests.

    Args:
        measure: Name of the measure that carries the p-value.
        p: Not adjusted.
        effect: How large the movement is, in d.
    """

    measure: str
    p: float
    effect: float


@dataclass(frozen=True)
class Evidence:
    """What was measured about one column.

    Args:
        pair: The column.
        measures: By name, as in ``MEASURES``.
        tests: Those of them that decide about the level.
        summary: One plain sentence.
        findings: What deserves attention beside the distribution.
    """

    pair: ColumnPair
    measures: Mapping[str, Estimate]
    tests: tuple[Test, ...]
    summary: str
    findings: tuple[str, ...]

    @property
    def effect(self) -> float:
        """The largest movement, in d."""
        return max((test.effect for test in self.tests), default=0.0)


def column_evidence(pair: ColumnPair) -> Evidence:
    """Measure one column; a side without values is a finding, not an error."""
    read = _numeric if pair.kind == "numeric" else _categorical
    evidence = read(pair)
    measures, tests, findings = (
        dict(evidence.measures),
        list(evidence.tests),
        [*pair.findings, *evidence.findings],
    )
    rates = {"missing_rate": ("Missing values", pair.missing)}
    if pair.kind == "numeric":
        rates["infinite_rate"] = ("Infinite values", pair.infinite)
    for name, (what, hits) in rates.items():
        if not any(hits):
            continue
        rows = len(pair.old), len(pair.new)
        change = rate_change(hits[0], rows[0], hits[1], rows[1])
        assert change.p is not None
        measures[name] = change
        tests.append(Test(name, change.p, d_from_overlap(abs(change.value))))
        before, after = wording.percent(hits[0] / rows[0]), wording.percent(hits[1] / rows[1])
        findings.append(f"{what}: {before} of rows in the old data, {after} in the new.")
    return Evidence(pair, measures, tuple(tests), evidence.summary, tuple(findings))


def _numeric(pair: ColumnPair) -> Evidence:
    old, new = pair.values()
    if not len(old) or not len(new):
        return _empty(pair, len(old), len(new))
    cuts = quantile_cuts(old)
    old_counts, new_counts = bin_counts(old, cuts), bin_counts(new, cuts)
    gap, distance = ks(old, new), wasserstein(old, new)
    effect = numeric_effect(old, new, gap)
    measures = {
        "effect_size": effect,
        "ks": gap,
        "wasserstein": distance,
        "psi": psi(old_counts, new_counts),
        "js": js(old_counts, new_counts),
    }
    if not np.isfinite(distance.value):
        del measures["wasserstein"]
    assert gap.p is not None
    show = wording.day if pair.dates else wording.number
    summary = (
        f"Median {show(float(old[len(old) // 2]))} → {show(float(new[len(new) // 2]))}, mean {show(float(old.mean()))} → "
        f"{show(float(new.mean()))}; moved by {wording.deviations(effect.value)}."
    )
    findings = (
        ["The old values were all the same."] if old[0] == old[-1] and new[0] != new[-1] else []
    ) + _outside(old, new)
    return Evidence(pair, measures, (Test("ks", gap.p, effect.value),), summary, tuple(findings))


def _outside(old: Values, new: Values) -> list[str]:
    """Return a finding if more new values lie outside the old range than sampling would bring."""
    below, above = np.searchsorted(new, old[0], "left"), len(new) - np.searchsorted(new, old[-1], "right")
    expected = 2 / (len(old) + 1)
    share = (below + above) / len(new)
    if share < max(0.005, 5 * expected):
        return []
    return [f"{wording.percent(share)} of the new values lie outside the range of the old ones."]


def _categorical(pair: ColumnPair) -> Evidence:
    counts = pair.counts()
    if not counts[0].sum() or not counts[1].sum():
        return _empty(pair, int(counts[0].sum()), int(counts[1].sum()))
    names, old, new = pool_rare(pair.categories, *counts)
    test, effect = chi2(old, new), categorical_effect(old, new)
    measures = {
        "effect_size": effect,
        "chi2": test,
        "cramers_v": cramers_v(old, new),
        "total_variation": total_variation(old, new),
        "js": js(old, new),
    }
    assert test.p is not None
    summary = f"{largest_change(names, old, new)}; moved by {wording.deviations(effect.value)}."
    return Evidence(pair, measures, (Test("chi2", test.p, effect.value),), summary, _category_findings(pair))


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


def _category_findings(pair: ColumnPair) -> tuple[str, ...]:
    old, new = pair.counts()
    findings = []
    for side, other, what in ((new, old, "New"), (old, new, "Vanished")):
        only = np.flatnonzero((side > 0) & (other == 0))
        expected = (side.sum() / (old.sum() + new.sum())) ** side[only]  # all of them on this side by chance
        telling = only[expected < 0.01]
        if len(telling):
            where = "new" if what == "New" else "old"
            shown = ", ".join(wording.short(pair.categories[i]) for i in telling[:SHOWN])
            more = f" and {len(telling) - SHOWN:,} more" if len(telling) > SHOWN else ""
            share = wording.percent(side[telling].sum() / side.sum())
            findings.append(f"{what} categories: {shown}{more} ({share} of the {where} rows).")
    if len(pair.categories) > (old.sum() + new.sum()) / 2 > 10:
        findings.append(
            "Most values occur only once, like names or numbers of records: shares say little about them."
        )
    return tuple(findings)


def _empty(pair: ColumnPair, old: int, new: int) -> Evidence:
    where = "either side" if not old and not new else "the old side" if not old else "the new side"
    return Evidence(pair, {}, (), f"There is nothing to compare: {where} has no usable value.", ())

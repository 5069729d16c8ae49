"""Differences on the same rows, against statsmodels and by how often they cover the truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from retrain_core.compare.differences import FEW_DIFFERING, Gap, holm, mcnemar, more_rows, paired, verdict
from retrain_core.compare.intervals import drawn_error
from retrain_core.compare.predicted import Predicted
from tests.compare.made import evidence, of_metric, predicted


def gap(candidate: Any, keep: Any, groups: Any = None) -> Gap:
    """Return the difference in accuracy of rows that are right (1) or wrong, shape ``(seeds, rows)``."""
    found = evidence({"candidate": of_metric(candidate), "keep": of_metric(keep)}, groups)
    return paired(found, "candidate", "keep", {"new": 1.0}, "accuracy")


def ends(found: Gap) -> tuple[float, float]:
    assert found.known
    return found.interval


# --- tests and corrections ------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 100), st.integers(0, 100))
def test_mcnemars_p_is_that_of_statsmodels(gained: int, lost: int, both: int, neither: int) -> None:
    assume(gained + lost > 0)
    candidate = np.repeat([True, False, True, False], [gained, lost, both, neither])
    base = np.repeat([False, True, True, False], [gained, lost, both, neither])
    table = [[both, gained], [lost, neither]]
    theirs = their_mcnemar(table, exact=gained + lost < FEW_DIFFERING, correction=True)
    if gained == lost:  # the correction would make more of no difference than there is
        assert mcnemar(candidate, base) > 0.8
    else:
        assert mcnemar(candidate, base) == pytest.approx(theirs.pvalue, rel=1e-9)


def test_mcnemars_test_of_equal_answers_tells_nothing() -> None:
    assert mcnemar(np.array([True, False]), np.array([True, False])) == 1.0


@settings(max_examples=20, deadline=None)  # theirs takes long
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holms_p_values_are_those_of_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


@settings(deadline=None)
@given(st.floats(-0.1, 0.1), st.floats(0.001, 0.1), st.floats(0.001, 0.1))
def test_two_one_sided_tests_tell_that_nothing_material_differs(
    value: float, error: float, margin: float
) -> None:
    p = max(stats.norm.sf((value + margin) / error), stats.norm.cdf((value - margin) / error))
    assume(abs(p - 0.05) > 1e-9)
    assert (verdict(value, error, 1.0, margin) == "no material difference") == (p < 0.05)


@pytest.mark.parametrize("shift", [0.0, 0.01, 0.02, 0.04])
def test_equivalence_is_told_as_by_statsmodels(shift: float) -> None:
    rng = np.random.default_rng(5)
    for margin in (0.02, 0.04, 0.06, 0.08):
        keep = rng.normal(0, 1, 2_000)
        candidate = keep + shift + rng.normal(0, 0.5, 2_000)
        theirs = ttost_paired(candidate, keep, -margin, margin)[0]
        assert not 0.049 < theirs < 0.051, "too near to tell Student's t from the normal curve"
        differences = candidate - keep
        error = float(differences.std(ddof=1) / np.sqrt(2_000))
        said = verdict(float(differences.mean()), error, 1.0, margin)
        assert (said == "no material difference") == (theirs < 0.05)


def test_verdict_needs_a_small_adjusted_p_to_say_better_or_worse() -> None:
    assert verdict(0.03, 0.01, 0.04, 0.01) == "better"
    assert verdict(-0.03, 0.01, 0.04, 0.01) == "worse"
    assert verdict(0.03, 0.01, 0.06, 0.01) == "cannot tell"
    assert verdict(0.03, math.inf, 1.0, 0.01) == "cannot tell"


@settings(deadline=None)
@given(st.floats(0.001, 0.1), st.floats(0.001, 0.1), st.integers(20, 5_000))
def test_so_many_more_rows_make_the_difference_clear(value: float, error: float, rows: int) -> None:
    more = more_rows(Gap(value, error, 0.0), rows, margin=1e-9)
    enough = rows * ((1.959964 + 0.841621) * error / value) ** 2 - rows
    if enough < 0:  # it is clear already
        assert more is None
    else:
        assert more is not None and more == pytest.approx(enough, rel=0.06, abs=1)


@settings(deadline=None)
@given(
    st.floats(0.001, 0.1),
    st.floats(0.001, 0.05),
    st.floats(0, 0.03),
    st.floats(1, 8),
    st.integers(100, 5_000),
)
def test_with_so_many_more_rows_the_same_difference_is_told(
    value: float, error: float, seeds: float, times: float, rows: int
) -> None:
    """Adjusted for several comparisons, and with an error from the seeds that more rows leave as it is."""
    gap, margin = Gap(value, error, seeds), 0.005
    adjusted = min(1.0, times * gap.p)
    said = verdict(value, gap.error, adjusted, margin)
    more = more_rows(gap, rows, margin, adjusted=adjusted)
    if said != "cannot tell" or more is None or more > 1e9 or adjusted == 1.0:
        return
    later = Gap(value, error * math.sqrt(rows / (rows + 1.1 * more + 2)), seeds)
    assert verdict(value, later.error, times * later.p, margin) != "cannot tell"


def test_no_number_of_rows_is_promised_where_none_would_do() -> None:
    assert more_rows(Gap(0.02, math.inf, 0.0), 100, 0.005) is None
    assert more_rows(Gap(0.0, 0.01, 0.0), 100, 0.0) is None
    assert more_rows(Gap(0.02, 0.001, 0.02), 100, 0.005) is None, "it is the seeds that differ"
    assert more_rows(Gap(0.02, 0.007, 0.0), 400, 0.005) is None, "it is proven already"
    few = more_rows(Gap(0.02, 0.0095, 0.0), 400, 0.005, adjusted=0.07)
    assert few is not None and 300 < few < 1_000


@pytest.mark.parametrize(("value", "margin"), [(0.03, 0.005), (-0.02, 0.005), (0.0, 0.02)])
def test_with_so_many_more_rows_four_of_five_tests_tell(value: float, margin: float) -> None:
    rows, spread = 400, 0.6
    more = more_rows(Gap(value, spread / math.sqrt(rows), 0.0), rows, margin)
    assert more is not None
    error = spread / math.sqrt(rows + more)
    measured = np.random.default_rng(0).normal(value, error, 4_000)
    said = [verdict(one, error, Gap(one, error, 0.0).p, margin) for one in measured]
    right = ("better" if value > 0 else "worse") if value else "no material difference"
    assert np.mean([one == right for one in said]) == pytest.approx(0.8, abs=0.03)


# --- differences ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_difference_to_keep_covers_the_truth_in_about_95_of_100(seeds: int) -> None:
    """Each seed of the candidate has its own luck; keep has none."""
    rng = np.random.default_rng(seeds)
    inside = []
    for _ in range(1500):
        hard = rng.uniform(size=(1, 500))
        luck = rng.normal(0, 0.02 if seeds > 1 else 0.0, size=(seeds, 1))
        candidate = hard < 0.7 + luck + rng.normal(0, 0.05, size=(seeds, 500))
        low, high = ends(gap(candidate, hard < 0.6))
        inside.append(low <= 0.1 <= high)
    assert 0.93 < np.mean(inside) <= 0.995


@pytest.mark.parametrize("labels", [1, 2, 5, 20])
@pytest.mark.parametrize(("rows", "changed"), [(30, 0.2), (100, 0.05), (500, 0.02)])
def test_difference_of_rows_with_several_labels_covers_the_truth(
    labels: int, rows: int, changed: float
) -> None:
    rng = np.random.default_rng(labels)
    inside = []
    for _ in range(1000):
        keep = rng.uniform(size=(1, rows, labels)) < 0.8
        anew = rng.uniform(size=keep.shape) < changed  # these labels are answered anew, and better
        candidate = np.where(anew, rng.uniform(size=keep.shape) < 0.9, keep)
        low, high = ends(gap(candidate.mean(axis=2), keep.mean(axis=2)))
        inside.append(low <= 0.1 * changed <= high)
    assert np.mean(inside) > 0.92


def test_difference_by_groups_covers_the_truth_with_few_groups() -> None:
    """Twelve groups of five rows, whose difference to keep is more alike than that of other rows."""
    rng, groups = np.random.default_rng(6), np.arange(60) // 5
    inside = []
    for _ in range(300):
        keep = rng.normal(size=(1, 60))
        candidate = keep + 0.1 + 0.3 * rng.normal(size=12)[groups] + 0.3 * rng.normal(size=60)
        low, high = ends(gap(candidate, keep, groups))
        inside.append(low <= 0.1 <= high)
    assert 0.93 < np.mean(inside) < 0.98


@pytest.mark.parametrize("rows", [5, 8, 15])
def test_difference_of_few_rows_covers_the_truth(rows: int) -> None:
    """By Student's t: with the normal distribution 85 to 92 of 100."""
    rng, inside = np.random.default_rng(rows), []
    none = np.zeros((rows, 1))
    for _ in range(500):
        errors = rng.normal(5, 1, rows)
        keep, candidate = (
            Predicted("regression", none, none, none[:, 0], each)
            for each in (errors, errors + rng.normal(0.3, 0.5, rows))
        )
        found = evidence({"candidate": [candidate], "keep": [keep]})
        low, high = ends(paired(found, "candidate", "keep", {"new": 1.0}, "mae"))
        inside.append(low <= 0.3 <= high)
    assert 0.92 < np.mean(inside) < 0.985


def test_one_row_or_one_group_tells_nothing() -> None:
    one = np.ones((1, 1))
    assert not gap(one, 0 * one).known
    rows = np.ones((1, 60))
    assert not gap(rows, 0 * rows, np.zeros(60, np.intp)).known


def test_a_score_that_is_no_number_tells_nothing() -> None:
    one_class = predicted("binary", np.zeros(50, int), np.linspace(0, 1, 50))
    found = evidence({"a": [one_class], "b": [one_class]})
    assert not paired(found, "a", "b", {"new": 1.0}, "auroc").known


def test_pairing_on_the_same_rows_makes_the_interval_narrower() -> None:
    rng = np.random.default_rng(1)
    keep = (rng.uniform(size=(1, 1000)) < 0.7).astype(float)
    better = np.maximum(keep, (rng.uniform(size=(1, 1000)) < 0.1).astype(float))
    shuffled = rng.permutation(better[0])[np.newaxis]
    narrow, loose = (np.diff(ends(gap(other, keep)))[0] for other in (better, shuffled))
    assert narrow < 0.6 * loose


def test_few_differing_rows_are_not_taken_for_sure() -> None:
    """Four right against none: the exact test says 0.125, so the interval has to include no difference."""
    keep, candidate = np.zeros((1, 500)), np.zeros((1, 500))
    candidate[0, :4] = 1
    assert ends(gap(candidate, keep))[0] < 0
    assert gap(candidate, keep).p > 0.05


def test_a_difference_without_an_error_is_sure() -> None:
    assert (Gap(0.5, 0.0, 0.0).p, Gap(0.0, 0.0, 0.0).p) == (0.0, 1.0)


def test_p_and_interval_tell_the_same() -> None:
    for value in (0.019, 0.0197):
        found = Gap(value, 0.006, 0.008)
        assert found.error == pytest.approx(0.01)
        assert (found.p < 0.05) == (ends(found)[0] > 0)


def test_a_candidate_is_no_better_than_itself() -> None:
    found = evidence({"keep": of_metric(np.ones((1, 5)))})
    itself = paired(found, "keep", "keep", {"new": 1.0}, "accuracy")
    assert (itself.value, itself.interval, itself.p) == (0.0, (0.0, 0.0), 1.0)


def candidates(rows: int, share: float) -> tuple[Any, Sequence[Any]]:
    rng = np.random.default_rng(8)
    targets = (np.arange(rows) < share * rows).astype(int)
    return targets, [np.clip(0.3 + 0.3 * targets + rng.uniform(-0.3, 0.3, rows), 0, 1) for _ in range(2)]


def test_scores_that_are_no_means_differ_by_their_draws() -> None:
    targets, outputs = candidates(200, 0.5)
    found = evidence({
        name: [predicted("binary", targets, one)] for name, one in zip("ab", outputs, strict=True)
    })  # fmt: skip
    ours = paired(found, "a", "b", {"new": 1.0}, "auroc")
    values, draws = found.values("new", "auroc"), found.draws("new", "auroc")
    assert ours.value == pytest.approx(float(values["a"][0] - values["b"][0]))
    assert ours.rows == pytest.approx(drawn_error((draws["a"] - draws["b"])[0], 200))
    assert paired(found, "b", "a", {"new": 1.0}, "auroc").rows == ours.rows


def test_too_few_rows_of_a_class_tell_nothing_by_class() -> None:
    targets, outputs = candidates(200, 0.05)
    found = evidence({
        name: [predicted("binary", targets, one)] for name, one in zip("ab", outputs, strict=True)
    })  # fmt: skip
    ours = paired(found, "a", "b", {"new": 1.0}, "auroc")
    assert not ours.known and ours.p == 1.0
    assert paired(found, "a", "b", {"new": 1.0}, "brier").known


def test_a_part_that_does_not_count_does_not_hide_what_the_other_tells() -> None:
    targets, outputs = candidates(200, 0.5)
    rare, others = candidates(200, 0.05)
    sides = {"new": (targets, outputs), "old": (rare, others)}
    new, old = (
        evidence({name: [predicted("binary", came, one)] for name, one in zip("ab", some, strict=True)})
        for came, some in sides.values()
    )
    both = replace(
        new,
        predicted={"new": new.predicted["new"], "old": old.predicted["new"]},
        held={"new": new.held["new"], "old": old.held["new"]},
    )
    assert paired(both, "a", "b", {"new": 1.0, "old": 0.0}, "auroc").known
    assert not paired(both, "a", "b", {"new": 0.5, "old": 0.5}, "auroc").known

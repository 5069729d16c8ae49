"""Scores of slices are those of their rows, and marks are honest though there are many."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from retrain_core.compare.measures import SCORES
from retrain_core.compare.slice_scores import by_class, slice_scores
from retrain_core.compare.slices import Slice
from tests.compare.evidence_of import evidence_of, one_of


def halves(rows: int) -> tuple[Slice, Slice]:
    first = np.arange(rows) < rows // 2
    return Slice("first", first), Slice("second", ~first)


def test_accuracy_of_a_slice_is_that_of_its_rows() -> None:
    targets = np.ones(200, int)
    keep, better = np.full(200, 0.4), np.full(200, 0.4)
    keep[:60], better[:90], better[100:110] = 0.6, 0.6, 0.6
    found = slice_scores(
        evidence_of("binary", targets, {"keep": [keep], "fine_tune": [better]}),
        "new",
        halves(200),
        "accuracy",
    )
    first, second = found.rows
    assert (first.title, first.rows, found.note) == ("first", 100, "")
    assert [first.candidates[name].value for name in ("keep", "fine_tune")] == [0.6, 0.9]
    wilson = stats.binomtest(90, 100).proportion_ci(0.95, method="wilson")
    assert first.candidates["fine_tune"].interval == pytest.approx((wilson.low, wilson.high), abs=1e-9)
    gap = first.candidates["fine_tune"].gap
    assert gap is not None and gap.value == pytest.approx(0.3)
    assert first.candidates["fine_tune"].verdict == "better"
    assert second.candidates["fine_tune"].gap is not None
    assert first.candidates["keep"].gap is None and first.candidates["keep"].verdict is None


def test_p_values_are_adjusted_over_slices_and_candidates() -> None:
    targets = np.ones(400, int)
    keep, better = np.full(400, 0.4), np.full(400, 0.4)
    better[:6] = 0.6
    outputs = {"keep": [keep], "fine_tune": [better], "incremental": [keep]}
    found = slice_scores(evidence_of("binary", targets, outputs), "new", halves(400), "accuracy")
    one = found.rows[0].candidates["fine_tune"]
    assert one.gap is not None and one.p is not None
    assert one.gap.p < 0.05 < one.p == pytest.approx(4 * one.gap.p)
    assert one.verdict == "cannot tell"


def test_a_lower_error_is_better() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(size=300)
    outputs = {"keep": [targets + rng.normal(0, 2, 300)], "fine_tune": [targets + rng.normal(0, 1, 300)]}
    for score in ("mae", "rmse"):
        found = slice_scores(evidence_of("regression", targets, outputs), "new", halves(300), score)
        assert [row.candidates["fine_tune"].verdict for row in found.rows] == ["better", "better"]


def test_slices_with_too_few_rows_are_left_out_and_this_is_said() -> None:
    targets = np.ones(50, int)
    few, rest = np.arange(50) < 4, np.arange(50) >= 4
    evidence = evidence_of("binary", targets, {"keep": [np.full(50, 0.6)]})
    found = slice_scores(evidence, "new", (Slice("few", few), Slice("rest", rest)), "accuracy")
    assert [row.title for row in found.rows] == ["rest"]
    assert "few (4 rows)" in found.note


def test_rows_of_few_groups_are_few() -> None:
    targets = np.ones(60, int)
    groups = np.where(np.arange(60) < 30, np.arange(60) % 3, np.arange(60))
    groups = np.unique(groups, return_inverse=True)[1]
    rng = np.random.default_rng(0)
    evidence = evidence_of("binary", targets, {"keep": [rng.uniform(size=60)]}, groups)
    found = slice_scores(evidence, "new", halves(60), "accuracy")
    assert [row.title for row in found.rows] == ["second"] and found.left_out == ("first (30 rows)",)


def test_a_score_that_is_no_mean_has_an_interval_from_draws_of_the_slice() -> None:
    rng = np.random.default_rng(1)
    targets = rng.integers(0, 2, 600)
    keep = np.clip(0.2 * targets + rng.uniform(0, 0.8, 600), 0, 1)
    sure = np.clip(0.6 * targets + rng.uniform(0, 0.4, 600), 0, 1)
    sure[300:] = keep[300:]
    evidence = evidence_of("binary", targets, {"keep": [keep], "fine_tune": [sure]})
    first, second = slice_scores(evidence, "new", halves(600), "auroc").rows
    expected = SCORES["auroc"].of(one_of("binary", targets[:300], keep[:300]), np.ones((1, 300)))[0]
    one = first.candidates["keep"]
    assert one.value == pytest.approx(expected) and one.interval[0] < one.value < one.interval[1]
    assert first.candidates["fine_tune"].verdict == "better"
    gap = second.candidates["fine_tune"].gap
    assert gap is not None and gap.value == 0 and second.candidates["fine_tune"].verdict == "cannot tell"


def test_where_a_score_says_nothing_it_is_left_out() -> None:
    targets = (np.arange(40) >= 20).astype(int)
    targets[39] = 0
    evidence = evidence_of("binary", targets, {"keep": [np.linspace(0, 1, 40)]})
    found = slice_scores(evidence, "new", halves(40), "auroc")
    assert [row.title for row in found.rows] == ["second"] and found.left_out == ("first (20 rows)",)


def test_seeds_count_as_chance_and_the_margin_as_no_difference() -> None:
    targets = np.ones(2_000, int)
    keep = np.where(np.arange(2_000) % 10 < 7, 0.6, 0.4)
    evidence = evidence_of("binary", targets, {"keep": [keep], "fine_tune": [keep, 1 - keep]})
    found = slice_scores(evidence, "new", halves(2_000), "accuracy")
    assert found.rows[0].candidates["fine_tune"].value == pytest.approx(0.5)
    assert found.rows[0].candidates["fine_tune"].verdict == "cannot tell"
    same = evidence_of("binary", targets, {"keep": [keep], "fine_tune": [keep]})
    found = slice_scores(same, "new", halves(2_000), "accuracy", margin=0.05)
    assert found.rows[0].candidates["fine_tune"].verdict == "no material difference"


def test_without_a_difference_marks_are_rare_however_many_slices() -> None:
    """60 slices and candidates a trial: unadjusted, nearly every trial would have a mark."""
    rng = np.random.default_rng(2)
    marked = 0
    for _ in range(60):
        targets = np.ones(2_000, int)
        outputs = {name: [rng.uniform(0.3, 0.8, 2_000)] for name in ("keep", "a", "b", "c")}
        evidence = evidence_of("binary", targets, outputs)
        slices = [Slice(str(n), np.arange(2_000) % 20 == n) for n in range(20)]
        found = slice_scores(evidence, "new", slices, "accuracy")
        marked += any(
            one.verdict in ("better", "worse") for row in found.rows for one in row.candidates.values()
        )
    assert marked <= 8


# --- classes --------------------------------------------------------------------------------------


def test_accuracy_of_a_class_is_how_many_of_its_rows_are_found() -> None:
    targets = np.array([0] * 10 + [1] * 20 + [2] * 4)
    outputs = np.eye(3)[[0] * 7 + [1] * 3 + [1] * 15 + [2] * 5 + [2] * 4]
    found = by_class(
        evidence_of("multiclass", targets, {"keep": [outputs]}), "new", ("a", "b", "c"), "accuracy"
    )
    assert [(row.title, row.rows, row.candidates["keep"].value) for row in found.rows] == [
        ("a", 10, 0.7),
        ("b", 20, 0.75),
    ]
    assert found.left_out == ("c (4 rows)",)


def test_f1_of_a_class_is_that_of_what_is_decided() -> None:
    """The likeliest of three may have less than a half: 8 of 10 found, 4 of 24 taken for it wrongly."""
    said = [0] * 8 + [1] * 2 + [0] * 4 + [1] * 20
    outputs = np.full((34, 3), 0.3)
    outputs[np.arange(34), said] = 0.4
    targets = np.array([0] * 10 + [1] * 24)
    found = by_class(evidence_of("multiclass", targets, {"keep": [outputs]}), "new", ("a", "b", "c"), "f1")
    assert found.rows[0].candidates["keep"].value == pytest.approx(2 * 8 / (10 + 12))
    assert found.left_out == ("c (0 rows)",)


def test_each_of_several_labels_is_scored_alone() -> None:
    targets = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [1, 1], [1, 1], [0, 1]], np.int8)
    outputs = np.array([[1, 0], [1, 0], [0, 1], [1, 1], [1, 1], [0, 1], [0, 1]]) * 0.8 + 0.1
    evidence = evidence_of("multilabel", targets, {"keep": [outputs]})
    found = by_class(evidence, "new", ("one", "two"), "accuracy")
    assert found.left_out == ("one (4 rows)",)
    assert found.rows[0].candidates["keep"].value == pytest.approx(5 / 7)

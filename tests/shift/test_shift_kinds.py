"""Which kind of shift it is, and the right reason where it cannot be told."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift import evidence, shift_report
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.evidence import Evidence, Verdict
from retrain_core.shift.kinds import shift_kinds
from retrain_core.shift.together import Labelled, check_together
from retrain_core.types import KindOfShift, Measure, ShiftKinds, ShiftReport, Thresholds
from tests.benchmarks.shift_kinds import KINDS, confusion, made_shift, made_shifts, right
from tests.shift.test_features import normal


def kinds(old: pd.DataFrame, new: pd.DataFrame, label: str | None = "y") -> ShiftKinds:
    found = shift_report(old, new, label=label).kinds
    assert found is not None
    return found


@cache
def made(kind: KindOfShift) -> ShiftReport:
    return made_shift(5, kind, (2_000, 2_500))[1]


def labelled(seed: int, rows: int) -> pd.DataFrame:
    frame = normal(seed, rows, 3)
    return frame.assign(
        y=(np.random.default_rng(seed + 1_000).random(rows) < 1 / (1 + np.exp(-2 * frame["x0"]))).astype(int)
    )


def test_made_shifts_are_told_right():
    """A small form of the benchmark, which draws many more."""
    found = right(confusion(made_shifts(4, (1_000, 1_500))))
    assert np.mean(list(found.values())) >= 0.9, found


SAID = {
    "none": "No sign that the inputs moved, or the labels given the inputs.",
    "covariate": "(covariate shift); labels given the inputs did not move",
    "label": "The labels moved (label shift); inputs given the label did not move.",
    "concept": "Labels given the inputs moved (concept shift); the inputs did not move.",
    "mixed": "The inputs moved, and labels given the inputs moved as well (mixed shift).",
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_said_in_a_sentence_and_agrees_with_the_rest_of_the_report(kind):
    report = made(kind)
    found = report.kinds
    assert found.kind == kind and SAID[kind] in found.summary
    assert set(found.tests) == {"x", "y", "y|x", "x|y"}
    inputs = [*report.columns, report.multivariate]
    assert found.tests["x"].moved is any(item.level != "none" for item in inputs)
    assert found.tests["y"].moved is (report.label.level != "none")
    assert found.tests["y|x"].moved is (report.concept.level != "none")


def test_what_is_real_but_too_small_to_matter_is_not_called_still():
    """Each kind again, measured such that nothing but what makes the kind is large enough."""
    for kind, moved, still in (
        ("covariate", "x", "labels given the inputs did not move enough to matter."),
        ("concept", "y|x", "the inputs did not move enough to matter."),
        ("none", "", "Neither the inputs nor the labels given the inputs moved enough to matter."),
    ):
        found = told(dict.fromkeys(("x", "y", "y|x"), 1e-9), moved)
        assert found.kind == kind and found.summary.endswith(still)
        p = {"x": 0.6, "y": 0.5, "y|x": 0.4} | ({moved: 1e-9} if moved else {})
        assert "enough to matter" not in told(p, moved).summary


def told(p: dict[str, float], moved: str) -> ShiftKinds:
    """Return the kind where each question has a p-value, and one a large effect as well."""
    together = check_together([], [], (100, 100))
    labelled = Labelled(together.features, together.features, together.chance, None, "-", None)
    size = {name: 0.3 if name == moved else 0.02 for name in p}
    subjects = {
        name: Evidence({"ks": Estimate(size[name])}, (evidence.Test("ks", p[name], size[name]),))
        for name in p
    }
    verdicts = {
        name: Verdict("minor" if name == moved else "none", {"ks": Measure(size[name], p_adjusted=p[name])})
        for name in p
    }
    return shift_kinds(
        replace(together, labelled=labelled),
        {name: [name] for name in p},
        subjects,
        verdicts,
        why_not="",
        thresholds=Thresholds(),
    )


def test_a_column_that_only_a_strong_shift_elsewhere_lets_through_is_called_chance():
    together = check_together([], [], (100, 100))
    labelled = Labelled(together.features, together.features, together.chance, None, "-", None)
    column, concept = (
        Evidence({"ks": Estimate(0.1)}, (evidence.Test("ks", p, 0.2),)) for p in (0.025, 1e-40)
    )
    same = {f"x{i}": Evidence({"ks": Estimate(0.0)}, (evidence.Test("ks", 0.9, 0.0),)) for i in range(3)}
    subjects = {"x": column, **same, "y": same["x0"], "concept": concept}
    strong = {name: Verdict("minor", {"ks": Measure(0.1, p_adjusted=0.03)}) for name in subjects}
    quiet = {name: Verdict("none", {"ks": Measure(0.0, p_adjusted=0.9)}) for name in [*same, "y"]}
    asked = {"x": ["x", *same], "y": ["y"], "y|x": ["concept"]}
    found = shift_kinds(
        replace(together, labelled=labelled),
        asked,
        subjects,
        strong | quiet,
        why_not="",
        thresholds=Thresholds(),
    )
    assert found.kind == "concept" and not found.tests["x"].moved
    assert found.summary.endswith(
        "the inputs did not move. A single column that seems to have moved may be chance."
    )


def test_shares_add_up_in_both_decompositions_and_go_where_the_shift_is():
    tests = {kind: made(kind).kinds.tests for kind in KINDS}
    assert {test.share for test in tests["none"].values()} == {None}
    for kind in KINDS[1:]:
        for first, second in (("x", "y|x"), ("y", "x|y")):
            assert tests[kind][first].share + tests[kind][second].share == pytest.approx(1)
    assert tests["covariate"]["x"].share > 0.8
    assert tests["concept"]["y|x"].share > 0.8
    assert tests["label"]["y"].share > 0.8
    assert 0.2 < tests["mixed"]["x"].share < 0.9


def test_intervals_hold_the_effect():
    for kind in KINDS[1:]:
        for test in made(kind).kinds.tests.values():
            assert test.interval is not None and test.interval[0] <= test.effect <= test.interval[1]


def test_columns_that_moved_where_all_together_did_not_are_named():
    rng = np.random.default_rng(3)

    def side(move: float, turn: float) -> pd.DataFrame:
        frame = pd.DataFrame(rng.normal(0, 1, (4_000, 8))).add_prefix("x")
        frame["x1"] += move
        return frame.assign(y=(rng.random(4_000) < 1 / (1 + np.exp(-turn * 2 * frame["x0"]))).astype(int))

    report = shift_report(side(0, 1), side(0.14, 0.3), label="y")
    assert report.multivariate.level == "none" and report.kinds.tests["x"].moved
    assert report.kinds.summary == (
        "One input column, x1, moved a little, and labels given the inputs moved as well (mixed shift)."
    )


def test_several_labels_have_one_kind():
    rng = np.random.default_rng(7)

    def side(move: float, turn: float) -> pd.DataFrame:
        frame = pd.DataFrame(rng.normal(0, 1, (1_500, 3))).add_prefix("x")
        frame["x0"] += move
        frame["a"] = turn * frame["x0"] + rng.normal(0, 1, 1_500)
        return frame.assign(b=1_000 * (frame["x1"] + rng.normal(0, 1, 1_500)))

    def told(move: float, turn: float) -> str | None:
        return shift_report(side(0, 1), side(move, turn), label=("a", "b"), task="regression").kinds.kind

    assert [told(0, 1), told(0.7, 1), told(0, -0.5), told(0.7, -0.5)] == [
        "none",
        "covariate",
        "concept",
        "mixed",
    ]


# --- where it cannot be told ----------------------------------------------------------------------


def test_without_labels_it_takes_labels():
    found = kinds(normal(0, 200, 2), normal(1, 200, 2) + 1, label=None)
    assert found.kind is None
    assert found.summary == "Which kind of shift it is cannot be told: that takes a label on both sides."
    assert found.tests["x"].moved


def test_too_few_labelled_rows_are_counted():
    new = labelled(1, 400).assign(y=lambda rows: rows["y"].where(rows.index < 60))
    found = kinds(labelled(0, 300), new)
    assert found.kind is None
    assert found.summary.endswith(
        "cannot be told: that takes 100 labelled rows on each side, and there are 300 old and 60 new ones."
    )


def test_columns_that_no_check_can_use_are_named_as_the_reason_not_the_rows():
    def texts(rows: int, word: str) -> pd.DataFrame:
        return pd.DataFrame({"said": [f"{word} {i}" for i in range(rows)], "y": np.arange(rows) % 2})

    report = shift_report(texts(1_000, "old"), texts(500, "new"), label="y")
    assert report.concept.summary == "It cannot be told: no column holds values that rows can be compared by."
    assert report.kinds.kind is None and "100 labelled rows" not in report.kinds.summary
    assert report.kinds.summary.endswith("no column holds values that rows can be compared by.")


def test_labels_that_are_all_the_same_are_the_reason():
    assert kinds(labelled(0, 300).assign(y=1), labelled(1, 300).assign(y=1)).summary.endswith(
        "cannot be told: all labels are the same."
    )


def test_rows_that_do_not_overlap_are_the_reason_and_the_inputs_have_moved():
    old, new = labelled(0, 800), labelled(1, 800)
    new["x1"] += 12
    found = kinds(old, new)
    assert found.kind is None and found.tests["x"].moved
    assert found.summary.startswith(
        "The inputs moved; which kind of shift it is cannot be told: old and new rows hardly"
    )


def test_a_close_call_is_called_close():
    """The label hardly depends on the columns: whether they moved it or it moved them no test can tell."""
    alike = {}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sides = [pd.DataFrame({"x": rng.normal(move, 1, 150)}) for move in (0.0, 1.2)]
        for side in sides:
            side["y"] = side["x"] + rng.normal(0, 0.3, 150)
        found = shift_report(*sides, label="y", task="regression").kinds
        alike.setdefault("It is close: " in found.summary, []).append(found)
    assert alike[True]
    for found in alike[True]:
        fitting = [found.tests[question] for question in ("y|x", "x|y")]
        assert not any(test.moved for test in fitting)
        best = "covariate" if fitting[0].p > fitting[1].p else "label"
        assert found.kind == best

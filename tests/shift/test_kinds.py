"""Quiet without a shift, loud with one, and the right kind of it."""

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift import shift_report
from retrain_core.shift.columns import pair_columns
from retrain_core.shift.features import build_features, sample_rows
from retrain_core.shift.multivariate import check_domain
from retrain_core.types import Aspect, ShiftReport


def rows(rng: np.random.Generator, count: int, *, move: float = 0.0, turn: float = 1.0, base: float = 0.0):
    """Return ten columns of many looks and a label; ``move`` shifts ``x0``, ``turn`` turns what the label does with it."""
    frame = pd.DataFrame(rng.normal(0, 1, (count, 6))).add_prefix("x")
    frame["x0"] += move
    frame["x1"] = 0.8 * frame["x2"] + 0.6 * frame["x1"]
    frame["skewed"] = np.exp(rng.normal(0, 1, count))
    frame["gaps"] = np.where(rng.random(count) < 0.2, np.nan, rng.normal(0, 1, count))
    frame["kind"] = rng.choice(list("abcdefgh"), count, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.03, 0.01, 0.01])
    frame["flag"] = rng.random(count) < 0.3
    chance = 1 / (1 + np.exp(-(base + turn * 1.5 * frame["x0"] + frame["x3"])))
    frame["y"] = (rng.random(count) < chance).astype(int)
    return frame


def report(seed: int, old_rows: int = 1_000, new_rows: int = 600, **change: float) -> ShiftReport:
    rng = np.random.default_rng(seed)
    return shift_report(rows(rng, old_rows), rows(rng, new_rows, **change), label="y")


def found(aspect: Aspect) -> bool:
    return aspect.level in ("minor", "major")


def share(flags) -> float:
    return float(np.mean(list(flags)))


def test_no_shift_no_alarm():
    levels = [report(seed, 300, 200).overall.level for seed in range(200)]
    assert share(level != "none" for level in levels) <= 0.05


def test_more_rows_make_no_more_alarms():
    assert share(report(seed, 3_000, 2_000).overall.level != "none" for seed in range(12)) <= 1 / 12


def test_the_classifier_is_no_better_than_chance_at_telling_like_from_like():
    p = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        old, new = rows(rng, 150), rows(rng, 100)
        pairs = [pair_columns(old[name], new[name]) for name in old.columns]
        p.append(check_domain(build_features(pairs, sample_rows(150, 100))).auc.p)
    assert share(value < 0.05 for value in p) <= 0.08  # 0.05, and three standard errors of 300 draws
    assert share(value < 0.5 for value in p) == pytest.approx(0.5, abs=0.1)


def test_half_a_deviation_in_one_column_of_ten_is_found_there_and_nowhere_else():
    reports = [report(seed, move=0.5) for seed in range(15)]
    for found_shift in reports:
        first, *others = found_shift.columns
        assert first.name == "x0" and first.level in ("minor", "major")
        assert first.measures["effect_size"].interval[0] < 0.5 < first.measures["effect_size"].interval[1]
        assert share(column.level != "none" for column in others) <= 0.2
    assert share(found(item.concept) for item in reports) <= 1 / 15
    assert np.mean([item.columns[0].effect for item in reports]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("move", "level"), [(0.02, "none"), (0.3, "minor"), (0.8, "major")])
def test_level_follows_size_however_many_rows(move, level):
    column = next(c for c in report(1, 30_000, 30_000, move=move).columns if c.name == "x0")
    assert column.level == level


def test_what_too_few_rows_cannot_show_is_said():
    summary = report(2, 60, 40, move=0.2).overall.summary
    assert summary == (
        "None of the 10 columns moved enough to matter; with 40 new rows, only shifts of 0.96 standard deviations or more "
        "would be seen."
    )


def test_label_shift():
    moved = report(3, base=1.0)
    assert moved.label.level == "minor"
    assert moved.label.summary.startswith("Share of y = 1: ")
    assert "the label moved from" in moved.overall.summary


def test_covariate_shift_is_not_taken_for_concept_shift():
    reports = [report(seed, 2_000, 2_000, move=1.0) for seed in range(12)]
    assert all(item.columns[0].level == "major" and item.multivariate.level == "major" for item in reports)
    assert share(found(item.concept) for item in reports) <= 1 / 12
    assert all(found(item.label) for item in reports)  # it follows the columns


CURVES = {
    "a step": lambda x: 3.0 * (x > 0.5) - 1.5,
    "a wave": lambda x: 2 * np.sin(2 * x),
    "both ends": lambda x: 3 * (np.abs(x) - 1),
    "a cubic": lambda x: x**3 / 2,
}


@pytest.mark.parametrize("curve", CURVES)
def test_nor_is_it_where_the_label_follows_a_curve(curve):
    alarms = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        sides = [
            pd.DataFrame({"x": rng.normal(centre, 1, 2_000), "z": rng.normal(0, 1, 2_000)})
            for centre in (0, 1)
        ]
        for side in sides:
            side["y"] = (rng.random(2_000) < 1 / (1 + np.exp(-CURVES[curve](side["x"])))).astype(int)
        alarms.append(found(shift_report(*sides, label="y").concept))
    assert share(alarms) <= 0.1


def test_concept_shift_without_any_movement_of_columns_or_label():
    for seed in range(8):
        turned = report(seed, turn=-1.0)
        assert turned.concept.level == "major"
        assert "depending on x0" in turned.concept.summary
        assert "rows with the same values get other labels than before" in turned.overall.summary
        assert turned.multivariate.level == "none" and turned.columns[0].level == "none"


def test_concept_shift_beside_covariate_shift():
    assert all(found(report(seed, 2_000, 2_000, move=1.0, turn=-1.0).concept) for seed in range(5))


def test_a_number_as_label_that_rises_everywhere():
    rng = np.random.default_rng(4)
    old, new = (pd.DataFrame({"x": rng.normal(0, 1, 1_000)}) for _ in range(2))
    old["price"], new["price"] = (20 * side["x"] + rng.normal(0, 10, 1_000) for side in (old, new))
    new["price"] += 8
    concept = shift_report(old, new, label="price", task="regression").concept
    assert concept.level == "major"
    assert float(concept.summary.split("price changed by ")[1].rstrip(".")) == pytest.approx(8, abs=1.5)


def test_a_correlation_that_turned_is_seen_by_all_columns_together_only():
    rng = np.random.default_rng(5)
    old, new = (pd.DataFrame(rng.normal(0, 1, (800, 4))).add_prefix("x") for _ in range(2))
    old["x0"], new["x0"] = 0.7 * old["x1"] + 0.7 * old["x0"], -0.7 * new["x1"] + 0.7 * new["x0"]
    turned = shift_report(old, new, label=None)
    assert {column.level for column in turned.columns} == {"none"}
    assert turned.multivariate.level == "major"
    assert "mainly by x0 × x1" in turned.multivariate.summary
    assert "all columns together tell old rows from new ones" in turned.overall.summary


def test_the_same_file_twice_is_told_apart_by_nothing():
    frame = rows(np.random.default_rng(6), 500)
    same = shift_report(frame, frame, label="y")
    assert same.overall.level == "none"
    assert same.multivariate.measures["domain_auc"].value == 0.5
    assert {column.effect for column in same.columns} == {0.0}


def test_where_nothing_overlaps_nothing_is_said_about_the_concept():
    concept = report(7, move=12.0).concept
    assert concept.level is None and not concept.measures
    assert concept.summary.startswith("It cannot be told: old and new rows hardly overlap")


def test_a_rate_of_missing_values_is_a_shift_of_its_own():
    rng = np.random.default_rng(8)
    old, new = (pd.DataFrame({"x": rng.normal(0, 1, 500)}) for _ in range(2))
    new.loc[:199, "x"] = np.nan
    column = shift_report(old, new, label=None).columns[0]
    assert column.level == "major"
    assert column.measures["missing_rate"].value == pytest.approx(0.4)
    assert [finding.text for finding in column.findings] == [
        "Missing values: 0 % of the old rows, 40 % of the new."
    ]

"""The same checks on every entry of ``MEASURES``."""

import inspect

import numpy as np
import pytest

from retrain_core.shift import MEASURES
from retrain_core.shift.binned import psi
from retrain_core.shift.concept import check_concept
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.features import Features
from retrain_core.shift.numeric import wasserstein
from retrain_core.types import Measure, from_json, to_json

RNG = np.random.default_rng(3)
VALUES = np.sort(RNG.normal(0, 1, 400)), np.sort(RNG.normal(0.6, 1.3, 300))
COUNTS = np.array([120, 90, 60, 30]), np.array([60, 70, 90, 80])
HITS = (5, 300), (40, 200)
ALIKE = {"values": 2 * VALUES[:1], "bins": 2 * COUNTS[:1], "categories": 2 * COUNTS[:1], "rows": 2 * HITS[:1]}
MOVED = {"values": VALUES, "bins": COUNTS, "categories": COUNTS, "rows": HITS}
FORMS = [
    (name, form)
    for name, info in MEASURES.items()
    for form in ("values", "bins", "categories", "rows", "table")
    if getattr(info, form)
]
OF_COLUMNS = [(name, form) for name, form in FORMS if form != "table"]
ONE_WAY = {
    "wasserstein": "old standard deviations",
    "effect_size": "old standard deviations",
}  # the old side's unit


def measured(name: str, form: str, sides: tuple) -> Estimate:
    function = getattr(MEASURES[name], form)
    return function(*sides[0], *sides[1]) if form == "rows" else function(*sides)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_it_says_what_it_is_and_where_it_comes_from(name, form):
    text = inspect.getdoc(getattr(MEASURES[name], form))
    assert "Args:" in text
    assert "Source:" in text and any(
        year.strip("().,;:").isdigit() for year in text.split("Source:")[1].split()
    )
    assert MEASURES[name].unit


@pytest.mark.parametrize(("name", "form"), OF_COLUMNS)
def test_samples_that_are_the_same_have_not_moved(name, form):
    alike, moved = measured(name, form, ALIKE[form]), measured(name, form, MOVED[form])
    assert alike.value == pytest.approx(0, abs=1e-12)
    assert moved.value > 0.1
    if alike.p is not None:
        assert alike.p == pytest.approx(1) and moved.p < 0.001


@pytest.mark.parametrize(("name", "form"), OF_COLUMNS)
def test_old_and_new_can_be_exchanged_unless_the_unit_is_the_old_sides(name, form):
    there, back = measured(name, form, MOVED[form]), measured(name, form, MOVED[form][::-1])
    if name in ONE_WAY and form == "values":
        assert there.value >= back.value  # the wider side is the new one
        assert ONE_WAY[name] in inspect.getdoc(getattr(MEASURES[name], form))
    else:
        assert abs(there.value) == pytest.approx(abs(back.value), rel=1e-9)


@pytest.mark.parametrize(("name", "form"), OF_COLUMNS)
def test_the_interval_holds_the_value_and_same_input_gives_same_result(name, form):
    once, again = (measured(name, form, MOVED[form]) for _ in range(2))
    assert once == again
    if once.interval is not None:
        assert once.interval[0] <= once.value <= once.interval[1]
        assert once.interval[0] > 0  # a movement as clear as this is told from none


@pytest.mark.parametrize(("name", "form"), OF_COLUMNS)
def test_it_tells_its_size_without_noise_and_as_d(name, form):
    estimate = measured(name, form, MOVED[form])
    if name == "chi2":  # no effect: it grows with the rows
        assert estimate.d is None and estimate.corrected is None
        return
    assert 0 < estimate.d <= 3
    if form != "rows":  # a difference of rates is right on average as it is
        assert 0 < estimate.corrected <= estimate.value
        assert estimate.interval[0] <= estimate.corrected <= estimate.interval[1]
    assert measured(name, form, ALIKE[form]).d == 0


@pytest.mark.parametrize(("name", "form"), OF_COLUMNS)
def test_it_survives_json(name, form):
    estimate = measured(name, form, MOVED[form])
    unit = MEASURES[name].unit
    measure = Measure(
        estimate.value, estimate.interval, estimate.p, unit, estimate.corrected, estimate.d, 0.1
    )
    assert from_json(to_json(measure), Measure) == measure


@pytest.mark.parametrize(("name", "form"), [pair for pair in OF_COLUMNS if pair[1] in ("bins", "categories")])
def test_counts_that_cannot_be_compared_are_refused(name, form):
    for old, new in ((np.array([1, 2]), np.array([1, 2, 3])), (np.array([1, 2]), np.array([0, 0]))):
        with pytest.raises(ValueError, match=r"categories cannot be compared|at least one row"):
            measured(name, form, (old, new))


@pytest.mark.parametrize("name", [name for name, form in OF_COLUMNS if form == "values"])
def test_values_that_cannot_be_compared_are_refused(name):
    for bad in (np.array([]), np.array([1.0, np.nan]), np.array([np.inf])):
        with pytest.raises(ValueError, match="sample"):
            measured(name, "values", (np.array([1.0]), bad))


@pytest.mark.parametrize("old_hits", [-1, 11])
def test_rates_need_as_many_rows_as_hits(old_hits):
    with pytest.raises(ValueError, match="rows"):
        MEASURES["missing_rate"].rows(old_hits, 10, 1, 10)


def features(matrix: np.ndarray, side: np.ndarray) -> Features:
    return Features(matrix, np.arange(matrix.shape[1]), ("a", "b"), side, np.arange(len(side)))


def test_the_concept_check_gives_the_same_result_twice_and_0_without_a_change():
    rng = np.random.default_rng(5)
    matrix, side = rng.normal(0, 1, (800, 2)), np.repeat([0, 1], 400)
    target = matrix[:, :1] + rng.normal(0, 1, (800, 1))
    check = check_concept(features(matrix, side), target)
    assert check == check_concept(features(matrix, side), target)
    assert check.change.value < 0.1 and check.change.interval[0] == 0
    turned = np.where(side[:, None] == 1, -1, 1) * matrix[:, :1] + rng.normal(0, 1, (800, 1))
    assert check_concept(features(matrix, side), turned).change.value > 0.5


def test_a_concept_that_turned_in_a_product_of_two_columns_only_is_found() -> None:
    rng = np.random.default_rng(6)
    matrix, side = rng.normal(0, 1, (1_200, 2)), np.repeat([0, 1], 600)
    target = np.where(side == 1, -1, 1) * matrix[:, 0] * matrix[:, 1] + rng.normal(0, 1, 1_200)
    check = check_concept(features(matrix, side), target[:, None])
    assert check.change.p < 0.001 and check.drivers[0][0] == "a × b"


def test_the_interval_of_the_auc_narrows_with_rows():
    scores, side = np.array([0.1, 0.3, 0.2, 0.4] * 50), np.array([0, 0, 1, 1] * 50)
    auc = MEASURES["domain_auc"].table
    few, many = auc(scores[:40], side[:40], 0 * side[:40]), auc(scores, side, 0 * side)
    assert few.value == many.value == 0.75
    assert np.ptp(many.interval) < np.ptp(few.interval)


def test_constant_old_values_have_no_spread_to_count_in():
    assert wasserstein(np.zeros(5), np.ones(5)).value == np.inf
    assert MEASURES["effect_size"].values(np.zeros(5), np.ones(5)).value == 3


def test_one_far_outlier_hardly_moves_the_effect():
    old = np.sort(RNG.normal(0, 1, 1_000))
    new = np.append(old[:-1], 1e6)
    assert wasserstein(old, new).value > 100
    assert MEASURES["effect_size"].values(old, new).value < 0.05


def test_the_effect_of_a_moved_normal_is_how_far_it_moved():
    rng = np.random.default_rng(0)
    old, new = rng.normal(10, 4, 20_000), rng.normal(12, 4, 20_000)
    assert MEASURES["effect_size"].values(old, new).value == pytest.approx(0.5, abs=0.03)


def test_many_categories_alone_are_no_effect():
    rng = np.random.default_rng(1)
    old, new = (rng.multinomial(400, np.ones(40) / 40) for _ in range(2))
    assert MEASURES["total_variation"].categories(old, new).value > 0.1  # that is sampling alone
    assert MEASURES["effect_size"].categories(old, new).value < 0.1


def test_psi_counts_every_empty_bin_as_the_floor():
    assert psi(np.array([50, 50, 0]), np.array([50, 50, 0])).value == 0

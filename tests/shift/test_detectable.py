"""A movement of the size that is called detectable is found in about four of five trials."""

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift import shift_report
from retrain_core.shift.categorical import chi2
from retrain_core.shift.detectable import detectable_d, detectable_value
from retrain_core.shift.equivalence import overlap_at
from retrain_core.shift.numeric import ks
from retrain_core.shift.rates import rate_change

TRIALS = 400


@pytest.mark.parametrize(("rows", "tests"), [((300, 200), 1), ((2_000, 500), 20)])
def test_numbers(rows, tests):
    rng, d = np.random.default_rng(0), detectable_d(rows, tests=tests)
    p = [ks(rng.normal(0, 1, rows[0]), rng.normal(d, 1, rows[1])).p for _ in range(TRIALS)]
    assert np.mean(np.array(p) < 0.05 / tests) == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize(("rows", "tests"), [((300, 300), 1), ((2_000, 500), 20)])
def test_two_categories(rows, tests):
    rng, gap = np.random.default_rng(0), overlap_at(detectable_d(rows, 2, tests))
    p = [
        chi2(
            *(
                rng.multinomial(n, [share, 1 - share])
                for n, share in zip(rows, (0.5 - gap / 2, 0.5 + gap / 2), strict=True)
            )
        ).p
        for _ in range(TRIALS)
    ]
    assert np.mean(np.array(p) < 0.05 / tests) == pytest.approx(0.8, abs=0.08)


def test_a_rate():
    rng, rows = np.random.default_rng(0), (1_000, 800)
    estimate = rate_change(200, rows[0], 160, rows[1])
    change = detectable_value(estimate, None, rows, tests=10)
    p = [
        rate_change(rng.binomial(rows[0], 0.2), rows[0], rng.binomial(rows[1], 0.2 + change), rows[1]).p
        for _ in range(TRIALS)
    ]
    assert np.mean(np.array(p) < 0.005) == pytest.approx(0.8, abs=0.08)


def test_more_rows_show_less_and_more_tests_hide_more():
    assert detectable_d((100, 100)) > detectable_d((1_000, 1_000)) > detectable_d((1_000_000, 1_000_000))
    assert detectable_d((100, 100), tests=50) > detectable_d((100, 100), tests=1)
    assert detectable_d((1_000, 1_000), categories=200) > detectable_d((1_000, 1_000), categories=2)
    assert detectable_d((1, 1)) <= 3 and detectable_d((2, 1), categories=5) <= 3


def test_every_measure_of_a_report_that_is_an_effect_tells_what_could_be_found():
    rng = np.random.default_rng(0)
    old, new = (
        pd.DataFrame(
            {
                "x": np.where(rng.random(500) < 0.1, np.nan, rng.normal(0, 1, 500)),
                "k": rng.choice(list("abc"), 500),
            }
        )
        for _ in range(2)
    )
    for column in shift_report(old, new, label=None).columns:
        for name, measure in column.measures.items():
            assert (measure.detectable is None) == (name == "chi2"), name
            if measure.detectable is not None:
                assert 0 < measure.detectable < 3, name

"""The same numbers as SciPy, whatever the samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.spatial import distance

from retrain_core.shift.binned import js
from retrain_core.shift.categorical import chi2, total_variation
from retrain_core.shift.estimate import sorted_quantiles
from retrain_core.shift.levels import benjamini_hochberg
from retrain_core.shift.multivariate import domain_auc
from retrain_core.shift.numeric import ks, wasserstein
from retrain_core.shift.rates import rate_change

quick = settings(max_examples=60, deadline=None)
numbers = arrays(float, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32))
few_numbers = arrays(float, st.integers(1, 60), elements=st.integers(-3, 3).map(float))  # many ties
columns = st.one_of(numbers, few_numbers)
counts = st.integers(2, 8).flatmap(
    lambda size: st.tuples(*[arrays(int, size, elements=st.integers(1, 500)) for _ in range(2)])
)


@quick
@given(columns, columns)
def test_ks_statistic(old, new):
    points = np.concatenate([old, new])
    gaps = stats.ecdf(old).cdf.evaluate(points) - stats.ecdf(new).cdf.evaluate(points)
    test = ks(old, new)
    assert test.value == pytest.approx(np.abs(gaps).max(), abs=1e-12)
    assert 0 <= test.p <= 1


@pytest.mark.parametrize(("n", "m"), [(50, 80), (900, 1_000), (3_000, 1_500)])
def test_ks_p_value(n, m):
    rng = np.random.default_rng(n)
    old, new = rng.normal(0, 1, n), rng.normal(0.1, 1, m)
    assert ks(old, new).p == pytest.approx(stats.ks_2samp(old, new).pvalue, rel=0.05)


@quick
@given(columns, columns)
def test_wasserstein_distance_in_old_spreads(old, new):
    plain = stats.wasserstein_distance(old, new)
    value = wasserstein(old, new).value
    if np.ptp(old) == 0:
        assert value == (0 if plain == 0 else np.inf)
    elif np.isfinite(value):
        assert value * np.std(old) == pytest.approx(plain, rel=1e-6, abs=1e-9)


@quick
@given(counts)
def test_chi2(sides):
    expected = stats.chi2_contingency(np.array(sides), correction=False)
    test = chi2(*sides)
    assert (test.value, test.p) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9, abs=1e-12)


@quick
@given(counts)
def test_jensen_shannon_and_total_variation(sides):
    old, new = (side / side.sum() for side in sides)
    assert js(*sides).value == pytest.approx(distance.jensenshannon(old, new, base=2), abs=1e-7)
    assert total_variation(*sides).value == pytest.approx(distance.cityblock(old, new) / 2, abs=1e-12)


@quick
@given(st.integers(1, 200), st.integers(1, 200), st.floats(0, 1), st.floats(0, 1))
def test_rates(old_rows, new_rows, old_share, new_share):
    old_hits, new_hits = round(old_share * old_rows), round(new_share * new_rows)
    change = rate_change(old_hits, old_rows, new_hits, new_rows)
    table = [[old_hits, old_rows - old_hits], [new_hits, new_rows - new_hits]]
    assert change.p == pytest.approx(stats.fisher_exact(table).pvalue)
    assert change.interval[0] - 1e-12 <= change.value <= change.interval[1] + 1e-12


@quick
@given(few_numbers, few_numbers)
def test_auc_is_the_mann_whitney_statistic(old, new):
    side = np.repeat([0, 1], [len(old), len(new)])
    scores = np.concatenate([old, new])
    expected = stats.mannwhitneyu(new, old).statistic / (len(old) * len(new))
    assert domain_auc(scores, side, np.zeros(len(side), dtype=int)).value == pytest.approx(expected)


@quick
@given(numbers, st.floats(0, 1))
def test_quantiles(values, share):
    values = np.sort(values)
    assert sorted_quantiles(values, np.array([share]))[0] == pytest.approx(
        np.quantile(values, share), rel=1e-9, abs=1e-9
    )


def test_adjusted_p_values_never_fall_below_the_plain_ones_nor_cross():
    p = np.random.default_rng(0).random(40) ** 3
    adjusted = benjamini_hochberg(p.tolist())
    assert (adjusted >= p).all() and (np.diff(adjusted[np.argsort(p)]) >= 0).all()

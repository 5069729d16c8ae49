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
from retrain_core.shift.sorted_pair import distances, spread_of

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


@pytest.mark.parametrize("sizes", [(20_000, 20_000), (20_000, 9_000), (300, 70_000)])
def test_long_samples_where_only_a_part_is_looked_at(sizes):
    rng = np.random.default_rng(0)
    for move in (0, 0.01, 1):
        old, new = (np.round(rng.normal(centre, 1, n), 3) for centre, n in zip((0, move), sizes, strict=True))
        expected = stats.ks_2samp(old, new, method="asymp")
        test = ks(old, new)
        assert test.p == pytest.approx(expected.pvalue, rel=0.02 if min(sizes) > 1_000 else 1e-9, abs=1e-12)
        assert test.value == pytest.approx(expected.statistic, abs=1e-12)
        plain = stats.wasserstein_distance(old, new)
        assert wasserstein(old, new).value * np.std(old) == pytest.approx(plain, rel=1e-9)


@quick
@given(columns, columns, st.floats(-2, 0), st.floats(0, 2))
def test_the_distance_of_clipped_samples(old, new, low, high):
    old, new = np.sort(old), np.sort(new)
    plain, clipped = distances(old, new, low, high)
    assert plain == pytest.approx(stats.wasserstein_distance(old, new), rel=1e-6, abs=1e-9)
    expected = stats.wasserstein_distance(old.clip(low, high), new.clip(low, high))
    assert clipped == pytest.approx(expected, rel=1e-6, abs=1e-9)


@quick
@given(columns, st.floats(-2, 0), st.floats(0, 2))
def test_the_spread_of_a_clipped_sample(values, low, high):
    expected = np.std(values.clip(low, high))
    assert spread_of(np.sort(values), low, high)[0] == pytest.approx(expected, rel=1e-6, abs=1e-9)


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

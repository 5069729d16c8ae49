"""Thresholds that other tools put on different measures, told as one d; there and back again."""

import numpy as np
import pytest
from scipy import stats

from retrain_core.shift.equivalence import (
    auc_at,
    cramers_v_at,
    d_from_auc,
    d_from_cramers_v,
    d_from_js,
    d_from_overlap,
    d_from_psi,
    js_at,
    overlap_at,
    psi_at,
)
from retrain_core.shift.measures import measure_categories, measure_numbers
from retrain_core.shift.sorted_pair import SortedPair

D = [0.1, 0.25, 0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("convert", "threshold", "d"),
    [
        (d_from_js, 0.1, 0.236),
        (d_from_psi, 0.1, 0.316),
        (d_from_psi, 0.25, 0.50),
        (lambda base_e: d_from_js(base_e / np.sqrt(np.log(2))), 0.1, 0.284),
    ],
)
def test_thresholds_of_the_peers(convert, threshold, d):
    assert convert(threshold) == pytest.approx(d, abs=0.001)


@pytest.mark.parametrize("d", D)
def test_there_and_back(d):
    rows = (700, 300)
    assert d_from_overlap(overlap_at(d)) == pytest.approx(d)
    assert d_from_auc(auc_at(d)) == pytest.approx(d)
    assert d_from_psi(psi_at(d)) == pytest.approx(d)
    assert d_from_js(js_at(d)) == pytest.approx(d)
    assert d_from_cramers_v(cramers_v_at(d, rows), rows) == pytest.approx(d)


@pytest.mark.parametrize("d", D)
def test_every_measure_of_two_normals_tells_about_the_same_d(d):
    z = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    told = {name: found.d for name, found in measure_numbers(SortedPair(z, z + d)).items()}
    for name in ("effect_size", "ks", "wasserstein"):
        assert told[name] == pytest.approx(d, rel=0.03), name
    for name in ("js", "psi"):  # ten bins hide some of it
        assert 0.85 * d < told[name] < 1.01 * d, name


def test_shares_in_many_bins_tell_the_same_as_the_density():
    cuts = np.linspace(-6, 7, 400)
    sides = [np.round(1e9 * np.diff(stats.norm.cdf(cuts - d))).astype(int) for d in (0, 0.5)]
    told = {name: found.d for name, found in measure_categories(*sides).items() if name != "chi2"}
    assert told == pytest.approx(dict.fromkeys(told, 0.5), rel=0.01)

"""Values that other tools and papers agree on; sources in the docstrings of the measures."""

import numpy as np
import pytest

from retrain_core.shift.binned import bin_counts, js, psi
from retrain_core.shift.categorical import chi2, cramers_v, total_variation
from retrain_core.shift.equivalence import d_from_auc, d_from_overlap
from retrain_core.shift.numeric import ks, wasserstein
from retrain_core.shift.sorted_pair import SortedPair, spread_of

OLD = np.arange(100.0)
NEW = OLD + 10
A60_B40, A50_B40_C10 = np.array([60, 40, 0]), np.array([50, 40, 10])


def test_ten_steps_to_the_right():
    assert ks(OLD, NEW).value == 0.1
    assert ks(OLD, NEW).p == pytest.approx(0.7020569828664881, rel=1e-12)
    assert wasserstein(OLD, NEW).value == pytest.approx(0.3464274833209975, rel=1e-12)
    assert SortedPair(OLD, NEW).distances[0] == 10
    assert spread_of(OLD)[0] == pytest.approx(28.86607004772212, rel=1e-12)


def test_divergences_of_numbers_depend_on_the_bins_and_agree_with_peers_on_theirs():
    doane = np.histogram_bin_edges(
        OLD, "doane"
    )  # NannyML: bins of the reference, one more for what lies beyond
    beyond = np.append(doane[1:-1], np.nextafter(doane[-1], np.inf))
    assert js(bin_counts(OLD, beyond), bin_counts(NEW, beyond)).value == pytest.approx(
        0.2725858015194268, rel=1e-12
    )
    sturges = np.histogram_bin_edges(np.concatenate([OLD, NEW]), "sturges")[1:-1]  # Evidently
    old, new = bin_counts(OLD, sturges), bin_counts(NEW, sturges)
    assert psi(old, new).value == pytest.approx(0.2932674137586854, rel=1e-12)
    assert js(old, new).value * np.sqrt(np.log(2)) == pytest.approx(0.18355145998130695, rel=1e-12)  # base e


def test_a_new_category():
    test = chi2(A60_B40, A50_B40_C10)
    assert test.value == pytest.approx(10.909090909090908, rel=1e-12)
    assert test.p == pytest.approx(0.004276820349208928, rel=1e-12)
    assert cramers_v(A60_B40, A50_B40_C10).value == pytest.approx(0.2114708645135503, rel=1e-12)
    assert js(A60_B40, A50_B40_C10).value == pytest.approx(0.23083193818809797, rel=1e-12)
    base_e = js(A60_B40, A50_B40_C10).value * np.sqrt(np.log(2))
    assert base_e == pytest.approx(0.19218019454096963, rel=1e-12)
    assert total_variation(A60_B40, A50_B40_C10).value == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize(
    ("floor", "peer", "value"),
    [(0.0001, "Evidently", 0.7083169080497109), (0.01, "deepchecks", 0.22546481404885962)],
)
def test_psi_of_a_new_category_depends_on_what_stands_for_zero(floor, peer, value):
    assert psi(A60_B40, A50_B40_C10, floor=floor).value == pytest.approx(value, rel=1e-12), peer


@pytest.mark.parametrize(("auc", "d"), [(0.556, 0.2), (0.638, 0.5), (0.714, 0.8)])
def test_auc_as_a_shift_of_the_mean(auc, d):
    assert d_from_auc(auc) == pytest.approx(d, abs=0.002)


@pytest.mark.parametrize(("overlap", "d"), [(0.0, 0.0), (0.0796557, 0.2), (0.1974126, 0.5), (1.0, 3.0)])
def test_overlap_as_a_shift_of_the_mean(overlap, d):
    assert d_from_overlap(overlap) == pytest.approx(d, abs=1e-5)

"""Chances of being a new row where many rows look alike: what overlap, effective rows and shares are made from."""

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift.report import shift_report


def side(rows, x, y_if_not_x, y_if_x, seed):
    """Return rows of one binary column and a binary label, with the chance of each being 1."""
    rng = np.random.default_rng(seed)
    of_x = rng.random(rows) < x
    of_y = rng.random(rows) < np.where(of_x, y_if_x, y_if_not_x)
    return pd.DataFrame({"x": of_x.astype(int), "y": of_y.astype(int)})


def js(old, new):
    """Return the Jensen-Shannon divergence of two binary variables, in nats."""
    parts = [(old, new), (1 - old, 1 - new)]
    return sum(p / 2 * np.log(2 * p / (p + q)) + q / 2 * np.log(2 * q / (p + q)) for p, q in parts)


@pytest.mark.parametrize("rows", [300, 5_000])
def test_equal_rows_have_one_chance_so_overlap_and_worth_are_exact(rows):
    found = shift_report(side(rows, 0.2, 0.3, 0.3, 0), side(rows, 0.8, 0.3, 0.3, 1), label="y").joint
    assert found.overlap == pytest.approx(0.64, abs=0.05)  # 0.2 * 0.8 / 0.25
    assert found.effective_old_rows == pytest.approx(rows / 3.25, rel=0.25)  # weights 4 and 1/4


def test_a_binary_label_tells_what_it_tells():
    """The inputs carry all of the shift; the label follows them and alone tells a known part of it."""
    old, new = side(5_000, 0.3, 0.2, 0.6, 0), side(5_000, 0.7, 0.2, 0.6, 1)
    shares = {name: test.share for name, test in shift_report(old, new, label="y").kinds.tests.items()}
    label = js(0.7 * 0.2 + 0.3 * 0.6, 0.3 * 0.2 + 0.7 * 0.6) / js(0.3, 0.7)
    assert shares["y"] == pytest.approx(label, abs=0.05)
    assert shares["x"] == pytest.approx(1, abs=0.05)


def test_a_concept_shift_leaves_inputs_that_overlap_wholly():
    found = shift_report(side(2_000, 0.5, 0.2, 0.2, 0), side(2_000, 0.5, 0.7, 0.7, 1), label="y")
    assert found.joint.overlap == pytest.approx(1, abs=0.02)
    assert found.kinds.kind == "concept" and found.kinds.tests["y|x"].share == pytest.approx(1, abs=0.05)

"""How all columns moved together: the rows that look newest, the overlap, what old rows are worth, how sure it is."""

import json

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift import shift_json, shift_report
from retrain_core.shift.multivariate import check_domain, domain_auc
from retrain_core.types import JointShift, ShiftReport, from_json, to_json
from tests.shift.test_features import features, normal


def moved(move: float, rows: int = 2_000) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return two sides of four columns; ``x0`` of the new one is higher, ``kind`` follows it."""
    rng = np.random.default_rng(1)
    sides = normal(2, rows, 3), normal(3, rows, 3)
    sides[1]["x0"] += move
    for side in sides:
        side["kind"] = np.where(side["x0"] + rng.normal(0, 1, rows) > 1, "high", "low")
    return sides


def joint(old: pd.DataFrame, new: pd.DataFrame) -> JointShift:
    found = shift_report(old, new, label=None).joint
    assert found is not None
    return found


def test_the_newest_rows_are_those_that_are_furthest_off():
    old, new = moved(1.0)
    new.loc[[7, 1_234], "x0"] = 6.0
    found = joint(old, new)
    assert found.drivers[0].name == "x0" and 0.5 < found.drivers[0].share <= 1
    assert len(found.newest) == 8 and {row.row for row in found.newest[:2]} == {7, 1_234}
    assert all(0 < row.likeness < 0.2 for row in found.newest)
    assert all(new["x0"].iloc[row.row] > new["x0"].quantile(0.95) for row in found.newest)
    assert found.newest[0].values["x0"] == "6" and found.newest[0].values["kind"] in ("high", "low")


def test_copies_among_the_newest_rows_are_shown_once():
    old, new = moved(1.0)
    new.iloc[100:150] = new.iloc[100]
    new.loc[100:149, "x0"] = 6.0
    rows = [row.row for row in joint(old, new).newest]
    assert sum(100 <= row < 150 for row in rows) == 1 and len(rows) == 8


def test_without_a_shift_no_row_is_called_new_and_old_rows_are_worth_themselves():
    found = joint(*moved(0.0))
    assert found.newest == ()
    assert found.overlap == pytest.approx(1, abs=0.03)
    assert found.effective_old_rows == pytest.approx(2_000, rel=0.05)


@pytest.mark.parametrize("move", [0.5, 1.0])
def test_old_rows_are_worth_what_their_weights_say(move):
    """Weights of a normal that moved by d have a mean square of exp(d²)."""
    old, new = moved(move)
    found = joint(old[["x0", "x1"]], new[["x0", "x1"]])
    assert found.effective_old_rows == pytest.approx(2_000 * np.exp(-(move**2)), rel=0.15)


def test_what_old_rows_are_worth_grows_with_the_rows_that_were_not_looked_at():
    rng = np.random.default_rng(4)
    old, new = pd.DataFrame({"x": rng.normal(0, 1, 40_000)}), pd.DataFrame({"x": rng.normal(0.5, 1, 3_000)})
    found = joint(old, new)
    assert found.effective_old_rows == pytest.approx(40_000 * np.exp(-0.25), rel=0.1)


def test_where_nothing_is_shared_nothing_overlaps():
    found = joint(*moved(12.0))
    assert found.overlap < 0.1
    assert found.effective_old_rows < 0.05 * 2_000
    assert found.newest[0].likeness < 0.05


def test_a_handful_of_rows_tells_nothing():
    assert shift_report(normal(0, 10, 2), normal(1, 10, 2), label=None).joint is None


def test_copies_make_no_shift_out_of_chance():
    p = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        old, new = (pd.DataFrame(rng.normal(0, 1, (80, 3))).add_prefix("x") for _ in range(2))
        p.append(check_domain(features(pd.concat([old] * 6), new)).auc.p)
    assert np.mean(np.array(p) < 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)


def test_copies_of_rows_do_not_make_an_answer_surer():
    rng = np.random.default_rng(5)
    scores, side, copies = rng.normal(0, 1, 60), np.repeat([0, 1], 30), np.tile(np.arange(60), 8)
    once = domain_auc(scores, side, 0 * side, np.arange(60))
    often = domain_auc(np.tile(scores, 8), np.tile(side, 8), 0 * copies, copies)
    assert often.value == pytest.approx(once.value)
    assert np.ptp(often.interval) == pytest.approx(np.ptp(once.interval), rel=0.1)


def test_it_is_written_and_read_again():
    found = shift_report(*moved(1.0), label="kind")
    assert from_json(to_json(found), ShiftReport) == found
    written = json.loads(to_json(shift_json(found)))
    assert set(written["joint"]) == {"drivers", "newest", "overlap", "effective_old_rows"}
    assert set(written["joint"]["newest"][0]) == {"row", "likeness", "values"}
    assert written["kinds"]["kind"] == found.kinds.kind and written["kinds"]["summary"] == found.kinds.summary
    assert set(written["kinds"]["tests"]) == {"x", "y", "y|x", "x|y"}
    assert set(written["kinds"]["tests"]["x"]) == {"moved", "p", "effect", "interval", "share"}
    nothing = json.loads(to_json(shift_json(shift_report(normal(0, 5, 1), normal(1, 5, 1), label=None))))
    assert nothing["joint"] is None and nothing["kinds"]["kind"] is None

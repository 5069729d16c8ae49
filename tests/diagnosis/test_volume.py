"""How much new data there is, relative to the old."""

import numpy as np
import pandas as pd
import pytest

from retrain_core.diagnosis import volume, volume_of
from retrain_core.shift import shift_report
from retrain_core.types import Holdout, SplitSummary

TABLE = pd.DataFrame({"a": range(40), "y": [0, 1] * 20})


def test_volume_says_how_many_rows_there_are():
    assert volume(1, 0, None).summary == "There are 1 new row and no old ones."
    assert volume(2_000, 500, None).summary == "There are 2,000 new rows and 500 old ones."
    assert "worth about 320." in volume(2_000, 500, 320.4).summary
    assert "worth about 500." in volume(2_000, 500, 500.6).summary  # never more than there are


def test_rows_that_are_left_out_are_counted():
    report = shift_report(TABLE, TABLE, label="y")
    whole = {"new_train": 30, "new_validation": 4, "new_holdout": 6, "old_train": 35, "old_holdout": 5}
    few = whole | {"new_train": 20, "old_train": 34}
    told = [volume_of(report, SplitSummary(parts, Holdout("", 6, 5))).summary for parts in (whole, few)]
    single = SplitSummary(whole | {"new_train": 29}, Holdout("", 6, 5))
    assert " 1 new row is left out" in volume_of(report, single).summary
    assert told[0] == volume_of(report).summary and "left out" not in told[0]
    assert told[1].startswith(told[0]) and " 10 new and 1 old rows are left out" in told[1]


@pytest.mark.parametrize(("flipped", "said"), [(True, True), (False, False)])
def test_old_rows_whose_labels_may_be_outdated_are_said_to_be_so(flipped, said):
    def side(seed, *, flipped):
        x = np.random.default_rng(seed).normal(size=1_500)
        return pd.DataFrame({"a": x, "y": (x > 0) ^ flipped})

    found = volume_of(shift_report(side(0, flipped=False), side(1, flipped=flipped), label="y"))
    assert found.effective_old_rows
    assert ("labels of the same inputs have changed" in found.summary) is said


def test_without_a_count_nothing_is_said_of_labels():
    assert "labels" not in volume(2_000, 500, None, concept=True).summary

"""Tables beside the columns hold what there is to say, and no column for what there is not."""

import pytest

from retrain_core.shift.side_tables import INPUTS_FIRST, LABEL_FIRST, kinds_table
from retrain_core.types import KindTest, ShiftKinds


@pytest.mark.parametrize("share", [None, 0.25])
def test_shares_have_columns_only_if_something_moved(share):
    test = KindTest(moved=share is not None, p=0.5, effect=0.1, share=share)
    table = kinds_table(ShiftKinds(None, "", {"x": test, "y": test}))
    assert ({INPUTS_FIRST, LABEL_FIRST} <= set(table)) == (share is not None)
    assert table["moved"].tolist() == ["no" if share is None else "yes"] * 2 + ["cannot be told"] * 2

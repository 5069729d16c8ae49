"""Ten thousand columns: pages say what matters of them, and send no more than a browser bears."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest

from pages._ui.shift_columns import MOST_ROWS
from retrain_core.runs import shift_of
from retrain_core.runs.probes import plan_shift
from retrain_core.runs.state import probe_states
from retrain_core.types import ExperimentSpec, ShiftSettings
from tests.make import experiment
from tests.pages.conftest import Answered, work_off
from tests.pages.test_diagnosis import look_at
from tests.pages.test_pages import texts

COLUMNS, ROWS = 10_000, 40
pytestmark = pytest.mark.timeout(1_200)  # a minute or two are needed to measure so many


@pytest.fixture(scope="module")
def wide(answered: Answered, tmp_path_factory: pytest.TempPathFactory) -> ExperimentSpec:
    """Return an experiment of 10 000 columns, the last of which has moved; its shift is measured."""
    folder, rng, store = tmp_path_factory.mktemp("wide"), np.random.default_rng(0), answered.store
    for side, move in (("old", 0), ("new", 9)):
        frame = pd.DataFrame(rng.normal(0, 1, (ROWS, COLUMNS)).round(2)).add_prefix("x")
        frame[f"x{COLUMNS - 1}"] += move
        frame.assign(y=rng.integers(0, 2, ROWS)).to_parquet(folder / f"{side}.parquet")
    model = keras.Sequential([keras.Input((COLUMNS,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    model.save(folder / "model.keras")
    files = {"model": "model.keras", "new": "new.parquet", "old": "old.parquet"}
    spec = experiment(store, {role: folder / name for role, name in files.items()}, label="y")
    store.add_beside(plan_shift(spec.id, ShiftSettings(), model=False))
    work_off(store, spec, seconds=900)
    assert not [state.error for state in probe_states(store, spec.id).values() if state.error]
    return spec


def test_a_shift_in_one_of_ten_thousand_columns_is_found_and_shown(
    open_page, answered: Answered, wide: ExperimentSpec
) -> None:
    report = shift_of(answered.store, wide.id)
    assert report is not None and len(report.columns) == COLUMNS
    assert [column.name for column in report.columns if column.level != "none"] == [f"x{COLUMNS - 1}"]
    app = open_page("shift", wide.id)
    assert report.columns[0].summary in texts(app)
    assert len(app.dataframe[0].value) == MOST_ROWS
    for section in ("All columns together", "Labels and concept", "In time", "What others say"):
        look_at(app, section)
    assert all(len(table.value) <= MOST_ROWS for table in app.dataframe)


@pytest.mark.parametrize("page", ["data", "diagnosis", "train"])
def test_other_pages_bear_ten_thousand_columns(open_page, wide: ExperimentSpec, page: str) -> None:
    app = open_page(page, wide.id)
    assert all(len(table.value.columns) <= 1_000 for table in app.dataframe)

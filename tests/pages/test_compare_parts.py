"""Sections behind the scores: choices draw what was chosen, and nothing a spreadsheet would run is shown."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def page(kind: str, there: bool = True) -> None:
    import numpy as np
    import pandas as pd

    from pages._ui.compare_parts import show_errors, show_flips, show_slices
    from retrain_core.compare.evidence import Evidence
    from retrain_core.types import Holdout
    from tests.compare.evidence_of import evidence_of

    rng = np.random.default_rng(0)
    rows = 300
    frame = pd.DataFrame(
        {"age": rng.integers(18, 80, rows), "note": rng.choice(["=1+1", "-1", "plain"], rows)}
    )
    came: Any
    if kind == "binary":
        classes, came = ("no", "yes"), rng.integers(0, 2, rows)
        said = [np.clip(0.3 * came + rng.uniform(0, 0.7, rows), 0, 1) for _ in range(2)]
    elif kind == "multiclass":
        classes, came = ("a", "b", "c"), rng.integers(0, 3, rows)
        said = [rng.dirichlet(np.ones(3), rows) for _ in range(2)]
    elif kind == "multilabel":
        classes, came = ("cat", "dog"), rng.integers(0, 2, (rows, 2))
        said = [np.clip(0.3 * came + rng.uniform(0, 0.7, (rows, 2)), 0, 1) for _ in range(2)]
    else:
        classes, came = (), rng.normal(size=rows)
        said = [came + rng.normal(size=rows) for _ in range(2)]
    task: Any = kind
    outputs = {"keep": [said[0]], "fine_tune": [said[1]]}
    new, old = (evidence_of(task, came, outputs, side=side) for side in ("new", "old"))
    holdout = Holdout(kind.ljust(64, "0"), rows, rows)  # what was scored is kept by it
    both = Evidence(task, holdout, (), {**new.predicted, **old.predicted}, {**new.held, **old.held})
    show_errors(both, classes)
    show_slices(both, {"new": frame} if there else {}, classes)
    show_flips(both, {"new": frame} if there else {}, classes)


def opened(kind: str, there: bool = True) -> AppTest:
    app = AppTest.from_function(page, args=(kind, there), default_timeout=60).run()
    assert not app.exception, app.exception
    return app


CHARTS = {"binary": 7, "multiclass": 7, "multilabel": 7, "regression": 3}


@pytest.mark.parametrize("kind", CHARTS)
def test_every_kind_of_problem_has_its_charts(kind: str) -> None:
    assert len(opened(kind).get("plotly_chart")) == CHARTS[kind]


def test_columns_that_are_chosen_become_slices() -> None:
    app = opened("binary")
    app.multiselect(key="slices_columns").select("age").select("note").run()
    assert not app.exception and len(app.get("plotly_chart")) == CHARTS["binary"] + 1


def test_flipped_rows_can_be_filtered_and_hold_no_formula() -> None:
    app = opened("binary")
    everything = app.dataframe[0].value
    assert {"'=1+1", "-1", "plain"} == set(everything["note"])
    app.multiselect(key="flips_filter").select("note").run()
    app.multiselect(key="flips_filter_note").set_value(["plain"]).run()
    shown = app.dataframe[0].value
    assert not app.exception and 0 < len(shown) < len(everything) and set(shown["note"]) == {"plain"}


def test_the_other_part_can_be_chosen_and_says_that_its_columns_are_not_there() -> None:
    app = opened("regression")
    app.segmented_control(key="flips_side").set_value("old").run()
    assert not app.exception
    assert sum("were not kept as they came" in caption.value for caption in app.caption) == 1
    assert (
        sum("were not kept as they came" in caption.value for caption in opened("binary", False).caption) == 2
    )

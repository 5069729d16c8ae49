"""Sections behind the scores: choices draw what was chosen, and nothing a spreadsheet would run is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui.flips_parts import MOST_VALUES
from retrain_core.compare.flips import ROW


def page(kind: str, there: bool = True) -> None:
    import numpy as np
    import pandas as pd

    from pages._ui.errors_parts import show_errors
    from pages._ui.flips_parts import show_flips
    from pages._ui.slices_parts import show_slices
    from retrain_core.answer import HeldRows
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
    places = {side: HeldRows(f"{side}_rows.csv", "", tuple(range(0, 2 * rows, 2))) for side in ("new", "old")}
    show_flips(both, places, {"new": frame} if there else {}, classes)


def many() -> None:
    from pages._ui.choosing import choose_models

    names = ["a", "b", "keep", "c", "d", "e"]
    choose_models(names[:4], "few", ())
    choose_models(names, "many", ("e", "c", "b", "a", "keep"))


def test_of_many_candidates_keep_and_the_likeliest_are_shown_at_first() -> None:
    app = AppTest.from_function(many, default_timeout=60).run()
    assert not app.exception
    (box,) = app.multiselect
    assert set(box.value) == {"keep", "e", "c", "b"}


def opened(kind: str, there: bool = True) -> AppTest:
    app = AppTest.from_function(page, args=(kind, there), default_timeout=60).run()
    assert not app.exception, app.exception
    return app


FILTER = "flips_filter_new_fine_tune"
CHARTS = {"binary": 8, "multiclass": 8, "multilabel": 8, "regression": 4}


@pytest.mark.parametrize("kind", CHARTS)
def test_every_kind_of_problem_has_its_charts(kind: str) -> None:
    assert len(opened(kind).get("plotly_chart")) == CHARTS[kind]


def test_columns_are_chosen_at_first_and_those_that_are_chosen_become_slices() -> None:
    app = opened("binary")
    field = app.multiselect(key="slices_columns")
    assert field.value == ["age", "note"]
    field.set_value([]).run()
    assert not app.exception and len(app.get("plotly_chart")) == CHARTS["binary"] - 1


def test_changed_rows_are_numbered_as_in_the_file_they_came_in() -> None:
    app = opened("binary")
    assert {*app.dataframe[0].value[ROW]} <= {*range(1, 601, 2)} and app.dataframe[0].value[ROW].max() > 300
    assert any(
        "Row 1 is the first row of data in new\\_rows\\.csv." in caption.value for caption in app.caption
    )
    app.segmented_control(key="flips_side").set_value("old").run()
    assert any("old\\_rows\\.csv." in caption.value for caption in app.caption)


def test_flipped_rows_can_be_filtered_and_hold_no_formula() -> None:
    app = opened("binary")
    everything = app.dataframe[0].value
    assert {"'=1+1", "-1", "plain"} == set(everything["note"])
    app.multiselect(key=FILTER).select("note").run()
    app.multiselect(key=f"{FILTER}_note").set_value(["plain"]).run()
    shown = app.dataframe[0].value
    assert not app.exception and 0 < len(shown) < len(everything) and set(shown["note"]) == {"plain"}


def two_numbers() -> None:
    import numpy as np

    from pages._ui.errors_parts import show_errors
    from tests.compare.evidence_of import evidence_of

    rng = np.random.default_rng(0)
    came = rng.normal((0, 1_000), (1, 100), (200, 2))
    said = {name: [came + rng.normal(size=(200, 2)) * (1, 100)] for name in ("keep", "fine_tune")}
    show_errors(evidence_of("regression", came, said), (), ("height", "rent"))


def test_of_several_numbers_a_row_the_errors_of_each_can_be_seen() -> None:
    app = AppTest.from_function(two_numbers, default_timeout=60).run()
    (field,) = [box for box in app.selectbox if box.label == "Label"]
    assert field.options == ["height", "rent"]

    def reach() -> float:
        return max(json.loads(app.get("plotly_chart")[0].proto.spec)["data"][2]["y"], key=abs)

    first = abs(reach())
    field.select("rent").run()
    assert not app.exception and abs(reach()) > 5 * first


def prices() -> None:
    import numpy as np

    from pages._ui.flips_parts import show_flips
    from retrain_core.answer import HeldRows
    from tests.compare.evidence_of import evidence_of

    came = np.array([250_000.0, 310_000.0, 277_000.0])
    said = {"keep": [came + 301.6875], "fine_tune": [came + np.array([0.5, 12_301.6875, -0.5])]}
    show_flips(evidence_of("regression", came, said), {"new": HeldRows("new.csv", "", (0, 4, 9))}, {}, ())


def formats(frame: Any) -> dict[str, str]:
    """Return how the columns of numbers of a table are shown."""
    configs = {name: one.get("type_config", {}) for name, one in json.loads(frame.proto.columns).items()}
    return {name: config["format"] for name, config in configs.items() if "format" in config}


def test_large_numbers_have_no_idle_decimals_and_one_row_is_one_row() -> None:
    app = AppTest.from_function(prices, default_timeout=60).run()
    assert not app.exception and app.dataframe[0].value[ROW].tolist() == [5]
    shown = ("should be", "keep says", "it says", "error before", "error now")
    assert {formats(app.dataframe[0])[name] for name in shown} == {"%.0f"}
    assert any(caption.value.startswith("1 row.") for caption in app.caption)


def none_worse() -> None:
    import numpy as np

    from pages._ui.flips_parts import show_flips
    from retrain_core.answer import HeldRows
    from tests.compare.evidence_of import evidence_of

    said = {"keep": [np.array([0.2, 0.8, 0.9])], "fine_tune": [np.array([0.1, 0.9, 0.9])]}
    evidence = evidence_of("binary", np.array([0, 1, 1]), said)
    show_flips(evidence, {"new": HeldRows("new.csv", "", (0, 4, 9))}, {}, ("no", "yes"))


def test_that_no_row_has_become_worse_is_said_instead_of_an_empty_table() -> None:
    app = AppTest.from_function(none_worse, default_timeout=60).run()
    assert not app.exception and not app.dataframe
    assert [caption.value for caption in app.caption] == ["There is none: no row has become worse."]


def changed_rows() -> None:
    import numpy as np
    import pandas as pd

    from pages._ui.flips_parts import show_flips
    from retrain_core.answer import HeldRows
    from retrain_core.compare.flips import ROW
    from tests.compare.evidence_of import evidence_of

    rng, rows = np.random.default_rng(0), 1_000
    came = rng.integers(0, 2, rows)
    said = {name: [rng.uniform(size=rows)] for name in ("keep", "fine_tune", "full_retrain")}
    income = rng.normal(size=rows)
    income[::3], income[1::50], income[2::50] = np.nan, np.inf, -np.inf
    frame = pd.DataFrame(
        {
            "city": [f"city {n % 180}" for n in range(rows)],
            "income": income,
            ROW: rng.choice(["odd", "even"], rows),
        }
    )
    places = {"new": HeldRows("new.csv", "", tuple(range(rows)))}
    show_flips(evidence_of("binary", came, said), places, {"new": frame}, ("no", "yes"))


def filtered(*names: str) -> AppTest:
    """Return the changed rows with a filter for each of these columns."""
    app = AppTest.from_function(changed_rows, default_timeout=60).run()
    app.multiselect(key=FILTER).set_value(list(names)).run()
    assert not app.exception, app.exception
    return app


def count(app: AppTest) -> int:
    """Return how many rows are said to be shown."""
    words = next(caption.value for caption in app.caption if "first row of data" in caption.value)
    return int(words.replace(",", "").split(" rows.")[0].split()[-1])


def test_a_filter_that_was_not_touched_hides_no_row() -> None:
    everything = count(filtered())
    assert everything > 150 and count(filtered("city", "income", f"{ROW} (column)")) == everything


def test_of_many_values_the_most_frequent_can_be_chosen() -> None:
    app = filtered("city")
    field = app.multiselect(key=f"{FILTER}_city")
    assert len(field.options) == MOST_VALUES and f"the {MOST_VALUES} most frequent of" in field.label
    field.set_value(field.options[:1]).run()
    assert {*app.dataframe[0].value["city"]} == {field.options[0]}


def test_a_range_leaves_out_missing_numbers_and_its_untouched_end_is_open() -> None:
    app = filtered("income")
    field = app.slider(key=f"{FILTER}_income")
    field.set_range(0.5, field.value[1]).run()
    assert not app.exception and (app.dataframe[0].value["income"] >= 0.5).all()
    assert app.dataframe[0].value["income"].max() == float("inf")


def test_a_column_of_the_data_with_the_name_of_ours_is_not_the_number_of_the_row() -> None:
    app = filtered(f"{ROW} (column)")
    app.multiselect(key=f"{FILTER}_{ROW} (column)").set_value(["odd"]).run()
    assert not app.exception and {*app.dataframe[0].value[f"{ROW} (column)"]} == {"odd"}


def test_another_candidate_has_a_filter_of_its_own() -> None:
    app = filtered("city")
    everything = AppTest.from_function(changed_rows, default_timeout=60).run()
    everything.selectbox(key="flips_candidate").select("full_retrain").run()
    app.multiselect(key=f"{FILTER}_city").set_value(app.multiselect(key=f"{FILTER}_city").options[:1]).run()
    app.selectbox(key="flips_candidate").select("full_retrain").run()
    assert not app.exception and count(app) == count(everything)


def test_the_other_part_can_be_chosen_and_says_that_its_columns_are_not_there() -> None:
    app = opened("regression")
    app.segmented_control(key="flips_side").set_value("old").run()
    assert not app.exception
    assert sum("were not kept as they came" in caption.value for caption in app.caption) == 1
    assert (
        sum("were not kept as they came" in caption.value for caption in opened("binary", False).caption) == 2
    )

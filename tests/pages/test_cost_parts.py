"""The cost section: nothing is counted until there is something to count, and what is entered reaches the answer."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest


def page(made: dict) -> None:
    import streamlit as st

    from pages._ui.cost_parts import show_cost
    from pages._ui.wishes import stakes
    from tests.report.example import comparison, content, evidence

    answer = content(comparison(**made), evidence(**made))
    show_cost(answer)
    st.code(repr(stakes(answer.spec)))


def opened(**made: Any) -> AppTest:
    app = AppTest.from_function(page, args=({"seeds": 1} | made,), default_timeout=120).run()
    assert not app.exception, app.exception
    return app


def field(app: AppTest, name: str) -> Any:
    return next(one for one in app.number_input if one.key.startswith(f"{name}_"))


def entered(app: AppTest, **values: float) -> AppTest:
    for name, value in values.items():
        field(app, name).set_value(value)
    app.run()
    assert not app.exception, app.exception
    return app


def test_nothing_is_counted_until_value_predictions_and_days_are_given() -> None:
    app = opened()
    assert [field.value for field in app.number_input] == [None] * 4
    assert len(app.get("plotly_chart")) == 1 and app.code[0].value == "None"
    entered(app, value=0.5, a_day=1000)
    assert len(app.get("plotly_chart")) == 1 and app.code[0].value == "None"
    entered(app, days=90)
    assert len(app.get("plotly_chart")) == 3
    assert app.code[0].value == "Stakes(value=0.5, a_day=1000.0, days=90.0, an_hour=0.0)"


def test_the_result_is_a_sentence_with_its_interval_and_a_row_a_candidate() -> None:
    app = entered(opened(), value=0.5, a_day=1000, days=90, an_hour=40)
    (sentence,) = [text.value for text in app.markdown if text.value.startswith("**Full retrain pays back")]
    assert "over 90 days" in sentence and "95 " in sentence
    assert any("matter most" in caption.value for caption in app.caption)
    assert list(app.dataframe[1].value["candidate"]) == ["Fine-tune", "Incremental", "Full retrain"]


def test_without_a_score_of_keep_there_is_no_gain_to_count() -> None:
    app = opened(broken={"keep": "It fell."})
    assert not app.exception and not app.number_input and app.dataframe


@pytest.mark.parametrize("made", [{"task": "regression"}, {"old": False}], ids=["regression", "no old rows"])
def test_every_kind_of_problem_can_be_counted(made: dict[str, Any]) -> None:
    app = entered(opened(**made), value=1, a_day=100, days=30)
    assert len(app.get("plotly_chart")) == 3
    label = field(app, "value").label
    assert ("absolute error" in label) == (made.get("task") == "regression")

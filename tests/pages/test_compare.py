"""The Compare page: the decision, what the user wishes of it, and every section of the evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import state
from pages._ui.evidence_parts import KNOWN_WHY, OLD_AND_NEW, SECTIONS
from pages._ui.tables import as_shown
from pages._ui.wishes import POINTS, wish_key
from retrain_core.answer import answer
from retrain_core.compare import compare
from retrain_core.compare.evidence import Side
from retrain_core.compare.flips import ROW
from retrain_core.data import read_table
from retrain_core.data.doubts import SEEN
from retrain_core.report.content import ReportContent
from retrain_core.report.tables import SCORE_COLUMNS, score_table
from retrain_core.report.verdict_tables import (
    ON_TRAINING,
    WHY_OUT,
    difference_columns,
    difference_table,
    weighed_columns,
    weighed_table,
)
from retrain_core.runs.names import new_id
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.store import Store
from retrain_core.types import Recommendation, Stakes, Wishes
from tests.conftest import ROOT
from tests.pages.conftest import Answered, Asked, work_off
from tests.pages.made import ID, ROWS
from tests.pages.test_compare_parts import formats
from tests.pages.test_pages import press, texts


@pytest.fixture(scope="module")
def found(answered: Answered) -> ReportContent:
    return answer(answered.store, answered.done.id, Wishes())


def told(content: ReportContent, wishes: Wishes) -> Recommendation:
    """Return what is recommended under other wishes."""
    assert content.evidence is not None
    level = content.shift.overall.level if content.shift else None
    recommendation = compare(content.evidence, wishes, level, content.comparison.notes).recommendation
    assert recommendation is not None
    return recommendation


def sentences(recommendation: Recommendation) -> tuple[str, ...]:
    return (recommendation.summary, *recommendation.reasons, *recommendation.changes, *recommendation.doubts)


def table(app: AppTest, name: str) -> Any:
    """Return the table with a column of this name."""
    return next(frame.value for frame in app.dataframe if name in frame.value)


def look_at(app: AppTest, section: str) -> AppTest:
    app.button_group(key="view").set_value(section).run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def test_it_shows_the_recommendation_what_it_rests_on_and_the_holdout(
    open_page, answered: Answered, found: ReportContent
) -> None:
    app = open_page("compare", answered.done.id)
    comparison, said = found.comparison, texts(app)
    assert comparison.recommendation is not None
    for sentence in sentences(comparison.recommendation):
        assert sentence in said
    assert f"same choice in {100 * comparison.recommendation.stability:.0f} % of resamples" in said
    assert "if old rows count 50 %" in said
    weighed, columns = (
        weighed_table(comparison, comparison.recommendation),
        weighed_columns(comparison.recommendation),
    )
    assert table(app, "expected (margins)").equals(as_shown(weighed, columns)[0])
    assert comparison.holdout.sha256[:16] in said
    assert f"{comparison.holdout.new_rows} new and {comparison.holdout.old_rows} old rows" in said
    assert "80 held-out new rows tell differences" in said
    assert table(app, "best on").equals(as_shown(score_table(comparison), SCORE_COLUMNS)[0])


def test_that_the_old_model_has_seen_the_old_rows_is_told_once(
    open_page, answered: Answered, found: ReportContent
) -> None:
    assert SEEN in found.split.warnings
    app = open_page("compare", answered.done.id)
    assert SEEN.title not in texts(app)
    assert texts(app).count("has probably been trained on the old rows of the holdout") == 1
    app.checkbox(key=wish_key(answered.done, "old_seen")).uncheck().run()
    assert "has probably" not in texts(app)


WISHES: dict[str, tuple[str, Any, Wishes]] = {
    "old_weight": ("slider", 0.0, Wishes(old_weight=0.0)),
    "margin": ("number_input", 20.0, Wishes(margin=20 / POINTS)),
    "most_seconds": ("number_input", 0.0, Wishes(most_seconds=0.0)),
    "most_forgetting": ("number_input", 0.0, Wishes(most_forgetting=0.0)),
    "old_seen": ("checkbox", False, Wishes(old_seen=False)),
    "score": ("selectbox", "auroc", Wishes(score="auroc")),
}


@pytest.mark.parametrize("name", WISHES)
def test_each_wish_moves_the_recommendation_at_once_and_on_the_report_too(
    open_page, answered: Answered, found: ReportContent, name: str
) -> None:
    kind, value, wishes = WISHES[name]
    app = open_page("compare", answered.done.id)
    getattr(app, kind)(key=wish_key(answered.done, name)).set_value(value).run()
    assert not app.exception
    expected = told(found, wishes)
    for sentence in sentences(expected):
        assert sentence in texts(app)
    assert expected != told(found, Wishes())
    app.switch_page("pages/report.py").run()
    assert not app.exception and expected.summary in texts(app)
    options = {
        "old_weight": "--old-weight 0", "margin": "--margin 0.2", "old_seen": "--old-unseen", "score": "--score auroc",
        "most_seconds": "--most-seconds 0", "most_forgetting": "--most-forgetting 0",
    }  # fmt: skip
    assert options[name] in app.code[0].value
    app.switch_page("pages/compare.py").run()
    assert getattr(app, kind)(key=wish_key(answered.done, name)).value == value


def test_a_limit_leaves_candidates_out_and_a_reset_takes_them_in_again(
    open_page, answered: Answered, found: ReportContent
) -> None:
    app = open_page("compare", answered.done.id)
    assert not app.expander[0].proto.expanded
    app.number_input(key=wish_key(answered.done, "most_seconds")).set_value(0.0).run()
    out = table(app, WHY_OUT).set_index("candidate")[WHY_OUT]
    assert out["Full retrain"].startswith("it trains for") and not out["Keep"]
    assert app.expander[0].proto.expanded
    press(app, "Reset")
    assert not app.exception and told(found, Wishes()).summary in texts(app)
    assert not any(WHY_OUT in frame.value for frame in app.dataframe)
    assert app.number_input(key=wish_key(answered.done, "most_seconds")).value is None
    assert app.expander[0].proto.expanded, "it does not close under the hand"


def test_stakes_are_no_limit_and_a_reset_leaves_them(open_page, answered: Answered) -> None:
    app = look_at(open_page("compare", answered.done.id), "Cost")
    for name in ("value", "a_day", "days"):
        app.number_input(key=wish_key(answered.done, name)).set_value(2.0)
    app.run()
    assert not app.expander[0].proto.expanded
    assert next(button for button in app.button if button.label == "Reset").disabled
    app.number_input(key=wish_key(answered.done, "most_seconds")).set_value(0.0).run()
    press(app, "Reset")
    assert app.number_input(key=wish_key(answered.done, "value")).value == 2.0


LINK = {
    "old_weight": "0.25", "score": "auroc", "margin": "20", "most_forgetting": "3", "most_seconds": "7.5",
    "old_seen": "false", "value": "0.5", "a_day": "1000", "days": "90", "an_hour": "40",
}  # fmt: skip
LINKED = Wishes("auroc", 0.25, 0.2, 0.03, 7.5, False, Stakes(0.5, 1000.0, 90.0, 40.0))


def linked(experiment: str, page: str, **wishes: str) -> AppTest:
    """Open a link in a new tab."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"experiment": experiment, **wishes})
    app.run()
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def link_of(app: AppTest) -> dict[str, str]:
    """Return the query of the address."""
    return {name: one if isinstance(one, str) else one[0] for name, one in app.query_params.items()}


@pytest.mark.parametrize("page", ["compare", "report"])
def test_a_link_holds_the_wishes(answered: Answered, found: ReportContent, page: str) -> None:
    app = linked(answered.done.id, page, **LINK)
    assert told(found, LINKED).summary in texts(app)
    if page == "report":
        assert "--score auroc" in app.code[0].value and "--most-seconds 7.5" in app.code[0].value
    assert link_of(app) == {"experiment": answered.done.id, **LINK}


def test_what_is_wished_comes_into_the_link_and_what_is_usual_goes(
    open_page, answered: Answered, found: ReportContent
) -> None:
    app = open_page("compare", answered.done.id)
    assert set(app.query_params) == {"experiment"}
    app.slider(key=wish_key(answered.done, "old_weight")).set_value(0.0).run()
    app.number_input(key=wish_key(answered.done, "most_seconds")).set_value(0.0).run()
    link = link_of(app)
    assert link == {"experiment": answered.done.id, "old_weight": "0", "most_seconds": "0"}
    wishes = Wishes(old_weight=0.0, most_seconds=0.0)
    other = linked(link.pop("experiment"), "report", **link)
    assert told(found, wishes).summary in texts(other)
    press(app, "Reset")
    assert set(app.query_params) == {"experiment", "old_weight"}


def test_wishes_that_make_no_sense_are_dropped_from_the_link(
    answered: Answered, found: ReportContent
) -> None:
    wrong = {
        "old_weight": "2",
        "score": "mae",
        "margin": "nan",
        "most_seconds": "soon",
        "old_seen": "?",
        "days": "-1",
    }
    app = linked(answered.done.id, "compare", **wrong)
    assert told(found, Wishes()).summary in texts(app)
    assert set(app.query_params) == {"experiment"}


def test_wishes_are_those_of_one_experiment(answered: Answered) -> None:
    app = linked(answered.done.id, "compare", value="0.5", most_seconds="0")
    app.query_params.clear()
    app.query_params["experiment"] = answered.fresh.id
    app.switch_page("pages/train.py").run()
    assert not app.exception and set(app.query_params) == {"experiment"}


def test_an_emptied_margin_is_the_usual_one(open_page, answered: Answered, found: ReportContent) -> None:
    app = open_page("compare", answered.done.id)
    app.number_input(key=wish_key(answered.done, "margin")).set_value(None).run()
    assert not app.exception and told(found, Wishes()).summary in texts(app)


def test_the_score_that_decides_is_shown_first_in_every_section(answered: Answered) -> None:
    app = linked(answered.done.id, "compare", score="log_loss")
    assert app.selectbox(key="dots_left_score").value == "log_loss"
    assert app.selectbox(key="dots_right_score").value == "auprc"
    assert look_at(app, "Differences").selectbox(key="differences_score").value == "log_loss"
    assert look_at(app, "Groups").selectbox(key="slices_score").value == "log_loss"


def test_differences_are_told_of_the_chosen_part_and_score(
    open_page, answered: Answered, found: ReportContent
) -> None:
    app = look_at(open_page("compare", answered.done.id), "Differences")

    def expected(side: Side, score: str) -> pd.DataFrame:
        return as_shown(difference_table(found.comparison, side, score), difference_columns(score))[0]

    assert table(app, "against").equals(expected("new", "accuracy"))
    app.button_group(key="differences_side").set_value("old").run()
    app.selectbox(key="differences_score").select("log_loss").run()
    assert table(app, "against").equals(expected("old", "log_loss"))


def test_the_columns_of_the_held_out_rows_make_groups(open_page, answered: Answered) -> None:
    app = look_at(open_page("compare", answered.done.id), "Groups")
    app.multiselect(key="slices_columns").set_value(["a", "b"]).run()
    assert not app.exception and "were not kept" not in texts(app)
    charts = len(app.get("plotly_chart"))
    app.multiselect(key="slices_columns").set_value([]).run()
    assert len(app.get("plotly_chart")) == charts - 1


def test_columns_are_chosen_without_old_data_too(open_page, unserved: Asked) -> None:
    store, spec = unserved[0], replace(unserved[1], id=new_id(), old=None)
    store.save_experiment(spec)
    store.add_runs(plan_runs(spec.id, {}))
    work_off(store, spec)
    app = look_at(open_page("compare", spec.id), "Groups")
    assert app.multiselect(key="slices_columns").value == ["a", "b"]


def test_a_changed_row_is_found_by_its_number_in_the_file(open_page, answered: Answered) -> None:
    app = look_at(open_page("compare", answered.done.id), "Changed rows")
    app.selectbox(key="flips_candidate").select("full_retrain").run()
    new = answered.done.new
    shown, file = table(app, ROW), read_table(answered.store.file_path(new), new.name).columns
    assert len(shown) and f"Row 1 is the first row of data in {new.name}." in texts(app)
    assert shown[["a", "b"]].to_numpy().tolist() == file[["a", "b"]].iloc[shown[ROW] - 1].to_numpy().tolist()


# --- every kind of problem ------------------------------------------------------------------------


def page(task: str, options: dict) -> None:
    from pages._ui.decision_parts import decision, holdout
    from pages._ui.evidence_parts import sections
    from tests.pages.made import answer_to

    content = answer_to(task, **options)
    decision(content)
    holdout(content)
    sections(content)


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = Store(tmp_path / "store")
    monkeypatch.setattr(state, "store", lambda: store)
    for side in ("new", "old"):
        folder = store.experiment_folder(ID) / "data" / f"{side}_holdout"
        folder.mkdir(parents=True)
        np.save(folder / "rows.npy", np.arange(ROWS))

    def open_answer(task: str, **options: Any) -> AppTest:
        app = AppTest.from_function(page, args=(task, options), default_timeout=60).run()
        assert not app.exception, [error.message for error in app.exception]
        return app

    return open_answer


# How many charts there are beside that of worth, and how many tables beside that of what candidates are worth.
SHOWN: dict[str, dict[str, tuple[int, int]]] = {
    "binary": {
        "Scores": (2, 2), "Differences": (0, 1), "Errors": (6, 0), "Groups": (1, 0), "Changed rows": (1, 1),
        "Old and new": (1, 1), "Training": (2, 0), "Cost": (1, 1),
    },
    "regression": {"Errors": (2, 0), "Groups": (0, 0)},
}  # fmt: skip


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_every_section_has_its_charts_for_every_kind_of_problem(opened, task: str, section: str) -> None:
    app = look_at(opened(task), section)
    charts, tables = (SHOWN["binary"] | SHOWN.get(task, {}))[section]
    assert (len(app.get("plotly_chart")) - 1, len(app.dataframe) - 1) == (charts, tables)


def test_losses_in_large_units_have_no_idle_decimals(opened) -> None:
    app = opened("regression")
    scores = next(frame for frame in app.dataframe if "new loss" in frame.value)
    assert scores.value["new loss"].between(10, 100).all()
    assert formats(scores)["new loss"] == "%.3f" and formats(scores)["training (s)"] == "%.1f"


def test_without_old_rows_nothing_is_asked_of_them(opened) -> None:
    app = opened("binary", old=False)
    assert OLD_AND_NEW not in app.button_group(key="view").options and not app.slider
    assert {field.label for field in app.number_input} == {
        "Smallest difference that matters (points)", "Most seconds of training",
    }  # fmt: skip
    assert not app.checkbox


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("failed", [("keep",), ("keep", "fine_tune", "full_retrain")])
def test_without_a_score_of_keep_it_says_so_and_shows_the_rest(
    opened, section: str, failed: tuple[str, ...]
) -> None:
    app = look_at(opened("binary", failed=failed), section)
    assert "There is no recommendation." in app.error[0].value and not app.number_input
    if section == "Differences":
        assert "There is nothing to compare" in texts(app)
    if section == "Errors" and len(failed) == 3:
        assert "No candidate has a score." in texts(app)


def test_a_score_that_a_part_has_too_few_rows_for_has_no_differences_there(opened) -> None:
    wishes = Wishes(score="auroc", old_seen=False)
    app = look_at(opened("binary", few_old=True, wishes=wishes), "Differences")
    app.selectbox(key="differences_score").select("auroc").run()
    assert len(table(app, "against")) == 3
    app.button_group(key="differences_side").set_value("old").run()
    assert not app.exception and "too few rows of a class for this score" in texts(app)
    app.selectbox(key="differences_score").select("accuracy").run()
    assert len(table(app, "against")) == 3 and "for this score" not in texts(app)


def test_every_score_has_its_interval_in_a_table(opened) -> None:
    found = table(opened("binary"), "new part")
    assert {"AUROC (higher is better)", "Brier score (lower is better)"} <= {*found["score"]}
    row = found.set_index(["score", "candidate"]).loc[("AUROC (higher is better)", "Fine-tune")]
    assert " to " in row["new part"] and " to " in row["change from keep, new"]


def test_differences_on_old_rows_say_which_rows_these_are(opened) -> None:
    app = look_at(opened("binary", trained=True), "Differences")
    assert app.button_group(key="differences_side").options == ["new holdout rows", "old training rows"]
    assert KNOWN_WHY not in texts(app)
    app.button_group(key="differences_side").set_value("old").run()
    assert KNOWN_WHY in texts(app)
    app = look_at(opened("binary", trained=True, wishes=Wishes(old_seen=False)), "Differences")
    assert app.button_group(key="differences_side").options == ["new holdout rows", "old holdout rows"]


def test_what_is_forgotten_is_told_on_rows_that_both_know_too(opened) -> None:
    app = look_at(opened("binary", trained=True), OLD_AND_NEW)
    assert any(ON_TRAINING in column for column in table(app, "lost (points)"))
    app = look_at(opened("binary"), OLD_AND_NEW)
    assert not any(ON_TRAINING in column for column in table(app, "lost (points)"))


def test_groups_of_old_rows_say_that_the_old_model_has_seen_them(opened) -> None:
    words = "The old model has probably been trained on these rows, which flatters it."
    app = look_at(opened("binary"), "Groups")
    assert words not in texts(app)
    app.button_group(key="slices_side").set_value("old").run()
    assert words in texts(app)
    app = look_at(opened("binary", wishes=Wishes(old_seen=False)), "Groups")
    app.button_group(key="slices_side").set_value("old").run()
    assert words not in texts(app)


def test_margins_and_limits_are_told_in_the_score_that_is_weighed(open_page, answered: Answered) -> None:
    app = open_page("compare", answered.done.id)
    assert "That is 0.5 points of accuracy, 0.01 of log-loss." in texts(app)
    app.number_input(key=wish_key(answered.done, "most_forgetting")).set_value(5.0).run()
    assert "That is 5.0 points of accuracy." in texts(app)
    app.selectbox(key=wish_key(answered.done, "score")).select("log_loss").run()
    assert "That is 0.01 of log-loss." in texts(app) and "That is 0.1 of log-loss." in texts(app)


def many_labels() -> None:
    from dataclasses import replace

    from pages._ui.decision_parts import holdout
    from tests.pages.made import answer_to

    content = answer_to("multiclass", others=())
    comparison, held = content.comparison, {f"class {number}": 5 for number in range(15)}
    rows = replace(comparison.holdout, labels={"new": held, "old": {"*a*": 1}})
    holdout(replace(content, comparison=replace(comparison, holdout=rows)))


def test_labels_that_are_not_listed_are_counted() -> None:
    app = AppTest.from_function(many_labels, default_timeout=60).run()
    assert not app.exception and "class 11: 5 and 3 more." in texts(app)
    assert app.caption[1].value == r"Old part by label\: \*a\*\: 1\."


def test_keep_alone_is_kept(opened) -> None:
    app = opened("multiclass", others=())
    assert "Keep the old model: nothing else has a score" in texts(app)
    assert "Nothing to choose among yet." in texts(app) and "same choice" not in texts(app)
    assert "There is nothing to compare" in texts(look_at(app, "Differences"))
    for section in SECTIONS:
        look_at(app, section)


def test_what_scores_are_weighed_by_is_named(opened) -> None:
    (binary,) = [box for box in opened("binary").selectbox if box.label == "Weigh by"]
    assert binary.options[0] == "Accuracy and log-loss (usual)" and "AUROC" in binary.options
    (numbers,) = [box for box in opened("regression").selectbox if box.label == "Weigh by"]
    assert numbers.options == ["Mean absolute error (usual)", "Loss", "Root mean squared error", "R2"]

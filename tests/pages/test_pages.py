"""Each page: what it shows, and what it says when there is nothing to show."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import state
from pages._ui.drafts import Draft
from retrain_core.answer import answer
from retrain_core.data.time_order import ROW_ORDER
from retrain_core.models import checked_card
from retrain_core.runs.index import Index
from retrain_core.runs.names import new_id
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.probes import plan_shift
from retrain_core.strategies import SHARED_OPTIONS, STRATEGIES, options_of
from retrain_core.types import ModelCard, ShiftSettings, SplitSettings, Wishes, to_json
from tests.conftest import ROOT
from tests.make import table
from tests.pages.conftest import Answered, Asked, texts, work_off

NEEDS_DATA = ("shift", "diagnosis", "train", "compare", "report")
NEEDS_RUNS = ("compare", "report")


def links(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


@pytest.mark.parametrize("page", NEEDS_DATA)
def test_without_data_a_page_says_what_is_missing_and_links_the_next_step(open_page, page: str) -> None:
    app = open_page(page)
    (info,) = app.info
    assert "There is no data yet." in info.value and "Here" in info.value
    assert links(app) == ["Try a sample", "Choose your files"]


def test_the_data_page_begins_with_what_to_do(open_page) -> None:
    app = open_page("data")
    assert "Choose an old model and the new data" in app.info[0].value
    assert links(app) == ["Try a sample"]


@pytest.mark.parametrize("page", NEEDS_RUNS)
def test_without_runs_a_page_links_to_train(open_page, answered: Answered, page: str) -> None:
    app = open_page(page, answered.fresh.id)
    assert "Nothing has been trained yet." in app.info[0].value
    assert links(app) == ["Go to Train"]


@pytest.mark.parametrize("page", ["start", "data", *NEEDS_DATA])
@pytest.mark.parametrize("id", ["../../etc", "20260101-000000-abcd"])
def test_a_damaged_link_is_said_and_the_page_goes_on(open_page, page: str, id: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["experiment"] = id
    app.run()
    assert not app.exception
    assert any("no such experiment" in error.value for error in app.error)
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception and app.title[0].value


def test_start_offers_every_sample_and_lists_experiments(open_page, answered: Answered) -> None:
    app = open_page("start")
    assert [button.label for button in app.button].count("Try the sample") == 3
    assert {"made", "not run yet", "without old"} <= {label.replace("\\", "") for label in links(app)}
    assert "4 of 4 runs done" in texts(app)


def test_start_opens_experiments_of_version_0_1_0_and_tells_those_it_cannot_read(
    open_page, unserved: Asked
) -> None:
    store, spec = unserved
    experiments = store.root / "experiments"
    old, damaged = new_id(), new_id()
    written = json.loads((experiments / spec.id / "experiment.json").read_text())
    written |= {"id": old, "name": "from 0.1.0"}
    written["schema"]["label"] = written["schema"].pop("labels")[0]
    for id, text in {old: json.dumps(written), damaged: "{}"}.items():
        (experiments / id).mkdir()
        (experiments / id / "experiment.json").write_text(text)
    app = open_page("start")
    assert "from 0.1.0" in {label.replace("\\", "") for label in links(app)}
    (warning,) = [found.value.replace("\\", "") for found in app.warning]
    assert "1 experiment could not be read." in warning and old not in warning
    assert f"{damaged}**: Object missing required field `id`. Start again in a new experiment." in warning
    store.add_beside(plan_shift(old, ShiftSettings()))
    work_off(store, replace(spec, id=old))
    app = open_page("shift", old)
    assert "Share of y = 1" in texts(app) and not app.error
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["experiment"] = damaged
    app.run()
    assert not app.exception and "cannot be read" in texts(app)


def test_shift_gives_its_verdict_and_every_column(open_page, answered: Answered) -> None:
    app = open_page("shift", answered.done.id)
    shift = answer(answered.store, answered.done.id, Wishes()).shift
    assert shift is not None and shift.overall.summary in texts(app)
    assert set(app.dataframe[0].value["column"]) == {"a", "b"}
    assert [selectbox.options for selectbox in app.selectbox if selectbox.label == "Look at a column"] == [
        [*(column.name for column in shift.columns), "y"]
    ]


def test_shift_shows_the_label_too(open_page, answered: Answered) -> None:
    app = open_page("shift", answered.done.id)
    app.selectbox(key="shift_column").select("y").run()
    assert not app.exception
    shift = answer(answered.store, answered.done.id, Wishes()).shift
    assert shift is not None and shift.label.summary in texts(app)


def test_without_old_data_shift_says_so_and_lets_go_on(open_page, answered: Answered) -> None:
    app = open_page("shift", answered.without_old.id)
    assert "Without old data, shift cannot be measured." in app.info[0].value
    assert links(app) == ["Add old data", "Go on to Diagnosis"]


def test_train_has_a_form_field_for_every_option(open_page, answered: Answered) -> None:
    app = open_page("train", answered.fresh.id)
    labels = {field.label for kind in (app.number_input, app.toggle, app.checkbox) for field in kind}
    for strategy in STRATEGIES.values():
        for option in options_of(strategy):
            if option.name not in SHARED_OPTIONS:
                assert option.label in labels, f"{strategy.name}.{option.name}"
    assert {"Epochs (at most)", "Batch size (rows)", "Seeds", "Step budget", "Balance classes"} <= labels
    assert [box.options[0] for box in app.selectbox if box.label == "Device"] == ["Automatic"]


def test_without_old_data_train_says_what_is_different(open_page, answered: Answered) -> None:
    said = texts(open_page("train", answered.without_old.id))
    assert "Without old data it trains on the new rows only." in said
    assert "Needs old data. Old rows are what it replays." in said
    assert "Without old data" not in texts(open_page("train", answered.fresh.id))


def test_train_needs_a_strategy(open_page, answered: Answered) -> None:
    app = open_page("train", answered.fresh.id)
    for name in ("fine_tune", "incremental", "full_retrain"):
        app.checkbox(key=f"use_{name}").uncheck()
    app.run()
    (start,) = [button for button in app.button if button.label == "Start"]
    assert start.disabled and "Choose at least one strategy" in texts(app)


def test_the_usual_strategies_are_on_and_the_others_one_click_away(open_page, answered: Answered) -> None:
    app = open_page("train", answered.fresh.id)
    on = {name for name in STRATEGIES if name != "keep" and app.checkbox(key=f"use_{name}").value}
    assert on == {"fine_tune", "incremental", "full_retrain"}


def test_a_strategy_that_cannot_be_run_is_off_and_says_why(open_page, answered: Answered) -> None:
    app = open_page("train", answered.without_old.id)
    off = {name for name in STRATEGIES if name != "keep" and app.checkbox(key=f"use_{name}").disabled}
    assert off == {"replay", "ewc"}


def test_train_shows_a_card_for_every_run_that_was_made(open_page, answered: Answered) -> None:
    app = open_page("train", answered.done.id)
    said = texts(app)
    for title in ("Keep", "Fine-tune", "Incremental", "Full retrain"):
        assert f"**{title}** :green-badge[finished]" in said
    assert "All runs have ended." in said and "Compare them" in links(app)


def test_a_run_that_was_stopped_before_it_started_is_not_called_trained(answered: Answered) -> None:
    def card() -> None:
        from pages._ui.cards import run_card
        from retrain_core.runs import RunState
        from retrain_core.types import RunResult, RunSpec

        result = RunResult("stopped", device="auto", error="It was stopped before it started.")
        spec = RunSpec("full_retrain-0", "e", "full_retrain", {}, 0)
        run_card(RunState(spec, "stopped", result=result), several_seeds=False)

    app = AppTest.from_function(card, default_timeout=60).run()
    assert not app.exception
    assert "stopped before it started" in texts(app) and "trained for" not in texts(app)


def test_report_offers_the_report_the_numbers_and_each_model(open_page, answered: Answered) -> None:
    app = open_page("report", answered.done.id)
    labels = [button.proto.label for button in app.get("download_button")]
    assert labels == [
        "Report (HTML)", "Scores (CSV)", "Comparison (JSON)", "Shift (JSON)", "Sensitivity (JSON)",
        "Keep (.keras)", "Fine-tune (.keras)", "Incremental (.keras)", "Full retrain (.keras)",
    ]  # fmt: skip
    assert app.code[0].value.startswith(
        "python -m retrain_core compare --model model.keras --new new.parquet --old old.parquet"
    )


def test_the_data_page_shows_what_it_inferred_and_checked(open_page, answered: Answered) -> None:
    app = open_page("data", answered.done.id)
    assert {box.label: box.value for box in app.selectbox} == {
        "Label column": "y", "The model predicts": "binary", "Outputs are": False, "Time column": None, "Id column": None,
    }  # fmt: skip
    said = texts(app)
    assert "2 columns feed the input 'row'" in said and "New data: all 400 rows can be used" in said


def test_a_choice_that_does_not_fit_is_said_and_can_be_undone(open_page, answered: Answered) -> None:
    app = open_page("data", answered.done.id)
    app.selectbox[0].select("a").run()
    assert not app.exception
    assert app.error and "Undo my changes" in [button.label for button in app.button]
    next(button for button in app.button if button.label == "Undo my changes").click().run()
    assert not app.error and app.selectbox[0].value == "y"


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()


def upload(app: AppTest, label: str, name: str, content: bytes) -> AppTest:
    next(field for field in app.file_uploader if field.label.startswith(label)).upload(name, content)
    return app.run()


def test_a_wrong_file_is_refused_and_what_was_entered_is_kept(open_page, answered: Answered) -> None:
    app = open_page("data", answered.done.id)
    upload(app, "New data", "picture.csv", b"\x89PNG\r\n\x1a\n" + b"0" * 64)
    assert not app.exception
    assert any("picture.csv cannot be used as data." in error.value.replace("\\", "") for error in app.error)
    said = texts(app)
    assert "model.keras" in said and "old.parquet" in said  # still there


def test_a_wrong_model_is_refused_and_read_once(
    open_page, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    def counted(path: Path, name: str) -> ModelCard:
        reads.append(name)
        return checked_card(path, name)

    monkeypatch.setattr(state, "checked_card", counted)
    app = open_page("data", answered.without_old.id)
    upload(app, "Old model", "churn.keras", b"\x80\x04" + b"0" * 64)
    app.run()
    assert not app.exception and reads == ["churn.keras"]
    (error,) = [error.value.replace("\\", "") for error in app.error if "churn" in error.value]
    assert "churn.keras: The file is a Python pickle" in error and "model.save(" in error
    assert "new.parquet" in texts(app)  # still there


def test_names_are_shown_as_they_are_and_never_as_markdown(open_page, answered: Answered) -> None:
    frame = table(60, 1).rename(columns={"a": "![x](http://a.example/b.png)"})
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    app = open_page("data", answered.without_old.id)
    upload(app, "New data", "[click](http://a.example).parquet", buffer.getvalue())
    assert not app.exception
    kinds = (app.markdown, app.caption, app.error, app.warning, app.info, app.success)
    raw = json.dumps([element.value for kind in kinds for element in kind])
    assert "](http" not in raw and "click" in raw


def test_a_column_too_many_is_said_and_can_be_taken_out(open_page, answered: Answered) -> None:
    app = with_one_more(open_page, answered, "flag", [0, 1] * 30)
    assert any("takes 2 values a row" in error.value.replace("\\", "") for error in app.error)
    app.multiselect[0].unselect("flag").run()
    assert not app.error and not app.exception
    assert "New data: all 60 rows can be used" in texts(app)


def test_an_id_too_many_is_left_out_with_one_click_and_back_with_another(
    open_page, answered: Answered
) -> None:
    app = with_one_more(open_page, answered, "id", range(60))
    for _ in range(2):
        said = texts(app)
        assert not app.error and "more.csv has 1 column more than the model takes." in said
        assert "id looks like an id: nearly every row has a value of its own." in said
        press(app, "Leave out id")
        assert not app.warning and "New data: all 60 rows can be used" in texts(app)
        assert "Not used: id." in texts(app)
        press(app, "Undo my changes")


def with_one_more(open_page, answered: Answered, name: str, values: Any) -> AppTest:
    """Return the Data page with a column too many in the new data, nothing chosen."""
    frame = table(60, 1)
    frame.insert(0, name, values)
    app = open_page("data", answered.without_old.id)
    upload(app, "New data", "more.csv", frame.to_csv(index=False).encode())
    press(app, "Undo my changes")
    return app


def of_customers(rows: int, seed: int) -> pd.DataFrame:
    """Return rows that say when they came and whose they are."""
    days = pd.date_range("2026-01-01", periods=rows).strftime("%Y-%m-%d")
    return table(rows, seed).assign(day=days, customer_id=range(rows))


def choose(app: AppTest, label: str, value: str | None) -> AppTest:
    return next(box for box in app.selectbox if box.label == label).set_value(value).run()


def test_a_time_and_an_id_column_can_be_named_and_are_kept(open_page, answered: Answered) -> None:
    app = open_page("data", answered.without_old.id)
    upload(app, "New data", "customers.csv", of_customers(200, 1).to_csv(index=False).encode())
    said = texts(app).replace("\\", "")
    assert "day holds dates" in said and "customer_id may say whose a row is" in said
    for label, value in (("Time column", "day"), ("Id column", "customer_id")):
        choose(app, label, value)
    said = texts(app).replace("\\", "")
    assert not app.error and not app.exception  # columns that are named are no inputs
    assert "day holds dates" not in said and "held-out ids tell differences" in said
    draft = app.query_params["draft"]
    again = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    again.query_params["draft"] = draft
    again.run()
    again.switch_page("pages/data.py").run()
    chosen = {box.label: box.value for box in again.selectbox}
    assert (chosen["Time column"], chosen["Id column"]) == ("day", "customer_id")
    next(button for button in again.button if button.label == "Use this data").click().run()
    spec = max(answered.store.experiments()[0], key=lambda spec: spec.created)
    assert spec.split == SplitSettings(time="day", id="customer_id")
    assert spec.schema.bindings[0].columns == ("a", "b")
    assert answered.store.shift_settings(spec.id).time == "day"


def test_only_what_puts_rows_in_order_is_offered_as_time(open_page, answered: Answered) -> None:
    frame = table(100, 1).assign(word=["x", "y"] * 50)
    app = open_page("data", answered.without_old.id)
    upload(app, "New data", "words.csv", frame.to_csv(index=False).encode())
    boxes = next(box for box in app.selectbox if box.label == "Time column")
    assert "word" not in boxes.options and boxes.options[-1] == ROW_ORDER
    app.multiselect[0].unselect("word").run()
    choose(app, "Time column", ROW_ORDER)
    assert not app.exception and "can be used" in texts(app)


def test_another_file_forgets_which_columns_were_named(open_page, answered: Answered) -> None:
    app = open_page("data", answered.without_old.id)
    upload(app, "New data", "customers.csv", of_customers(200, 1).to_csv(index=False).encode())
    choose(app, "Id column", "customer_id")
    upload(app, "New data", "plain.csv", table(100, 1).to_csv(index=False).encode())
    assert not app.exception and not app.error
    assert next(box for box in app.selectbox if box.label == "Id column").value is None


def test_choices_that_a_new_file_has_too_are_kept(open_page, answered: Answered) -> None:
    app = open_page("data", answered.without_old.id)
    frame = table(60, 1).rename(columns={"y": "churned"})[["churned", "b", "a"]]
    upload(app, "New data", "first.csv", frame.to_csv(index=False).encode())
    next(box for box in app.selectbox if box.label == "Label column").select("churned").run()
    assert app.multiselect[0].value == ["b", "a"]
    app.multiselect[0].set_value(["a", "b"]).run()
    upload(app, "New data", "second.csv", frame.assign(campaign=1.0).to_csv(index=False).encode())
    assert not app.error and not app.exception
    assert next(box for box in app.selectbox if box.label == "Label column").value == "churned"
    assert app.multiselect[0].value == ["a", "b"]


def test_choices_outlast_a_file_that_cannot_be_read_and_one_without_the_label(
    open_page, answered: Answered
) -> None:
    app = open_page("data", answered.fresh.id)
    frame = table(60, 1).rename(columns={"y": "answer"})[["a", "answer", "b"]]
    for label in ("Old data", "New data"):
        upload(app, label, "rows.csv", frame.to_csv(index=False).encode())
    choose(app, "Label column", "answer")
    upload(app, "Old model", "bad.keras", b"none")
    upload(app, "New data", "bad.csv", b"%PDF-1.7")
    upload(app, "Old model", "good.keras", answered.store.file_path(answered.done.model).read_bytes())
    upload(app, "New data", "no_label.csv", table(60, 1)[["a", "b"]].to_csv(index=False).encode())
    assert "no_label.csv has no column 'answer'. It is needed as the label" in texts(app).replace(
        "**  \n", " "
    ).replace("**", "")
    upload(app, "New data", "good.csv", frame.to_csv(index=False).encode())
    assert (
        not app.error and next(box for box in app.selectbox if box.label == "Label column").value == "answer"
    )


def test_one_file_is_always_shown(open_page, answered: Answered) -> None:
    app = open_page("data", answered.fresh.id)
    upload(app, "New data", "picture.csv", b"\x89PNG\r\n\x1a\n" + b"0" * 64)
    assert app.button_group(key="preview").value == "old"
    upload(app, "New data", "rows.csv", table(60, 1).to_csv(index=False).encode())
    assert app.button_group(key="preview").value == "old" and "600 rows, 3 columns" in texts(app)


def test_a_file_that_cannot_be_read_is_still_needed(open_page, answered: Answered) -> None:
    app = upload(open_page("data"), "Old model", "rows.csv", table(60, 1).to_csv(index=False).encode())
    assert "Still needed: the old model and the new data." in texts(app)


def test_labels_that_cannot_be_told_can_be_named(open_page, answered: Answered) -> None:
    frame = table(60, 1)
    frame["y"] = "yes"
    app = open_page("data", answered.without_old.id)
    upload(app, "New data", "only_yes.csv", frame.to_csv(index=False).encode())
    assert any("Name all labels" in error.value for error in app.error)
    app.text_input[0].set_value("no, yes").run()
    assert not app.error and "no row with label no" in texts(app)


@pytest.mark.parametrize("labels", [(" <=50K", " >50K"), ("no", "yes, late"), ('say "no"', "yes")])
def test_labels_with_spaces_commas_and_quotes_are_kept(
    open_page, answered: Answered, labels: tuple[str, str]
) -> None:
    frame = table(60, 1)
    frame["y"] = frame["y"].map(dict(enumerate(labels)))
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    app = open_page("data", answered.without_old.id)
    upload(app, "New data", "labels.parquet", buffer.getvalue())
    assert not app.error and not app.exception
    assert "New data: all 60 rows can be used" in texts(app)


def test_a_second_tab_cannot_change_runs_that_there_are(open_page, answered: Answered) -> None:
    spec = replace(answered.fresh, id=new_id())
    answered.store.save_experiment(spec)
    late = open_page("train", spec.id)
    answered.store.add_runs(plan_runs(spec.id, {"fine_tune": {}}, shared={"epochs": 1}))
    before = answered.store.runs(spec.id)
    next(button for button in late.button if button.label == "Start").click().run()
    assert not late.exception
    assert answered.store.runs(spec.id) == before


def test_start_asks_for_all_that_the_report_shows(open_page, answered: Answered) -> None:
    store, spec = answered.store, replace(answered.without_old, id=new_id())
    store.save_experiment(spec)
    app = open_page("train", spec.id)
    next(button for button in app.button if button.label == "Start").click().run()
    assert not app.exception
    for run in store.runs(spec.id):
        store.request_stop(spec.id, run.id)
    assert [probe.strategy for probe in store.probes(spec.id) if probe.work == "sensitivity"] == [
        "keep", "fine_tune", "incremental", "full_retrain",
    ]  # fmt: skip


def test_a_label_changed_and_changed_back_never_chooses_columns(open_page, answered: Answered) -> None:
    app = with_one_more(open_page, answered, "flag", [0, 1] * 30)
    for name in ("b", "y"):
        next(box for box in app.selectbox if box.label == "Label column").select(name).run()
        assert not app.exception
    assert any("takes 2 values a row" in error.value.replace("\\", "") for error in app.error)


def test_files_that_are_not_used_yet_are_not_called_missing(open_page, answered: Answered) -> None:
    app = open_page("data")
    upload(app, "New data", "rows.csv", table(60, 1).to_csv(index=False).encode())
    app.switch_page("pages/train.py").run()
    assert "The Data page is not finished." in app.info[0].value


@pytest.mark.parametrize(("slot", "name"), [("Old model", "rows.csv"), ("New data", "model.keras")])
def test_a_file_in_the_wrong_slot_is_said_in_that_slot(
    open_page, answered: Answered, slot: str, name: str
) -> None:
    model = answered.store.file_path(answered.done.model).read_bytes()
    content = model if name == "model.keras" else table(60, 1).to_csv(index=False).encode()
    app = upload(open_page("data"), slot, name, content)
    assert not app.exception
    (error,) = app.error
    assert name in error.value.replace("\\", "") and ":red[:material/error:]" in texts(app)


def test_undo_is_offered_only_if_something_was_overruled(open_page, answered: Answered) -> None:
    app = open_page("data", answered.fresh.id)
    assert "Undo my changes" not in [button.label for button in app.button]
    app.text_input[0].set_value("1, 0").run()
    assert "Undo my changes" in [button.label for button in app.button]


@pytest.mark.parametrize("id", ["../../etc/passwd", "20260101-000000-abcd", "%00"])
def test_a_draft_that_is_none_opens_an_empty_page(open_page, answered: Answered, id: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.run()
    app.switch_page("pages/data.py")
    app.query_params["draft"] = id
    app.run()
    assert not app.exception and "Choose an old model and the new data" in app.info[0].value


def test_an_old_file_that_cannot_be_read_is_said_once(open_page, answered: Answered) -> None:
    app = upload(open_page("data", answered.without_old.id), "Old data", "old.csv", b"%PDF-1.7")
    assert not app.exception
    (error,) = app.error
    assert "It is a PDF" in error.value.replace("\\", "") and "Use this data" not in [
        b.label for b in app.button
    ]


def test_a_new_experiment_is_called_by_its_model_and_its_new_data(answered: Answered) -> None:
    draft, spec = new_id(), answered.fresh
    files = {"model": replace(spec.model, name="churn.keras"), "new": replace(spec.new, name="may.parquet")}
    answered.store.save_draft(draft, to_json(Draft(files=files, id=draft)))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["draft"] = draft
    app.run()
    app.switch_page("pages/data.py").run()
    name = next(field for field in app.text_input if field.label == "Name of the experiment")
    assert not app.exception and name.value == "churn, may"


def test_an_experiment_that_waits_tells_its_place_in_the_queue(open_page, unserved: Asked) -> None:
    store, spec = unserved
    before = replace(spec, id=new_id(), name="asked before")
    store.save_experiment(before)
    index = Index(store.root / "index.sqlite")
    for one in (before, spec):
        store.add_runs(runs := plan_runs(one.id, {}))
        for run in runs:
            index.add_run(one.id, run.id, run.device)
        index.set_experiment(one.id, "ready")
        for path in (store.root / "inbox").glob(f"{one.id}.*"):
            path.unlink()
    index.close()
    told = "2nd in the queue: 1 experiment before it"
    assert any(told in caption.value for caption in open_page("train", spec.id).caption)
    on_start = [caption.value for caption in open_page("start").caption]
    assert sum("0 of 1 runs done · next in the queue" in text for text in on_start) == 1
    assert sum(f"0 of 1 runs done · {told}" in text for text in on_start) == 1


@pytest.mark.parametrize("content", [b"{", b'{"files": 3}'])
def test_a_damaged_draft_is_none(unserved: Asked, content: bytes) -> None:
    store, _ = unserved
    store.save_draft(id := new_id(), content)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["draft"] = id
    app.run()
    app.switch_page("pages/data.py").run()
    assert not app.exception and not app.error
    assert [toast.value for toast in app.toast] == ["What had been entered cannot be read any more."]

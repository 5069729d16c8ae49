"""Shift and Diagnosis: what was measured, what the user changes about it, and what is still missing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import shift_model
from pages._ui.shift_parts import MODEL, SECTIONS
from retrain_core.data.time_order import ROW_ORDER
from retrain_core.diagnosis import first_guess, volume_of
from retrain_core.errors import StoreError
from retrain_core.runs import known_devices, shift_of
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.probes import FOUND, plan_shift
from retrain_core.runs.runner import Runner
from retrain_core.shift.side_tables import INPUTS_FIRST, LABEL_FIRST, kinds_table
from retrain_core.types import ExperimentSpec, FirstGuess, RunResult, ShiftSettings, Thresholds
from tests.pages.conftest import Answered, Asked, once_shown
from tests.pages.test_pages import links, press, texts


def look_at(app: AppTest, section: str) -> AppTest:
    """Choose a section of the Shift page."""
    app.button_group(key="section").set_value(section).run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def field(app: AppTest, label: str):
    return next(field for field in app.number_input if field.label.startswith(label))


def progress(app: AppTest) -> str:
    """Return what the bars of progress say."""
    return " ".join(bar.proto.text for bar in app.get("progress"))


def formats(frame) -> dict[str, str | None]:
    """Return the formats of the columns of a table."""
    columns = json.loads(frame.proto.columns)
    return {name: (how.get("type_config") or {}).get("format") for name, how in columns.items()}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_shows_what_the_report_holds(open_page, answered: Answered, section: str) -> None:
    report = shift_of(answered.store, answered.done.id)
    assert report is not None and report.kinds and report.model and report.model.loss and report.joint
    app = look_at(open_page("shift", answered.done.id), section)
    shown = {
        "Columns": report.columns[0].summary,
        "All columns together": report.multivariate.summary,
        "Seen by the model": report.model.predictions.summary,
        "Labels and concept": report.model.loss.summary,
        "In time": "Choose a column, then the drift is shown chunk by chunk.",
        "What others say": "What the default rules of other tools say",
    }
    assert shown[section] in texts(app)
    if section == "Labels and concept":
        assert report.kinds.summary in texts(app)
        old, new = report.model.rows
        chance = f"No group of rows could be told from chance with {old:,} old and {new:,} new rows."
        assert (chance in texts(app)) is not bool(report.model.regions)


def test_numbers_of_a_column_have_as_many_decimals(open_page, answered: Answered) -> None:
    app = look_at(open_page("shift", answered.done.id), "All columns together")
    newest = next(frame for frame in app.dataframe if "like an old row (%)" in frame.value)
    assert formats(newest)["row"] == "%d"
    assert "Weighted to look like the new rows, the 600 old rows are worth about" in texts(app)
    measures = look_at(app, "Columns").dataframe[0]
    numbers = set(measures.value.select_dtypes("number"))
    assert {"effect (sd)", "95 % from"} <= numbers == {name for name, how in formats(measures).items() if how}


def test_the_shares_of_a_shift_are_explained_only_where_there_are_some(
    open_page, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "the shares of each add up to 100 %"
    assert said in texts(look_at(open_page("shift", answered.done.id), "Labels and concept"))
    monkeypatch.setattr(
        shift_model, "kinds_table", lambda kinds: kinds_table(kinds).drop(columns=[INPUTS_FIRST, LABEL_FIRST])
    )
    assert said not in texts(look_at(open_page("shift", answered.done.id), "Labels and concept"))


def test_a_column_can_be_read_otherwise_and_is_measured_again(
    open_page, answered: Answered, runner: Runner
) -> None:
    store, spec = answered.store, answered.fresh
    app = once_shown(runner, open_page("shift", spec.id), "Read as numeric.")
    (other,) = {"a", "b"} - {app.selectbox(key="shift_column").value}
    app.selectbox(key="shift_column").select(other).run()
    app.selectbox(key=f"reading_{other}").select("id").run()
    assert store.shift_settings(spec.id).readings == {other: "id"}
    once_shown(runner, app, "Read as id.")
    assert app.selectbox(key="shift_column").value == other
    app.selectbox(key=f"reading_{other}").select("as it looks").run()
    assert store.shift_settings(spec.id) == ShiftSettings()


def test_thresholds_can_be_changed_and_set_back(open_page, answered: Answered, runner: Runner) -> None:
    store, spec = answered.store, answered.fresh
    app = once_shown(runner, open_page("shift", spec.id), "Read as")
    first = texts(app)
    field(app, "Minor").set_value(3.0)
    press(app, "Use these")
    assert "Major has to be at least minor." in texts(app)
    assert store.shift_settings(spec.id) == ShiftSettings()  # nothing was taken over
    field(app, "Minor").set_value(3.0)
    field(app, "Major").set_value(3.0)
    press(app, "Use these")
    assert store.shift_settings(spec.id).thresholds == Thresholds(minor=3.0, major=3.0)
    once_shown(runner, app, "moved enough to matter")
    assert "moved enough to matter" not in first
    assert app.expander[0].proto.expanded  # to see what it did
    press(app, "Back to the usual ones")
    assert store.shift_settings(spec.id) == ShiftSettings()


def test_drift_in_time_is_shown_once_a_column_is_named(open_page, answered: Answered, runner: Runner) -> None:
    store, spec = answered.store, answered.fresh
    app = look_at(once_shown(runner, open_page("shift", spec.id), "Read as"), "In time")
    box = app.selectbox(key="time_column")
    assert box.options[0] == "no column" and ROW_ORDER in box.options
    box.select(ROW_ORDER).run()
    assert store.shift_settings(spec.id).time == ROW_ORDER
    once_shown(runner, app, "band")
    store.save_shift_settings(spec.id, ShiftSettings())


def guess_of(answered: Answered, spec: ExperimentSpec) -> FirstGuess:
    report = shift_of(answered.store, spec.id)
    assert report is not None
    return first_guess(report, volume_of(report), None)


def test_the_first_guess_names_what_was_measured(open_page, answered: Answered) -> None:
    said = texts(open_page("diagnosis", answered.done.id))
    assert "Before measuring, this pointed to" in said
    assert any(
        text in said
        for text in (
            "The measurement agrees with the first guess",
            "The measurement decides: ",
            "Not decided yet: ",
        )
    )
    said = texts(open_page("diagnosis", answered.fresh.id))
    assert "It is a guess from the data alone. Train measures it" in said


def test_the_first_guess_is_a_sentence_in_bold_and_its_points(open_page, answered: Answered) -> None:
    guess = guess_of(answered, answered.fresh)
    shown = [text.value.replace("\\", "") for text in open_page("diagnosis", answered.fresh.id).markdown]
    assert f"**{guess.lead}**" in shown
    assert "\n".join(f"- {point}" for point in guess.points) in shown


def test_the_guess_is_what_the_learning_curve_begins_with(open_page, answered: Answered) -> None:
    guess = guess_of(answered, answered.fresh)
    app = open_page("diagnosis", answered.fresh.id)
    (box,) = [box for box in app.selectbox if box.label == "Strategy"]
    assert box.value == (guess.strategy if guess.strategy != "keep" else "full_retrain")


@pytest.mark.parametrize(("guess", "query"), [("replay", "use_replay=true"), ("fine_tune", ""), ("keep", "")])
def test_the_link_to_train_switches_the_guess_on(
    open_page, answered: Answered, monkeypatch: pytest.MonkeyPatch, guess: str, query: str
) -> None:
    found = guess_of(answered, answered.fresh)
    monkeypatch.setattr("retrain_core.diagnosis.first_guess", lambda *_: replace(found, strategy=guess))
    app = open_page("diagnosis", answered.fresh.id)
    (box,) = [box for box in app.selectbox if box.label == "Strategy"]
    assert box.value == (guess if guess != "keep" else "full_retrain")
    (link,) = [link.proto for link in app.get("page_link") if link.proto.label == "Go on to Train"]
    assert f"experiment={answered.fresh.id}" in link.query_string
    assert link.query_string.partition("&")[2] == query
    assert ('"Go on to Train" below switches it on' in texts(app)) is bool(query)


def test_a_guess_that_changes_changes_the_learning_curve_offered(
    open_page, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, now = guess_of(answered, answered.fresh), ["fine_tune"]
    monkeypatch.setattr("retrain_core.diagnosis.first_guess", lambda *_: replace(found, strategy=now[0]))
    app = open_page("diagnosis", answered.fresh.id)
    now[0] = "replay"  # as when the model's view is known
    app.run()
    (box,) = [box for box in app.selectbox if box.label == "Strategy"]
    assert box.value == "replay"


def test_train_shows_what_a_link_switches_on(open_page, answered: Answered) -> None:
    app = open_page("train", answered.fresh.id)
    assert not more(app).proto.expanded and not app.checkbox(key="use_replay").value
    app.switch_page("pages/diagnosis.py").run()
    app.query_params = {"experiment": answered.fresh.id, "use_replay": "true"}
    app.switch_page("pages/train.py").run()
    assert more(app).proto.expanded and app.checkbox(key="use_replay").value
    app.checkbox(key="use_replay").uncheck().run()
    assert more(app).proto.expanded and not app.checkbox(key="use_replay").value


def more(app: AppTest):
    return next(block for block in app.expander if block.label.startswith("More strategies"))


@pytest.fixture
def damaged(answered: Answered) -> Iterator[Callable[[str], None]]:
    """Damage what a probe of the experiment has found, by its kind of work; all is mended afterwards."""
    store, spec = answered.store, answered.done
    before: dict[Path, bytes] = {}

    def damage(work: str) -> None:
        (probe,) = [probe for probe in plan_shift(spec.id, ShiftSettings()) if probe.work == work]
        folder = store.run_folder(spec.id, probe.id)
        path = folder / FOUND[probe.work][0]
        before[path] = path.read_bytes()
        path.write_text('{"columns": 1}')
        os.utime(folder / "result.json")  # an answer that was given before counts no more

    yield damage
    for path, text in before.items():
        path.write_bytes(text)
        os.utime(path.with_name("result.json"))


@pytest.mark.parametrize("page", ["compare", "report", "shift", "diagnosis"])
def test_a_damaged_finding_is_left_out_with_a_line_that_says_why(
    open_page, answered: Answered, damaged: Callable[[str], None], page: str
) -> None:
    damaged("explain")
    app = open_page(page, answered.done.id)
    if page == "shift":
        look_at(app, MODEL)
    assert "model_shift.json of" in texts(app)
    damaged("shift")
    app = open_page(page, answered.done.id)
    assert "shift_report.json of" in texts(app)
    if page == "compare":
        assert "What the old model makes of the shift could not be measured" in texts(app)
        assert app.button_group(key="view")
    if page == "report":
        labels = [button.proto.label for button in app.get("download_button")]
        assert "Report (HTML)" in labels and "Shift (JSON)" not in labels


def test_volume_resources_and_sensitivity_are_told(open_page, answered: Answered) -> None:
    app = open_page("diagnosis", answered.done.id)
    assert texts(app).count("There are 400 new rows and 600 old ones") == 1
    assert {metric.label for metric in app.metric} == {"CPU cores", "Memory", "GPUs"}
    assert app.metric[0].value == str(known_devices(answered.store)[0].cores)
    models = next(table for table in (frame.value for frame in app.dataframe) if "Robustness (%)" in table)
    assert models["Model"].tolist() == ["Keep", "Fine-tune", "Incremental", "Full retrain"]
    assert models["Robustness (%)"].between(0, 100).all()
    assert "Whiskers: 95 % interval" in texts(app) and "Which columns the models depend on" in texts(app)
    assert "Measure what more new rows would bring" in [button.label for button in app.button]


def test_names_in_tables_are_whole(open_page, answered: Answered) -> None:
    app = open_page("diagnosis", answered.done.id)
    for name, table in (("Strategy", "affordable"), ("Model", "robustness")):
        frame = next(frame for frame in app.dataframe if name in frame.value)
        width = json.loads(frame.proto.columns)[name]["width"]
        assert width >= 7 * max(map(len, frame.value[name])) + 16, table  # letters, and the room around them


def test_a_budget_decides_what_fits(open_page, answered: Answered) -> None:
    app = open_page("diagnosis", answered.done.id)

    def fits() -> set[str]:
        table = next(frame.value for frame in app.dataframe if "In this budget" in frame.value)
        return set(table.loc[table["In this budget"] == "fits", "Strategy"])

    assert {"Fine-tune", "Incremental", "Full retrain"} <= fits()
    app.number_input(key="budget_memory").set_value(0.001).run()
    assert fits() == set()


def test_costs_are_asked_for_and_their_progress_survives_a_refresh(open_page, unserved: Asked) -> None:
    store, spec = unserved
    app = open_page("diagnosis", spec.id)
    assert not any("In this budget" in frame.value for frame in app.dataframe)
    assert "is not known yet" in texts(app)
    press(app, "Measure what they cost")
    asked = len(store.estimates(spec.id))
    assert asked > 3
    again = open_page("diagnosis", spec.id)
    assert f"0 of {asked} done" in progress(again) == progress(app)
    assert "Measure what they cost" not in [button.label for button in again.button]


def test_what_the_runs_did_not_tell_can_still_be_measured(open_page, unserved: Asked) -> None:
    store, spec = unserved
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}))
    for run in ("keep-0", "fine_tune-0"):
        store.save_result(spec.id, run, RunResult("finished", seconds=2.0, peak_memory_mb=300.0))
    app = open_page("diagnosis", spec.id)
    table = next(frame.value for frame in app.dataframe if "In this budget" in frame.value)
    assert table["Strategy"].tolist() == ["Fine-tune"]
    assert "Not measured yet" in texts(app) and "Full retrain" in texts(app)
    press(app, "Measure what they cost")
    asked = {rehearsal.strategy for rehearsal in store.estimates(spec.id)}
    assert "full_retrain" in asked and "fine_tune" not in asked
    (failed, *_) = store.estimates(spec.id)
    store.save_result(spec.id, failed.id, RunResult("failed", error="It does not fit."))
    again = open_page("diagnosis", spec.id)
    assert "It does not fit" in " ".join(warning.value for warning in again.warning)
    assert f"1 of {len(asked)} done" in progress(again)


def test_without_old_data_the_other_questions_are_answered(open_page, answered: Answered) -> None:
    app = open_page("diagnosis", answered.without_old.id)
    assert "Without old data there is no first guess" in texts(app)
    assert "Go on to Train" in links(app)


def test_only_what_failed_is_called_so(open_page, unserved: Asked) -> None:
    store, spec = unserved
    probes = plan_shift(spec.id, ShiftSettings())
    store.add_beside(probes)
    store.save_result(spec.id, probes[1].id, RunResult("failed", error="Its outputs are not numbers."))
    app = open_page("diagnosis", spec.id)
    assert "could not be measured" not in " ".join(error.value for error in app.error)
    assert "Measuring how the data has moved" in progress(app)


def test_a_store_that_cannot_be_written_is_said_and_no_page_breaks(
    open_page, unserved: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("The store cannot be written.", "No space left on device.", "Free some.")

    store, spec = unserved
    monkeypatch.setattr(type(store), "add_beside", full)
    for page in ("shift", "diagnosis"):
        app = open_page(page, spec.id)
        assert "No space left on device" in " ".join(error.value for error in app.error)


def test_a_probe_that_failed_says_which_model_it_is_about() -> None:
    def page() -> None:
        from pages._ui.probes import failed
        from retrain_core.runs import RunState
        from retrain_core.types import RunSpec

        def state(strategy: str) -> RunState:
            spec = RunSpec(f"probe_{strategy}-0", "e", strategy, {}, 0, work="sensitivity")
            return RunState(spec, "failed", error="The worker was killed.")

        failed([state("keep"), state("fine_tune")], "Sensitivity", "sensitivity")

    (error,) = AppTest.from_function(page, default_timeout=60).run().error
    assert "Keep\\: The worker was killed\\." in error.value
    assert "Fine\\-tune\\: The worker was killed\\." in error.value


def test_a_check_ends_its_title_before_the_detail() -> None:
    def page() -> None:
        from pages._ui.text import show_findings
        from retrain_core.types import Finding

        show_findings([Finding("ok", "A .keras file", "Two layers."), Finding("error", "It is broken.", "")])

    said = [line.value for line in AppTest.from_function(page, default_timeout=60).run().markdown]
    assert said[0].endswith(" A \\.keras file\\. :gray[Two layers\\.]") and said[1].endswith(
        " It is broken\\."
    )

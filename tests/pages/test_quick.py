"""The quick look on the Train page."""

from __future__ import annotations

import json
import time

import pytest
from streamlit.elements.lib import policies
from streamlit.testing.v1 import AppTest

from pages._ui.quick_parts import GAIN
from retrain_core.runs import EstimateState, looks, quick_verdict
from retrain_core.runs.runner import Runner
from retrain_core.runs.store import Store
from retrain_core.types import Estimate, ExperimentSpec
from tests.pages.test_pages import press, texts

Asked = tuple[Store, ExperimentSpec]


def button(app: AppTest, label: str):
    return next((one for one in app.button if one.label.startswith(label)), None)


def test_a_quick_look_is_asked_for_watched_and_taken_over(
    open_page, unserved: Asked, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store, spec = unserved
    app = open_page("train", spec.id)
    app.number_input(key="epochs").set_value(3).run()
    press(app, "Quick look")
    assert not app.exception
    look = looks.read(store, spec.id)
    assert look is not None and [one.name for one in look.candidates] == [
        "keep", "fine_tune", "incremental", "full_retrain",
    ]  # fmt: skip
    assert "Waiting for its turn" in texts(app) and button(app, "Stop the quick look")
    assert button(app, "Start"), "it starts no run"

    runner = Runner(store)
    deadline = time.monotonic() + 250
    while looks.read(store, spec.id).status == "running":  # type: ignore[union-attr]
        assert time.monotonic() < deadline
        runner.step()
        time.sleep(0.02)
    runner.close()

    again = open_page("train", spec.id)  # as after a refresh, and after a restart of the server
    said = texts(again)
    ended = looks.read(store, spec.id)
    assert ended is not None and quick_verdict(ended) in said
    assert "Round 1:" in said and "Best so far" not in said
    table = next(frame.value for frame in again.dataframe if GAIN in frame.value)
    assert list(table["Candidate"]) == ["Keep", "Fine-tune", "Incremental", "Full retrain"]
    assert {*table["Status"]} == {"scored"}
    assert all("±" in gain for gain in table[GAIN][1:])
    assert store.runs(spec.id) == []
    take = button(again, "Choose ")
    assert take is not None
    title = take.label.removeprefix("Choose ").removesuffix(" alone").replace("\\", "")
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)  # it is logged once a process
    take.click().run()
    assert not again.exception
    assert not [message for message in caplog.messages if "default value" in message]
    on = {box.label.strip("*"): box.value for box in again.checkbox if box.key.startswith("use_")}
    assert [name for name, value in on.items() if value] == [title]


@pytest.mark.parametrize(("seconds", "worth"), [(20.0, False), (400.0, True)])
def test_where_all_runs_are_short_it_says_that_a_quick_look_saves_little(
    open_page, unserved: Asked, monkeypatch: pytest.MonkeyPatch, seconds: float, worth: bool
) -> None:
    _, spec = unserved
    cost = Estimate((1.0, seconds), 600.0, (100, 200))
    monkeypatch.setattr(
        "pages._ui.forecasts._found", lambda asked: [EstimateState(one, "finished", 0, cost) for one in asked]
    )
    assert ("a quick look would save little" in texts(open_page("train", spec.id))) != worth


def test_the_forecasts_are_seen_whole_and_it_is_said_what_a_run_is(
    open_page, unserved: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, spec = unserved
    cost = Estimate((101.25, 118.75), 600.0, (1_000_000, 20_000_000))
    monkeypatch.setattr(
        "pages._ui.forecasts._found",
        lambda asked: [EstimateState(one, "finished", 0, cost, shared=True) for one in asked],
    )
    app = open_page("train", spec.id)
    assert "A run is one strategy with one seed." in texts(app)
    table = next(frame for frame in app.dataframe if "Rows trained on" in frame.value)
    columns = json.loads(table.proto.columns)
    for name, cells in table.value.items():
        assert columns[name]["width"] >= 7 * max(map(len, [name, *cells])) + 16, "letters and padding"


def test_a_quick_look_can_be_stopped_and_ends_when_the_runs_are_started(open_page, unserved: Asked) -> None:
    store, spec = unserved
    app = open_page("train", spec.id)
    app.checkbox(key="quick_vary").check().run()
    press(app, "Quick look")
    look = looks.read(store, spec.id)
    assert look is not None and len(look.candidates) > 4
    press(app, "Stop the quick look")
    assert looks.stop_asked(store, spec.id)
    press(app, "Quick look")
    assert not looks.stop_asked(store, spec.id)
    press(app, "Start")
    assert looks.stop_asked(store, spec.id) and store.runs(spec.id)


def test_an_unreadable_look_is_told_and_the_page_goes_on(open_page, unserved: Asked) -> None:
    store, spec = unserved
    folder = store.experiment_folder(spec.id) / "quick"
    folder.mkdir()
    (folder / "look.json").write_text("{}")
    app = open_page("train", spec.id)
    assert any("look.json" in error.value.replace("\\", "") for error in app.error) and button(app, "Start")
    press(app, "Start")
    assert store.runs(spec.id)

"""A read-only server: pages show what there is, and whatever a browser sends changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit.config
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.testing.v1 import AppTest

from pages._ui import state
from retrain_core.runs import ReadOnlyStore
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec
from tests.conftest import ROOT
from tests.pages.conftest import Answered
from tests.runs.test_read_only import contents
from tests.serving import App, serving, visit

PAGES = ("start", "data", "shift", "diagnosis", "train", "compare", "report")
HARMLESS = {"Reset"}  # of the wishes, which are in the link


@pytest.fixture
def looked_at(answered: Answered, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    store = ReadOnlyStore(answered.store.root)
    monkeypatch.setattr(state, "store", lambda: store)
    yield store
    streamlit.config.set_option("server.maxUploadSize", 1024)


@pytest.mark.parametrize("which", ["done", "fresh", "without_old"])
@pytest.mark.parametrize("page", PAGES)
def test_pages_offer_nothing_that_would_change_something(
    looked_at: Store, answered: Answered, open_page, page: str, which: str
) -> None:
    before = contents(looked_at.root)
    app = open_page(page, getattr(answered, which).id)
    assert {button.label for button in app.button} <= HARMLESS
    assert not app.get("file_uploader") and not app.error
    assert contents(looked_at.root) == before


def test_results_can_be_looked_at_and_taken_away(looked_at: Store, answered: Answered, open_page) -> None:
    downloads = open_page("report", answered.done.id).get("download_button")
    assert any(button.label == "Report (HTML)" for button in downloads)


def test_it_is_said_in_one_line_and_no_bytes_are_taken(looked_at: Store) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert [line.value for line in app.sidebar.caption] == [
        ":material/lock: Read-only: results can be looked at and taken away."
    ]
    assert len(app.get("page_link")) >= 3 and not app.button
    assert streamlit.config.get_option("server.maxUploadSize") == 0


def change(app: AppTest, what: str) -> None:
    """Press the button that is called so, or choose something else in the list."""
    for button in app.button:
        if button.label == what:
            button.click().run()
            return
    box = next(box for box in app.selectbox if box.label == what)
    box.select_index(((box.index or 0) + 1) % len(box.options)).run()


@pytest.mark.parametrize(
    ("page", "what"),
    [
        ("start", "Try the sample"),
        ("data", "Remove"),
        ("data", "Use this data"),
        ("data", "Label column"),
        ("shift", "Use these"),
        ("train", "Start"),
        ("train", "Quick look"),
        ("diagnosis", "Measure what they cost"),
    ],
)
def test_a_tab_that_was_opened_before_changes_nothing_either(
    unserved: tuple[Store, ExperimentSpec],
    open_page,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
    what: str,
) -> None:
    store, spec = unserved
    app = open_page(page, spec.id)
    before = contents(store.root)
    looking = ReadOnlyStore(store.root)
    monkeypatch.setattr(state, "store", lambda: looking)
    try:
        change(app, what)
    finally:
        streamlit.config.set_option("server.maxUploadSize", 1024)
    assert not app.exception
    assert contents(store.root) == before


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    root: Path = tmp_path_factory.mktemp("served") / "store"
    Store(root)
    with serving(App(root, settings={"RETRAIN_READ_ONLY": "1"})) as app:
        yield app


def test_the_address_for_uploads_takes_no_bytes(served: App) -> None:
    with visit(served) as tab:
        assert tab.upload(b"a,b\n1,2\n") == 413
        for _ in range(10):  # refused before all of it is sent, so that sending can fail
            assert tab.upload(bytes(5_000_000)) == 413
    assert not [path for path in served.store.rglob("*") if path.is_file()]


def test_buttons_that_are_not_drawn_do_nothing_over_the_websocket(served: App) -> None:
    with visit(served) as tab:
        message = BackMsg()
        for key in ("try_credit_new_market", "start", "use"):
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id, widget.trigger_value = f"$$ID-0-{key}", True
        answers = tab.rerun(message)
        assert not any(answer.delta.new_element.HasField("exception") for answer in answers)
    assert not [path for path in served.store.rglob("*") if path.is_file()]
    assert not served.process.children()  # no runner

"""A file that somebody has asked for is there when their browser comes for it, however busy the server is meanwhile."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from retrain_core.runs.plan import plan_runs
from retrain_core.runs.runner import Runner
from retrain_core.runs.state import run_states
from tests.browsing import tab
from tests.runs.conftest import Asked, until
from tests.serving import App, serving


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=30) as file:
        return file.read()


def test_a_download_outlasts_the_pages_of_others(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"recalibrate": {}}))
    runner = Runner(store)
    until(lambda: all(state.done for state in run_states(store, spec.id)), runner)
    runner.close()
    with serving(App(store.root)) as app, tab(app) as page, tab(app) as other:
        page.open("report", f"experiment={spec.id}")
        files = {label: page.ask_for(label) for label in ("Report (HTML)", "Scores (CSV)", "Keep (.keras)")}
        for name in ("", "data"):  # Streamlit forgets what two pages of anybody have not named
            other.open(name, f"experiment={spec.id}")
        page.open("report", f"experiment={spec.id}")  # and its own page is drawn again
        found = {label: fetched(url) for label, url in files.items()}
        assert found["Report (HTML)"].startswith(b"<!") and found["Scores (CSV)"].count(b"\n") > 3
        assert found["Keep (.keras)"].startswith(b"PK")


def test_what_is_held_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a few files, and none for ever."""
    import threading

    from pages._ui import downloads

    class Files:
        def __init__(self) -> None:
            self.held: dict[str, str] = {}
            self.gone = threading.Event()

        def add(self, data: bytes, mime: str, place: str, name: str, *, is_for_static_download: bool) -> None:
            self.held[place] = name

        def clear_session_refs(self, session: str) -> None:
            assert session == downloads.NOBODY
            self.held.clear()
            self.gone.set()

    files = Files()
    manager = type("Manager", (), {"media_file_mgr": files})
    monkeypatch.setattr(downloads.runtime, "exists", lambda: True)
    monkeypatch.setattr(downloads.runtime, "get_instance", lambda: manager)
    monkeypatch.setattr(downloads, "HELD_SECONDS", 0.3)
    for number in range(2 * downloads.MOST_HELD):
        assert downloads._held(lambda: "é", f"{number}.csv", "text/csv") == "é".encode()
    assert (
        len(files.held) == downloads.MOST_HELD and f"{2 * downloads.MOST_HELD - 1}.csv" in files.held.values()
    )
    assert files.gone.wait(5) and not files.held

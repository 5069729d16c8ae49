"""The server as it is started: its settings, and an error that nobody expected."""

from __future__ import annotations

import http.client
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import streamlit.config
from websockets.exceptions import InvalidStatus

from tests.browsing import tab
from tests.conftest import ROOT
from tests.serving import App, serving, status, until, visit

WANTED = {
    "server.address": "127.0.0.1",
    "server.enableXsrfProtection": True,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.maxUploadSize": 1024,
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "global.developmentMode": False,
    "runner.postScriptGC": False,
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with serving(App(tmp_path_factory.mktemp("server") / "store")) as app:
        yield app


def test_the_settings_are_those_that_keep_it_safe_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # as the server is started
    found = streamlit.config.get_config_options(force_reparse=True)
    assert {name: found[name].value for name in WANTED} == WANTED


def test_it_listens_on_this_machine_alone(app: App) -> None:
    listening = [one.laddr for one in app.process.net_connections() if one.status == "LISTEN"]
    assert {(address.ip, address.port) for address in listening} == {("127.0.0.1", app.port)}


def test_pages_of_others_can_neither_upload_nor_look(app: App) -> None:
    with visit(app) as tab:
        assert tab.upload(b"a,b\n") == 204  # a page of its own may
        alone = f"{app.url}/_stcore/upload_file/{tab.session}/1"
        assert status(alone, method="PUT", body=b"a,b\n") == 403
    with pytest.raises(InvalidStatus), visit(app, origin="https://example.org"):
        pass


def test_it_tells_nobody_and_serves_no_files_of_the_app(app: App) -> None:
    with visit(app) as tab:
        (session,) = [m.new_session for m in tab.messages if m.HasField("new_session")]
        assert session.config.gather_usage_stats is False
    for path in ("/app/static/app.py", "/../app.py", "/pages/start.py", "/store/index.sqlite"):
        assert b"import streamlit" not in _body(app, path)
    assert status(f"{app.url}/_stcore/agent/interact", method="POST", body=b"{}") in (403, 404, 405)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_it_goes_without_large_pages_of_memory_and_its_runner_has_them(app: App) -> None:
    with tab(app) as page:
        page.open()
        until(lambda: bool(app.process.children()), "no runner was started")
        (runner,) = app.process.children()
        until(lambda: _large_pages(runner.pid), "the runner has no large pages")
        assert not _large_pages(app.process.pid)


def _large_pages(process: int) -> bool:
    """Return whether a process may have them."""
    (line,) = (
        line for line in Path(f"/proc/{process}/status").read_text().splitlines() if "THP_enabled" in line
    )
    return line.endswith("1")


def _body(app: App, path: str) -> bytes:
    with closing(http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)) as connection:
        connection.request("GET", path)
        with connection.getresponse() as answer:
            return answer.read()


SECRET = "the secret of /srv/app"


def test_an_error_that_nobody_expected_is_told_by_its_number_alone(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("retrain_core", "sample_data", ".streamlit"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "pages", folder / "pages")
    shutil.copy(ROOT / "app.py", folder / "app.py")
    (folder / "pages" / "start.py").write_text(f"raise ZeroDivisionError({SECRET!r})\n")
    with serving(App(tmp_path / "store", folder)) as app:
        with visit(app) as tab:
            shown = [
                m.delta.new_element.exception
                for m in tab.messages
                if m.delta.new_element.HasField("exception")
            ]
            # Streamlit itself tells each page where the main script is.
            told = [m.SerializeToString() for m in tab.messages if not m.HasField("new_session")]
        (error,) = shown
        assert list(error.stack_trace) == [] and "our fault" in error.message
        (number,) = re.findall(r"number of the error: ([0-9a-f]{8})", error.message)
        assert not any(secret.encode() in message for message in told for secret in (SECRET, str(tmp_path)))
        until(lambda: number in app.log.read_text(), "the error is not in the log")
        logged = app.log.read_text()
        assert f"ZeroDivisionError: {SECRET}" in logged.split(f"Error {number}")[1] and "Traceback" in logged

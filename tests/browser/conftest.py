"""The real app in a real server, seen through a real Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.conftest import ROOT

expect.set_options(timeout=60_000)


class App:
    """One server on one store; it can be restarted."""

    def __init__(self, store: Path) -> None:
        self.store = store
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.store.parent / "app.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
            cwd=ROOT, env={**os.environ, "RETRAIN_STORE": str(self.store)}, stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + 60
        while not self._healthy():
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.1)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def end(self) -> None:
        """Stop the server and the runner it started."""
        self.stop()
        for process in psutil.process_iter(["cmdline"]):
            if str(self.store) in (process.info["cmdline"] or []):
                process.kill()
                process.wait()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return answer.read() == b"ok"
        except OSError:
            return False


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("browser") / "store")
    app.start()
    yield app
    app.end()


def is_ours(message: ConsoleMessage) -> bool:
    return message.type in ("error", "warning") and "/_stcore/" not in message.location["url"]


@pytest.fixture
def page(chromium: Browser, app: App) -> Iterator[Page]:
    """A fresh tab; at the end its console must be empty, and nothing may have left this machine.

    Streamlit looks for its own endpoints below the page's path first when a link opens a page: those 404s are its way.
    """
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    said: list[str] = []
    gone: list[str] = []
    page.on("console", lambda m: said.append(f"{m.text} {m.location['url']}") if is_ours(m) else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "request", lambda r: None if r.url.startswith((app.url, "data:", "blob:")) else gone.append(r.url)
    )
    yield page
    context.close()
    assert said == []
    assert gone == []

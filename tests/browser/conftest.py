"""The real app in a real server, seen through a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.serving import App

expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    app = App(tmp_path_factory.mktemp("browser") / "store")
    app.start()
    yield app
    app.end()


def is_ours(message: ConsoleMessage) -> bool:
    return message.type in ("error", "warning") and "/_stcore/" not in message.location["url"]


@contextmanager
def tab(chromium: Browser, app: App) -> Iterator[Page]:
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


@pytest.fixture
def page(chromium: Browser, app: App) -> Iterator[Page]:
    with tab(chromium, app) as page:
        yield page

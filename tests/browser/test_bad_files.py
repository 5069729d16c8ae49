"""Bad files, uploaded through the page: one clear message, nothing lost, and a good file afterwards works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.bad_files import DATA, LABEL, MODELS, NAMES, BadModels, csv, secrets
from tests.browser.conftest import App, tab
from tests.conftest import ROOT
from tests.models.canaries import Canaries

PRIVATE = re.compile(r"Traceback|File \"|site-packages|[0-9a-f]{64}")


class Desk:
    """The Data page with good files on it, and the label chosen.

    Args:
        page: Its tab.
        app: Its server, of which no path is to be shown.
        models: The good model, and bad ones.
    """

    def __init__(self, page: Page, app: App, models: BadModels) -> None:
        self.page, self.models = page, models
        self.private = (str(app.store), str(ROOT))
        self.label = page.get_by_role("combobox", name="Label column")
        self.good = {
            "model": ("customers.keras", models.good),
            "new": ("autumn.csv", csv(400, 2)),
            "old": ("spring.csv", csv(600, 1)),
        }

    def fill(self) -> None:
        """Upload the good files and choose the label."""
        for role in self.good:
            self.put_good(role)
        # Only when the page has been drawn with all files, and need not be scrolled, does the list stay open.
        self.page.set_viewport_size({"width": 1280, "height": 1600})
        expect(self.page.get_by_test_id("stAlertContentError")).to_contain_text("has 1000 values")
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning")
        self.label.click()
        self.page.get_by_role("option", name=LABEL, exact=True).click()
        self.check_ready()

    def put_good(self, role: str) -> None:
        steps.put(self.page, role, *self.good[role])
        expect(self.page.locator(f".st-key-file_{role}")).to_contain_text(self.good[role][0])

    def check_refused(self, role: str, name: str, content: bytes, says: str, shown: str = "") -> None:
        """Upload a bad file: it is refused in one message of three parts, and all else is kept until a good one comes."""
        steps.put(self.page, role, name, content)
        message = self.page.get_by_test_id("stAlertContentError")
        expect(message).to_contain_text(says)
        expect(message).to_have_count(1)
        said = message.locator("p").inner_text()
        what, why, what_next = said.split("\n")
        assert (shown or name) in what and why and what_next and len(said) < 600
        expect(self.page.locator(f".st-key-file_{role}")).to_contain_text(shown or name)
        everything = self.page.locator("body").inner_text()
        assert not PRIVATE.search(everything) and not any(path in everything for path in self.private)
        for other in self.good.keys() - {role}:
            expect(self.page.locator(f".st-key-file_{other}")).to_contain_text(self.good[other][0])
        expect(self.page.get_by_role("button", name="Use this data")).to_be_hidden()
        self.put_good(role)
        self.check_ready()

    def check_ready(self) -> None:
        expect(self.page.get_by_test_id("stAlertContentError")).to_have_count(0)
        expect(self.page.get_by_text("2 columns feed the input 'row'")).to_be_visible()
        expect(self.label).to_have_value(LABEL)
        expect(self.page.get_by_role("button", name="Use this data")).to_be_enabled()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, chromium: Browser, app: App) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("bad")
    with closing(Canaries(secrets(folder / "secrets"))) as canaries, tab(chromium, app) as page:
        desk = Desk(page, app, BadModels(folder, canaries))
        page.goto(app.url)
        page.get_by_role("button", name="Choose your files").click()
        desk.fill()
        yield desk


@pytest.mark.parametrize("name", MODELS)
def test_a_bad_model_is_refused_and_all_else_is_kept(desk: Desk, name: str) -> None:
    content, says = desk.models.make(name)
    canaries = desk.models.canaries
    canaries.touched()  # to make the file may have
    desk.check_refused("model", "churn.keras", content, says)
    assert canaries.touched() == [] and not canaries.changed()


@pytest.mark.parametrize("name", DATA)
def test_bad_data_is_refused_and_all_else_is_kept(desk: Desk, name: str) -> None:
    desk.check_refused("new", *DATA[name])


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_name_is_shown_plainly(desk: Desk, name: str) -> None:
    called, shown = NAMES[name]
    desk.check_refused("old", called, b"", "It has no bytes at all", shown)

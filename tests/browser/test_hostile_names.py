"""Names, values and file names that are meant to do harm: they are shown as they are, and do nothing."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import steps
from tests.browser.conftest import App
from tests.browser.hostile import INPUTS, LABEL, LAYER, Hostile, make_hostile
from tests.listening import Listener

EVIL_FILE = "<img id=evil src=x onerror=alert(6)> ![x](javascript:alert(7)) $x$ =1+1.csv"
# What would be there if a name had become part of the page: an element of its own, a link, a formula, an icon, a colour.
MADE = """() => [...document.querySelectorAll(
  '#evil, a[href^="javascript:"], img[src*="evil"], img[src*="127.0.0.1"]:not([src*="_stcore"]):not([src*="/media/"])')]
  .concat([...document.querySelectorAll('[data-testid=stMain] a, [data-testid=stMain] strong, [data-testid=stMain] em, [data-testid=stMain] code:not(pre code), [data-testid=stMain] .katex, [data-testid=stMain] .stMarkdownColoredText')]
    .filter(one => /^evil$|^x$|^y$/.test(one.textContent.trim())))
  .concat([...document.querySelectorAll('[data-testid=stMain] .katex, [data-testid=stMain] [aria-label="home icon"]')])
  .concat([...document.querySelectorAll('[data-testid=stMain] a[href]')].filter(one => new URL(one.href).origin !== location.origin))
  .map(one => one.outerHTML.slice(0, 200))"""
SHOWN = """() => (document.body.innerText + [...document.querySelectorAll('text, td, th')].map(one => one.textContent).join(' '))
  .replaceAll("\u2060", "")"""  # which nobody sees


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> Hostile:
    return make_hostile(tmp_path_factory.mktemp("hostile"), listener.port)


class Watch:
    """Looks at a page for what must not be there."""

    def __init__(self, page: Page, listener: Listener) -> None:
        self.page, self.listener = page, listener
        self.dialogs: list[str] = []
        page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))

    def look(self, *names: str) -> None:
        """Assert that names are shown as they are, and that nothing has come of them."""
        for name in names:
            self.page.wait_for_function(f"name => ({SHOWN})().includes(name)", arg=name, timeout=60_000)
        settle(self.page)
        hover(self.page)
        assert self.page.evaluate(MADE) == []
        assert self.dialogs == [] and self.listener.contacts() == 0


def settle(page: Page) -> None:
    """Wait until the page has been drawn to its end: the script rests, and goes on resting."""
    quiet = 0
    for _ in range(600):
        rests = page.get_by_test_id("stApp").get_attribute("data-test-script-state") == "notRunning"
        quiet = quiet + 1 if rests else 0
        if quiet == 4:
            return
        page.wait_for_timeout(150)
    raise AssertionError("the page is not drawn to its end")


def choose_section(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_text(name, exact=True).last.click()
    settle(page)


def hover(page: Page) -> int:
    """Point at the middle of each chart of the page, and at what stands beside its axes; return how many there were."""
    charts = page.locator(".js-plotly-plot .main-svg .nsewdrag")
    for number in range(charts.count()):
        if not charts.nth(number).is_visible():
            continue
        charts.nth(number).scroll_into_view_if_needed()
        box = charts.nth(number).bounding_box()
        assert box is not None
        for share in (0.2, 0.5, 0.8):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
            page.wait_for_timeout(60)
    return charts.count()


@pytest.mark.timeout(900)  # it goes through every page
def test_hostile_names_are_shown_as_they_are(
    page: Page, app: App, hostile: Hostile, listener: Listener, chromium: Browser, tmp_path: Path
) -> None:
    watch = Watch(page, listener)
    page.goto(app.url)
    page.get_by_role("button", name="Choose your files").click()
    steps.put(page, "model", "CON .keras", hostile.strange.read_bytes())
    page.get_by_text("Layers, inputs and what was checked").click()
    watch.look(INPUTS[0], LAYER)  # TensorFlow does not run such a layer, so it goes no further
    page.locator(".st-key-file_model").get_by_role("button", name="Remove").click()
    steps.put(page, "model", "../../x.keras", hostile.model.read_bytes())
    steps.put(page, "new", EVIL_FILE, hostile.new)
    expect(page.locator(".st-key-file_new")).to_contain_text(EVIL_FILE)
    steps.put(page, "old", "o" * 200 + "\u202e.csv", hostile.old)
    expect(page.get_by_role("button", name="Use this data")).to_be_enabled(timeout=60_000)
    watch.look(*INPUTS, *hostile.columns[:5], LABEL, hostile.classes[0])
    page.get_by_role("button", name="Use this data").click()

    expect(page.get_by_role("heading", name="Shift", level=1)).to_be_visible()
    expect(page.get_by_text("Look at").first).to_be_visible(timeout=120_000)
    watch.look(INPUTS[0], EVIL_FILE[:-4])
    for section in (
        "All columns together",
        "Labels and concept",
        "In time",
        "What others say",
        "Seen by the model",
    ):
        choose_section(page, section)
        watch.look()
    steps.go(page, "Diagnosis")
    watch.look()

    steps.go(page, "Train")
    steps.choose(page, "fine_tune")
    steps.start(page, epochs=1)
    steps.wait_for_the_end(page)
    watch.look()
    steps.go(page, "Compare")
    for section, names in {
        "Differences": (), "Errors": (hostile.classes[1],), "Groups": (), "Changed rows": (), "Training": (), "Cost": (),
    }.items():  # fmt: skip
        choose_section(page, section)
        watch.look(*names)

    steps.go(page, "Report")
    watch.look(EVIL_FILE[:20])
    report = steps.download(page, "Report (HTML)", tmp_path)
    check_report(chromium, report, hostile, listener)
    cells = [
        cell
        for row in csv.reader(io.StringIO(steps.download(page, "Scores (CSV)", tmp_path).read_text()))
        for cell in row
    ]
    check_cells(cells)
    shift = json.loads(steps.download(page, "Shift (JSON)", tmp_path).read_text())
    assert set(INPUTS) <= set(shift["columns"]) and LABEL in json.dumps(shift["label"], ensure_ascii=False)
    assert "/" not in report.name and ".." not in report.name.removesuffix(".html")
    watch.look()


def check_cells(cells: list[str]) -> None:
    """Assert that no text begins like a formula, and that negative numbers are numbers."""
    for cell in cells:
        if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
            assert re.fullmatch(r"-[0-9.]+(e-?[0-9]+)?", cell), cell


def check_report(chromium: Browser, file: Path, hostile: Hostile, listener: Listener) -> None:
    """Open the report and look for what must not be there."""
    context = chromium.new_context()
    page = context.new_page()
    watch = Watch(page, listener)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith("http") else None)
    page.goto(file.as_uri())
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    for name in (INPUTS[0], EVIL_FILE[:20]):
        page.wait_for_function(f"name => ({SHOWN})().includes(name)", arg=name, timeout=60_000)
    assert page.evaluate("() => document.querySelectorAll('#evil, a[href^=\"javascript:\"]').length") == 0
    assert watch.dialogs == [] and asked == [] and listener.contacts() == 0
    context.close()

"""Shift and Diagnosis in a real browser: every section, on images, and what they send."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import App

MOST_BYTES = 500_000  # a page may send over its socket
SECTIONS = {
    "All columns together": "A classifier ranks a new row above an old one",
    "Seen by the model": "New images least like the old ones",
    "Labels and concept": "Where the old model has become worse",
    "In time": "Which column says when a row came?",
    "What others say": "What the default rules of other tools say",
}


@pytest.fixture
def sent(page: Page) -> list[int]:
    """Return a list that grows by the size of each message the server sends to the tab."""
    sizes: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    return sizes


def test_every_section_of_shift_and_diagnosis(page: Page, app: App, sent: list[int]) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Try the sample").nth(2).click()
    expect(page.get_by_text("major shift").first).to_be_visible()
    query = page.url.partition("?")[2]
    for section, text in SECTIONS.items():
        sent.clear()
        page.goto(f"{app.url}/shift?{query}")
        page.get_by_test_id("stMain").get_by_text(section, exact=True).last.click()
        expect(page.get_by_test_id("stMain").get_by_text(text).first).to_be_visible()
        assert 1_000 < sum(sent) < MOST_BYTES, section
    expect(page.get_by_test_id("stMain").get_by_text("Seen by the model", exact=True).last).to_be_visible()
    page.get_by_test_id("stMain").get_by_text("In time", exact=True).last.click()
    page.get_by_role("combobox", name="Which column says when a row came?").click()
    page.get_by_role("option", name="(order in the file)").click()
    expect(page.get_by_label("Show").first).to_be_visible()
    sent.clear()
    steps.go(page, "Diagnosis")
    expect(page.locator(".st-key-first_guess")).to_contain_text("its loss went from")
    expect(page.get_by_text("Robustness (%)").first).to_be_attached()
    page.get_by_test_id("stMain").get_by_text("rotation", exact=True).last.click()
    expect(page.get_by_text("degrees").first).to_be_visible()
    assert sum(sent) < MOST_BYTES
    page.reload()  # what was measured is there at once
    expect(page.locator(".st-key-first_guess")).to_contain_text("First guess")


def test_the_learning_curve_and_the_costs_are_measured_on_demand(page: Page, app: App) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Try the sample").nth(0).click()
    expect(page.get_by_text("major shift").first).to_be_visible()
    steps.go(page, "Diagnosis")
    page.get_by_role("button", name="Measure what more new rows would bring").click()
    told = page.get_by_text("would change the accuracy of").or_(
        page.get_by_text("what more new rows would bring")
    )
    expect(told.first).to_be_visible(timeout=180_000)
    page.get_by_role("button", name="Measure what they cost").click()
    expect(page.get_by_text("Measuring a few real steps of each strategy")).to_be_visible()

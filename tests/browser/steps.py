"""What a user does and sees, in words of the product."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from retrain_core.strategies import STRATEGIES


def go(page: Page, name: str) -> None:
    """Open a page from the sidebar."""
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def put(page: Page, role: str, name: str, content: bytes) -> None:
    """Choose a file on the Data page; its name may be one that no disk would take."""
    label = {"model": "Old model", "new": "New data", "old": "Old data"}[role]
    uploader = page.get_by_test_id("stFileUploader").filter(has_text=label)
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    # a file in it has an input to add others
    uploader.locator("input[type=file]").first.set_input_files(files=[file])


def set_number(page: Page, label: str, value: int) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")


def set_option(page: Page, strategy: str, label: str, value: int) -> None:
    """Set an option of one strategy."""
    form = page.locator(f".st-key-strategy_{strategy}")
    form.get_by_text("Options").click()
    field = form.get_by_label(label, exact=True)
    field.fill(str(value))
    field.press("Enter")


def choose(page: Page, *strategies: str) -> None:
    """Switch on these strategies, those under "More strategies" too, and all others off."""
    page.get_by_text("More strategies").click()
    for name in STRATEGIES:
        box = page.locator(f".st-key-use_{name}").get_by_role("checkbox") if name != "keep" else None
        if box is not None and box.is_enabled() and box.is_checked() != (name in strategies):
            page.locator(f".st-key-use_{name} label").click()
            expect(box).to_be_checked(checked=name in strategies)


def start(page: Page, *, epochs: int) -> None:
    """Start all strategies."""
    set_number(page, "Epochs (at most)", epochs)
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("button", name="Stop all")).to_be_visible()


def wait_for_the_end(page: Page) -> None:
    expect(page.get_by_text("All runs have ended")).to_be_visible(timeout=180_000)


def download(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def comparison(page: Page, folder: Path) -> dict[str, Any]:
    """Download ``comparison.json`` from the Report page."""
    go(page, "Report")
    return json.loads(download(page, "Comparison (JSON)", folder).read_text())


def table(page: Page, last: str = "status", having: str = "best on") -> list[dict[str, str]]:
    """Return what the table shows that has the column ``having``: a canvas with a table for screen readers inside.

    Only columns on the screen are in it, up to the one called ``last``, so the window is made wide first.
    """
    page.set_viewport_size({"width": 2200, "height": 1000})
    canvas = page.get_by_test_id("data-grid-canvas").filter(has=page.locator("th", has_text=having))
    canvas.scroll_into_view_if_needed()
    expect(canvas.locator("th").last).to_have_text(last)
    names = [text.strip() for text in canvas.locator("th").all_text_contents()]
    rows = canvas.locator("tbody tr").all()
    return [dict(zip(names, row.locator("td").all_text_contents(), strict=True)) for row in rows]


def number(text: str) -> float:
    """Return the number that a cell shows."""
    found = re.search(r"[-+−]?[\d,]*\.?\d+", text)
    assert found, text
    return float(found[0].replace("−", "-").replace(",", ""))

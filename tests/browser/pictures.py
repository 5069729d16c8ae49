"""Take the pictures of the README and of every page, light and dark, wide and narrow: ``python -m tests.browser.pictures DIR``.

With a second argument ``all``, every page in all four ways; else the few that the README shows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import steps
from tests.browser.conftest import App
from tests.conftest import CHROMIUM_FLAGS, chromium_path

PAGES = ("start", "data", "shift", "diagnosis", "train", "compare", "report")
README = {"start-light", "shift-dark", "train-light", "compare-light", "report-file-light"}


def main(out: Path, everything: bool) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        app = App(Path(folder) / "store")
        app.start()
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        try:
            flights = run_sample(browser, app, 1, out / "train-light.png")
            garments = run_sample(browser, app, 2)
            for scheme in ("light", "dark"):
                for width in (1280, 375) if everything else (1280,):
                    context = browser.new_context(
                        viewport={"width": width, "height": 860}, color_scheme=scheme, device_scale_factor=1
                    )  # type: ignore[arg-type]
                    page = context.new_page()
                    for name in PAGES:
                        wanted = f"{name}-{scheme}" if width == 1280 else f"{name}-{scheme}-{width}"
                        if everything or (wanted in README and name != "train"):
                            query = garments if name in ("compare", "report") else flights
                            page.goto(f"{app.url}/{'' if name == 'start' else name}?{query}")
                            picture(page, out / f"{wanted}.png", whole=everything)
                    if width == 1280 and (everything or scheme == "light"):
                        page.goto((Path(folder) / "report.html").as_uri())
                        page.wait_for_timeout(1500)
                        page.screenshot(path=out / f"report-file-{scheme}.png", full_page=everything)
                    context.close()
        finally:
            browser.close()
            app.end()


def run_sample(browser: Browser, app: App, number: int, live: Path | None = None) -> str:
    """Run a sample, take the picture of the live page if asked to, keep its report, return the query of its links."""
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.goto(app.url)
    page.get_by_role("button", name="Try the sample").nth(number).click()
    page.get_by_role("link", name="Go on to Train").click()
    if live:
        steps.set_number(page, "Batch size (rows)", 16)  # slow enough for a picture
    steps.start(page, epochs=10)
    if live:
        expect(page.locator(".st-key-card_full_retrain-0")).to_contain_text("of 10")
        page.wait_for_timeout(2500)
        page.screenshot(path=live)
    steps.wait_for_the_end(page)
    query = page.url.partition("?")[2]
    steps.go(page, "Report")
    report = steps.download(page, "Report (HTML)", app.store.parent)
    report.rename(app.store.parent / "report.html")
    page.close()
    return query


def picture(page: Page, path: Path, *, whole: bool) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=120_000)
    page.wait_for_timeout(2500)  # charts and grids draw themselves after the page is there
    size = page.viewport_size
    assert size is not None
    if whole:
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": min(height + 20, 9000)})
        page.wait_for_timeout(800)
    page.screenshot(path=path)
    page.set_viewport_size(size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] == ["all"])

"""The report in a real browser: it draws itself without asking anyone for anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from retrain_core.report import render
from retrain_core.types import Stakes
from tests.report.example import comparison, content, evidence

EVIL = "<img src=x onerror=alert(1)>"
DRAWN = "[...document.querySelectorAll('[data-chart]')].every(place => place.querySelector('.main-svg'))"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    broken, stakes = {"fine_tune": EVIL}, Stakes(0.5, 1000, 90, 40)
    answer = comparison(broken=broken, stakes=stakes)
    made = content(answer, evidence(broken=broken), name=f"</script>{EVIL}", label=EVIL)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(made), encoding="utf-8")
    return path


def opened(
    browser: Browser, report: Path, *, width: int = 1280, scheme: str = "light"
) -> tuple[Page, list[str]]:
    """Open the report and return the page and all that it asked for or complained about."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    noise: list[str] = []
    page.on("request", lambda request: noise.append(request.url))
    page.on("console", lambda message: noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on("dialog", lambda dialog: noise.append(dialog.message))
    page.goto(report.as_uri())
    page.wait_for_function(DRAWN)
    return page, [line for line in noise if line != report.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375])
def test_it_draws_all_charts_in_silence_and_fits(chromium, report, width, scheme) -> None:
    page, noise = opened(chromium, report, width=width, scheme=scheme)
    assert page.locator(".main-svg").count() > 8
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert noise == []
    page.close()


def test_text_of_charts_follows_the_colour_scheme(chromium, report) -> None:
    colours = {}
    for scheme in ("light", "dark"):
        page, _ = opened(chromium, report, scheme=scheme)
        tick = page.locator("[data-chart=tradeoff] .ytick text").first
        colours[scheme] = tick.evaluate("text => getComputedStyle(text).fill")
        page.close()
    assert colours == {"light": "rgb(27, 36, 48)", "dark": "rgb(232, 235, 239)"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_on_coloured_cells_is_set_off_in_both_schemes(chromium, report, scheme) -> None:
    page, _ = opened(chromium, report, scheme=scheme)
    cells = page.locator("[data-chart^=confusion] .heatmap-label text")
    fills = set(cells.evaluate_all("found => found.map(text => getComputedStyle(text).fill)"))
    assert len(fills) == 2 and not fills & {"rgb(27, 36, 48)", "rgb(232, 235, 239)"}
    page.close()


def test_no_button_uploads_a_chart(chromium, report) -> None:
    page, _ = opened(chromium, report)
    page.locator("[data-chart=tradeoff]").hover()
    titles = page.locator(".modebar-btn").evaluate_all("found => found.map(button => button.dataset.title)")
    assert "Download plot as a PNG" in titles and not [title for title in titles if "hare" in title]
    page.close()


def test_paper_is_white_and_everything_on_it_is_open(chromium, report) -> None:
    page, _ = opened(chromium, report, scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    chart = page.locator("[data-chart=tradeoff]")
    assert chart.evaluate("place => place._fullLayout.paper_bgcolor") == "#ffffff"
    assert chart.evaluate("place => place._fullLayout.width") == 660
    beside = page.locator("[data-chart=cost]")
    assert beside.evaluate("place => place._fullLayout.width") == 320
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert chart.evaluate("place => place._fullLayout.paper_bgcolor") != "#ffffff"
    assert page.locator("details[open]").count() == 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_every_score_is_read_without_scrolling(chromium, report, scheme) -> None:
    page, _ = opened(chromium, report, width=375, scheme=scheme)
    cells = page.locator(".scores tbody td")
    boxes = cells.evaluate_all("found => found.map(cell => cell.getBoundingClientRect().toJSON())")
    assert len(boxes) == 4 * 6 and all(box["left"] >= 0 and box["right"] <= 375 for box in boxes)
    labels = cells.evaluate_all(
        "found => found.slice(0, 6).map(cell => getComputedStyle(cell, '::before').content)"
    )
    assert labels == [
        '"accuracy, new part"', '"accuracy, old part"', '"loss, new part"', '"loss, old part"', '"training"', '"memory"',
    ]  # fmt: skip
    page.close()


TEXTS = """() => [...document.querySelectorAll("[data-chart^=flips], [data-chart=drivers]")].flatMap(chart => {
  const box = node => node.getBoundingClientRect(), names = [...chart.querySelectorAll(".ytick text")].map(box);
  return [...chart.querySelectorAll(".barlayer text")].map(node => [node.textContent, box(node), box(chart), names])
})"""


def test_on_a_phone_no_number_beside_a_bar_touches_a_name_or_is_cut(chromium, report) -> None:
    page, _ = opened(chromium, report, width=375)
    found = page.evaluate(TEXTS)
    assert len(found) > 6
    for text, box, chart, names in found:
        assert chart["left"] <= box["left"] and box["right"] <= chart["right"], text
        assert all(name["right"] + 2 < box["left"] for name in names), text
    page.close()

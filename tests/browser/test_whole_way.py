"""The whole way, as a user goes it: from the sample or from files to the numbers and the report."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from retrain_core.runs import Store, run_states, submit
from retrain_core.runs.plan import plan_runs
from tests.browser import steps
from tests.browser.conftest import App
from tests.make import mlp, question, table

TITLES = {
    "keep": "Keep", "fine_tune": "Fine-tune", "incremental": "Incremental", "full_retrain": "Full retrain",
}  # fmt: skip


def check_numbers(page: Page, comparison: dict[str, Any]) -> None:
    """Hold every score on the Compare page against ``comparison.json``."""
    steps.go(page, "Compare")
    recommendation = comparison["recommendation"]
    answer = page.locator(".st-key-recommendation")
    for text in (recommendation["summary"], *recommendation["reasons"]):
        expect(answer).to_contain_text(text)
    badge = answer.locator(".stMarkdownBadge").first  # its help says it too
    expect(badge).to_contain_text("clear" if recommendation["clear"] else "not certain")
    holdout = comparison["holdout"]
    expect(
        page.get_by_text(f"{holdout['new_rows']:,} new and {holdout['old_rows']:,} old rows")
    ).to_be_visible()
    expect(page.get_by_text(holdout["sha256"][:16])).to_be_visible()
    rows = {row["candidate"]: row for row in steps.table(page)}
    assert list(rows) == list(TITLES.values())
    for name, title in TITLES.items():
        candidate, row = comparison["strategies"][name], rows[title]
        for part in ("new", "old"):
            accuracy = 100 * candidate[part]["accuracy"]
            assert steps.number(row[f"{part} accuracy (%)"]) == pytest.approx(accuracy, abs=0.051)
            assert steps.number(row[f"{part} loss"]) == pytest.approx(candidate[part]["loss"], abs=0.000051)
            if name != "keep":
                change = accuracy - 100 * comparison["strategies"]["keep"][part]["accuracy"]
                assert steps.number(row[f"Δ {part} (points)"]) == pytest.approx(change, abs=0.051)


def check_report(chromium: Browser, file: Path, comparison: dict[str, Any]) -> None:
    """Open the downloaded report offline."""
    context = chromium.new_context(offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    page.goto(file.as_uri())
    expect(page.get_by_text(comparison["recommendation"]["summary"]).first).to_be_visible()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    context.close()
    assert said == []


def test_from_the_sample_to_the_report(page: Page, app: App, chromium: Browser, tmp_path: Path) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Try the sample").first.click()
    expect(page.get_by_role("heading", name="Shift", level=1)).to_be_visible()
    expect(page.get_by_text("major shift").first).to_be_visible()
    page.get_by_role("link", name="Go on to Train").click()
    steps.start(page, epochs=2)
    steps.wait_for_the_end(page)
    comparison = steps.comparison(page, tmp_path)
    assert list(comparison["strategies"]) == list(TITLES)
    assert all(candidate["status"] == "finished" for candidate in comparison["strategies"].values())
    check_report(chromium, steps.download(page, "Report (HTML)", tmp_path), comparison)
    scores = steps.download(page, "Scores (CSV)", tmp_path).read_text()
    assert str(comparison["strategies"]["full_retrain"]["new"]["loss"])[:8] in scores
    assert steps.download(page, "Full retrain (.keras)", tmp_path).read_bytes()[:2] == b"PK"
    check_numbers(page, comparison)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    table(600, 1).to_csv(folder / "spring.csv", index=False)
    table(400, 2, shift=0.8).to_csv(folder / "autumn.csv", index=False)
    mlp(folder / "customers.keras", table(600, 1))
    return folder


def upload(page: Page, role: str, file: Path) -> None:
    steps.put(page, role, file.name, file.read_bytes())
    expect(page.locator(f".st-key-file_{role}")).to_contain_text(file.name)


def use_files(page: Page, app: App, files: Path) -> None:
    """Upload model, new and old data, and go on to Train."""
    page.goto(app.url)
    page.get_by_role("button", name="Choose your files").click()
    expect(page.get_by_role("heading", name="Data", level=1)).to_be_visible()
    upload(page, "model", files / "customers.keras")
    upload(page, "new", files / "autumn.csv")
    upload(page, "old", files / "spring.csv")
    expect(page.get_by_text("2 columns feed the input 'row'")).to_be_visible()
    page.get_by_role("button", name="Use this data").click()
    page.get_by_role("link", name="Go on to Train").click()


def test_from_uploaded_files_to_the_numbers(page: Page, app: App, files: Path, tmp_path: Path) -> None:
    use_files(page, app, files)
    steps.start(page, epochs=2)
    steps.wait_for_the_end(page)
    check_numbers(page, steps.comparison(page, tmp_path))


def test_a_wrong_upload_is_said_and_the_rest_is_kept(
    page: Page, app: App, files: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "notes.csv"
    wrong.write_bytes(b"%PDF-1.7 not a table")
    page.goto(app.url)
    page.get_by_role("button", name="Choose your files").click()
    upload(page, "model", files / "customers.keras")
    upload(page, "new", wrong)
    expect(page.get_by_text("notes.csv cannot be used as data.")).to_be_visible()
    expect(page.locator(".st-key-file_model")).to_contain_text("customers.keras")
    upload(page, "new", files / "autumn.csv")
    expect(page.get_by_text("notes.csv cannot be used as data.")).to_be_hidden()
    expect(page.get_by_role("button", name="Use this data")).to_be_enabled()


def test_a_refresh_of_the_data_page_keeps_what_was_entered(page: Page, app: App, files: Path) -> None:
    page.goto(app.url)
    page.get_by_role("button", name="Choose your files").click()
    upload(page, "new", files / "autumn.csv")
    upload(page, "model", files / "customers.keras")
    page.reload()
    expect(page.locator(".st-key-file_new")).to_contain_text("autumn.csv")
    expect(page.locator(".st-key-file_model")).to_contain_text("customers.keras")
    expect(page.get_by_role("button", name="Use this data")).to_be_enabled()


def test_a_refresh_of_the_train_page_keeps_what_was_chosen(page: Page, app: App, files: Path) -> None:
    use_files(page, app, files)
    steps.set_number(page, "Epochs (at most)", 7)
    steps.set_option(page, "full_retrain", "Patience (epochs)", 2)
    page.locator(".st-key-use_fine_tune label").click()
    expect(page).to_have_url(re.compile("use_fine_tune=false"))
    page.reload()
    expect(page.get_by_label("Epochs (at most)", exact=True)).to_have_value("7")
    expect(page.locator(".st-key-option_full_retrain_patience input")).to_have_value("2")
    expect(page.locator(".st-key-use_fine_tune input")).not_to_be_checked()


@pytest.mark.timeout(600)
def test_a_refresh_a_second_tab_and_a_restart_find_the_runs_again(
    page: Page, app: App, chromium: Browser
) -> None:
    page.goto(app.url)
    page.get_by_role(
        "button", name="Try the sample"
    ).last.click()  # pictures: minutes of work for any machine
    page.get_by_role("link", name="Go on to Train").click()
    steps.set_number(page, "Batch size (rows)", 1)
    for strategy in ("fine_tune", "full_retrain"):  # never done by themselves
        steps.set_option(page, strategy, "Patience (epochs)", 0)
    steps.start(page, epochs=1000)
    # It starts last, once a whole pass of the incremental training has ended.
    expect(page.locator(".st-key-card_fine_tune-0")).to_contain_text("epoch", timeout=240_000)
    url = page.url
    assert "experiment=" in url

    page.reload()
    expect(page.get_by_role("button", name="Stop all")).to_be_visible()

    other = chromium.new_page()
    other.goto(url)
    expect(other.get_by_role("button", name="Stop all")).to_be_visible()
    other.close()

    page.goto("about:blank")
    app.stop()
    app.start()
    page.goto(url)  # the first thing this server is asked for
    names = page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(names).to_contain_text(["Start", "Data", "Shift", "Diagnosis", "Train", "Compare", "Report"])
    expect(names).to_have_count(7)
    expect(page.get_by_role("button", name="Stop all")).to_be_visible()
    page.locator(".st-key-card_fine_tune-0").get_by_role("button", name="Stop").click()
    expect(page.locator(".st-key-card_fine_tune-0")).to_contain_text("stopped")
    expect(page.locator(".st-key-card_full_retrain-0")).to_contain_text("running")
    page.get_by_role("button", name="Stop all").click()
    steps.wait_for_the_end(page)
    expect(page.get_by_role("link", name="Compare them")).to_be_visible()


@pytest.fixture
def fresh(app: App, tmp_path: Path) -> str:
    """The id of an experiment that has not been run, in the app's store."""
    made, spec = question(tmp_path)
    shutil.copytree(made.root / "files", app.store / "files", dirs_exist_ok=True)
    Store(app.store).save_experiment(spec)
    return spec.id


def test_what_a_run_will_cost_is_told_before_and_held_against_what_it_cost(
    page: Page, app: App, fresh: str
) -> None:
    page.goto(f"{app.url}?experiment={fresh}")
    steps.go(page, "Train")
    steps.choose(page, "fine_tune")
    steps.set_number(page, "Epochs (at most)", 2)
    expect(page.get_by_text("What a run will cost")).to_be_visible()
    expect(page.get_by_text("being measured")).to_be_hidden(timeout=120_000)
    rows_seen = page.get_by_test_id("data-grid-canvas").first.locator("tbody td").nth(3)
    expect(rows_seen).to_have_text(
        re.compile(r"^[\d,]+$")
    )  # not a range: two epochs are too few to stop early
    (row,) = steps.table(page, last="Steps", having="strategy")
    assert row["Strategy"] == "Fine-tune" and steps.number(row["Memory (MB)"]) > 0
    low, high = re.findall(r"[\d.]+", row["Time"])[:2]
    assert float(low) <= float(high)
    page.get_by_role("button", name="Start", exact=True).click()
    steps.wait_for_the_end(page)
    card = page.locator(".st-key-card_fine_tune-0")
    expect(card).to_contain_text(f"forecast {low} to {high} s")
    expect(card).to_contain_text("trained for")


def test_one_of_the_further_strategies_is_chosen_and_run(page: Page, app: App, fresh: str) -> None:
    page.goto(f"{app.url}?experiment={fresh}")
    steps.go(page, "Train")
    steps.choose(page, "recalibrate")
    page.get_by_role("button", name="Start", exact=True).click()
    steps.wait_for_the_end(page)
    cards = page.locator("[class*=st-key-card_]")
    expect(cards).to_have_count(2)
    expect(cards.nth(0)).to_contain_text("Keep finished")
    expect(cards.nth(1)).to_contain_text("Recalibrate finished")
    expect(cards.nth(1)).to_contain_text("Holdout, new rows: accuracy")
    steps.go(page, "Compare")
    assert [row["candidate"] for row in steps.table(page)] == ["Keep", "Recalibrate"]


@pytest.fixture(scope="module")
def answered(app: App) -> str:
    """The id of an experiment that has been run."""
    store, spec = question(app.store.parent)
    submit(store, plan_runs(spec.id, {"fine_tune": {}, "full_retrain": {}}, shared={"epochs": 2}))
    deadline = time.monotonic() + 120
    while not (states := run_states(store, spec.id)) or not all(state.done for state in states):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return spec.id


@pytest.mark.parametrize("where", ["data", "shift", "diagnosis", "train", "compare", "report"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_link_opens_its_page_on_a_narrow_screen(
    chromium: Browser, app: App, answered: str, where: str, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": 375, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{app.url}/{where}?experiment={answered}")
    expect(page.get_by_role("heading", level=1)).to_have_text(where.capitalize())
    expect(page.get_by_test_id("stSpinner")).to_be_hidden()
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    context.close()
    assert width <= 375  # nothing makes the page scroll sideways


def test_json_of_the_report_is_the_contract_of_the_command_line(
    page: Page, app: App, answered: str, tmp_path: Path
) -> None:
    page.goto(f"{app.url}?experiment={answered}")
    comparison = steps.comparison(page, tmp_path)
    assert comparison["schema"] == 1
    assert json.loads(json.dumps(comparison))["metric"] == {"name": "accuracy", "direction": "max"}


def test_wishes_move_the_recommendation_and_outlast_other_pages(page: Page, app: App, answered: str) -> None:
    page.goto(f"{app.url}/compare?experiment={answered}")
    card = page.locator(".st-key-recommendation")
    expect(card).to_contain_text("of resamples of the rows")
    page.get_by_text("Limits and scores").click()
    seconds = page.get_by_label("Most seconds of training", exact=True)
    seconds.fill("0")
    seconds.press("Enter")
    expect(card).to_contain_text("every other candidate breaks a limit")
    expect(seconds).to_be_visible()
    page.get_by_test_id("stMain").get_by_text("Differences", exact=True).click()
    expect(page).to_have_url(re.compile("view=Differences"))
    steps.go(page, "Report")
    expect(page.get_by_text("every other candidate breaks a limit")).to_be_visible()
    expect(page.get_by_text("--most-seconds 0")).to_be_visible()
    steps.go(page, "Compare")
    expect(seconds).to_have_value("0")
    seconds.fill("")
    seconds.press("Enter")
    expect(card).not_to_contain_text("every other candidate breaks a limit")


def test_wishes_outlast_a_refresh_and_are_in_a_second_tab(
    page: Page, app: App, chromium: Browser, answered: str
) -> None:
    page.goto(f"{app.url}/compare?experiment={answered}")
    page.get_by_text("Limits and scores").click()
    steps.set_number(page, "Most seconds of training", 0)
    expect(page).to_have_url(re.compile("most_seconds=0"))
    page.reload()
    expect(page.get_by_label("Most seconds of training", exact=True)).to_have_value("0")
    steps.go(page, "Report")
    expect(page).to_have_url(re.compile("most_seconds=0"))
    other = chromium.new_page()
    other.goto(page.url)
    expect(other.get_by_text("--most-seconds 0")).to_be_visible()
    other.close()


@pytest.mark.parametrize(
    "section", ["Differences", "Errors", "Groups", "Changed rows", "Old and new", "Training", "Cost"]
)
def test_a_link_opens_a_section_on_a_narrow_screen(
    chromium: Browser, app: App, answered: str, section: str
) -> None:
    context = chromium.new_context(viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto(f"{app.url}/compare?experiment={answered}&view={section.replace(' ', '+')}")
    expect(page.get_by_role("link", name="Take a report away")).to_be_visible()
    drawn = ".js-plotly-plot .main-svg, [data-testid=stDataFrame]"
    expect(page.get_by_test_id("stMain").locator(drawn).first).to_be_visible()
    chosen = page.get_by_role("radio", name=section)
    expect(chosen).to_be_checked()
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    context.close()
    assert width <= 375

"""Another visitor's page while a report on a million rows is computed, and what a page sends to the browser."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Page, expect, sync_playwright

from retrain_core.runs import known_shift
from retrain_core.runs.store import Store
from retrain_core.types import ShiftSettings
from tests.browser.conftest import App
from tests.conftest import CHROMIUM_FLAGS, chromium_path
from tests.make import experiment

COLUMNS = [f"x{number}" for number in range(20)]
PAGES = ("shift", "diagnosis")
IDLE_LOADS, PAUSE = 7, 500  # times, milliseconds
SECTIONS = ("All columns together", "Seen by the model", "Labels and concept", "In time", "What others say")
MODEL = """
import sys, keras
model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy")
model.save(sys.argv[1])
"""


@dataclass(frozen=True)
class Busy:
    """What was measured at one number of rows.

    Args:
        rows: On each side.
        measuring: Seconds from the click to the report.
        idle: Seconds that another visitor's start page took, each time, before. The browser has its files already; most
            of it is the browser's own work.
        loads: The same meanwhile, the browser that waits for the report being on another machine.
        sent: Bytes that each page, or section of one, sent over the socket.
    """

    rows: int
    measuring: float
    idle: tuple[float, ...]
    loads: tuple[float, ...]
    sent: dict[str, int]


def busy(rows: int) -> Busy:
    """Measure at ``rows`` rows a side."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        id = _question(folder, rows)
        app = App(folder / "store")
        app.start()
        one, other = (
            playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS) for _ in range(2)
        )
        try:
            return _visit(one, other.new_page(), app, Store(folder / "store"), id, rows)
        finally:
            one.close()
            other.close()
            app.end()


def _visit(browser: Browser, visitor: Page, app: App, store: Store, id: str, rows: int) -> Busy:
    _load(visitor, app.url)  # the first visit loads what the browser keeps
    idle = tuple(_load(visitor, app.url) for _ in range(IDLE_LOADS))
    start, loads = time.perf_counter(), []
    asking = browser.new_page()
    asking.goto(f"{app.url}/shift?experiment={id}")
    expect(asking.get_by_text("Measuring how the data has moved")).to_be_visible(timeout=60_000)
    asking.close()  # whoever waits has a machine of their own; drawing that page here too would slow this one
    while not known_shift(store, id, ShiftSettings()):
        loads.append(_load(visitor, app.url))
        visitor.wait_for_timeout(PAUSE)
    measuring = time.perf_counter() - start
    page, found = browser.new_page(viewport={"width": 1280, "height": 900}), {}
    sent = _counted(page)
    for name in PAGES:
        sent.clear()
        page.goto(f"{app.url}/{name}?experiment={id}")
        page.wait_for_timeout(4000)
        found[name] = sum(sent)
    page.goto(f"{app.url}/shift?experiment={id}")
    for section in SECTIONS:
        button = page.get_by_test_id("stMain").get_by_text(section, exact=True).last
        expect(button).to_be_visible()
        sent.clear()
        button.click()
        page.wait_for_timeout(4000)
        found[section] = sum(sent)
    return Busy(rows, measuring, idle, tuple(loads), found)


def _counted(page: Page) -> list[int]:
    """Return a list that grows by the size of each message the server sends to ``page``."""
    sizes: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: sizes.append(len(frame))))
    return sizes


def _load(page: Page, url: str) -> float:
    start = time.perf_counter()
    page.goto(url)
    page.get_by_role("button", name="Choose your files").wait_for()
    return time.perf_counter() - start


def _question(folder: Path, rows: int) -> str:
    rng = np.random.default_rng(0)
    for side, moved in (("old", 0.0), ("new", 0.2)):
        frame = pd.DataFrame(rng.normal(0, 1, (rows, len(COLUMNS))), columns=COLUMNS)
        frame["x0"] += moved
        frame["y"] = (rng.random(rows) < 1 / (1 + np.exp(-frame["x0"]))).astype(int)
        frame["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(rows) // 1000, unit="D")
        frame.to_parquet(folder / f"{side}.parquet")
    subprocess.run(
        [sys.executable, "-c", MODEL, str(folder / "model.keras")], check=True, capture_output=True
    )
    files = {"model": "model.keras", "new": "new.parquet", "old": "old.parquet"}
    paths = {role: folder / name for role, name in files.items()}
    return experiment(Store(folder / "store"), paths, label="y", columns=COLUMNS).id

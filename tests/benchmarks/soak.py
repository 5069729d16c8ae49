"""An hour of use: visitors come, make experiments of the samples, run, compare and export them, delete them and take that back.

All visitors leave before anything is counted, so what is counted then is what nobody needs: memory, open files, threads
and processes of the server and of the runner. A straight line through these, from when caches have filled, tells the growth.

python -m tests.benchmarks.soak [MINUTES]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import psutil
from scipy import stats

from pages._ui.state import COLLECT_SECONDS
from retrain_core.runs.index import read_open
from retrain_core.runs.store import Store
from retrain_core.samples import samples
from tests.browsing import Tab, at_once, tab
from tests.serving import App, serving, until

MINUTES, VISITORS, ROUND_SECONDS = 60.0, 4, 60.0
WARM_SHARE = 0.2  # of the time: caches fill, and threads that stay are made
MOST_RUN_SECONDS = 600.0
FORGETFUL = {
    "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "1"
}  # closed tabs; else they are kept for two minutes
MB = 1024**2


@dataclass(frozen=True)
class Sample:
    """What was held when nobody was there and nothing was under way.

    Args:
        minute: When, since the first.
        server_mb: Memory that is the server's alone (USS).
        server_files: Its open files and sockets.
        server_threads: Its threads.
        server_processes: What it has started; the runner is one of them.
        runner_mb: The same of the runner with all that it has started.
        runner_files: The same.
        runner_threads: The same.
        runner_processes: The runner, its fork servers, and workers if any were left.
    """

    minute: float
    server_mb: float
    server_files: float
    server_threads: float
    server_processes: float
    runner_mb: float
    runner_files: float
    runner_threads: float
    runner_processes: float


# Growth an hour up to which something is called flat: the upper end of its interval has to be below.
FLAT = {
    "server_mb": 50.0, "server_files": 2.0, "server_threads": 2.0, "server_processes": 1.0,
    "runner_mb": 50.0, "runner_files": 2.0, "runner_threads": 2.0, "runner_processes": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Soak:
    """What an amount of use came to.

    Args:
        samples: One a minute.
        rounds: Experiments that were made, run, compared, exported, deleted, taken back and deleted again.
        errors: What visitors were shown as an exception, or what ended their visit.
    """

    samples: list[Sample]
    rounds: int
    errors: list[str]


def soak(
    folder: Path,
    *,
    seconds: float,
    visitors: int = VISITORS,
    round_seconds: float = ROUND_SECONDS,
    say: Callable[[str], None] = lambda line: None,
) -> Soak:
    """Use a store for so long; see ``Soak``."""
    store, chance = Store(folder / "store"), random.Random(0)
    found, rounds, errors = list[Sample](), list[str](), list[str]()
    with serving(App(store.root, settings=FORGETFUL)) as app:
        start = time.monotonic()
        while time.monotonic() - start < seconds or not found:
            end = time.monotonic() + round_seconds
            seeds = [chance.random() for _ in range(visitors)]
            visits = [partial(_visit, app, random.Random(seed), end, rounds, errors) for seed in seeds]
            errors += [f"{type(error).__name__}: {error}" for error in at_once(visits)]
            with tab(app) as last:
                last.open()
                if last.has("empty_bin"):
                    last.press("empty_bin")
            let_go(app)
            found.append(sample(app, store, start))
            say(str(found[-1]))
    return Soak(found, len(rounds), errors)


def _visit(app: App, chance: random.Random, end: float, rounds: list[str], errors: list[str]) -> None:
    """Come back with a new tab until it is time to go."""
    while True:
        with tab(app) as page:
            try:
                rounds.append(one_round(page, chance))
            finally:
                errors += page.errors
        if time.monotonic() > end:
            return


def one_round(page: Tab, chance: random.Random) -> str:
    """Make an experiment and do all that can be done with it; return its id."""
    page.open()
    page.press(f"try_{samples()[0].id}")
    (id,) = parse_qs(page.query)["experiment"]
    link = f"experiment={id}"
    page.look(chance.uniform(0.5, 2))
    page.open("diagnosis", link)
    page.look(chance.uniform(0, 1))
    page.open("train", f"{link}&epochs=1")
    page.fill("epochs", int_value=1)
    page.press("start")
    deadline = time.monotonic() + MOST_RUN_SECONDS
    while "All runs have ended" not in page.text():
        assert time.monotonic() < deadline, "the runs did not end"
        page.look(1.0)
    page.open("compare", link)
    page.look(chance.uniform(0, 1))
    page.open("report", link)
    for label in ("Report (HTML)", "Scores (CSV)", "Comparison (JSON)", "Keep (.keras)"):
        assert page.download(label), label
    page.open("", "")
    for button in ("delete", "undo", "delete"):
        page.press(f"{button}_{id}")
    return id


def let_go(app: App) -> None:
    """Have the server forget whoever has left: who comes next has it do so, once they have been away long enough."""
    for seconds in (2.0, COLLECT_SECONDS + 1.0):
        time.sleep(seconds)
        with tab(app) as page:
            page.open()


def sample(app: App, store: Store, start: float) -> Sample:
    """Return what is held once all that was asked for is over."""

    def quiet() -> bool:
        return not any(read_open(store.root / "index.sqlite")) and not list((store.root / "inbox").iterdir())

    until(quiet, "the queue is not empty", 300)
    until(lambda: len(_runner_and_all(app)) <= 3, "workers are left", 60)
    time.sleep(1.0)
    runner = _runner_and_all(app)
    server = app.process
    return Sample(
        (time.monotonic() - start) / 60,
        server.memory_full_info().uss / MB,
        server.num_fds(),
        server.num_threads(),
        len(server.children()),
        sum(one.memory_full_info().uss for one in runner) / MB,
        sum(one.num_fds() for one in runner),
        sum(one.num_threads() for one in runner),
        len(runner),
    )


def _runner_and_all(app: App) -> list[psutil.Process]:
    """Return the runner and its fork servers, and workers if there are any."""
    runners = app.process.children()
    return [*runners, *(child for runner in runners for child in runner.children(recursive=True))]


def held(app: App) -> tuple[int, int, int, int, int, int]:
    """Return the open files, threads and processes of the server, and of the runner with all that it has started."""
    runner, server = _runner_and_all(app), app.process
    return (
        server.num_fds(), server.num_threads(), len(server.children()),
        sum(one.num_fds() for one in runner), sum(one.num_threads() for one in runner), len(runner),
    )  # fmt: skip


def growth(found: Sequence[Sample], name: str) -> tuple[float, float]:
    """Return the growth an hour of one number by a straight line, and how far its 95 % interval reaches to each side."""
    minutes = np.array([one.minute for one in found])
    values = np.array([getattr(one, name) for one in found], float)
    if len(found) < 3:
        return 0.0, np.inf
    if not np.ptp(values):
        return 0.0, 0.0
    line = stats.linregress(minutes / 60, values)
    reach = stats.t.ppf(0.975, len(found) - 2) * line.stderr
    return float(line.slope), float(reach)


def main(minutes: float = MINUTES, tell: Callable[[str], None] = print) -> list[str]:
    """Use a store for so many minutes, tell whether anything grows, and return which bars were missed."""
    with tempfile.TemporaryDirectory() as folder:
        done = soak(Path(folder), seconds=60 * minutes, say=lambda line: print(line, flush=True))
    warm = done.samples[round(WARM_SHARE * len(done.samples)) :]
    tell(
        f"{done.rounds} experiments in {done.samples[-1].minute:.0f} minutes, {VISITORS} visitors at a time. Errors: "
        f"{len(done.errors)} (bar: 0). Lines are fitted to the last {len(warm)} of {len(done.samples)} samples.\n"
    )
    for error in dict.fromkeys(done.errors):
        tell(f"- {error[:300]}")
    tell("| | first | at the line's start | last | growth an hour (95 % interval) | flat is below | flat |")
    tell("|---|---|---|---|---|---|---|")
    missed = ["soak: errors"] if done.errors else []
    for name in [field.name for field in fields(Sample)][1:]:
        slope, reach = growth(warm, name)
        values = " | ".join(f"{getattr(one, name):.0f}" for one in (done.samples[0], warm[0], warm[-1]))
        flat = "yes" if slope + reach < FLAT[name] else "no" if np.isfinite(reach) else "too few samples"
        missed += [f"soak: {name}"] if flat != "yes" else []
        words = name.replace("_", ", ").replace("mb", "MB")
        tell(f"| {words} | {values} | {slope:+.1f} ± {reach:.1f} | {FLAT[name]:g} | {flat} |")
    return missed


if __name__ == "__main__":
    sys.exit(", ".join(main(float(sys.argv[1]) if sys.argv[1:] else MINUTES)) or None)

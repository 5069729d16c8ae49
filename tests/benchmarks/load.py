"""Fifty visitors browse while ten experiments that were started at once are worked off, on one server with one store.

Experiments are started by the button of the Train page, each in a tab of its own, over the protocol that browsers speak. Visitors
are threads with a websocket each; between two pages they think, and parts of a page that draw themselves again do meanwhile.
"""

from __future__ import annotations

import itertools
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from retrain_core.runs.index import read_open, read_runs
from retrain_core.runs.names import is_beside, new_id
from retrain_core.runs.state import run_states
from retrain_core.runs.store import Store
from retrain_core.types import ExperimentSpec
from tests.browsing import at_once, tab
from tests.make import question
from tests.serving import App, serving, until
from tests.storm import same_outcome

VISITORS, EXPERIMENTS = 50, 10
PAGES_A_VISIT = 12
PAGES = ("", "data", "shift", "diagnosis", "train", "compare", "report")
THINK = (1.0, 5.0)  # seconds
EPOCHS, ROWS = 100, 2_000
PLACE_SECONDS = 10.0  # in which an experiment that has to wait is told its place
QUEUED_SECONDS = 1.0  # in which the runner queues runs whose data has been split
FORGET_SECONDS = 125.0  # Streamlit keeps a closed tab's session for two minutes, should it come back
MOST_PAGE_SECONDS, MOST_GROWTH_MB = 2.0, 100.0
MB = 1024**2


@dataclass
class Found:
    """What was measured.

    Args:
        alone: Seconds of each page with nobody else there.
        times: Of each page, while fifty visit.
        errors: What visitors were shown as an exception, or what ended their visit.
        parts: How many times parts of pages drew themselves again.
        processor: Seconds of the processor that the server took for all these.
        memory: What the server held, in MB, at each moment: USS, PSS and RSS.
        spread: The most by which the runs begun of two experiments differed while both had runs waiting.
        seconds: From the start of the experiments to the end of the last.
        right: Runs that ended with the weights and scores of one that was not disturbed.
        runs: All runs.
        places: The first places in the queue that the Train pages told.
    """

    alone: dict[str, float] = field(default_factory=dict)
    times: list[tuple[str, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    parts: int = 0
    processor: float = 0.0
    memory: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    spread: int = 0
    seconds: float = 0.0
    right: int = 0
    runs: int = 0
    places: list[str] = field(default_factory=list)


def measure(
    *,
    visitors: int = VISITORS,
    experiments: int = EXPERIMENTS,
    pages: int = PAGES_A_VISIT,
    forget: float = FORGET_SECONDS,
) -> Found:
    """Measure all of it, on a store of its own."""
    found = Found()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store, spec = question(folder, new_rows=ROWS)
        others = [replace(spec, id=new_id(), name=f"question {number}") for number in range(experiments)]
        for other in others:
            store.save_experiment(other)
        with serving(App(store.root)) as app:
            _start(app, spec)
            _wait(store, [spec])
            _look_at_all(app, spec)  # what is loaded once, and what is asked for once
            until(lambda: not _at_work(store), "the probes did not end", seconds=300)
            found.alone = _look_at_all(app, spec)
            _remember(found, app, "before")
            browse = partial(_browse, app, [spec, *others], pages, found)
            began = time.monotonic()
            begun = threading.Thread(target=_begin, args=(app, others, found))
            begun.start()
            browse(range(visitors))
            begun.join()
            _wait(store, others)
            found.seconds = time.monotonic() - began
            _let_go(found, app, spec, visitors, forget)
            browse(range(visitors, 2 * visitors))
            _let_go(found, app, spec, 2 * visitors, forget)
            _judge(found, store, spec, others)
    return found


def _start(app: App, spec: ExperimentSpec) -> str:
    """Start an experiment on its Train page, as somebody does; return what the page says next."""
    with tab(app) as page:
        page.open("train", f"experiment={spec.id}&epochs={EPOCHS}")
        page.press("start")
        deadline = time.monotonic() + PLACE_SECONDS
        while "in the queue" not in page.text() and time.monotonic() < deadline:
            page.look(0.5)
        assert not page.errors, page.errors
        return page.text()


def _begin(app: App, others: Sequence[ExperimentSpec], found: Found) -> None:
    """Start all experiments at once, and note the places in the queue that are told."""

    def start(spec: ExperimentSpec) -> None:
        text = _start(app, spec)
        found.places += [line for line in text.splitlines() if "in the queue" in line]

    found.errors += _told(at_once([partial(start, other) for other in others]))


def _browse(
    app: App, specs: Sequence[ExperimentSpec], pages: int, found: Found, seeds: Sequence[int]
) -> None:
    """Let as many visitors come at once as there are seeds; return when the last has gone."""
    before = _processor_seconds(app)
    wrong = at_once([partial(_visit, app, specs, pages, random.Random(seed), found) for seed in seeds])
    found.errors += _told(wrong)
    found.processor += _processor_seconds(app) - before


def _told(wrong: Sequence[BaseException]) -> list[str]:
    return [f"{type(error).__name__}: {error}" for error in wrong]


def _processor_seconds(app: App) -> float:
    times = app.process.cpu_times()
    return times.user + times.system


def _let_go(found: Found, app: App, spec: ExperimentSpec, visits: int, forget: float) -> None:
    """Note the memory once visits have ended, and once Streamlit has let go of their sessions."""
    _remember(found, app, f"{visits} visits have just ended")
    time.sleep(forget)
    _look_at_all(app, spec)  # who comes next has old sessions forgotten
    _remember(found, app, f"{visits} visits, sessions let go")


def _visit(
    app: App, specs: Sequence[ExperimentSpec], pages: int, chance: random.Random, found: Found
) -> None:
    """Go to some pages of one experiment, or look at the list, and think in between."""
    time.sleep(chance.uniform(0, THINK[1]))
    with tab(app) as page:
        try:
            id = chance.choice(specs).id
            for _ in range(pages):
                page.open(chance.choice(PAGES), f"experiment={id}")
                page.look(chance.uniform(*THINK))
        finally:
            found.times += page.times
            found.errors += page.errors
            found.parts += page.parts


def _look_at_all(app: App, spec: ExperimentSpec) -> dict[str, float]:
    """Open every page once, with nobody else there."""
    with tab(app) as page:
        page.open()
        found = {name: page.open(name, f"experiment={spec.id}") for name in PAGES}
        assert not page.errors, page.errors
        return found


def _wait(store: Store, specs: Sequence[ExperimentSpec], seconds: float = 1800) -> None:
    def over() -> bool:
        return all((runs := run_states(store, spec.id)) and all(run.done for run in runs) for spec in specs)

    until(over, "the runs did not end", seconds)


def _at_work(store: Store) -> bool:
    return any(read_open(store.root / "index.sqlite"))


def _remember(found: Found, app: App, when: str) -> None:
    info = app.process.memory_full_info()
    found.memory[when] = (info.uss / MB, info.pss / MB, info.rss / MB)


# --- what came of it ------------------------------------------------------------------------------


def _judge(found: Found, store: Store, spec: ExperimentSpec, others: Sequence[ExperimentSpec]) -> None:
    for other in others:
        for run in store.runs(other.id):
            found.runs += 1
            try:
                same_outcome(store, spec.id, store, other.id, run.id)
            except AssertionError as error:
                found.errors.append(f"{other.name}, {run.id}: {error or 'another outcome'}")
            else:
                found.right += 1
    rows = [row for other in others for row in read_runs(store.root / "index.sqlite", other.id)[0]]
    starts = {(row.experiment, row.id): row.started for row in rows if row.started and not is_beside(row.id)}
    data = [path for other in others for path in (store.experiment_folder(other.id) / "data").iterdir()]
    found.spread = spread(starts, since=max(path.stat().st_mtime for path in data) + QUEUED_SECONDS)


def spread(starts: dict[tuple[str, str], float], since: float) -> int:
    """Return the most by which the numbers of runs begun differed between two experiments that both had some waiting.

    Args:
        starts: When each run of each experiment began.
        since: From when on runs of all of them waited.

    >>> spread({("a", "1"): 1.0, ("a", "2"): 2.0, ("b", "1"): 3.0, ("b", "2"): 4.0}, since=0.0)
    2
    """
    waiting, begun = Counter(id for (id, _), when in starts.items() if when > since), Counter[str]()
    most = 0
    for (id, _), _when in sorted(starts.items(), key=lambda item: item[1]):
        if _when > since:
            begun[id] += 1
            waiting[id] -= 1
            compared = [begun[one] for one, left in waiting.items() if left or one == id]
            most = max(most, max(compared) - min(compared))
    return most


def share(times: Sequence[float], of: float) -> float:
    """Return the time that a share of all times does not exceed."""
    return statistics.quantiles(times, n=100, method="inclusive")[round(100 * of) - 1]


def main(tell: Callable[[str], None] = print, **size: int | float) -> list[str]:
    """Measure, tell what was found, and return which bars were missed."""
    found = measure(**size)  # type: ignore[arg-type]
    tell(f"| page | alone, s | times | median, s | 95 %, s (bar: {MOST_PAGE_SECONDS:g}) | most, s |")
    tell("|---|---|---|---|---|---|")
    late: dict[str, float] = {}
    for name in PAGES:
        mine = [seconds for page, seconds in found.times if page == name]
        if len(mine) > 1:
            late[name] = share(mine, 0.95)
            tell(
                f"| {name or 'start'} | {found.alone[name]:.2f} | {len(mine)} | {statistics.median(mine):.2f} "
                f"| {late[name]:.2f} | {max(mine):.2f} |"
            )
    every = [seconds for _, seconds in found.times]
    tell(
        f"| all | | {len(every)} | {statistics.median(every):.2f} | {share(every, 0.95):.2f} "
        f"| {max(every):.2f} |"
    )
    tell(
        f"\n{found.parts:,} times a part of a page drew itself again meanwhile. For all of it the server took "
        f"{found.processor:.0f} s of the processor. Errors: {len(found.errors)} (bar: 0)."
    )
    tell(f"Told to those who waited: {'; '.join(sorted(set(found.places))) or 'nothing'}.")
    for error in Counter(found.errors).most_common(5):
        tell(f"- {error[1]} times: {error[0][:300]}")
    tell(
        f"\n{found.right} of {found.runs} runs ended with the weights and scores of one that nobody disturbed, "
        f"{found.seconds:.0f} s after the start. Where runs of all waited, those begun differed by {found.spread} between two "
        f"experiments at most (bar: 1)."
    )
    tell("\n| memory of the server, MB | USS | PSS | RSS |\n|---|---|---|---|")
    for when, sizes in found.memory.items():
        tell(f"| {when} | {' | '.join(f'{size:.0f}' for size in sizes)} |")
    kept = [sizes[0] for when, sizes in found.memory.items() if when == "before" or "let go" in when]
    growth = [later - before for before, later in itertools.pairwise(kept)]
    tell(
        f"\nGrowth of USS by each 50 visits: {', '.join(f'{one:.0f}' for one in growth)} MB (bar: {MOST_GROWTH_MB:g})."
    )
    bars = {
        "95 % of each page": max(late.values()) < MOST_PAGE_SECONDS,
        "errors": not found.errors,
        "runs as undisturbed": found.right == found.runs,
        "turns": found.spread <= 1,
        "memory": max(growth) < MOST_GROWTH_MB,
    }
    return [f"load: {name}" for name, held in bars.items() if not held]


if __name__ == "__main__":
    names = ("visitors", "experiments", "pages", "forget")
    sys.exit(", ".join(main(**dict(zip(names, map(int, sys.argv[1:]), strict=False)))) or None)

"""Several visitors of one server, and two servers on one store, over the protocol that browsers speak."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from urllib.parse import parse_qs

import psutil
import pytest

from retrain_core.runs.state import run_states
from retrain_core.strategies import STRATEGIES
from tests.browsing import Tab, at_once, tab
from tests.runs.conftest import Asked, until
from tests.serving import App, serving


@pytest.fixture
def app(asked: Asked) -> Iterator[App]:
    with serving(App(asked[0].root)) as app:
        yield app


def test_two_visitors_of_one_experiment_do_not_see_what_the_other_has_chosen(asked: Asked, app: App) -> None:
    store, spec = asked
    with tab(app) as one, tab(app) as other:
        for visitor in (one, other):
            visitor.open("train", f"experiment={spec.id}")
        for strategy in STRATEGIES.values():
            if strategy.default_on and strategy.name != "keep":
                one.fill(f"use_{strategy.name}", bool_value=False)
        other.fill("epochs", int_value=77)
        none = "Choose at least one strategy beside keep."
        assert none in one.text() and none not in other.text()
        other.press("start")
        assert {run.options["epochs"] for run in store.runs(spec.id) if "epochs" in run.options} == {77}
        assert {run.strategy for run in store.runs(spec.id)} > {
            "keep",
            "fine_tune",
        }  # as the other had chosen
        assert not one.errors + other.errors


def test_visitors_who_upload_files_of_one_name_at_once_each_keep_their_own(asked: Asked, app: App) -> None:
    store, _ = asked
    found: dict[int, Tab] = {}
    contents = {n: f"a,b,y\n{n},{n},0\n{n},1,1\n".encode() * 50 for n in range(4)}

    def choose(number: int) -> None:
        with tab(app) as visitor:
            visitor.open("data")
            visitor.upload("upload_new_0", "new.csv", contents[number])
            found[number] = visitor

    assert at_once([lambda n=n: choose(n) for n in contents]) == []  # type: ignore[misc]
    for number, visitor in found.items():
        (draft,) = parse_qs(visitor.query)["draft"]
        file = json.loads(store.draft(draft) or b"")["files"]["new"]
        assert file == {"sha256": hashlib.sha256(contents[number]).hexdigest(), "name": "new.csv"}
        assert (store.root / "files" / f"{file['sha256']}.csv").read_bytes() == contents[number]
        assert "new.csv" in visitor.text() and not visitor.errors


def test_two_servers_share_one_store_and_one_runner(asked: Asked, app: App) -> None:
    store, spec = asked
    with serving(App(store.root)) as second, tab(app) as here, tab(second) as there:
        for visitor in (here, there):
            visitor.open("train", f"experiment={spec.id}&epochs=2")
        here.press("start")
        there.open("train", f"experiment={spec.id}")
        assert "keep" in there.text().lower() and not there.has("start")  # the other's runs, none of its own
        until(lambda: bool(runs := run_states(store, spec.id)) and all(run.done for run in runs))
        assert {run.status for run in run_states(store, spec.id)} == {"finished"}
        assert len(runners(store.root)) == 1
        for visitor in (here, there):
            visitor.open("compare", f"experiment={spec.id}")
            assert not visitor.errors
        assert here.text() == there.text() and "new and" in here.text()


def runners(root: object) -> list[psutil.Process]:
    """Return the runners of a store."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if "runner" in line and str(root) in line:
            found.append(process)
    return found

"""What people see of the sandbox: a quiet line, a warning where it is weak, and a refusal where it is weaker than asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from pages._ui import state
from retrain_core.runs.store import Store
from retrain_core.samples import samples
from retrain_core.sandbox.least import LEAST
from retrain_core.types import ExperimentSpec, Locked
from tests.conftest import ROOT, command_line
from tests.make import experiment

WEAK = Locked("partial", {"landlock": "The kernel has no <Landlock>.", "seccomp": ""})


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, ExperimentSpec]:
    """Return a store with a sample in it, in which nothing gets done."""
    sample = samples()[0]
    store = Store(tmp_path / "store")
    spec = experiment(
        store, {role: sample.path(role) for role in ("model", "new", "old")}, label=sample.label
    )
    monkeypatch.setattr(state, "store", lambda: store)
    monkeypatch.setenv(LEAST, "none")
    monkeypatch.setattr(state, "keep_going", lambda store: None)
    for module in ("pages._ui.state", "retrain_core.runs.client", "retrain_core.runs.probes"):
        monkeypatch.setattr(f"{module}.ensure_runner", lambda store: None)
    return store, spec


def train_page(spec: ExperimentSpec) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["experiment"] = spec.id
    app.run()
    app.switch_page("pages/train.py").run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def weaken(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pages._ui.sandbox_parts", "retrain_core.sandbox.least"):
        monkeypatch.setattr(f"{module}.strength", lambda: WEAK)


def captions(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption).replace("\\", "")


def test_the_level_stands_beside_the_device(asked: tuple[Store, ExperimentSpec]) -> None:
    app = train_page(asked[1])
    assert "Sandbox: full" in captions(app)
    assert not app.warning


def test_a_weak_sandbox_is_warned_of_and_runs_start_all_the_same(
    asked: tuple[Store, ExperimentSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    weaken(monkeypatch)
    app = train_page(spec)
    assert "Sandbox: partial" in captions(app)
    (warning,) = app.warning
    assert "not fully locked in" in warning.value and r"\<Landlock\>" in warning.value  # shown literally
    app.button(key="start").click().run()
    assert store.runs(spec.id)


def test_a_sandbox_that_is_weaker_than_asked_for_starts_nothing_and_says_why(
    asked: tuple[Store, ExperimentSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    weaken(monkeypatch)
    monkeypatch.setenv(LEAST, "full")
    app = train_page(spec)
    app.button(key="start").click().run()
    (error,) = app.error
    told = error.value.replace("\\", "")
    assert (
        "Runs do not start here" in told
        and "The kernel has no <Landlock>." in told
        and f"{LEAST}=none" in told
    )
    assert store.runs(spec.id) == []


def test_a_model_is_not_read_where_the_sandbox_is_weaker_than_asked_for_and_the_page_says_why(
    asked: tuple[Store, ExperimentSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(monkeypatch)
    monkeypatch.setenv(LEAST, "full")
    state._card_or_refusal.__wrapped__.clear()
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["experiment"] = asked[1].id
    app.run()
    app.switch_page("pages/data.py").run()
    state._card_or_refusal.__wrapped__.clear()
    assert not app.exception, [error.message for error in app.exception]
    (error,) = app.error
    told = error.value.replace("\\", "")
    assert "The model file is not read here: the sandbox is 'partial'" in told
    assert "The kernel has no <Landlock>." in told and f"{LEAST}=none" in told


@pytest.mark.parametrize(
    ("address", "header", "least"),
    [
        ("127.0.0.1", None, "none"),
        ("127.0.0.1", "X-Forwarded-For", "full"),
        ("0.0.0.0", None, "full"),
    ],
)
def test_a_server_that_others_reach_asks_for_the_whole_sandbox(
    asked: tuple[Store, ExperimentSpec],
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    header: str | None,
    least: str,
) -> None:
    monkeypatch.delenv(LEAST)
    known = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: address if name == "server.address" else known(name))
    monkeypatch.setattr(ContextProxy, "headers", {header: "10.0.0.1"} if header else {})
    AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert os.environ.pop(LEAST) == least


def test_what_its_owner_asks_for_holds(
    asked: tuple[Store, ExperimentSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LEAST, "partial")
    monkeypatch.setattr(ContextProxy, "headers", {"Via": "1.1 proxy"})
    AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert os.environ[LEAST] == "partial"


def test_inspect_tells_the_level_beside_the_model() -> None:
    done = command_line("inspect", samples()[0].path("model"))
    found = json.loads(done.stdout)
    assert found["sandbox"]["level"] == "full" and found["layers"]
    assert set(found["sandbox"]["layers"].values()) == {""}


def test_inspect_is_refused_where_the_sandbox_is_too_weak(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from retrain_core.__main__ import main

    weaken(monkeypatch)
    monkeypatch.setenv(LEAST, "full")
    assert main(["inspect", str(samples()[0].path("model"))]) == 2
    told = capsys.readouterr()
    assert not told.out and "not read here" in told.err and "Traceback" not in told.err
    assert "The kernel has no <Landlock>." in told.err and f"{LEAST}=none" in told.err


def test_compare_is_refused_where_the_sandbox_is_too_weak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from retrain_core.__main__ import main

    weaken(monkeypatch)
    monkeypatch.setenv(LEAST, "full")
    sample = samples()[0]
    arguments = ["--model", sample.path("model"), "--new", sample.path("new"), "--label", sample.label]
    assert main(["compare", *map(str, arguments), "--out", str(tmp_path / "out")]) == 1
    assert "Runs do not start here" in capsys.readouterr().err and not (tmp_path / "out").exists()

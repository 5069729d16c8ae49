"""Trained models to take away: each is handed out once it was checked, and where that is missing it is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import state
from retrain_core.runs.candidates import mark_of
from retrain_core.runs.read_only import ReadOnlyStore
from retrain_core.runs.store import Store
from tests.pages.conftest import Answered, Asked

KEPT = ["Keep (.keras)"]
MODELS = [*KEPT, "Fine-tune (.keras)", "Incremental (.keras)", "Full retrain (.keras)"]


@pytest.fixture
def earlier(answered: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A store as an earlier version has left it: one model was not checked."""
    root = shutil.copytree(answered.store.root, tmp_path / "earlier", symlinks=True)
    store = Store(root)
    (run,) = [run.id for run in store.runs(answered.done.id) if run.strategy == "fine_tune"]
    mark_of(store, answered.done.id, run).unlink()
    monkeypatch.setattr(state, "store", lambda: store)
    return store, answered.done


def offered(app: AppTest) -> list[str]:
    return [button.label for button in app.get("download_button") if button.label.endswith("(.keras)")]


def captions(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption)


def test_checked_models_are_handed_out(answered: Answered, open_page) -> None:
    app = open_page("report", answered.done.id)
    assert sorted(offered(app)) == sorted(MODELS) and "Not checked yet" not in captions(app)


def test_one_that_was_not_checked_is_once_somebody_asks(earlier: Asked, open_page) -> None:
    _, spec = earlier
    app = open_page("report", spec.id)
    assert "Fine-tune (.keras)" not in offered(app) and "not handed out: Fine-tune." in captions(app)
    app.button("check_models").click().run()
    assert not app.exception and not app.error
    assert sorted(offered(app)) == sorted(MODELS) and "Not checked yet" not in captions(app)


def test_one_that_cannot_be_used_is_told(earlier: Asked, open_page) -> None:
    store, spec = earlier
    (run,) = [run.id for run in store.runs(spec.id) if run.strategy == "fine_tune"]
    (store.run_folder(spec.id, run) / "model.keras").write_bytes(b"no model")
    app = open_page("report", spec.id)
    app.button("check_models").click().run()
    assert not app.exception
    assert "is not a Keras model" in app.error[0].value and "in a new experiment" in app.error[0].value
    assert "Fine-tune (.keras)" not in offered(app) and set(KEPT) <= set(offered(app))


def test_a_read_only_server_says_who_can_check_it(
    earlier: Asked, open_page, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = earlier
    looking = ReadOnlyStore(store.root)
    monkeypatch.setattr(state, "store", lambda: looking)
    app = open_page("report", spec.id)
    assert "Fine-tune (.keras)" not in offered(app) and "This server is read-only" in captions(app)
    assert not [button for button in app.button if button.key == "check_models"]

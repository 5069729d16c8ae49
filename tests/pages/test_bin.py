"""Deleting on the start page: into the bin, back again, and for good; and what the store says about its disk."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import state
from retrain_core.runs import Store, binned, new_id
from retrain_core.runs.plan import plan_runs
from retrain_core.types import ExperimentSpec
from tests.conftest import ROOT
from tests.make import question

Asked = tuple[Store, ExperimentSpec]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return question(tmp_path_factory.mktemp("bin"))


@pytest.fixture
def asked(made: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A store that the pages look at, with one question, and nobody who works."""
    store = Store(shutil.copytree(made[0].root, tmp_path / "store"))
    monkeypatch.setattr(state, "store", lambda: store)
    return store, made[1]


def start(experiment: str | None = None) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if experiment:
        app.query_params["experiment"] = experiment
    app.run()
    assert not app.exception, [error.message for error in app.exception]
    return app


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.error, app.warning)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def links(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


def test_an_experiment_is_deleted_with_one_click_and_back_with_another(asked: Asked) -> None:
    store, spec = asked
    app = start()
    assert "made" in links(app) and not app.expander
    app.button(key=f"delete_{spec.id}").click().run()
    assert "**made** was deleted. It is in the bin." in texts(app) and "made" not in links(app)
    assert [one.label for one in app.expander] == ["Bin (1)"]
    app.button(key=f"undo_{spec.id}").click().run()
    assert "made" in links(app) and not app.expander and "was deleted" not in texts(app)
    assert store.experiments() == ([spec], {}) and not app.exception


def test_the_bin_restores_and_is_emptied_after_a_second_click(asked: Asked) -> None:
    store, spec = asked
    other = replace(spec, id=new_id(), name="*other*")
    store.save_experiment(other)
    app = start()
    for one in (spec, other):
        app.button(key=f"delete_{one.id}").click().run()
    assert [one.label for one in app.expander] == ["Bin (2)"] and "removed for good 30 days after" in texts(
        app
    )
    app.button(key=f"restore_{other.id}").click().run()
    assert links(app).count("\\*other\\*") == 1 and [one.id for one in binned(store)] == [spec.id]
    assert "1 experiment with all models and results will be gone. This cannot be undone." in texts(app)
    app.button(key="empty_bin").click().run()
    assert binned(store) == [] and not app.expander and not app.exception
    assert [one.id for one in store.experiments()[0]] == [other.id]


def test_the_experiment_of_this_tab_is_closed_if_it_is_deleted(asked: Asked) -> None:
    _, spec = asked
    app = start(spec.id)
    assert "**made**" in texts(app)
    app.button(key=f"delete_{spec.id}").click().run()
    assert not app.error and app.query_params.get("experiment") is None
    app = start(spec.id)  # the link that somebody else has
    assert "This experiment was deleted." in texts(app) and "It is in the bin." in texts(app)


def test_while_runs_stop_it_says_so(asked: Asked) -> None:
    store, spec = asked
    store.add_runs(plan_runs(spec.id, {"fine_tune": {}}))
    app = start()
    app.button(key=f"delete_{spec.id}").click().run()
    assert "It moves into the bin once its runs have stopped." in texts(app)
    assert "its runs are stopping" in texts(app) and "empty_bin" not in {button.key for button in app.button}


@pytest.mark.parametrize(("used", "says"), [(0.4, []), (5, ["The store takes 5 MB on disk; "])])
def test_a_quiet_line_says_what_the_store_takes_if_it_takes_anything(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, used: float, says: list[str]
) -> None:
    monkeypatch.setattr("pages._ui.bin_parts.taken", lambda root: int(used * 1024**2))
    lines = [one.value for one in start().caption if "on disk" in one.value]
    assert len(lines) == len(says)
    assert all(
        line.startswith(said) and line.endswith(" are free.") for line, said in zip(lines, says, strict=True)
    )


def test_a_disk_that_is_nearly_full_is_told(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages._ui.state.free", lambda root: 3 * 1024**2)
    app = start()
    assert "The disk is nearly full: 3 MB are free." in texts(app) and app.title


@pytest.mark.parametrize(
    ("spoil", "told"), [("newer", "written by a newer version"), ("damaged", "cannot be read")]
)
def test_an_index_that_cannot_be_used_is_told_instead_of_an_empty_page(
    asked: Asked, spoil: str, told: str
) -> None:
    store, _ = asked
    path = store.root / "index.sqlite"
    if spoil == "newer":
        db = sqlite3.connect(path)
        db.executescript("CREATE TABLE t (x); PRAGMA user_version = 99")
        db.close()
    else:
        path.write_bytes(b"no database at all" * 500)
    app = start()
    assert told in texts(app) and len(app.error) == 1


def test_an_upload_over_the_limit_is_told_and_keeps_what_was_there(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, spec = asked
    app = start(spec.id)
    app.switch_page("pages/data.py").run()
    monkeypatch.setenv("RETRAIN_MOST_UPLOAD_MB", "0.001")
    before = sorted((store.root / "files").iterdir())
    app.file_uploader(key="upload_new_0").upload("big.csv", b"a,b,y\n" + b"1,2,0\n" * 1000, "text/csv")
    app.run()
    assert "big.csv is too large." in texts(app) and "RETRAIN_MOST_UPLOAD_MB" in texts(app)
    assert sorted((store.root / "files").iterdir()) == before and "new.parquet" in texts(app)

"""The commands that a report shows are run as they stand, and give what the report says."""

from __future__ import annotations

import argparse
import html
import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from retrain_core.__main__ import main
from retrain_core.answer import commands_of
from retrain_core.cli.compare import add
from retrain_core.cli.reading import wishes_of
from retrain_core.data.time_order import ROW_ORDER
from retrain_core.models.card import read_card
from retrain_core.report import render
from retrain_core.report.content import ReportContent
from retrain_core.report.facts import sources
from retrain_core.runs.plan import plan_runs
from retrain_core.runs.prepare import prepare
from retrain_core.runs.store import Store
from retrain_core.samples import samples
from retrain_core.types import (
    ExperimentSpec,
    Limits,
    ShiftSettings,
    SplitSettings,
    Stakes,
    Thresholds,
    Wishes,
    to_json,
)
from tests.make import experiment, mlp, table
from tests.report.example import comparison, content

TWO_INPUTS = """
import keras, sys
L = keras.layers
photo, facts = keras.Input((6, 6, 1), name="photo"), keras.Input((2,), name="facts")
seen = L.Flatten()(L.Conv2D(3, 3, activation="relu")(photo))
outputs = L.Dense(1, "sigmoid")(L.Concatenate()([seen, facts]))
model = keras.Model([photo, facts], outputs)
model.compile("adam", "binary_crossentropy")
model.save(sys.argv[1])
"""
SOFTMAX = """
import keras, sys
row = keras.Input((2,), name="row")
model = keras.Model(row, keras.layers.Dense(3, "softmax")(row))
model.compile("adam", "sparse_categorical_crossentropy")
model.save(sys.argv[1])
"""


@dataclass(frozen=True)
class Asked:
    """An experiment of the app that was submitted: its store, its question, and the folder that its files came from."""

    store: Store
    spec: ExperimentSpec
    folder: Path

    def content(self, **plan: Any) -> ReportContent:
        """Return an answer to it, of which the question, the model and the commands are its own."""
        plan = {"strategies": {}, "shared": {"epochs": 1, "batch_size": 64}} | plan
        self.store.add_runs(plan_runs(self.spec.id, **plan))
        card = read_card(self.store.file_path(self.spec.model), self.spec.model.name)
        made = content(comparison(seeds=1, old_weight=0.4))
        made = replace(made, spec=self.spec, card=card)
        return replace(made, commands=commands_of(self.store, made))


Ask = Callable[..., Asked]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask as the app does: files into the store, read as inferred and overruled."""

    def asked(files: dict[str, Path], split: SplitSettings = SplitSettings(), **overruled: Any) -> Asked:
        store = Store(tmp_path / "store")
        spec = experiment(store, files, split=split, **overruled)
        return Asked(store, spec, files["model"].parent)

    return asked


@pytest.fixture
def run_as_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run a command in a folder that has the files, and return what it wrote."""

    def run(line: str, folder: Path, file: str) -> dict[str, Any]:
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "retrain_core"]
        monkeypatch.chdir(folder)
        assert main(words[3:]) == 0, f"{line}\n{capsys.readouterr().err}"
        return json.loads((folder / "result" / file).read_text())

    return run


@pytest.fixture
def compared(run_as_shown):
    """Run the comparison that a report shows, see that it asks the same question, and return command and answer."""

    def run(asked: Asked, made: ReportContent) -> tuple[str, dict[str, Any]]:
        assert made.commands is not None
        found = run_as_shown(made.commands.lines[0], asked.folder, "comparison.json")
        prepare(asked.store, asked.spec)
        split = asked.store.split(asked.spec.id)
        assert split is not None and found["holdout"]["sha256"] == split.holdout.sha256
        return made.commands.lines[0], found

    return run


def with_id(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(customer=range(1000, 1000 + len(frame)))[["customer", "b", "a", "y"]]


@pytest.fixture
def own(tmp_path: Path) -> dict[str, Path]:
    """Files of one's own, in which a number of the customer stands that the model does not take."""
    folder = tmp_path / "own files"
    folder.mkdir()
    files = {name: folder / f"{name} data.csv" for name in ("old", "new", "holdout")}
    for seed, (name, path) in enumerate(files.items()):
        with_id(table(500 if name == "old" else 300, seed, 0.0 if name == "old" else 0.8)).to_csv(
            path, index=False
        )
    return {**files, "model": mlp(folder / "model.keras", table(600, 1))}


def test_the_command_of_a_sample(ask: Ask, compared, tmp_path: Path) -> None:
    sample = samples()[0]
    folder = tmp_path / "sample"
    folder.mkdir()
    files = {role: Path(shutil.copy(sample.path(role), folder)) for role in ("model", "old", "new")}
    asked = ask(files, label=sample.label)
    made = asked.content()
    line, found = compared(asked, made)
    assert made.commands is not None and not made.commands.left_out and len(made.commands.lines) == 1
    assert "--columns" not in line and "--classes" not in line and "--task" not in line  # as few as it takes
    assert found["wishes"]["old_weight"] == 0.4


def test_the_command_of_a_csv_with_a_column_that_the_model_does_not_take(ask: Ask, own, compared) -> None:
    asked = ask({role: own[role] for role in ("model", "new")}, label="y", columns=("a", "b"))
    line, _ = compared(asked, asked.content())
    assert "--columns 'a, b'" in line


def test_the_command_of_files_whose_gaps_are_filled_in(ask: Ask, own, compared) -> None:
    rows = pd.read_csv(own["new"])
    rows.loc[::7, "a"] = np.nan
    rows.to_csv(own["new"], index=False)
    asked = ask(
        {role: own[role] for role in ("model", "new", "old")}, label="y", columns=("a", "b"), gaps="fill"
    )
    line, _ = compared(asked, asked.content())
    assert "--gaps fill" in line


def test_all_that_was_set_for_the_runs_is_in_the_command(ask: Ask, own, compared) -> None:
    asked = ask(own, label="y", columns=("a", "b"), split=SplitSettings(3))
    made = asked.content(
        strategies={"fine_tune": {"trainable_layers": 2}, "incremental": {}},
        seeds=(3, 4),
        device="cpu",
        devices={"incremental": "auto"},
        limits=Limits(steps=12),
        shared={"epochs": 2, "batch_size": 32, "balanced": True},
    )
    line, found = compared(asked, made)
    assert made.commands is not None and not made.commands.left_out
    assert "--device cpu" in line and "--set incremental.device=auto" in line
    fine_tune = found["strategies"]["fine_tune"]
    assert list(found["strategies"]) == ["keep", "fine_tune", "incremental"]
    assert [seed["seed"] for seed in fine_tune["per_seed"]] == [3, 4] and fine_tune["steps"] == 12
    wanted = {"epochs": 2, "batch_size": 32, "balanced": True, "trainable_layers": 2}
    assert wanted.items() <= fine_tune["options"].items()
    assert html.escape(line, quote=False) in render(made).replace("&#39;", "'")


def test_wishes_are_in_the_command_with_all_their_digits(ask: Ask, own) -> None:
    asked = ask({role: own[role] for role in ("model", "new")}, label="y", columns=("a", "b"))
    made = asked.content()
    wishes = Wishes(
        "accuracy", 1 / 3, 0.0012345678, 0.1 + 0.2, 12.3456789, False, Stakes(1234567.8, 1e-7, 90.0, 0.0)
    )
    made = replace(made, comparison=replace(made.comparison, wishes=wishes))
    parser = argparse.ArgumentParser()
    add(parser.add_subparsers())
    options = parser.parse_args(shlex.split(commands_of(asked.store, made).lines[0])[3:])
    assert wishes_of(options) == wishes


def test_the_command_of_an_npz_file_with_several_inputs(
    ask: Ask, compared, tmp_path: Path, keras_script
) -> None:
    folder = tmp_path / "arrays"
    folder.mkdir()
    keras_script(TWO_INPUTS, folder / "model.keras")
    for seed, name in enumerate(("old", "new")):
        rng = np.random.default_rng(seed)
        photo = rng.integers(0, 255, (300, 6, 6, 1)).astype(np.uint8)
        y = (photo.mean((1, 2, 3)) > 127).astype(int)
        np.savez(folder / f"{name}.npz", photo=photo, facts=rng.normal(size=(300, 2)), y=y)
    asked = ask({"model": folder / "model.keras", "old": folder / "old.npz", "new": folder / "new.npz"})
    line, _ = compared(asked, asked.content())
    assert "--label" not in line and "--columns" not in line


def test_the_command_says_which_label_each_output_means(
    ask: Ask, compared, tmp_path: Path, keras_script
) -> None:
    folder = tmp_path / "classes"
    folder.mkdir()
    keras_script(SOFTMAX, folder / "model.keras")
    names = np.array(["-no", "some, late", "yes"])
    table(400, 1).assign(y=names[np.arange(400) % 3]).to_csv(folder / "-new.csv", index=False)
    files = {"model": folder / "model.keras", "new": folder / "-new.csv"}
    asked = ask(files, label="y", classes=("yes", "-no", "some, late"), from_logits=True)
    line, _ = compared(asked, asked.content())
    assert "--outputs logits" in line and "--task" not in line


def test_the_shift_is_measured_as_the_shift_page_was_set(ask: Ask, own, run_as_shown) -> None:
    for role in ("old", "new"):
        frame = pd.read_csv(own[role])
        frame.assign(day=pd.date_range("2026-01-01", periods=len(frame))).to_csv(own[role], index=False)
    asked = ask({role: own[role] for role in ("model", "old", "new")}, label="y", columns=("a", "b"))
    settings = ShiftSettings(Thresholds(minor=0.9, major=2.0), {"a": "categorical"}, "day")
    asked.store.save_shift_settings(asked.spec.id, settings)
    made = asked.content()
    assert made.commands is not None
    found = run_as_shown(made.commands.lines[1], asked.folder, "shift.json")
    assert found["settings"] == json.loads(to_json(settings))
    assert set(found["columns"]) == {"a", "b"} and found["time"]["column"] == "day"


def test_named_columns_of_times_and_ids_are_in_the_command(ask: Ask, own, compared) -> None:
    named = SplitSettings(time="day", id="customer")
    for role in ("old", "new", "holdout"):
        frame = pd.read_csv(own[role])
        frame.assign(day=pd.date_range("2026-01-01", periods=len(frame))).to_csv(own[role], index=False)
    asked = ask({role: own[role] for role in ("model", "new")}, split=named, label="y", columns=("a", "b"))
    made = asked.content()
    line, _ = compared(asked, made)
    assert "--time day --id customer" in line and made.commands is not None and not made.commands.left_out
    assert ("Held out", "the latest rows by day") in sources(made)
    assert ("Kept together", "rows of one customer") in sources(made)


def test_shift_in_the_order_of_the_split_takes_no_command_of_its_own(ask: Ask, own) -> None:
    files = {role: own[role] for role in ("model", "old", "new")}
    asked = ask(files, split=SplitSettings(time=ROW_ORDER), label="y", columns=("a", "b"))
    assert asked.store.shift_settings(asked.spec.id) == ShiftSettings(time=ROW_ORDER)
    made = asked.content()
    assert made.commands is not None and len(made.commands.lines) == 1
    asked.store.save_shift_settings(asked.spec.id, ShiftSettings())  # the user wants no order there
    _, shift = commands_of(asked.store, made).lines
    assert "--time" not in shift


def test_a_column_that_puts_rows_in_order_may_be_an_input(ask: Ask, own, run_as_shown) -> None:
    for role in ("old", "new"):
        pd.read_csv(own[role]).drop(columns="customer").to_csv(own[role], index=False)
    asked = ask({role: own[role] for role in ("model", "old", "new")}, label="y")
    asked.store.save_shift_settings(asked.spec.id, ShiftSettings(time="a"))
    made = asked.content()
    assert made.commands is not None and "--columns" not in made.commands.lines[1]
    assert run_as_shown(made.commands.lines[1], asked.folder, "shift.json")["model"] is not None


def test_what_a_command_cannot_say_is_said_beside_it(ask: Ask, own) -> None:
    twin = own["model"].parent / "other" / own["new"].name
    twin.parent.mkdir()
    shutil.copy(own["old"], twin)
    files = {"model": own["model"], "new": own["new"], "old": twin}
    asked = ask(files, label="y", columns=("a", "b"), split=SplitSettings(7))
    spec = replace(asked.spec, schema=replace(asked.spec.schema, loss="mean_squared_error"))
    made = replace(asked, spec=spec).content(limits=Limits(seconds=600.0), seeds=(0, 2))
    assert made.commands is not None
    assert made.commands.left_out == (
        "2 of the files are called new data.csv: give them names of their own first.",
        "It reads the files otherwise than the app did: the loss.",
        "It has no time limit; here each run had 10 min.",
        "It counts seeds up from the first one; here they were 0, 2.",
        "It splits the rows by the first seed; here the seed of the split was 7.",
    )
    text = render(made)
    assert all(sentence in text for sentence in made.commands.left_out)

"""Options of ``compare``, and what happens when the input is at fault."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retrain_core.__main__ import main
from retrain_core.cli.reading import wish_arguments, wishes_of
from retrain_core.errors import DataError
from retrain_core.types import Stakes
from tests.conftest import ROOT, command_line
from tests.make import mlp, question, table

LAMBDA = """
import keras, sys
inputs = keras.Input((2,), name="row")
hidden = keras.layers.Lambda(lambda x: x * 2)(inputs)
model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
model.save(sys.argv[1])
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    table(600, 1).to_csv(folder / "old.csv", index=False)
    table(400, 2, shift=0.8).to_csv(folder / "new.csv", index=False)
    table(150, 3, shift=0.8).to_csv(folder / "holdout.csv", index=False)
    mlp(folder / "model.keras", table(600, 1))
    return folder


def compare(files: Path, out: Path, *more: object, new: object = "new.csv", model: object = "model.keras"):
    return command_line(
        "compare", "--model", files / str(model), "--new", files / str(new), "--label", "y", "--epochs", 1, *more, "--out", out
    )  # fmt: skip


def read(out: Path) -> dict:
    return json.loads((out / "comparison.json").read_text())


def test_without_old_data_there_is_no_old_part(files: Path, tmp_path: Path) -> None:
    assert compare(files, tmp_path).returncode == 0
    comparison = read(tmp_path)
    assert comparison["holdout"]["old_rows"] == 0
    assert all(candidate["old"] is None for candidate in comparison["strategies"].values())
    assert list(json.loads((tmp_path / "holdout_rows.json").read_text())) == ["new"]


def test_seeds_strategies_weight_and_holdout_file(files: Path, tmp_path: Path) -> None:
    done = compare(
        files, tmp_path, "--old", files / "old.csv", "--holdout", files / "holdout.csv", "--strategies", "fine_tune,incremental",
        "--seed", 5, "--seeds", 2, "--old-weight", 0, "--device", "cpu", "--batch-size", 16,
        "--value", 0.5, "--predictions-a-day", 1000, "--days", 90,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    comparison = read(tmp_path)
    assert list(comparison["strategies"]) == ["keep", "fine_tune", "incremental"]
    assert comparison["holdout"]["new_rows"] == 150 and comparison["wishes"]["old_weight"] == 0
    assert "Doubtful: 150 held-out new rows tell differences in accuracy from" in done.stdout
    assert comparison["wishes"]["stakes"] == {"value": 0.5, "a_day": 1000, "days": 90, "an_hour": 0}
    assert (
        "--value 0.5 --predictions-a-day 1000 --days 90 --hour-price 0"
        in (tmp_path / "report.html").read_text()
    )
    fine_tune = comparison["strategies"]["fine_tune"]
    assert [seed["seed"] for seed in fine_tune["per_seed"]] == [5, 6]
    assert fine_tune["options"]["batch_size"] == 16
    mean = np.mean([seed["new"]["loss"] for seed in fine_tune["per_seed"]])
    assert fine_tune["new"]["loss"] == pytest.approx(mean)


def test_the_latest_rows_are_held_out_and_nobody_is_on_both_sides(files: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("old", "new"):
        frame = pd.read_csv(files / f"{name}.csv")
        hours = pd.to_timedelta(rng.permutation(len(frame)), "h")
        frame["day"] = (pd.Timestamp("2026-01-01") + hours).strftime("%Y-%m-%d %H:%M")
        frame["who"] = rng.integers(0, 3_000, len(frame))
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    new = pd.read_csv(tmp_path / "new.csv")
    done = compare(
        files, tmp_path / "out", "--old", tmp_path / "old.csv", "--strategies", "keep", "--time", "day", "--id", "who",
        new=tmp_path / "new.csv",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    held = json.loads((tmp_path / "out" / "holdout_rows.json").read_text())["new"]["rows"]
    assert set(held) == set(new["day"].sort_values().index[-80:])
    assert "note: The rows are in order of 'day'" in done.stderr and "or have the 'who' of one" in done.stderr
    people = new["who"].iloc[held].nunique()
    assert f"note: {people} held-out ids tell differences in accuracy from" in done.stderr
    assert done.stderr.count("note: The old model has probably trained on the old rows") == 1


@pytest.mark.parametrize(
    ("option", "says"), [(("--time", "a b"), "no column 'a b'"), (("--id", "who"), "no column 'who'")]
)
def test_a_column_that_is_not_there_exits_2(
    files: Path, tmp_path: Path, option: tuple[str, str], says: str
) -> None:
    done = compare(files, tmp_path / "out", *option)
    assert done.returncode == 2 and says in done.stderr and "Traceback" not in done.stderr


def test_the_report_holds_what_each_model_bears_and_a_model_that_is_not_there_ends_nothing(
    files: Path, tmp_path: Path
) -> None:
    done = compare(files, tmp_path, "--strategies", "fine_tune,replay")  # replay needs old data
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "report.html").read_text()
    section = report.split('<section id="sensitivity">')[1].split("</section>")[0]
    assert '<th scope="row">Keep</th>' in section and '<th scope="row">Fine-tune</th>' in section
    assert "measured" not in section and "note: How" not in done.stderr
    assert "--strategies keep,fine_tune,replay" in report


def test_what_it_will_cost_is_told_before_anything_is_trained(files: Path, tmp_path: Path) -> None:
    done = compare(
        files,
        tmp_path,
        "--forecast",
        "--strategies",
        "keep,fine_tune,replay",
        "--seeds",
        2,
        "--device",
        "cpu",
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    told = [line for line in lines if line.startswith(("fine_tune: ", "replay: "))]
    assert re.fullmatch(
        r"fine_tune: forecast [\d.]+ to [\d.]+ s, [\d,]+ MB, [\d,]+ rows, (energy unknown|[\d.]+ to [\d.]+ J)",
        told[0],
    )
    assert re.fullmatch(r"replay: no forecast \(.*needs old data.*\)", told[1])  # and nothing else was asked
    begun = min(number for number, line in enumerate(lines) if line.startswith("keep-"))
    assert len(told) == 2 and lines.index(told[1]) < begun
    assert read(tmp_path)["strategies"]["fine_tune"]["forecast"] is not None


def test_same_seed_same_numbers(files: Path, tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in "ab")
    assert compare(files, first).returncode == compare(files, second).returncode == 0
    scores = [
        {name: (c["new"], c["old"]) for name, c in read(out)["strategies"].items()} for out in (first, second)
    ]
    assert scores[0] == scores[1]
    assert read(first)["holdout"] == read(second)["holdout"]


def broken(files: Path, folder: Path, case: str, keras_script) -> list[object]:
    """Write the broken input of one case and return the arguments that use it."""
    frame = table(100, 4)
    arguments = {"model": files / "model.keras", "new": folder / "new.csv", "label": "y"}
    if case == "label missing":
        arguments["label"] = "outcome"
    elif case == "wrong file type":
        (folder / "new.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 100)
        frame = None
    elif case == "a model that is none":
        (folder / "model.keras").write_text("not a model")
        arguments["model"] = folder / "model.keras"
    elif case == "column mismatch":
        frame = frame.drop(columns="b")
    elif case == "rows empty":
        frame = frame.iloc[:0]
    elif case == "all values missing":
        frame["a"] = np.nan
    elif case == "text in a numeric column":
        frame["a"] = frame["a"].astype(object)
        frame.loc[7, "a"] = "n/a!"
    elif case == "labels the model cannot output":
        frame.loc[:9, "y"] = 2
    elif case == "a Lambda layer":
        keras_script(LAMBDA, folder / "model.keras")
        arguments["model"] = folder / "model.keras"
    elif case == "a missing file":
        arguments["new"] = folder / "nowhere.csv"
    if isinstance(frame, pd.DataFrame):
        frame.to_csv(folder / "new.csv", index=False)
    return [item for name, value in arguments.items() for item in (f"--{name}", value)]


CASES = {
    "label missing": "no column 'outcome'",
    "wrong file type": "an image",
    "a model that is none": "model.keras",
    "column mismatch": "takes 2 values a row",
    "rows empty": "no rows",
    "all values missing": "no usable row",
    "text in a numeric column": "column 'a' is not numeric",
    "labels the model cannot output": "has 2 outcomes",
    "a Lambda layer": "Lambda",
    "a missing file": "was not found",
}


@pytest.mark.parametrize("case", CASES)
def test_faulty_input_exits_2_with_one_message_and_no_traceback(
    files: Path, tmp_path: Path, case: str, keras_script
) -> None:
    done = command_line("compare", *broken(files, tmp_path, case, keras_script), "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and done.stdout == ""
    (message,) = done.stderr.strip().splitlines()
    assert message.startswith("error: ") and CASES[case] in message


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--strategies", "distil", "distil"),
        ("--device", "gpu", "gpu"),
        ("--device", "tpu", "There is no device 'tpu'"),
        ("--old-weight", 2, "from 0 to 1"),
        ("--seeds", 0, "Give 1 or more"),
        ("--seed", -1, "--seed is -1"),
        ("--seed", 2**32, "--seed is 4294967296"),
        ("--epochs", 0, "poch"),
        ("--batch-size", -1, "atch"),
    ],
)
def test_a_faulty_option_exits_2(files: Path, tmp_path: Path, option: str, value: object, says: str) -> None:
    done = compare(files, tmp_path, option, value)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr and says in done.stderr


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"value": -1.0}, "--value is -1.0. It is a size. Give 0 or more."),
        ({"days": float("inf")}, "--days is inf."),
        ({"hour_price": float("nan")}, "--hour-price is nan."),
        ({"days": None}, "--days is missing."),
        ({"value": None, "predictions_a_day": None}, "--value, --predictions-a-day are missing."),
        (
            {"value": None, "predictions_a_day": None, "days": None},
            "--value, --predictions-a-day, --days are missing.",
        ),
    ],
)
def test_what_a_better_model_is_worth_is_said_as_a_whole(given: dict[str, float | None], says: str) -> None:
    parser = argparse.ArgumentParser()
    wish_arguments(parser)
    options = parser.parse_args("--value 2 --predictions-a-day 10 --days 9 --hour-price 4".split())
    assert wishes_of(options).stakes == Stakes(2.0, 10.0, 9.0, 4.0)
    assert wishes_of(parser.parse_args([])).stakes is None
    with pytest.raises(DataError, match=re.escape(says)):
        wishes_of(argparse.Namespace(**{**vars(options), **given}))


def test_nothing_but_the_answer_is_left_whatever_lies_there_already(files: Path, tmp_path: Path) -> None:
    (tmp_path / ".store" / "inbox").mkdir(parents=True)
    (tmp_path / ".store" / "index.sqlite").write_text("of a compare that was cut off")
    assert compare(files, tmp_path, "--strategies", "keep").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".store", "comparison.json", "holdout_rows.json", "models", "report.html",
    ]  # fmt: skip


def test_a_compare_that_ends_early_leaves_nothing(files: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("a,b,y\n1,2,0\n2,3,1\n")
    done = compare(files, tmp_path / "out", new=tmp_path / "new.csv")
    assert done.returncode == 2 and "usable rows" in done.stderr and "Traceback" not in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_a_compare_that_is_terminated_leaves_nothing(files: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "retrain_core", "compare", "--model", files / "model.keras", "--new", files / "new.csv",
         "--label", "y", "--epochs", "1000", "--batch-size", "1", "--out", tmp_path],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    with process.stderr:
        assert any("epoch" in line for line in process.stderr)
        process.terminate()
        rest = process.stderr.read()
    assert process.wait(timeout=30) == 1
    assert rest.endswith("stopped\n") and "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["compare", "shift"])
def test_out_that_is_a_file_exits_2(files: Path, tmp_path: Path, command: str) -> None:
    (tmp_path / "out").touch()
    done = command_line(
        command, "--model", files / "model.keras", "--old", files / "old.csv", "--new", files / "new.csv",
        "--label", "y", "--out", tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: --out") and "There is a file of that name" in done.stderr


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one experiment that was never run."""
    return question(tmp_path)[0].root


def report(store: Path, out: Path, experiment: str, *more: object):
    return command_line("report", "--store", store, "--experiment", experiment, "--out", out, *more)


def test_report_of_an_experiment_that_is_not_there_exits_2(store: Path, tmp_path: Path) -> None:
    for experiment in ("20260101-000000-abcd", "../..", ""):
        done = report(store, tmp_path / "report.html", experiment)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert done.stderr.startswith(f"error: --experiment {experiment} is not in")


def test_report_of_an_experiment_without_results_exits_2(store: Path, tmp_path: Path) -> None:
    (experiment,) = (store / "experiments").iterdir()
    done = report(store, tmp_path / "report.html", experiment.name)
    assert done.returncode == 2 and "has no results" in done.stderr


@pytest.mark.parametrize("made", [True, False])
def test_report_from_what_is_no_store_exits_2_and_makes_nothing(tmp_path: Path, made: bool) -> None:
    folder = tmp_path / "folder"
    if made:
        folder.mkdir()
    done = report(folder, tmp_path / "report.html", "20260101-000000-abcd")
    assert done.returncode == 2 and done.stderr.startswith(f"error: --store {folder} is no store.")
    assert list(tmp_path.rglob("*")) == ([folder] if made else [])


def test_report_checks_weight_and_out(store: Path, tmp_path: Path) -> None:
    (experiment,) = (store / "experiments").iterdir()
    done = report(store, tmp_path / "report.html", experiment.name, "--old-weight", 1.5)
    assert done.returncode == 2 and "--old-weight is 1.5." in done.stderr
    for out in (tmp_path, tmp_path / "nowhere" / "report.html"):
        done = report(store, out, experiment.name)
        assert done.returncode == 2 and done.stderr.startswith(f"error: --out {out} cannot be written.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retrain",), "COMMAND 'retrain' is not known. It is one of: 'inspect', 'shift'"),
        ((), "COMMAND is missing. The command needs it. See python -m retrain_core --help."),
        (("shift", "--new", "a", "--old", "b", "--out", "c", "--alpha", "abc"), "--alpha 'abc' cannot be read. It takes a number."),
        (("shift", "--old", "b", "--out", "c"), "--new is missing. The command needs it."),
        (("shift", "--old", "b"), "--new, --out are missing. The command needs them."),
        (("shift", "--new"), "--new stands without a value. It takes one."),
        (("compare", "--seeds", "1.5"), "--seeds '1.5' cannot be read. It takes a whole number."),
        (("shift", "--new", "a", "--old", "b", "--out", "c", "--colour", "red"), "--colour red is not understood."),
        (("shift", "--o", "b"), "The command line cannot be read: ambiguous option: --o could match"),
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_read_exits_2_with_one_message(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    command = (
        " ".join(("python -m retrain_core", *arguments[:1])) if arguments[1:] else "python -m retrain_core"
    )
    assert shown.startswith(f"error: {said}") and shown.endswith(f"See {command} --help.\n")
    assert shown.count("\n") == 1


@pytest.mark.parametrize("case", ["a model that is none", "a Lambda layer"])
def test_inspect_refuses_what_is_no_usable_model(
    files: Path, tmp_path: Path, case: str, keras_script
) -> None:
    broken(files, tmp_path, case, keras_script)
    done = command_line("inspect", tmp_path / "model.keras")
    assert done.returncode == 2 and done.stderr.startswith("error: ") and "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["inspect", "shift", "compare", "report"])
def test_the_readme_names_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    usage = capsys.readouterr().out.split("options:")[0]
    readme = (ROOT / "README.md").read_text()
    missing = {option for option in re.findall(r"--[a-z-]+", usage) if option not in readme}
    assert missing == set()

"""The command line on each sample: its scores are those of a plain Keras script."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from retrain_core.data.doubts import SEEN
from retrain_core.samples import Sample, samples
from tests.conftest import command_line

ALL = ("keep", "fine_tune", "incremental", "full_retrain")

# What a user would write: no part of this project, just Keras, the model, the files and the rows.
SCRIPT = """
import json, sys
from pathlib import Path
import keras, numpy as np, pandas as pd, tensorflow as tf

out, label, files = Path(sys.argv[1]), sys.argv[2], {"old": Path(sys.argv[3]), "new": Path(sys.argv[4])}
held = json.loads((out / "holdout_rows.json").read_text())
scores = {}
for path in sorted((out / "models").glob("*.keras")):
    model = keras.saving.load_model(path)
    for part, file in files.items():
        rows = held[part]["rows"]
        if file.suffix == ".npz":
            with np.load(file) as arrays:
                x, y = arrays["x"][rows][..., None], arrays["y"][rows]
        else:
            frame = pd.read_parquet(file).iloc[rows]
            y = frame.pop(label).to_numpy("float32")
            if len(model.inputs) == 1:
                x = frame.to_numpy("float32")
            else:
                kinds = {i.name: object if i.dtype == "string" else "float32" for i in model.inputs}
                x = {name: tf.constant(frame[[name]].to_numpy(kind)) for name, kind in kinds.items()}
        loss, accuracy = model.evaluate(x, y, batch_size=512, verbose=0)
        scores.setdefault(path.stem, {})[part] = {"loss": loss, "accuracy": accuracy, "rows": len(rows)}
print(json.dumps(scores))
"""


@pytest.fixture(scope="module", params=samples(), ids=lambda sample: sample.id)
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    sample: Sample = request.param
    out = tmp_path_factory.mktemp(sample.id)
    label = [] if sample.label == "y" else ["--label", sample.label]
    result = command_line(
        "compare", "--model", sample.path("model"), "--old", sample.path("old"), "--new", sample.path("new"),
        *label, "--epochs", 2, "--batch-size", 64, "--out", out,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    comparison = json.loads((out / "comparison.json").read_text())
    return SimpleNamespace(sample=sample, out=out, comparison=comparison, printed=result.stdout)


def test_scores_equal_those_of_a_plain_keras_script(done: SimpleNamespace, keras_script) -> None:
    plain = json.loads(
        keras_script(
            SCRIPT, done.out, done.sample.label, done.sample.path("old"), done.sample.path("new")
        ).splitlines()[-1]
    )
    assert set(plain) == set(ALL)
    for name in ALL:
        ours = done.comparison["strategies"][name]
        for part in ("new", "old"):
            assert plain[name][part]["rows"] == done.comparison["holdout"][f"{part}_rows"]
            assert ours[part]["loss"] == pytest.approx(plain[name][part]["loss"], rel=1e-4)
            assert ours[part]["accuracy"] == pytest.approx(plain[name][part]["accuracy"], abs=1e-6)


def test_comparison_keeps_the_contract(done: SimpleNamespace) -> None:
    comparison = done.comparison
    assert comparison["schema"] == 1
    assert comparison["task"] == done.sample.task
    assert comparison["metric"] == {"name": "accuracy", "direction": "max"}
    assert len(comparison["holdout"]["sha256"]) == 64
    assert list(comparison["strategies"]) == list(ALL)
    for name, candidate in comparison["strategies"].items():
        assert candidate["status"] == "finished" and candidate["error"] is None
        assert candidate["model"] == f"models/{name}.keras" and (done.out / candidate["model"]).is_file()
        assert candidate["device"] == "cpu" and candidate["seconds"] > 0 and candidate["peak_memory_mb"] > 50
        assert len(candidate["per_seed"]) == 1
        for part in ("new", "old"):
            low, high = candidate["interval"][part]["accuracy"]
            assert low <= candidate[part]["accuracy"] <= high
    recommendation = comparison["recommendation"]
    assert recommendation["choice"] in ALL and isinstance(recommendation["clear"], bool)
    assert recommendation["summary"].endswith(".") and recommendation["reasons"]


def test_the_summary_is_printed_and_the_report_is_there(done: SimpleNamespace) -> None:
    found = done.comparison["recommendation"]
    summary, sure, *doubts, where = done.printed.strip().splitlines()
    assert summary == found["summary"]
    assert sure.startswith("Clear; " if found["clear"] else "Not certain; ")
    assert doubts == [f"Doubtful: {doubt}" for doubt in found["doubts"]]
    assert [one["title"] for one in done.comparison["warnings"]] == [SEEN.title], "said among the doubts"
    holdout = done.comparison["holdout"]
    for side in ("new", "old"):
        assert sum(holdout["labels"][side].values()) == holdout[f"{side}_rows"]
    assert where == f"Written: {done.out / 'report.html'}, comparison.json, models/, holdout_rows.json."
    html = (done.out / "report.html").read_text()
    assert summary in html and done.comparison["holdout"]["sha256"][:16] in html


def test_nothing_else_is_left_behind(done: SimpleNamespace) -> None:
    assert {path.name for path in done.out.iterdir()} == {
        "comparison.json", "holdout_rows.json", "models", "report.html",
    }  # fmt: skip


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)
def test_inspect_prints_the_model_card(sample: Sample) -> None:
    result = command_line("inspect", sample.path("model"))
    assert result.returncode == 0
    card = json.loads(result.stdout)
    assert card["task"] == sample.task and card["inputs"] and card["layers"] and card["loss"]


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)
@pytest.mark.parametrize("with_model", [True, False], ids=["with model", "files alone"])
def test_shift_keeps_the_contract(sample: Sample, with_model: bool, tmp_path: Path) -> None:
    result = command_line(
        "shift", "--old", sample.path("old"), "--new", sample.path("new"), "--label", sample.label,
        *(["--model", sample.path("model")] if with_model else []), "--out", tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    shift = json.loads((tmp_path / "shift.json").read_text())
    assert shift["schema"] == 1 and shift["overall"]["level"] in ("none", "minor", "major")
    assert result.stdout.strip() == shift["overall"]["summary"]
    assert shift["columns"]
    for column in shift["columns"].values():
        assert column["kind"] in ("numeric", "categorical") and column["level"] in ("none", "minor", "major")
        for measure in column["measures"].values():
            assert set(measure) >= {"value", "interval", "p_adjusted"}
    assert {"label", "concept", "multivariate"} <= set(shift)

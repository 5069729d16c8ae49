"""The samples are what samples.json and the README say they are."""

from __future__ import annotations

import hashlib
import json
import re

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import read_table
from retrain_core.samples import FOLDER, Sample, samples

SIZE_BOUND = 10_000_000
README = (FOLDER / "README.md").read_text(encoding="utf-8")
each_sample = pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)


def readme_rows(heading: str, sample: Sample) -> list[list[str]]:
    """Return the cells of the README's table rows about ``sample`` under ``heading``."""
    section = f"\n{README}".split(f"\n{heading}\n")[1].split("\n## ")[0]
    rows = [
        line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith(f"| `{sample.id}`")
    ]
    assert rows, f"nothing about {sample.id} under {heading}"
    return rows


def labels(sample: Sample, role: str) -> pd.Series:
    return read_table(sample.path(role)).columns[sample.label]


# --- the description ------------------------------------------------------------------------------


def test_there_are_three_in_the_order_of_the_start_page():
    assert [sample.id for sample in samples()] == [
        "credit_new_market",
        "flights_summer",
        "garments_new_camera",
    ]


def test_only_the_garments_shift_is_made():
    assert [sample.id for sample in samples() if sample.shift_is_made] == ["garments_new_camera"]


@each_sample
def test_every_file_is_there_in_the_samples_own_folder(sample: Sample):
    assert set(sample.files) == {"model", "old", "new"}
    for role in sample.files:
        assert sample.path(role).is_file()
        assert sample.path(role).parent == FOLDER / sample.id


@each_sample
def test_the_readme_names_the_same_licence(sample: Sample):
    ((_, _, licence, _),) = readme_rows("## Sources and licences", sample)
    assert sample.licence in licence


@each_sample
def test_the_label_is_in_old_and_new_and_fits_the_task(sample: Sample):
    classes = {"binary": 2, "multiclass": 10}[sample.task]
    for role in ("old", "new"):
        assert sorted(labels(sample, role).unique()) == list(range(classes))


# --- the rows -------------------------------------------------------------------------------------


def test_the_folder_is_small():
    files = [file for file in FOLDER.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    assert sum(file.stat().st_size for file in files) < SIZE_BOUND


def test_the_data_files_are_those_that_the_script_recorded():
    recorded = dict(reversed(line.split("  ")) for line in (FOLDER / "data.sha256").read_text().splitlines())
    here = {
        sample.files[role]: hashlib.sha256(sample.path(role).read_bytes()).hexdigest()
        for sample in samples()
        for role in ("old", "new")
    }
    assert recorded == here


@each_sample
def test_the_readme_counts_the_rows(sample: Sample):
    ((_, _, _, old, new, _, _),) = readme_rows("# Sample data", sample)
    told = [int(rows.replace(",", "")) for rows in (old, new)]
    assert told == [read_table(sample.path(role)).rows for role in ("old", "new")]


@pytest.mark.parametrize(
    ("sample", "old", "new"),
    [(samples()[0], "15.7 %", "31.8 %"), (samples()[1], "28.6 %", "41.7 %")],
    ids=["credit", "flights"],
)
def test_the_readme_tells_how_often_the_label_is_1(sample: Sample, old: str, new: str):
    told = f"{labels(sample, 'old').mean():.1%} {labels(sample, 'new').mean():.1%}".replace("%", " %")
    assert told == f"{old} {new}"
    assert re.search(rf"{old} of the old .* {new} of the new", README.replace("\n", " "))


def test_credit_is_split_by_the_limit_with_a_gap():
    old, new = (pd.read_parquet(samples()[0].path(role))["LIMIT_BAL"] for role in ("old", "new"))
    assert old.min() > 140_000
    assert new.max() <= 50_000


def test_flights_leave_after_noon_and_do_not_name_their_period():
    old, new = (pd.read_parquet(samples()[1].path(role)) for role in ("old", "new"))
    assert min(old["sched_dep_minute"].min(), new["sched_dep_minute"].min()) >= 12 * 60
    assert not {"month", "day"} & {*old.columns, *new.columns}
    assert len(set(new["dest"]) - set(old["dest"])) == 5


def test_the_new_camera_is_darker_and_noisier_in_the_corners():
    old, new = (np.load(samples()[2].path(role))["x"].astype(float) for role in ("old", "new"))
    assert new.mean() / old.mean() == pytest.approx(0.6, abs=0.1)
    assert new[:, :2, :2].std() > 3 * old[:, :2, :2].std()


# --- the old models, as Keras sees them -----------------------------------------------------------

KERAS = """
import json, sys
from pathlib import Path
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
import make_samples as script
import keras, numpy as np, pandas as pd

def read(name, role):
    table = folder / name / f"{role}.parquet"
    return pd.read_parquet(table) if table.exists() else dict(np.load(table.with_suffix(".npz")))

found = {}
for name, sample in script.SAMPLES.items():
    model = keras.saving.load_model(folder / name / "model.keras")
    inputs = {tensor.name: tensor.shape[1:] for tensor in model.inputs}
    found[name] = {"inputs": inputs, "units": model.output_shape[-1], "scores": {}, "normalized": {}, "vocabulary": {}}
    for role in ("old", "new"):
        x, y = sample.arrays(read(name, role))
        x = script.take(x, np.arange(len(y)))
        found[name]["scores"][role] = model.evaluate(x, y, batch_size=1024, verbose=0, return_dict=True)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            mean, variance = (np.ravel(value).tolist() for value in (layer.mean, layer.variance))
            found[name]["normalized"][layer.name] = {"mean": mean, "variance": variance}
        if isinstance(layer, keras.layers.StringLookup):
            found[name]["vocabulary"][layer.name] = [str(word) for word in layer.get_vocabulary()]

old, new = (read("credit_new_market", role) for role in ("old", "new"))
between = old.assign(LIMIT_BAL=100_000.0)
source = Path(sys.argv[2]) / "customers.parquet"
pd.concat([between, new, old]).to_parquet(source, index=False)
made = [part.reset_index(drop=True) for part in script.split_credit(source)]
found["credit_split_again"] = [made[0].equals(old), made[1].equals(new)]
images = read("garments_new_camera", "old")["x"][:50]
seen = [script.photograph(images, np.random.default_rng(seed)) for seed in (1, 1, 2)]
found["same_seed_same_photograph"] = bool((seen[0] == seen[1]).all())
found["other_seed_same_photograph"] = bool((seen[0] == seen[2]).all())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(keras_script, tmp_path_factory: pytest.TempPathFactory) -> dict:
    printed = keras_script(KERAS, FOLDER, tmp_path_factory.mktemp("samples"))
    return json.loads(printed.splitlines()[-1])


@each_sample
def test_the_old_model_takes_every_column_but_the_label(found: dict, sample: Sample):
    table = read_table(sample.path("new"))
    names = [name for name in table.columns if name != sample.label]
    assert (
        found[sample.id]["inputs"]
        == {
            "credit_new_market": {"customer": [len(names)]},
            "flights_summer": {name: [1] for name in names},
            "garments_new_camera": {"image": [28, 28, 1]},
        }[sample.id]
    )


@each_sample
def test_the_old_model_answers_the_task(found: dict, sample: Sample):
    assert found[sample.id]["units"] == {"binary": 1, "multiclass": 10}[sample.task]


@each_sample
@pytest.mark.parametrize("role", ["old", "new"])
def test_the_old_model_scores_what_the_readme_says(found: dict, sample: Sample, role: str):
    rows = {cells[1]: cells for cells in readme_rows("## The old models", sample)}
    _, _, loss, accuracy, most_frequent = rows[role]
    scores = found[sample.id]["scores"][role]
    assert scores["loss"] == pytest.approx(float(loss), abs=0.001)
    assert scores["accuracy"] == pytest.approx(float(accuracy), abs=0.001)
    assert labels(sample, role).value_counts(normalize=True).max() == pytest.approx(
        float(most_frequent), abs=5e-5
    )


@each_sample
def test_the_old_model_knows_something_and_loses_on_the_new_rows(found: dict, sample: Sample):
    old, new = (found[sample.id]["scores"][role] for role in ("old", "new"))
    shares = labels(sample, "old").value_counts(normalize=True)
    assert old["loss"] < -(shares * np.log(shares)).sum()
    assert new["loss"] > old["loss"]
    assert new["accuracy"] < old["accuracy"]


def columns_of(layer: str, table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that a preprocessing layer has seen: the one it is named after, or all features."""
    if layer == "normalize":
        return table.drop(columns=samples()[0].label)
    return table[[layer.rsplit("_", 1)[0]]]


@pytest.mark.parametrize(
    ("sample", "layers"),
    [
        (samples()[0], {"normalize"}),
        (
            samples()[1],
            {f"{name}_normalize" for name in ("weekday", "sched_dep_minute", "sched_arr_minute", "distance")},
        ),
    ],
    ids=["credit", "flights"],
)
def test_normalization_was_adapted_to_the_old_rows_alone(found: dict, sample: Sample, layers: set[str]):
    old, new = (pd.read_parquet(sample.path(role)) for role in ("old", "new"))
    assert set(found[sample.id]["normalized"]) == layers
    for layer, statistics in found[sample.id]["normalized"].items():
        seen = columns_of(layer, old)
        np.testing.assert_allclose(statistics["mean"], seen.mean(), rtol=1e-5)
        np.testing.assert_allclose(statistics["variance"], seen.var(ddof=0), rtol=1e-5)
        everything = columns_of(layer, pd.concat([old, new]))
        assert not np.allclose(statistics["mean"], everything.mean(), rtol=1e-5)


@pytest.mark.parametrize("column", ["carrier", "origin", "dest"])
def test_strings_were_looked_up_among_the_old_rows_alone(found: dict, column: str):
    unknown, *words = found["flights_summer"]["vocabulary"][f"{column}_lookup"]
    assert unknown == "[UNK]"
    assert sorted(words) == sorted(pd.read_parquet(samples()[1].path("old"))[column].unique())


# --- the script that made them --------------------------------------------------------------------


def test_the_script_splits_the_committed_customers_into_the_committed_files(found: dict):
    assert found["credit_split_again"] == [True, True]


def test_the_made_camera_depends_on_its_seed_alone(found: dict):
    assert found["same_seed_same_photograph"]
    assert not found["other_seed_same_photograph"]

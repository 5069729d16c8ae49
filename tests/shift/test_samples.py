"""The samples, from file to ``shift.json``."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from retrain_core.data import infer_schema, read_table
from retrain_core.models.card import read_card
from retrain_core.samples import FOLDER
from retrain_core.shift import MEASURES, feature_frame, image_features, shift_json, shift_report, shift_table
from retrain_core.shift.others import others_said
from retrain_core.shift.whole import measure_shift
from retrain_core.types import to_json

SAMPLES = {
    "credit_new_market": ("parquet", "default_next_month"),
    "flights_summer": ("parquet", "late"),
    "garments_new_camera": ("npz", "y"),
}
ASPECTS = {
    "credit_new_market": {"overall": "major", "label": "minor", "concept": None, "multivariate": "major"},
    "flights_summer": {"overall": "minor", "label": "minor", "concept": "minor", "multivariate": "none"},
    "garments_new_camera": {"overall": "major", "label": "none", "concept": None, "multivariate": "major"},
}


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request):
    ending, label = SAMPLES[request.param]
    folder = FOLDER / request.param
    old, new = (read_table(folder / f"{side}.{ending}") for side in ("old", "new"))
    schema = infer_schema(read_card(folder / "model.keras"), new, old, label=label)
    frames = feature_frame(old, schema), feature_frame(new, schema)
    return request.param, frames, shift_report(*frames, label=label, task=schema.task)


def test_levels(sample):
    name, _, report = sample
    assert {aspect: getattr(report, aspect).level for aspect in ASPECTS[name]} == ASPECTS[name]


def test_sentences_are_short_and_whole(sample):
    _, _, report = sample
    aspects = (report.overall, report.label, report.concept, report.multivariate)
    for sentence in [*(aspect.summary for aspect in aspects), *(column.summary for column in report.columns)]:
        assert not sentence[0].islower() and sentence.endswith(".") and len(sentence) < 260
        assert "  " not in sentence and ".." not in sentence and "nan" not in sentence.split()


def test_the_table_has_a_row_a_column_with_all_its_measures(sample):
    _, _, report = sample
    table = shift_table(report)
    assert table["column"].tolist() == [column.name for column in report.columns]
    assert table["effect (sd)"].tolist() == [column.effect for column in report.columns]
    assert (table["95 % from"].dropna() <= table["95 % to"].dropna()).all()
    for column, (_, row) in zip(report.columns, table.iterrows(), strict=True):
        shown = {name for name in column.measures if name != "effect_size"}
        assert shown == {
            name for name, info in MEASURES.items() if pd.notna(row.get(info.title)) and name != "effect_size"
        }
    assert set(table["adjusted p"].dropna()) & {"< 0.001"}


def test_json_holds_what_other_programs_read(sample):
    _, frames, report = sample
    written = json.loads(to_json(shift_json(report)))
    assert written["schema"] == 1
    assert written["overall"]["level"] in ("none", "minor", "major") and written["overall"]["summary"]
    assert set(written["columns"]) == {column.name for column in report.columns}
    for column in written["columns"].values():
        assert column["kind"] in ("numeric", "categorical")
        assert column["level"] in ("none", "minor", "major")
        for measure in column["measures"].values():
            assert isinstance(measure["value"], float)
            assert measure["interval"] is None or measure["interval"][0] <= measure["interval"][1]
            assert measure["p_adjusted"] is None or 0 <= measure["p_adjusted"] <= 1
    assert {"label", "concept", "multivariate"} <= set(written)
    assert written["rows"] == {"old": len(frames[0]), "new": len(frames[1])}


def test_every_column_has_an_effect_and_a_test(sample):
    _, _, report = sample
    for column in report.columns:
        assert column.measures["effect_size"].interval is not None
        assert any(measure.p_adjusted is not None for measure in column.measures.values())


def test_the_same_files_give_the_same_report(sample):
    name, frames, report = sample
    assert shift_report(*frames, label=SAMPLES[name][1]).columns == report.columns


def test_columns_that_the_model_does_not_take_are_left_out():
    folder = FOLDER / "flights_summer"
    table = read_table(folder / "new.parquet")
    schema = infer_schema(read_card(folder / "model.keras"), table, label="late")
    table.columns["comment"] = "of no use to the model"
    assert "comment" not in feature_frame(table, schema)
    assert "comment" in feature_frame(table, None)
    del table.columns["carrier"]
    assert "carrier" not in feature_frame(table, schema)


def test_images_are_described_by_three_numbers_each():
    flat, noisy = (
        np.full((2, 8, 8, 1), 100, np.uint8),
        np.random.default_rng(0).integers(0, 255, (2, 8, 8, 3)),
    )
    described = image_features(flat)
    assert described.columns.tolist() == ["brightness", "contrast", "sharpness"]
    assert described.iloc[0].tolist() == [100, 0, 0]
    assert (image_features(noisy)[["contrast", "sharpness"]] > 10).all(axis=None)


@pytest.mark.parametrize("change", ["brightness", "contrast", "sharpness"])
def test_what_changed_about_images_is_named(change):
    rng = np.random.default_rng(1)
    images = rng.integers(60, 180, (300, 12, 12)).astype(float)
    means = images.mean(axis=(1, 2), keepdims=True)
    changed = {
        "brightness": images + 5,
        "contrast": means + 0.8 * (images - means),
        "sharpness": np.sort(images, axis=2),
    }[change]
    report = shift_report(image_features(images), image_features(changed), label=None)
    assert next(column for column in report.columns if column.name == change).level == "major"


def test_sequences_are_described_by_mean_and_spread():
    described = image_features(np.arange(24.0).reshape(2, 3, 4, 1)[:, :2])
    assert described.columns.tolist() == ["mean", "spread"]
    assert described["mean"].tolist() == [3.5, 15.5]


@pytest.mark.parametrize("array", [np.array(["a"]), np.array(1.0), np.array([None])])
def test_arrays_that_hold_no_numbers_are_refused(array):
    with pytest.raises(ValueError, match="array of numbers"):
        image_features(array)


def test_labels_are_not_judged_by_the_brightness_of_images():
    rng = np.random.default_rng(2)
    frame = image_features(rng.integers(0, 255, (400, 8, 8))).assign(y=rng.integers(0, 2, 400))
    report = shift_report(frame, frame, label="y")
    assert report.label.level == "none"
    assert report.concept.level is None and "brightness" in report.concept.summary


def test_a_report_without_columns_is_an_empty_table():
    report = shift_report(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), label=None)
    assert shift_table(report).empty and shift_json(report)["columns"] == {}


def test_columns_that_the_model_does_not_take_are_measured_and_count_for_nothing():
    folder = FOLDER / "flights_summer"
    old, new = (read_table(folder / f"{side}.parquet") for side in ("old", "new"))
    schema = infer_schema(read_card(folder / "model.keras"), new, label="late")
    plain = measure_shift(old, new, schema=schema, labels=("late",))
    for table, mood in ((old, ["calm"]), (new, ["cross"])):
        table.columns["mood"] = mood * table.rows
    found = measure_shift(old, new, schema=schema, labels=("late",))
    assert [(column.name, column.level) for column in found.others] == [("mood", "major")]
    assert found == replace(plain, others=found.others)
    assert others_said(found).startswith("The model does not take mood (")
    assert others_said(plain) == "" and "mood" in shift_json(found)["others"]
    moodless = replace(old, columns=old.columns.drop(columns="mood"))
    alone = measure_shift(moodless, new, schema=schema, labels=("late",)).overall
    assert alone.summary == f"{plain.overall.summary} Only the new data has mood."
    assert alone.level == plain.overall.level

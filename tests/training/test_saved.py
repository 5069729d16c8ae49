"""The file of a trained model: with its optimiser's state, unless that makes it larger than a model may be."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from retrain_core.models import checked_card
from retrain_core.training import worker
from tests.training.build import mlp


def state_in(path: Path) -> int:
    """Return how many arrays of the optimiser's state a file holds."""
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        return len(file["optimizer/vars"]) if "optimizer/vars" in file else 0


@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer")
def test_a_large_model_is_saved_without_its_optimizers_state_so_that_a_check_lets_it_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = mlp()
    model.compile("adam", "binary_crossentropy")
    rows = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    model.fit(rows, rows[:, :1] > 0, verbose=0)
    before = model.predict(rows, verbose=0)
    whole, without = tmp_path / "whole", tmp_path / "without"
    for folder in (whole, without):
        folder.mkdir()
        worker.save(model, folder)
        assert [path.name for path in folder.iterdir()] == ["model.keras"]
        monkeypatch.setattr(worker, "MOST_MODEL_BYTES", (folder / "model.keras").stat().st_size - 1)
    assert state_in(whole / "model.keras") > 2 and state_in(without / "model.keras") == 0

    copy = shutil.copy(without / "model.keras", tmp_path / "copy.keras")
    assert checked_card(copy, "copy.keras", rebuild_in=tmp_path).optimizer == "Adam"
    loaded = keras.models.load_model(copy)
    np.testing.assert_array_equal(loaded.predict(rows, verbose=0), before)
    loaded.fit(rows, rows[:, :1] > 0, verbose=0)  # and may be trained on

"""One small question that most tests of training ask about."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import pytest

from retrain_core.data.parts import load_parts
from retrain_core.runs.prepare import prepare
from retrain_core.training import models
from retrain_core.types import Dataset, Schema
from tests.make import question
from tests.training.build import Recorded

gc.set_threshold(
    50_000, 20, 20
)  # Keras and TensorFlow make so many objects that looking for cycles took a tenth of the time


@dataclass(frozen=True)
class Question:
    """An old model (norm, first, batch_norm, dropout, second, last), old rows, and new rows that are shifted."""

    path: Path
    schema: Schema
    parts: Mapping[str, Dataset]

    @property
    def old(self) -> Dataset:
        return self.parts["old_train"]

    @property
    def new(self) -> Dataset:
        return self.parts["new_train"]

    @property
    def validation(self) -> Dataset:
        return self.parts["new_validation"]

    def model(self) -> keras.Model:
        """Return the old model."""
        return models.load(self.path)


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Question:
    store, spec = question(tmp_path_factory.mktemp("question"))
    prepare(store, spec)
    parts = load_parts(store.experiment_folder(spec.id) / "data")
    return Question(store.file_path(spec.model), spec.schema, parts)


@pytest.fixture
def engine_of(asked: Question) -> Callable[..., Recorded]:
    """Make an engine for the question."""

    def make(**options: object) -> Recorded:
        return Recorded(asked.path, asked.schema, asked.validation, **options)

    return make


@pytest.fixture
def engine(engine_of: Callable[..., Recorded]) -> Recorded:
    return engine_of()

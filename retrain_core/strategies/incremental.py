"""Incremental: go on training the old model on the new rows, in the order they arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.strategies.options import (
    ALL_TASKS,
    arrival_option,
    balanced_option,
    batch_size_option,
    passes_option,
    rate_option,
)
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class Incremental:
    """Train on each batch of arrival once; suits data that keeps coming.

    Each arriving batch is scored before it is trained on (the prequential score).

    Source: Gama, Sebastiao and Rodrigues (2013), Machine Learning 90 (prequential score).
    """

    name: ClassVar[str] = "incremental"
    title: ClassVar[str] = "Incremental"
    advice: ClassVar[str] = "Train incrementally"
    default_on: ClassVar[bool] = True
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Gama et al. 2013"

    arrival_rows: int = arrival_option()
    passes: int = passes_option()
    batch_size: int = batch_size_option("New rows")
    rate: float = rate_option(0.5)
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the model after the last arriving batch; ``old`` is not used."""
        return tools.fit_in_order(tools.load_model(), new, self)

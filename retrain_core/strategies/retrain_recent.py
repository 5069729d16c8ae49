"""Retrain, recent rows first: fresh weights on all rows, and older ones weigh less."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from retrain_core.data.stacked import join
from retrain_core.strategies.options import (
    ALL_TASKS,
    balanced_option,
    batch_size_option,
    epochs_option,
    option,
    patience_option,
    rate_option,
)
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class RetrainRecent:
    """Start over on old and new rows, where older rows weigh less; suits a drift that goes on.

    Weights fall evenly (in the logarithm) from the last new row to the first old one, as rows stand in the files.

    Source: Klinkenberg (2004), Intelligent Data Analysis 8(3) (weights by age).
    """

    name: ClassVar[str] = "retrain_recent"
    title: ClassVar[str] = "Retrain, recent rows weigh more"
    advice: ClassVar[str] = "Retrain with recent rows weighing more"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = "Without old data it weighs the new rows by age."
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Klinkenberg 2004"

    oldest_weight: float = option(
        0.1, "Weight of the oldest row", "Against 1 for the newest, in the order of the files.", 1e-4, 1.0
    )
    rate: float = rate_option(1.0)
    epochs: int = epochs_option("training rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return a new model of the old architecture."""
        rows = new if old is None else join(old, new)
        age = np.linspace(1.0, 0.0, rows.rows)
        weights = self.oldest_weight**age
        model = tools.fresh_model(adapt_on=rows)
        return tools.fit(model, rows, self, weights=weights / weights.mean())

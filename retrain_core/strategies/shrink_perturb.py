"""Shrink and perturb: the old weights, shrunk and stirred, learn on all rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
class ShrinkPerturb:
    """Shrink the old weights, add noise, then train on all rows; suits going on from a model without its rigidity.

    A plain warm start ends worse than fresh weights; shrinking and noise repair it, and keep most of its head start.
    Preprocessing and normalisation layers stay as they are at the start.

    Source: Ash and Adams (2020), NeurIPS 33.
    """

    name: ClassVar[str] = "shrink_perturb"
    title: ClassVar[str] = "Shrink and perturb"
    advice: ClassVar[str] = "Shrink and perturb, then train"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = "Without old data it trains on the new rows only."
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Ash and Adams 2020"

    shrink: float = option(0.6, "Shrink", "What the old weights are multiplied by.", 0.0, 1.0)
    noise: float = option(
        0.1, "Noise", "Added to them: this many times a fresh draw of each layer's initialiser.", 0.0, 10.0
    )
    rate: float = rate_option(1.0)
    epochs: int = epochs_option("training rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return a model that began as the old one, shrunk and stirred."""
        model = tools.shrink_and_perturb(tools.load_model(), self.shrink, self.noise)
        return tools.fit(model, new if old is None else join(old, new), self)

"""Learning without forgetting: incremental training that keeps close to the old model's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.strategies.options import (
    ALL_TASKS,
    arrival_option,
    balanced_option,
    batch_size_option,
    option,
    passes_option,
    rate_option,
)
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class WithoutForgetting:
    """Train on arriving batches while keeping the old model's answers; suits old knowledge without old rows.

    The old model's outputs for the new rows are a second target, softened by a temperature.

    Source: Li and Hoiem (2016), ECCV (LwF).
    """

    name: ClassVar[str] = "lwf"
    title: ClassVar[str] = "Incremental, old answers kept"
    advice: ClassVar[str] = "Train incrementally, old answers kept"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Li and Hoiem 2016 (LwF)"

    weight: float = option(1.0, "Weight of the old answers", "Beside the loss on the labels.", 0.0, 1e4)
    temperature: float = option(
        2.0, "Temperature", "Softens probabilities, so that small ones count too; 1 leaves them.", 0.1, 20.0
    )
    arrival_rows: int = arrival_option()
    passes: int = passes_option()
    batch_size: int = batch_size_option("New rows")
    rate: float = rate_option(0.5)
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the model after the last arriving batch; ``old`` is not used."""
        teacher = tools.teacher(new, self.weight, self.temperature)
        return tools.fit_in_order(tools.load_model(), new, self, teacher=teacher)

"""Elastic weight consolidation: incremental training that spares the weights old rows depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.strategies.options import (
    ALL_TASKS,
    arrival_option,
    balanced_option,
    batch_size_option,
    needs_old_rows,
    option,
    passes_option,
    rate_option,
)
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class Elastic:
    """Train on arriving batches, and hold weights that matter for the old rows; suits old rows too many to replay.

    How much a weight matters is its Fisher information on a sample of old rows, measured once.

    Source: Kirkpatrick et al. (2017), PNAS 114(13) (EWC).
    """

    name: ClassVar[str] = "ewc"
    title: ClassVar[str] = "Incremental, old weights held"
    advice: ClassVar[str] = "Train incrementally, old weights held"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = True
    without_old: ClassVar[str] = "Old rows say which weights matter."
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Kirkpatrick et al. 2017 (EWC)"

    strength: float = option(
        100.0, "Hold", "Strength of the hold on weights that matter for the old rows.", 0.0, 1e9
    )
    fisher_rows: int = option(
        500, "Old rows measured", "Old rows that say which weights matter.", 1, 1_000_000
    )
    arrival_rows: int = arrival_option()
    passes: int = passes_option()
    batch_size: int = batch_size_option("New rows")
    rate: float = rate_option(0.5)
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the model after the last arriving batch; ``old`` says which weights matter.

        Raises:
            RunError: Without old rows.
        """
        if old is None:
            raise needs_old_rows(self)
        model = tools.load_model()
        penalty = tools.pull_by_importance(model, old, self.strength, self.fisher_rows, self.rate)
        return tools.fit_in_order(model, new, self, penalty=penalty)

"""Full retrain: the same architecture, fresh weights, everything learnt again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.data.stacked import join
from retrain_core.strategies.options import (
    ALL_TASKS,
    balanced_option,
    batch_size_option,
    epochs_option,
    patience_option,
    rate_option,
)
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class FullRetrain:
    """Start over with fresh weights on old and new rows; suits a strong shift and enough data.

    No old weight survives, and stateful preprocessing layers are adapted again on the rows trained on.

    Source: Ash and Adams (2020), NeurIPS 33 (why fresh weights can beat a warm start).
    """

    name: ClassVar[str] = "full_retrain"
    title: ClassVar[str] = "Full retrain"
    advice: ClassVar[str] = "Retrain in full"
    default_on: ClassVar[bool] = True
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = "Without old data it trains on the new rows only."
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Ash and Adams 2020"

    rate: float = rate_option(1.0)
    epochs: int = epochs_option("training rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return a new model of the old architecture."""
        if old is None:
            tools.notice("There is no old data, so only the new rows are used.")
        rows = new if old is None else join(old, new)
        return tools.fit(tools.fresh_model(adapt_on=rows), rows, self)

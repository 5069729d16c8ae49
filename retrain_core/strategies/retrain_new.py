"""Retrain on new rows: fresh weights that never see an old row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
class RetrainNew:
    """Start over with fresh weights on the new rows only; suits old data that no longer applies.

    No old weight survives, and stateful preprocessing layers are adapted again on the new rows.

    Source: Gama et al. (2014), ACM Computing Surveys 46(4) (forgetting by a window on the newest rows).
    """

    name: ClassVar[str] = "retrain_new"
    title: ClassVar[str] = "Retrain on new rows"
    advice: ClassVar[str] = "Retrain on the new rows only"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Gama et al. 2014"

    rate: float = rate_option(1.0)
    epochs: int = epochs_option("new rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return a new model of the old architecture; ``old`` is not used."""
        return tools.fit(tools.fresh_model(adapt_on=new), new, self)

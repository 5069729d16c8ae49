"""Full retrain: the same architecture, fresh weights, everything learnt again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.data.parts import join
from retrain_core.strategies.options import (
    batch_size_option,
    epochs_option,
    option,
    patience_option,
    rate_option,
)
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset


@dataclass(frozen=True, kw_only=True)
class FullRetrain:
    """Start over with fresh weights on old and new rows; suits a strong shift and enough data.

    No old weight survives, and stateful preprocessing layers are adapted again on the rows trained on.

    Source: Ash and Adams (2020), NeurIPS 33 (why fresh weights can beat a warm start).
    """

    name: ClassVar[str] = "full_retrain"
    title: ClassVar[str] = "Full retrain"
    without_old: ClassVar[str] = "Without old data it trains on the new rows only."
    source: ClassVar[str] = "Ash and Adams 2020"

    use_old: bool = option(
        True, "Use old rows", "Train on old and new rows together; off: on the new rows only."
    )
    rate: float = rate_option(1.0)
    epochs: int = epochs_option("training rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return a new model of the old architecture."""
        if self.use_old and old is None:
            tools.notice("There is no old data, so only the new rows are used.")
        rows = join(old, new) if self.use_old and old is not None else new
        model = tools.fresh_model(adapt_on=rows)
        return tools.fit(
            model,
            rows,
            epochs=self.epochs,
            batch_size=self.batch_size,
            rate=self.rate,
            patience=self.patience,
        )

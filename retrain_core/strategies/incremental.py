"""Incremental: go on training the old model on the new rows, in the order they arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.strategies.options import batch_size_option, option, rate_option
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset


@dataclass(frozen=True, kw_only=True)
class Incremental:
    """Train on each batch of arrival once; suits data that keeps coming.

    Each arriving batch is scored before it is trained on (the prequential score). With replay, each step
    also sees old rows, which is the simplest remedy against forgetting.

    Source: Gama, Sebastiao and Rodrigues (2013), Machine Learning 90 (prequential score);
    Prabhu et al. (2023), CVPR (replay under equal compute).
    """

    name: ClassVar[str] = "incremental"
    title: ClassVar[str] = "Incremental"
    without_old: ClassVar[str] = "Without old data nothing can be replayed."
    source: ClassVar[str] = "Gama et al. 2013; Prabhu et al. 2023"

    arrival_rows: int = option(
        256,
        "Batch of arrival (rows)",
        "Rows that arrive together: scored first, then trained on.",
        1,
        10_000_000,
    )
    passes: int = option(1, "Passes", "Passes over each arriving batch.", 1, 1000)
    batch_size: int = batch_size_option("New rows")
    rate: float = rate_option(0.5)
    replay_ratio: float = option(
        0.0,
        "Replay (old rows a new row)",
        "Old rows mixed into each step; 1 is as many as new. Needs old data.",
        0.0,
        16.0,
    )

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the model after the last arriving batch; ``old`` is used for replay alone."""
        if self.replay_ratio > 0 and old is None:
            tools.notice("There is no old data, so nothing is replayed.")
        return tools.fit_in_order(
            tools.load_model(),
            new,
            arrival_rows=self.arrival_rows,
            passes=self.passes,
            batch_size=self.batch_size,
            rate=self.rate,
            replay=old if self.replay_ratio > 0 else None,
            replay_ratio=self.replay_ratio,
        )

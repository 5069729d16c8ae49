"""Replay: incremental training with old rows mixed into each step."""

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
from retrain_core.strategies.toolbox import Model, Replay, Toolbox
from retrain_core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class ReplayOld:
    """Train on arriving batches mixed with old rows; suits data that keeps coming while the old must stay known.

    Rows are replayed from a memory: a uniform sample of the old rows and of the new ones already seen.

    Source: Prabhu et al. (2023), CVPR (under equal compute no other method beat uniform replay); Vitter (1985).
    """

    name: ClassVar[str] = "replay"
    title: ClassVar[str] = "Incremental with replay"
    advice: ClassVar[str] = "Train incrementally with replay"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = True
    without_old: ClassVar[str] = "Old rows are what it replays."
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Prabhu et al. 2023; Vitter 1985"

    replay_ratio: float = option(
        1.0, "Replay (rows a new row)", "Rows replayed in each step; 1 is as many as new ones.", 0.05, 16.0
    )
    memory_rows: int = option(
        0,
        "Memory (rows)",
        "A uniform sample of this many rows seen so far; 0 keeps all old rows, and no new ones.",
        0,
        10_000_000,
    )
    class_balanced: bool = option(
        False, "Replay classes alike", "Each class is replayed as often as any other."
    )
    arrival_rows: int = arrival_option()
    passes: int = passes_option()
    batch_size: int = batch_size_option("New rows")
    rate: float = rate_option(0.5)
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the model after the last arriving batch.

        Raises:
            RunError: Without old rows.
        """
        if old is None:
            raise needs_old_rows(self)
        replay = Replay(old, self.replay_ratio, self.memory_rows, self.class_balanced)
        return tools.fit_in_order(tools.load_model(), new, self, replay=replay)

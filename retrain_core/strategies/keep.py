"""Keep: change nothing. Every number is read against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.strategies.options import ALL_TASKS
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Task


@dataclass(frozen=True, kw_only=True)
class Keep:
    """The old model as it is; suits new data that the old model already handles.

    Source: the baseline of every comparison; no training takes place.
    """

    name: ClassVar[str] = "keep"
    title: ClassVar[str] = "Keep"
    advice: ClassVar[str] = "Keep the old model"
    default_on: ClassVar[bool] = True
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = False
    source: ClassVar[str] = "Baseline"

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the old model; neither ``old`` nor ``new`` is used."""
        return tools.old_model()

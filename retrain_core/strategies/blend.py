"""Blend: halfway between the old weights and fine-tuned ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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
class Blend:
    """Fine-tune all layers, then average with the old weights; suits new rows and old ones alike in weight.

    BatchNormalization stays frozen.

    Source: Wortsman et al. (2022), CVPR (WiSE-FT).
    """

    name: ClassVar[str] = "blend"
    title: ClassVar[str] = "Blend old and new weights"
    advice: ClassVar[str] = "Blend old and new weights"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Wortsman et al. 2022 (WiSE-FT)"

    share: float = option(
        0.5, "Share of the new weights", "1 is the fine-tuned model, 0 the old one.", 0.0, 1.0
    )
    rate: float = rate_option(0.3)
    epochs: int = epochs_option("new rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the blended model; ``old`` is not used."""
        model = tools.load_model()
        tools.thaw(model)
        before = tools.learning_weights(model)
        return tools.blend(tools.fit(model, new, self), before, self.share)

"""Fine-tune: the last layers learn the new rows, the others stay frozen."""

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
class FineTune:
    """Adapt the last layers to the new rows; suits mild shift and little data.

    Frozen weights and all BatchNormalization statistics stay bit-identical.

    Source: Keras guide "Transfer learning and fine-tuning"; Yosinski et al. (2014), NeurIPS 27.
    """

    name: ClassVar[str] = "fine_tune"
    title: ClassVar[str] = "Fine-tune"
    advice: ClassVar[str] = "Fine-tune"
    default_on: ClassVar[bool] = True
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Keras guide: transfer learning and fine-tuning"

    trainable_layers: int = option(
        1,
        "Trainable layers",
        "Layers with weights that learn, counted from the output; the rest is frozen.",
        1,
        100,
    )
    rate: float = rate_option(1.0)
    epochs: int = epochs_option("new rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the adapted model; ``old`` is not used."""
        model = tools.load_model()
        tools.freeze(model, all_but_last=self.trainable_layers)
        return tools.fit(model, new, self)

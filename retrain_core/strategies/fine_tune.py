"""Fine-tune: the last layers learn the new rows, the others stay frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.strategies.options import option
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset


@dataclass(frozen=True, kw_only=True)
class FineTune:
    """Adapt the last layers to the new rows; suits mild shift and little data.

    Frozen weights and all BatchNormalization statistics stay bit-identical.

    Source: Keras guide "Transfer learning and fine-tuning"; Yosinski et al. (2014), NeurIPS 27.
    """

    name: ClassVar[str] = "fine_tune"
    title: ClassVar[str] = "Fine-tune"
    without_old: ClassVar[str] = ""
    source: ClassVar[str] = "Keras guide: transfer learning and fine-tuning"

    trainable_layers: int = option(
        1,
        "Trainable layers",
        "Layers with weights that learn, counted from the output; the rest is frozen.",
        1,
        100,
    )
    rate: float = option(
        1.0,
        "Learning rate (times the model's own)",
        "Step size, as a multiple of the one the model was compiled with; smaller keeps closer to the old model.",
        1e-4,
        100.0,
    )
    epochs: int = option(10, "Epochs", "Most passes over the new rows.", 1, 1000)
    batch_size: int = option(32, "Batch size (rows)", "Rows a training step.", 1, 65536)
    patience: int = option(
        3,
        "Patience (epochs)",
        "Stop after this many epochs without a better validation loss; 0 never stops.",
        0,
        1000,
    )

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the adapted model; ``old`` is not used."""
        model = tools.load_model()
        tools.freeze(model, all_but_last=self.trainable_layers)
        return tools.fit(
            model,
            new,
            epochs=self.epochs,
            batch_size=self.batch_size,
            rate=self.rate,
            patience=self.patience,
        )

"""LP-FT: the output layer learns first, then everything, at a lower rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
class HeadFirst:
    """Fit the output layer, then everything at a lower rate; suits inputs that moved and features worth keeping.

    A random or outdated output layer distorts the features below it when all learn at once; fitted first, it does not.
    BatchNormalization stays frozen.

    Source: Kumar et al. (2022), ICLR (linear probing, then fine-tuning).
    """

    name: ClassVar[str] = "lp_ft"
    title: ClassVar[str] = "Head first, then all"
    advice: ClassVar[str] = "Fine-tune, the head first"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Kumar et al. 2022 (LP-FT)"

    head_share: float = option(
        0.3, "Head's share", "Share of the epochs that the output layer learns alone.", 0.05, 0.95
    )
    slower: float = option(
        0.1, "Rate of the second part", "Learning rate of all layers, as a multiple of the head's.", 1e-4, 1.0
    )
    rate: float = rate_option(1.0)
    epochs: int = epochs_option("new rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the adapted model; ``old`` is not used."""
        model = tools.load_model()
        head_epochs = max(1, round(self.epochs * self.head_share))
        tools.freeze(model, all_but_last=1)
        model = tools.fit(model, new, replace(self, epochs=head_epochs), share=self.head_share)
        tools.thaw(model)
        then = replace(self, epochs=max(1, self.epochs - head_epochs), rate=self.rate * self.slower)
        return tools.fit(model, new, then, share=1 - self.head_share)

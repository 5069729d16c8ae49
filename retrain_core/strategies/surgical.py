"""Surgical fine-tuning: one block of layers learns, the one that helps most."""

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
class Surgical:
    """Let one block of layers learn, chosen by validation; suits a shift of one kind, such as a new camera.

    Each block is tried for a few epochs from the old weights; the best goes on. The first block answers a shift of the
    inputs, the last one a shift of the labels.

    Source: Lee et al. (2023), ICLR.
    """

    name: ClassVar[str] = "surgical"
    title: ClassVar[str] = "One block"
    advice: ClassVar[str] = "Fine-tune one block of layers"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Lee et al. 2023 (surgical fine-tuning)"

    most_blocks: int = option(3, "Blocks", "Into how many blocks the layers are divided, at most.", 2, 10)
    trial_epochs: int = option(2, "Trial (epochs)", "Epochs that each block is tried for.", 1, 100)
    rate: float = rate_option(1.0)
    epochs: int = epochs_option("new rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the adapted model; ``old`` is not used."""
        blocks = tools.block_count(tools.load_model(), self.most_blocks)
        trial = replace(self, epochs=self.trial_epochs, patience=0)
        trials = self.trial_epochs * blocks
        tried: list[tuple[float, Model, str, int]] = []
        for block in range(blocks):
            model = tools.load_model()
            layers = tools.freeze_all_but_block(model, block, blocks)
            model = tools.fit(model, new, trial, share=self.trial_epochs / (trials + self.epochs))
            tried.append((tools.best_validation_loss(), model, layers, block))
        loss, best, layers, block = min(tried, key=lambda found: found[0])
        tools.notice(
            f"Block {block + 1} of {blocks} learns ({layers}): validation loss {loss:.4g} after its trial."
        )
        if tools.stopped:
            return best
        # The trained trial itself is not gone on with: its optimiser has warmed up, and is not kept.
        model = tools.load_model()
        tools.freeze_all_but_block(model, block, blocks)
        model = tools.fit(model, new, self, share=self.epochs / (trials + self.epochs))
        return model if tools.best_validation_loss() <= loss else best

"""L2-SP: everything learns, and is pulled back to the old weights."""

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
class L2SP:
    """Let all layers learn, pulled towards the old weights; suits moderate shift with enough new rows.

    The pull is half the squared distance from the old weights, times its strength. BatchNormalization stays frozen.

    Source: Li, Grandvalet and Davoine (2018), ICML 35.
    """

    name: ClassVar[str] = "l2_sp"
    title: ClassVar[str] = "All layers, held back"
    advice: ClassVar[str] = "Fine-tune all layers, held back"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = ""
    tasks: ClassVar[tuple[Task, ...]] = ALL_TASKS
    learns_classes: ClassVar[bool] = True
    source: ClassVar[str] = "Li et al. 2018 (L2-SP)"

    strength: float = option(
        0.01,
        "Pull",
        "Strength of the pull to the old weights; 0 is plain fine-tuning of all layers.",
        0.0,
        1e6,
    )
    rate: float = rate_option(0.3)
    epochs: int = epochs_option("new rows")
    batch_size: int = batch_size_option()
    patience: int = patience_option()
    balanced: bool = balanced_option()

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the adapted model; ``old`` is not used."""
        model = tools.load_model()
        tools.thaw(model)
        penalty = tools.pull_to_old(model, self.strength) if self.strength else None
        return tools.fit(model, new, self, penalty=penalty)

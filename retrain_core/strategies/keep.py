"""Keep: change nothing. Every number is read against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset


@dataclass(frozen=True, kw_only=True)
class Keep:
    """The old model as it is; suits new data that the old model already handles.

    Source: the baseline of every comparison; no training takes place.
    """

    name: ClassVar[str] = "keep"
    title: ClassVar[str] = "Keep"
    without_old: ClassVar[str] = ""
    source: ClassVar[str] = "Baseline"

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the old model; neither ``old`` nor ``new`` is used."""
        return tools.load_model()

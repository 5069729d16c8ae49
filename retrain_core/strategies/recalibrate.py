"""Recalibrate: the old model, with its probabilities set right for the new rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from retrain_core.errors import RunError
from retrain_core.strategies.options import option
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Dataset, Task

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Recalibrate:
    """Set the old model's probabilities right, without training; suits labels that became more or less frequent.

    Prior correction multiplies each class by how much more frequent it has become; the temperature then makes all
    probabilities more or less sure. Either is done only if it lowers the loss on the new training rows. Both are
    written into the weights of the output layer.

    Source: Guo et al. (2017), ICML 34 (temperature); Saerens et al. (2002), Neural Computation 14 (priors).
    """

    name: ClassVar[str] = "recalibrate"
    title: ClassVar[str] = "Recalibrate"
    advice: ClassVar[str] = "Recalibrate the old model"
    default_on: ClassVar[bool] = False
    needs_old: ClassVar[bool] = False
    without_old: ClassVar[str] = "Without old data the change of the labels is not known: temperature only."
    tasks: ClassVar[tuple[Task, ...]] = ("binary", "multiclass", "multilabel")
    learns_classes: ClassVar[bool] = False
    source: ClassVar[str] = "Guo et al. 2017; Saerens et al. 2002"

    temperature: bool = option(True, "Temperature", "Make probabilities more or less sure.")
    prior: bool = option(True, "Prior correction", "Follow the classes' change in frequency. Needs old data.")

    def train(self, old: Dataset | None, new: Dataset, tools: Toolbox) -> Model:
        """Return the old model with its last layer rescaled.

        Raises:
            RunError: If it predicts numbers, or the new rows have classes that it does not know.
        """
        if tools.schema.task == "regression":
            raise RunError("Only probabilities can be recalibrated.", "The model predicts numbers.")
        if tools.schema.new_classes:
            raise RunError(
                "Recalibrating cannot teach new classes.",
                f"The model does not know: {', '.join(tools.schema.new_classes)}.",
                "Use a strategy that trains.",
            )
        if self.prior and old is None:
            tools.notice("There is no old data, so priors are not corrected.")
        model = tools.load_model()
        several = not tools.each_unit(model)
        logits = tools.logits(model, new)
        units = logits.shape[1]
        targets = np.asarray(new.targets) if several else _columns(new.targets, units)
        shift = np.zeros(units)
        if self.prior and old is not None:
            before = np.asarray(old.targets) if several else _columns(old.targets, units)
            by_prior = prior_shift(before, targets, units, several=several)
            if log_loss(logits + by_prior, targets, several=several) < log_loss(
                logits, targets, several=several
            ):
                shift = by_prior
            else:
                tools.notice("Priors are not corrected: more than the labels' frequency has changed.")
        scale = best_scale(logits, targets, shift, several=several) if self.temperature else 1.0
        return tools.scale_logits(model, scale, shift)


def _columns(targets: ArrayLike, units: int) -> NDArray[np.integer]:
    """Return 0 and 1 with a column a unit: for classes, one against all others."""
    values: NDArray[Any] = np.asarray(targets)
    if units > 1 and values.ndim == 1:
        return np.asarray(np.equal.outer(values, np.arange(units)), np.int8)
    columns: NDArray[np.integer] = values.reshape(len(values), units)
    return columns


def prior_shift(old: NDArray[np.integer], new: NDArray[np.integer], units: int, *, several: bool) -> Floats:
    """Return what to add to each unit's logit for the change in frequency of its label, shape ``(units,)``.

    Args:
        old: Targets of the old rows: class indices, or 0 and 1 with a column a unit.
        new: Targets of the new rows.
        units: Output units.
        several: Whether the units are classes of one softmax.

    >>> prior_shift(np.array([0, 0, 0, 1]), np.array([0, 1]), 1, several=False).round(3).tolist()
    [0.847]
    """
    before, after = (_frequencies(targets, units, several) for targets in (old, new))
    if several:
        return np.asarray(np.log(after) - np.log(before))
    return np.asarray(special.logit(after) - special.logit(before))


def _frequencies(targets: NDArray[np.integer], units: int, several: bool) -> Floats:
    """Return each unit's label frequency, with half a row added so that none is 0 or 1."""
    if several:
        counts = np.bincount(targets, minlength=units) + 0.5
        return np.asarray(counts / counts.sum())
    return np.asarray((targets.reshape(len(targets), -1).sum(axis=0) + 0.5) / (len(targets) + 1))


def log_loss(logits: Floats, targets: NDArray[np.integer], *, several: bool) -> float:
    """Return the mean log-loss of class indices (``several``), or of 0 and 1 with a column a unit."""
    if several:
        return float(-special.log_softmax(logits, axis=1)[np.arange(len(targets)), targets].mean())
    sign = 2 * targets.reshape(len(targets), -1).astype(np.float64) - 1
    return float(np.logaddexp(0, -sign * logits).mean())


def best_scale(logits: Floats, targets: NDArray[np.integer], shift: Floats, *, several: bool) -> float:
    """Return the factor of the logits (1 / temperature) with the least log-loss."""

    def loss(log_scale: float) -> float:
        return log_loss(logits * np.exp(log_scale) + shift, targets, several=several)

    found = optimize.minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0

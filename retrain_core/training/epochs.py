"""Training in epochs: shuffled rows, early stopping, the best weights."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import keras
from numpy.typing import NDArray

from retrain_core.errors import RunError
from retrain_core.strategies.toolbox import Pace
from retrain_core.training.course import Course, Kept
from retrain_core.training.learner import Penalty
from retrain_core.training.loop import NOTHING, Rows
from retrain_core.training.resume import give_back
from retrain_core.types import Dataset
from retrain_core.workers.checkpoints import Moment

STILL_FALLING = 0.02  # share of the validation loss that the last epoch may gain without a word


@dataclass
class _Search:
    """Where the search for the best weights is.

    Args:
        best: The weights with the least validation loss so far.
        following: Rows of the next epoch.
        order: Rows of the epoch that has begun; none between two epochs.
        best_loss: That loss.
        before: What it was before it fell the last time.
        waited: Epochs since.
        epoch: Epochs that have ended.
    """

    best: list[NDArray[Any]]
    following: Rows = field(default_factory=lambda: NOTHING)
    order: Rows = field(default_factory=lambda: NOTHING)
    best_loss: float = math.inf
    before: float = math.inf
    waited: int = 0
    epoch: int = 0

    def kept(self) -> Kept:
        values = {name: getattr(self, name) for name in ("best_loss", "before", "waited", "epoch")}
        return Kept(values, {"best": self.best, "orders": [self.following, self.order]})

    @classmethod
    def of(cls, moment: Moment) -> _Search:
        following, order = moment.arrays["orders"]
        return cls(list(moment.arrays["best"]), following, order, **moment.values["fit"])

    def judge(self, loss: float, model: keras.Model) -> None:
        if loss < self.best_loss:
            self.before, self.best_loss, self.waited = self.best_loss, loss, 0
            self.best = model.get_weights()
        else:
            self.waited += 1

    @property
    def fell(self) -> float:
        """By which share the loss fell in the last epoch, against the best one before; 0 if it did not."""
        if not math.isfinite(self.before) or self.waited:
            return 0.0
        return (self.before - self.best_loss) / (abs(self.before) or 1.0)


def fit_epochs(
    course: Course,
    model: keras.Model,
    rows: Dataset,
    pace: Pace,
    *,
    weights: NDArray[Any] | None = None,
    penalty: Penalty | None = None,
    share: float = 1.0,
) -> keras.Model:
    """Train on shuffled rows; return the model with its best weights on the validation rows.

    Raises:
        RunError: If the validation loss is not a number.
    """
    if course.stopped:  # in an earlier part of the run, whose best weights these are
        course.best_loss = math.inf
        return model
    if course.was_done(model):
        course.fitted = model
        return model
    size = pace.batch_size
    epoch_steps = -(-rows.rows // size)
    budget = course.steps_of(share)
    epochs = pace.epochs if budget is None else -(-budget // epoch_steps)
    patience = pace.patience if budget is None else 0
    planned = epochs * epoch_steps if budget is None else budget
    loop, source, validation = course.loop(
        model, rows, pace.rate, size, planned, rows.rows // size, weights, pace.balanced, penalty
    )
    if course.forecast is not None:
        course.best_loss = course.forecast.fit(loop, source, validation, size, epochs, patience, planned)
        course.end(loop, model)
        return model
    averages = course.objective.averages
    moment = course.cut_off(loop, source)
    if moment is not None:
        search = _Search.of(moment)
    else:
        search = _Search(model.get_weights())
        if model is course.fitted:  # an earlier part of the run made it, and may have been better
            search.best_loss = loop.score(validation)["loss"]
        course.telling.curve_start(loop, validation)
        search.following = course.shuffled(rows.rows)
    while search.epoch < epochs:
        if not len(search.order):
            search.order, search.following = search.following, course.shuffled(rows.rows)
            if budget is not None:
                search.order = search.order[: (budget - search.epoch * epoch_steps) * size]
        label = f"epoch {course.at.epoch + 1}" + ("" if share < 1 else f" of {epochs}")
        logs = course.train(
            loop, source, search.order, size, share / epochs, label, search.following, keep=search.kept
        )
        search.order = NOTHING
        search.epoch += 1
        learnt = model.get_weights() if averages else None
        loop.finalize()  # an optimiser that averages weights is judged by its averages, which are kept
        scores = loop.score(validation)
        course.at.epoch += 1
        course.telling.point(logs, scores, epoch=course.at.epoch)
        search.judge(scores["loss"], model)
        if learnt is not None:
            model.set_weights(learnt)
        if course.stopped or (patience and search.waited >= patience):
            break
    if not math.isfinite(search.best_loss):
        raise RunError(
            "The loss on the validation rows is not a number.",
            "Usual causes: too large a learning rate, or validation rows unlike the training rows.",
            "Try a tenth of the learning rate, or look at the column findings.",
        )
    if search.fell > STILL_FALLING and share == 1.0 and budget is None and not course.stopped:
        course.telling.notice(
            f"The validation loss still fell by {search.fell:.0%} in the last epoch: allow more epochs."
        )
    give_back(model.weights, search.best)
    course.best_loss, course.fitted = search.best_loss, model
    course.end(loop, model)
    return model

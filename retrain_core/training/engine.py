"""The engine: what strategies ask of a toolbox, done with Keras."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from retrain_core.data.parts import join
from retrain_core.errors import RunError
from retrain_core.training import models
from retrain_core.training.loop import Loop
from retrain_core.types import Dataset, Schema

Report = Callable[[str, dict[str, Any]], None]
CURVE_POINTS = 20  # validation scores along an incremental run


class Engine:
    """The toolbox of one run.

    Args:
        model_path: The old model's file.
        schema: How targets are read.
        validation: The new-validation rows; early stopping looks at nothing else.
        seed: For shuffling; Keras' own generators are seeded by the worker.
        report: Called with the kind and values of each event.
        should_stop: Asked after each chunk of steps.
    """

    def __init__(
        self,
        model_path: Path,
        schema: Schema,
        validation: Dataset,
        seed: int,
        report: Report,
        should_stop: Callable[[], bool],
    ) -> None:
        self._path, self._schema = model_path, schema
        self._optimizer = models.own_optimizer(model_path)
        self._validation = validation
        self._rng = np.random.default_rng(seed)
        self._report, self._should_stop = report, should_stop
        self._started = time.perf_counter()
        self._trainable: list[tuple[Any, bool]] = []
        self.rows_seen = 0
        self.stopped = False
        self.prequential: float | None = None

    # --- the verbs ----------------------------------------------------------------------------

    def load_model(self) -> keras.Model:
        """Return the old model."""
        model = models.load(self._path)
        models.compile_model(model, self._optimizer, self._schema)
        return model

    def fresh_model(self, adapt_on: Dataset) -> keras.Model:
        """Return the old architecture with fresh weights, its preprocessing adapted on ``adapt_on``."""
        model, notices = models.fresh(models.load(self._path), adapt_on)
        for text in notices:
            self.notice(text)
        return model

    def freeze(self, model: keras.Model, *, all_but_last: int) -> None:
        """Freeze all but the last layers with weights, and every BatchNormalization."""
        self._trainable = [(layer, layer.trainable) for layer in models.leaves(model)]
        models.freeze(model, all_but_last)

    def notice(self, text: str) -> None:
        """Tell the user something about this run."""
        self._report("notice", {"text": text})

    def fit(
        self,
        model: keras.Model,
        rows: Dataset,
        *,
        epochs: int,
        batch_size: int,
        rate: float,
        patience: int,
    ) -> keras.Model:
        """Train on shuffled rows; return the model with its best weights on the validation rows."""
        loop, validation = self._loops(model, rows, rate)
        best, best_loss, waited = model.get_weights(), math.inf, 0
        self._curve_start(validation)
        for epoch in range(epochs):
            order = self._rng.permutation(rows.rows).astype(np.int32)
            logs = self._train(
                loop, order, batch_size, epoch / epochs, 1 / epochs, f"epoch {epoch + 1} of {epochs}"
            )
            scores = validation.score()
            self._point(logs, scores, epoch=epoch + 1)
            if scores["loss"] < best_loss:
                best, best_loss, waited = model.get_weights(), scores["loss"], 0
            else:
                waited += 1
            if self.stopped or (patience and waited >= patience):
                break
        model.set_weights(best)
        return model

    def fit_in_order(
        self,
        model: keras.Model,
        rows: Dataset,
        *,
        arrival_rows: int,
        passes: int,
        batch_size: int,
        rate: float,
        replay: Dataset | None,
        replay_ratio: float,
    ) -> keras.Model:
        """Score each arriving batch, then train on it; return the model after the last one."""
        loop, validation = self._loops(model, rows if replay is None else join(rows, replay), rate)
        starts = range(0, rows.rows, arrival_rows)
        every = max(1, len(starts) // CURVE_POINTS)
        right, loss, seen = 0.0, 0.0, 0
        self._curve_start(validation)
        for number, start in enumerate(starts):
            arrived = np.arange(start, min(start + arrival_rows, rows.rows), dtype=np.int32)
            before = loop.score(arrived)
            loss, right = loss + before["loss"] * len(arrived), right + _second(before) * len(arrived)
            seen += len(arrived)
            order, size = self._mix(np.tile(arrived, passes), rows.rows, replay, batch_size, replay_ratio)
            label = f"batch {number + 1} of {len(starts)}"
            logs = self._train(loop, order, size, number / len(starts), 1 / len(starts), label)
            if number % every == every - 1 or number == len(starts) - 1 or self.stopped:
                prequential = {"prequential_loss": loss / seen, f"prequential_{self._metric}": right / seen}
                self._point(logs, validation.score(), **prequential)
            if self.stopped:
                break
        self.prequential = right / seen
        return model

    # --- the rest -----------------------------------------------------------------------------

    def finish(self, model: keras.Model) -> keras.Model:
        """Return ``model`` as it is saved: layers trainable as they were, compiled so that ``evaluate`` works."""
        for layer, trainable in self._trainable:
            layer.trainable = trainable
        models.compile_model(model, self._optimizer, self._schema)
        model.optimizer.build(model.trainable_variables)  # an unbuilt one makes load_model warn
        return model

    @property
    def _metric(self) -> str:
        return "mae" if self._schema.task == "regression" else "accuracy"

    def _loops(self, model: keras.Model, rows: Dataset, rate: float) -> tuple[Loop, Loop]:
        models.compile_model(model, self._optimizer, self._schema, rate)
        if not model.trainable_weights:
            raise RunError(
                "The model has no weights to train.",
                "All its layers are frozen or have none.",
                "Only keep can be used.",
            )
        return Loop(model, rows, self._schema), Loop(model, self._validation, self._schema)

    def _train(
        self, loop: Loop, order: np.ndarray, batch_size: int, done: float, share: float, label: str
    ) -> dict[str, float]:
        """Train on ``order``, reporting progress from ``done`` to ``done + share``; stop early if asked."""
        seen_before = self.rows_seen
        logs: dict[str, float] = {}
        for logs in loop.train(order, batch_size):
            self.rows_seen = seen_before + int(logs["rows"])
            self._check(logs)
            self._report(
                "progress", {**self._position(logs), "progress": done + share * logs["share"], "label": label}
            )
            if self._should_stop():
                self.stopped = True
                break
        return logs

    def _check(self, logs: dict[str, float]) -> None:
        if not math.isfinite(logs["loss"]):
            raise RunError(
                "The loss is not a number any more.",
                "Usual causes: too large a learning rate, inputs on very different scales, or a constant column.",
                "Try a tenth of the learning rate, or look at the column findings.",
            )

    def _curve_start(self, validation: Loop) -> None:
        scores = validation.score()
        self._report("epoch", {"epoch": 0, "rows_seen": 0, "seconds": self._seconds(), **_prefixed(scores)})

    def _point(self, logs: dict[str, float], scores: dict[str, float], **more: Any) -> None:
        self._report("epoch", {**self._position(logs), **_prefixed(scores), **more})

    def _position(self, logs: dict[str, float]) -> dict[str, Any]:
        scores = {name: logs[name] for name in ("loss", self._metric) if name in logs}
        return {**scores, "rows_seen": self.rows_seen, "seconds": self._seconds()}

    def _seconds(self) -> float:
        return round(time.perf_counter() - self._started, 3)

    def _mix(
        self, arrived: np.ndarray, offset: int, replay: Dataset | None, batch_size: int, ratio: float
    ) -> tuple[np.ndarray, int]:
        """Return rows and batch size such that each step holds ``batch_size`` new rows and its share of old ones."""
        extra = round(batch_size * ratio)
        if replay is None or not extra:
            return arrived, batch_size
        pieces = []
        for start in range(0, len(arrived), batch_size):
            new = arrived[start : start + batch_size]
            drawn = self._rng.integers(0, replay.rows, size=round(len(new) * ratio)) + offset
            pieces += [new, drawn.astype(np.int32)]
        return np.concatenate(pieces), batch_size + extra


def _second(logs: dict[str, float]) -> float:
    """Return the metric beside the loss."""
    return next(value for name, value in logs.items() if name != "loss")


def _prefixed(scores: dict[str, float]) -> dict[str, float]:
    return {f"validation_{name}": value for name, value in scores.items()}

"""The engine: what strategies ask of a toolbox, done with Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.strategies.toolbox import Arrivals, Pace, Replay
from retrain_core.training import heads, models
from retrain_core.training.arrivals import fit_arrivals
from retrain_core.training.course import Course
from retrain_core.training.epochs import fit_epochs
from retrain_core.training.forecast import Forecast
from retrain_core.training.forward import Forward
from retrain_core.training.graph import leaves
from retrain_core.training.learner import Penalty, Teacher, pull
from retrain_core.training.loop import way_of_run
from retrain_core.training.objective import Objective
from retrain_core.training.rows import inputs_of
from retrain_core.training.telling import Report
from retrain_core.training.weights import fisher_information, shrunk_and_perturbed
from retrain_core.types import Dataset, Limits, Schema
from retrain_core.workers.keeper import Keeper

EACH_UNIT_LOSSES = ("binary_crossentropy", "binary_focal_crossentropy")


class Engine:
    """The toolbox of one run.

    Args:
        model_path: The old model's file.
        schema: How targets are read.
        validation: The new-validation rows; early stopping looks at nothing else.
        seed: For shuffling; Keras' own generators are seeded by the worker.
        report: Called with the kind and values of each event.
        should_stop: Asked after each chunk of steps.
        limits: A budget of steps, if there is one.
        rehearse: Whether only to do a few steps of each fit and forecast the rest.
        ways: How steps of each fit are computed, if a rehearsal has found it out: the run then does not try again, and
            repeats exactly.
        keeper: Writes checkpoints and holds those of an earlier attempt; without one there are none.
        beat: Called between two pieces of long work, as a sign of life.
    """

    def __init__(
        self,
        model_path: Path,
        schema: Schema,
        validation: Dataset,
        seed: int,
        report: Report,
        should_stop: Callable[[], bool],
        *,
        limits: Limits | None = None,
        rehearse: bool = False,
        ways: Sequence[str] = (),
        keeper: Keeper | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.schema = schema
        self._path = model_path
        self.objective = Objective(model_path, schema)
        self.course = Course(
            schema,
            self.objective,
            validation,
            seed,
            report,
            should_stop,
            limits=limits,
            rehearse=rehearse,
            ways=ways,
            keeper=keeper,
            beat=beat,
        )
        self._trainable: dict[int, list[tuple[Any, bool]]] = {}

    # --- models -------------------------------------------------------------------------------

    def old_model(self) -> keras.Model:
        """Return the old model exactly as it is."""
        return self._remember(models.load(self._path))

    def load_model(self) -> keras.Model:
        """Return the old model; its output layer is grown if the new rows have new classes."""
        return self._remember(self._grown(models.load(self._path)))

    def fresh_model(self, adapt_on: Dataset) -> keras.Model:
        """Return the old architecture with fresh weights, its preprocessing adapted on ``adapt_on``."""
        model, notices = models.fresh(self._grown(models.load(self._path)), adapt_on)
        for text in notices:
            self.notice(text)
        return self._remember(model)

    def freeze(self, model: keras.Model, *, all_but_last: int) -> None:
        """Freeze all but the last layers with weights, and every BatchNormalization."""
        self.thaw(model)
        models.freeze(model, all_but_last)

    def thaw(self, model: keras.Model) -> None:
        """Let every layer learn that was saved as trainable, BatchNormalization apart."""
        for layer, trainable in self._trainable[id(model)]:
            layer.trainable = trainable and not isinstance(layer, keras.layers.BatchNormalization)

    def block_count(self, model: keras.Model, most: int) -> int:
        """Return into how many blocks of layers ``model`` can be divided, at most ``most``."""
        self.thaw(model)
        return len(models.blocks(model, most))

    def freeze_all_but_block(self, model: keras.Model, block: int, blocks: int) -> str:
        """Let one block of layers learn, counted from the input; return what to call it."""
        self.thaw(model)
        chosen = models.blocks(model, blocks)[block]
        for layer in leaves(model):
            if layer not in chosen:
                layer.trainable = False
        return ", ".join(layer.name for layer in chosen)

    def scale_logits(self, model: keras.Model, scale: float, shift: NDArray[np.float64]) -> keras.Model:
        """Return ``model`` with its logits times ``scale`` plus ``shift``, shape ``(units,)``."""
        return self._remember(heads.rescaled(model, scale, shift, from_logits=self.schema.from_logits))

    def shrink_and_perturb(self, model: keras.Model, shrink: float, noise: float) -> keras.Model:
        """Return ``model`` with its weights times ``shrink`` plus ``noise`` times a fresh draw of its initialisers."""
        shrunk_and_perturbed(model, keras.models.clone_model(model), shrink, noise)
        return model

    def learning_weights(self, model: keras.Model) -> list[NDArray[Any]]:
        """Return a copy of the weights that learn, as they are now."""
        return [np.array(weight) for weight in model.trainable_weights]

    def blend(self, model: keras.Model, before: list[NDArray[Any]], share: float) -> keras.Model:
        """Return ``model`` with ``share`` of each learning weight and the rest of what it was ``before``."""
        for mine, then in zip(model.trainable_weights, before, strict=True):
            mine.assign(share * mine + (1 - share) * then)
        return model

    def finish(self, model: keras.Model) -> keras.Model:
        """Return ``model`` as it is saved: layers trainable as they were, compiled as the old one was."""
        for layer, trainable in self._trainable[id(model)]:
            layer.trainable = trainable
        self.objective.restore(model)
        return model

    # --- what is added to the loss ------------------------------------------------------------

    def pull_to_old(self, model: keras.Model, strength: float) -> Penalty:
        """Return half the squared distance of the learning weights from where they are now, times ``strength``."""
        learning = model.trainable_weights
        return pull(learning, self.learning_weights(model), [strength] * len(learning))

    def pull_by_importance(
        self, model: keras.Model, old: Dataset, strength: float, most_rows: int, rate: float
    ) -> Penalty:
        """Return the same, each weight as firmly as it matters for old rows, but no firmer than a step can follow."""
        rows = self.course.rng.permutation(old.rows)[:most_rows].astype(np.int32)
        self.course.telling.tell("measuring which weights matter for the old rows")
        # A step of gradient descent takes the share rate * strength of the way back: more than 1 would overshoot.
        firmest = 1 / self.objective.highest_rate(rate)
        found = fisher_information(model, self.objective, old, rows)
        strengths = [np.minimum(strength * values, firmest) for values in found]
        return pull(model.trainable_weights, self.learning_weights(model), strengths)

    def teacher(self, rows: Dataset, weight: float, temperature: float) -> Teacher:
        """Return the old model as a teacher for ``rows``."""
        model = models.load(self._path)
        outputs = Forward(model, self.course.beat)(inputs_of(model, rows))[0]
        schema = self.schema
        return Teacher(outputs, weight, temperature, schema.task, schema.from_logits, self.objective.loss())

    # --- training -----------------------------------------------------------------------------

    def fit(
        self,
        model: keras.Model,
        rows: Dataset,
        pace: Pace,
        *,
        weights: NDArray[Any] | None = None,
        penalty: Penalty | None = None,
        share: float = 1.0,
    ) -> keras.Model:
        """Train on shuffled rows; return the model with its best weights on the validation rows."""
        return fit_epochs(self.course, model, rows, pace, weights=weights, penalty=penalty, share=share)

    def fit_in_order(
        self,
        model: keras.Model,
        rows: Dataset,
        arrivals: Arrivals,
        *,
        replay: Replay | None = None,
        penalty: Penalty | None = None,
        teacher: Teacher | None = None,
    ) -> keras.Model:
        """Score each arriving batch, then train on it; return the model after the last one."""
        return fit_arrivals(
            self.course, model, rows, arrivals, replay=replay, penalty=penalty, teacher=teacher
        )

    def best_validation_loss(self) -> float:
        """Return the validation loss of the model that the last ``fit`` returned."""
        return self.course.best_loss

    def each_unit(self, model: keras.Model) -> bool:
        """Whether each output unit has a probability of its own, rather than a share of one distribution."""
        if self.schema.units == 1 or self.schema.task == "multilabel":
            return True
        return heads.is_sigmoid(model) or (self.schema.from_logits and self.schema.loss in EACH_UNIT_LOSSES)

    def logits(self, model: keras.Model, rows: Dataset) -> NDArray[np.float64]:
        """Return the outputs of ``model`` as logits, shape ``(rows, units)``; up to a constant a row for softmax."""
        outputs = Forward(model, self.course.beat)(inputs_of(model, rows))[0].astype(np.float64)
        if self.schema.from_logits:
            return outputs
        tiny = 1e-7
        if self.each_unit(model):
            clipped = outputs.clip(tiny, 1 - tiny)
            return np.asarray(np.log(clipped) - np.log1p(-clipped))
        return np.asarray(np.log(outputs.clip(tiny, 1)))

    def notice(self, text: str) -> None:
        """Tell the user something about this run."""
        self.course.telling.notice(text)

    # --- the rest -----------------------------------------------------------------------------

    @property
    def stopped(self) -> bool:
        """Whether the run was asked to end."""
        return self.course.stopped

    @property
    def forecast(self) -> Forecast | None:
        """What a rehearsal has found out."""
        return self.course.forecast

    @property
    def prequential(self) -> float | None:
        """The mean score on each arriving batch before it was trained on."""
        return self.course.prequential

    @property
    def rows_seen(self) -> int:
        """Training rows used, counted each time."""
        return self.course.at.rows

    @property
    def steps(self) -> int:
        """Training steps done."""
        return self.course.steps

    @property
    def ways(self) -> list[str]:
        """How the steps of each fit were computed."""
        return self.course.ways

    @property
    def way(self) -> str:
        """How steps were computed; see ``RunResult``."""
        return way_of_run(self.ways)

    def _grown(self, model: keras.Model) -> keras.Model:
        if self.objective.outputs <= self.schema.units:
            return model
        return heads.grown(model, self.objective.outputs)

    def _remember(self, model: keras.Model) -> keras.Model:
        """Keep which layers were saved as trainable; a container comes before what is in it."""
        self._trainable[id(model)] = [(layer, layer.trainable) for layer in model._flatten_layers()]
        return model

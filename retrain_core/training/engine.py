"""The engine: what strategies ask of a toolbox, done with Keras."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.data.stacked import join
from retrain_core.errors import RunError
from retrain_core.strategies.toolbox import Arrivals, Pace, Replay
from retrain_core.training import heads, models
from retrain_core.training.forecast import Forecast
from retrain_core.training.graph import leaves
from retrain_core.training.learner import Penalty, Teacher, pull
from retrain_core.training.loop import NOTHING, Forward, Loop, Source, way_of_run
from retrain_core.training.memory import check_batch
from retrain_core.training.objective import Objective
from retrain_core.training.replay import Reservoir
from retrain_core.training.rows import inputs_of
from retrain_core.training.weights import fisher_information, shrunk_and_perturbed
from retrain_core.types import Dataset, Limits, Schema

Report = Callable[[str, dict[str, Any]], None]
EACH_UNIT_LOSSES = ("binary_crossentropy", "binary_focal_crossentropy")
CURVE_POINTS = 20  # validation scores along an incremental run
STILL_FALLING = 0.02  # share of the validation loss that the last epoch may gain without a word


@dataclass
class _Progress:
    """Where a run is, over all its fits."""

    done: float = 0.0
    rows: int = 0
    steps: float = 0.0  # in batches of the usual size: a step with replayed rows counts for more
    epoch: int = 0
    share: float = 0.0  # of the run that was begun


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
    ) -> None:
        self.schema = schema
        self._path = model_path
        self.objective = Objective(model_path, schema)
        self._validation = validation
        self._rng = np.random.default_rng(seed)
        self._report, self._should_stop = report, should_stop
        self._budget = limits.steps if limits else None
        self.forecast = Forecast() if rehearse else None
        self._started = time.perf_counter()
        self._trainable: dict[int, list[tuple[Any, bool]]] = {}
        self._at = _Progress()
        self._best_loss = math.inf
        self._fitted: keras.Model | None = None  # what the last fit returned
        self._loop_steps = 0
        self.ways: list[str] = []
        self._known_ways = list(ways)
        self.stopped = False
        self.prequential: float | None = None

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
        rows = self._rng.permutation(old.rows)[:most_rows].astype(np.int32)
        self._tell("measuring which weights matter for the old rows")
        # A step of gradient descent takes the share rate * strength of the way back: more than 1 would overshoot.
        firmest = 1 / self.objective.highest_rate(rate)
        found = fisher_information(model, self.objective, old, rows)
        strengths = [np.minimum(strength * values, firmest) for values in found]
        return pull(model.trainable_weights, self.learning_weights(model), strengths)

    def teacher(self, rows: Dataset, weight: float, temperature: float) -> Teacher:
        """Return the old model as a teacher for ``rows``."""
        model = models.load(self._path)
        outputs = Forward(model)(inputs_of(model, rows))[0]
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
        if self.stopped:  # in an earlier part of the run, whose best weights these are
            self._best_loss = math.inf
            return model
        size = pace.batch_size
        epoch_steps = -(-rows.rows // size)
        budget = self._steps_of(share)
        epochs = pace.epochs if budget is None else -(-budget // epoch_steps)
        patience = pace.patience if budget is None else 0
        planned = epochs * epoch_steps if budget is None else budget
        loop, source, validation = self._loop(
            model, rows, pace.rate, size, planned, rows.rows // size, weights, pace.balanced, penalty
        )
        if self.forecast is not None:
            self._best_loss = self.forecast.fit(loop, source, validation, size, epochs, patience, planned)
            self._after(loop)
            return model
        best, best_loss, waited = model.get_weights(), math.inf, 0
        before, averages = math.inf, self.objective.averages
        if model is self._fitted:  # an earlier part of the run made it, and may have been better
            best_loss = loop.score(validation)["loss"]
        self._curve_start(loop, validation)
        following = self._shuffled(rows.rows)
        for epoch in range(epochs):
            order, following = following, self._shuffled(rows.rows)
            if budget is not None:
                order = order[: (budget - epoch * epoch_steps) * size]
            label = f"epoch {self._at.epoch + 1}" + ("" if share < 1 else f" of {epochs}")
            logs = self._train(loop, source, order, size, share / epochs, label, following)
            learnt = model.get_weights() if averages else None
            loop.finalize()  # an optimiser that averages weights is judged by its averages, which are kept
            scores = loop.score(validation)
            self._at.epoch += 1
            self._point(logs, scores, epoch=self._at.epoch)
            if scores["loss"] < best_loss:
                before = best_loss
                best, best_loss, waited = model.get_weights(), scores["loss"], 0
            else:
                waited += 1
            if learnt is not None:
                model.set_weights(learnt)
            if self.stopped or (patience and waited >= patience):
                break
        if not math.isfinite(best_loss):
            raise RunError(
                "The loss on the validation rows is not a number.",
                "Usual causes: too large a learning rate, or validation rows unlike the training rows.",
                "Try a tenth of the learning rate, or look at the column findings.",
            )
        fell = (before - best_loss) / (abs(before) or 1.0) if math.isfinite(before) and not waited else 0.0
        if fell > STILL_FALLING and share == 1.0 and budget is None and not self.stopped:
            self.notice(f"The validation loss still fell by {fell:.0%} in the last epoch: allow more epochs.")
        model.set_weights(best)
        self._best_loss, self._fitted = best_loss, model
        self._after(loop)
        return model

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
        size = arrivals.batch_size
        extra = 0 if replay is None else max(1, round(size * replay.ratio))
        starts = range(0, rows.rows, arrivals.arrival_rows)
        taken = self._rows_by_arrival(rows.rows, arrivals, extra)
        planned = sum(-(-count // size) for count in taken)
        both = rows if replay is None else join(rows, replay.old)
        loop, source, validation = self._loop(
            model,
            both,
            arrivals.rate,
            size + extra,
            planned,
            max(taken) // size,
            None,
            arrivals.balanced,
            penalty,
            teacher,
        )
        if self.forecast is not None:
            seen = sum(count + sum(_replayed(count, size, extra)) for count in taken)
            self.forecast.in_order(
                loop,
                source,
                validation,
                min(arrivals.arrival_rows, rows.rows),
                len(starts),
                size + extra,
                planned,
                seen,
            )
            self._after(loop)
            return model
        memory = None if replay is None else self._memory(both, rows.rows, replay)
        every = max(1, len(starts) // CURVE_POINTS)
        right, loss, seen = 0.0, 0.0, 0
        self._curve_start(loop, validation)
        for number, start in enumerate(starts):
            arrived = np.arange(start, min(start + arrivals.arrival_rows, rows.rows), dtype=np.int32)
            before = loop.score(source, arrived)
            loss, right = loss + before["loss"] * len(arrived), right + before[self._metric] * len(arrived)
            seen += len(arrived)
            order = self._mix(np.resize(arrived, taken[number]), size, extra, memory)
            label = f"batch {number + 1} of {len(starts)}"
            logs = self._train(loop, source, order, size + extra, 1 / len(starts), label)
            if memory is not None:
                memory.add(arrived)
            if number % every == every - 1 or number == len(starts) - 1 or self.stopped:
                prequential = {"prequential_loss": loss / seen, f"prequential_{self._metric}": right / seen}
                self._point(logs, loop.score(validation), **prequential)
            if self.stopped:
                break
        loop.finalize()
        self.prequential = right / seen
        self._after(loop)
        return model

    def best_validation_loss(self) -> float:
        """Return the validation loss of the model that the last ``fit`` returned."""
        return self._best_loss

    def each_unit(self, model: keras.Model) -> bool:
        """Whether each output unit has a probability of its own, rather than a share of one distribution."""
        if self.schema.units == 1 or self.schema.task == "multilabel":
            return True
        return heads.is_sigmoid(model) or (self.schema.from_logits and self.schema.loss in EACH_UNIT_LOSSES)

    def logits(self, model: keras.Model, rows: Dataset) -> NDArray[np.float64]:
        """Return the outputs of ``model`` as logits, shape ``(rows, units)``; up to a constant a row for softmax."""
        outputs = Forward(model)(inputs_of(model, rows))[0].astype(np.float64)
        if self.schema.from_logits:
            return outputs
        tiny = 1e-7
        if self.each_unit(model):
            clipped = outputs.clip(tiny, 1 - tiny)
            return np.asarray(np.log(clipped) - np.log1p(-clipped))
        return np.asarray(np.log(outputs.clip(tiny, 1)))

    def notice(self, text: str) -> None:
        """Tell the user something about this run."""
        self._report("notice", {"text": text})

    # --- the rest -----------------------------------------------------------------------------

    @property
    def rows_seen(self) -> int:
        """Training rows used, counted each time."""
        return self._at.rows

    @property
    def steps(self) -> int:
        """Training steps done."""
        return self._loop_steps

    @property
    def way(self) -> str:
        """How steps were computed; see ``RunResult``."""
        return way_of_run(self.ways)

    @property
    def _metric(self) -> str:
        return "mae" if self.schema.task == "regression" else "accuracy"

    def _grown(self, model: keras.Model) -> keras.Model:
        if self.objective.outputs <= self.schema.units:
            return model
        return heads.grown(model, self.objective.outputs)

    def _remember(self, model: keras.Model) -> keras.Model:
        """Keep which layers were saved as trainable; a container comes before what is in it."""
        self._trainable[id(model)] = [(layer, layer.trainable) for layer in model._flatten_layers()]
        return model

    def _loop(
        self,
        model: keras.Model,
        rows: Dataset,
        rate: float,
        size: int,
        planned: int,
        a_call: int,
        weights: NDArray[Any] | None,
        balanced: bool,
        penalty: Penalty | None,
        teacher: Teacher | None = None,
    ) -> tuple[Loop, Source, Source]:
        if not model.trainable_weights:
            raise RunError(
                "The model has no weights to train.",
                "All its layers are frozen or have none.",
                "Only keep can be used.",
            )
        check_batch(model, size)
        loop = Loop(
            model,
            self.objective,
            rate=rate,
            planned_steps=planned,
            call_steps=a_call,
            penalties=[] if penalty is None else [penalty],
            teacher=teacher,
            rows=rows.rows + self._validation.rows,
            way=self._known_ways.pop(0) if self._known_ways else "",
        )
        weights = self._weights(rows, weights, balanced)
        then = None if teacher is None else teacher.outputs
        return loop, loop.source(rows, weights, then), loop.source(self._validation)

    def _weights(
        self, rows: Dataset, weights: NDArray[Any] | None, balanced: bool
    ) -> NDArray[np.float32] | None:
        """Return the weight of each row: as given, times that of its class."""
        if balanced and self.schema.task in ("binary", "multiclass"):
            targets = np.asarray(rows.targets)
            counts = np.bincount(targets, minlength=2)
            by_class = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
            weights = by_class[targets] * (1.0 if weights is None else weights)
        elif balanced:
            self.notice("Classes are not balanced: only a model with one label a row can be.")
        return None if weights is None else np.asarray(weights, np.float32)

    def _memory(self, both: Dataset, new_rows: int, replay: Replay) -> Reservoir:
        classes = None
        if replay.class_balanced and self.schema.task in ("binary", "multiclass"):
            classes = np.asarray(both.targets, np.int64)
        old = np.arange(new_rows, both.rows, dtype=np.int32)
        return Reservoir(old, replay.memory_rows, classes, self._rng)

    def _mix(
        self, order: NDArray[np.int32], size: int, extra: int, memory: Reservoir | None
    ) -> NDArray[np.int32]:
        """Return rows such that each step holds ``size`` new rows and its share of replayed ones."""
        if memory is None:
            return order
        pieces = [order[:0]]
        for step, replayed in enumerate(_replayed(len(order), size, extra)):
            pieces += [order[step * size : (step + 1) * size], memory.draw(replayed)]
        return np.concatenate(pieces)

    def _shuffled(self, rows: int) -> NDArray[np.int32]:
        return self._rng.permutation(rows).astype(np.int32)

    def _train(
        self,
        loop: Loop,
        source: Source,
        order: NDArray[np.int32],
        size: int,
        share: float,
        label: str,
        following: NDArray[np.int32] = NOTHING,
    ) -> dict[str, float]:
        """Train on ``order``, reporting progress over its ``share`` of the run; stop early if asked."""
        rows, done = self._at.rows, self._at.done
        logs: dict[str, float] = {}
        for logs in loop.train(source, order, size, following):
            self._at.rows = rows + int(logs["rows"])
            self._at.done = done + share * logs["share"]
            self._tell(label, **self._position(logs))
            if self._should_stop():
                self.stopped = True
                break
        return logs

    def _steps_of(self, share: float) -> int | None:
        """Return how many steps of the budget are for the next ``share`` of the run; no step is lost by rounding."""
        begun, self._at.share = self._at.share, self._at.share + share
        if self._budget is None:
            return None
        return max(1, round(self._budget * self._at.share) - round(self._budget * begun))

    def _rows_by_arrival(self, rows: int, arrivals: Arrivals, extra: int) -> list[int]:
        """Return how many rows to train on after each arrival, further passes included and replayed rows not."""
        size, arrival = arrivals.batch_size, arrivals.arrival_rows
        counts = [min(arrival, rows - start) * arrivals.passes for start in range(0, rows, arrival)]
        if self._budget is None:
            return counts
        steps = max(1, round(self._budget * size / (size + extra)))  # replayed rows cost as much as new ones
        ends = [steps * number // len(counts) for number in range(len(counts) + 1)]
        return [(end - begin) * size for begin, end in pairwise(ends)]

    def _after(self, loop: Loop) -> None:
        self._loop_steps += loop.steps
        self.ways.append(loop.way)

    def _tell(self, label: str, **values: Any) -> None:
        self._report("progress", {**values, "progress": min(self._at.done, 1.0), "label": label})

    def _curve_start(self, loop: Loop, validation: Source) -> None:
        if self._at.rows:
            return  # a later fit of the same run goes on with its curve
        scores = loop.score(validation)
        self._report("epoch", {"epoch": 0, "rows_seen": 0, "seconds": self._seconds(), **_prefixed(scores)})

    def _point(self, logs: dict[str, float], scores: dict[str, float], **more: Any) -> None:
        self._report("epoch", {**self._position(logs), **_prefixed(scores), **more})

    def _position(self, logs: dict[str, float]) -> dict[str, Any]:
        scores = {name: logs[name] for name in ("loss", self._metric) if name in logs}
        return {**scores, "rows_seen": self._at.rows, "seconds": self._seconds()}

    def _seconds(self) -> float:
        return round(time.perf_counter() - self._started, 3)


def _replayed(rows: int, size: int, extra: int) -> list[int]:
    """Return how many rows are replayed in each step over ``rows`` new ones: ``extra``, in the last one its share."""
    if not extra:
        return []
    return [max(1, round(min(size, rows - start) * extra / size)) for start in range(0, rows, size)]


def _prefixed(scores: dict[str, float]) -> dict[str, float]:
    return {f"validation_{name}": value for name, value in scores.items()}

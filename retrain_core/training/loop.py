"""Training and scoring of one model on rows that stay on disk, a chunk of steps at a time.

The meaning (losses, metrics, dropout, BatchNormalization, schedules, weights) is that of ``fit``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from retrain_core.errors import RunError
from retrain_core.machine import available_memory_mb
from retrain_core.training.ahead import Ahead, ahead_of
from retrain_core.training.forward import Forward, cast
from retrain_core.training.graph import is_preprocessing, noise_apart, split
from retrain_core.training.learner import Learner, Penalty, Teacher
from retrain_core.training.memory import exhaustion_told, score_batch
from retrain_core.training.objective import Objective
from retrain_core.training.resume import arrays_of, bytes_of, give_back
from retrain_core.training.rows import CHUNK_BYTES, inputs_of, row_bytes, specs, take
from retrain_core.training.steps import Batch, compiled_steps, graph_function, may_compile, plain_steps
from retrain_core.types import Dataset

CHUNK_SECONDS = 0.25  # a stop or a progress event waits no longer than about this
MOST_COMPILED = 256  # steps in one compiled call
WARM_STEPS = 8  # before a way is timed: the first call traces and compiles
TRIAL_STEPS = 128  # in each way; a number, not a time, so that a seed gives the same steps again
FEWEST_STEPS = 4 * (WARM_STEPS + TRIAL_STEPS)  # for a trial to leave something to win
LEAST_SECONDS = 4.0  # of plain steps to come, for compiling to be tried: it takes about one
LEAST_GAIN = 1.25  # how many times faster compiled steps must be to be chosen
MEMORY_SHARE = 0.25  # of what is free, for the trunk's outputs
# What TensorFlow raises for a model that XLA cannot compile; exhausted memory is not among them.
CANNOT_COMPILE = (
    tf.errors.InvalidArgumentError,
    tf.errors.UnimplementedError,
    tf.errors.InternalError,
    NotImplementedError,
    ValueError,
)

Rows = NDArray[np.int32]
NOTHING: Rows = np.zeros(0, np.int32)


@dataclass(frozen=True)
class Source:
    """Rows to train or score on.

    Args:
        inputs: One array an input of the loop: the data's own, or the trunk's outputs for it.
        targets: As in the data.
        weights: Of each row, or ``None``.
        then: The teacher's outputs, or ``None``.
    """

    inputs: list[NDArray[Any]]
    targets: NDArray[Any]
    weights: NDArray[np.float32] | None = None
    then: NDArray[np.float32] | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.targets)


class Loop:
    """Steps of one model.

    Args:
        model: Frozen as wanted, not compiled.
        objective: Its loss, metric and optimiser.
        rate: Learning rate, times the optimiser's own.
        planned_steps: Most steps it will do; where plain ones take seconds, compiling is tried.
        call_steps: Most whole batches that one call of ``train`` has; without any, compiling is not tried.
        penalties: Added to the loss in training.
        teacher: Added to the loss in training.
        rows: How many rows it will see over and over, to judge whether the trunk's outputs fit in memory.
        way: ``plain`` or ``compiled``, if it is known which is faster; else both are tried.
        cached: Whether the trunk's outputs are to be computed once; ``None`` if the memory is to decide.
        beat: Called between two chunks, as a sign of life.

    Attributes:
        way: ``plain`` or ``compiled``, once it is chosen; see ``RunResult``.
        steps: Training steps done.
        cached: Whether the trunk's outputs are computed once.
    """

    def __init__(
        self,
        model: keras.Model,
        objective: Objective,
        *,
        rate: float = 1.0,
        planned_steps: int = 0,
        call_steps: int = MOST_COMPILED,
        penalties: Sequence[Penalty] = (),
        teacher: Teacher | None = None,
        rows: int = 0,
        way: str = "",
        cached: bool | None = None,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._model, self._objective, self._beat = model, objective, beat
        self.steps, self._planned = 0, planned_steps
        trunk, head = split(model)
        self.cached = trunk is not None and (_worth_keeping(trunk, rows) if cached is None else cached)
        self._trunk = None if self.cached else trunk
        self._features = Forward(trunk, beat) if trunk is not None and self.cached else None
        self._head = head
        self._score_batch = score_batch(model)
        self._call_steps = call_steps
        self._ahead: Ahead | None = None
        learning = head
        if self._trunk is None and (found := ahead_of(head)):
            self._ahead, learning = found
        may = way != "plain" and planned_steps > FEWEST_STEPS and call_steps and may_compile(learning)
        apart = noise_apart(learning) if may else None
        self.way: str = "plain" if apart is None or not way else way
        self._trial = [] if apart is None or way else ["warm plain", "plain", "warm compiled", "compiled"]
        self._seconds: dict[str, float] = {}
        body, self._noise = apart or (learning, [])
        self._learner = Learner(body.inputs, body.outputs[0])
        self._learner.penalties, self._learner.teacher = penalties, teacher
        objective.compile(self._learner, rate)
        self._scorer = self._learner
        if self._noise or self._ahead:
            self._scorer = Learner(head.inputs, head.outputs[0])
            objective.compile(self._scorer)
        self._steps_a_chunk = WARM_STEPS
        self._plain: Any = None
        self._compiled: Any = None
        self._compiles = False
        self._test: Any = None

    def source(
        self,
        data: Dataset,
        weights: NDArray[np.float32] | None = None,
        then: NDArray[np.float32] | None = None,
    ) -> Source:
        """Return the rows of ``data`` as this loop takes them; the trunk is computed here if that is done once."""
        inputs = inputs_of(self._model, data)
        if self._features is not None:
            inputs = self._features(inputs)
        source = Source(inputs, np.asarray(data.targets), weights, then)
        self._build(source)
        return source

    def train(
        self, source: Source, order: Rows, batch_size: int, following: Rows = NOTHING, begin: int = 0
    ) -> Iterator[dict[str, float]]:
        """Train on the rows ``order`` names, yielding the running loss and metric after each chunk.

        The next call is expected for the rows ``following``, if they are known: it then begins without a wait.
        What was cut off goes on at row ``begin`` of the order, once the loop is as it was then.

        Raises:
            RunError: If the loss is not a number any more; it names the step.
        """
        if not begin:
            self._learner.reset_metrics()
        done, told = begin, time.perf_counter()
        while done < len(order):
            start = time.perf_counter()
            rows = order[done:][: self._due(len(order) - done, batch_size, source)]
            done += len(rows)
            then = NOTHING if self._trial else order[done:] if done < len(order) else following
            then = then[: self._due(len(then), batch_size, source)]
            with exhaustion_told():
                self._steps(source, self._batch(source, rows, then), len(rows), batch_size)
            self._beat()
            now = time.perf_counter()
            if done == len(order) or now - told > CHUNK_SECONDS or self._trial:
                told = now
                yield {**self.logs(), "share": done / len(order), "rows": done}
            if self.way == "plain" and not self._trial and len(rows) >= batch_size:
                self._pace(len(rows) // batch_size, now - start)

    def score(self, source: Source, order: Rows | None = None) -> dict[str, float]:
        """Return loss and metric over the rows ``order`` names (all by default), without training."""
        order = np.arange(source.rows, dtype=np.int32) if order is None else order
        if self._test is None:
            self._test = self._make_test(source)
        self._scorer.reset_metrics()
        batch = self._score_batch
        most = max(1, CHUNK_BYTES // (batch * max(1, row_bytes(source.inputs)))) * batch
        for start in range(0, len(order), most):
            rows = order[start : start + most]
            with exhaustion_told():
                self._test(take(source.inputs, rows), self._targets(source, rows))
            self._beat()
        return _logs(self._scorer)

    @property
    def choosing(self) -> int:
        """How many steps the next trial of a way takes; 0 once it is chosen."""
        if not self._trial:
            return 0
        return WARM_STEPS if self._trial[0].startswith("warm") else TRIAL_STEPS

    def finalize(self) -> None:
        """Give the model its averaged weights, if its optimiser averages them."""
        self._learner.optimizer.finalize_variable_values(self._learner.trainable_weights)

    # --- going on after a cut -------------------------------------------------------------------

    def logs(self) -> dict[str, float]:
        """Return loss and metric over the rows that the last call of ``train`` has trained on."""
        return _logs(self._learner)

    @property
    def bytes(self) -> int:
        """About how many bytes ``kept`` gives."""
        return bytes_of(self._model.variables) + bytes_of(self._learner.optimizer.variables)

    def kept(self) -> tuple[dict[str, Any], dict[str, list[NDArray[Any]]]]:
        """Return all that the steps to come depend on; only once the way of computing is chosen."""
        masks, rows = self._ahead.kept() if self._ahead else ([], NOTHING)
        values = {"steps": self.steps, "way": self.way, "cached": self.cached, "masks": masks}
        return values, {
            "variables": arrays_of(self._model.variables),
            "optimizer": arrays_of(self._learner.optimizer.variables),
            "metrics": arrays_of(self._learner.metrics_variables),
            "ahead": [rows],
        }

    def restore(
        self, values: Mapping[str, Any], arrays: Mapping[str, Sequence[NDArray[Any]]], source: Source
    ) -> None:
        """Be as another loop of the same fit was that gave ``values`` and ``arrays``.

        Raises:
            Unfit: If it was of another fit.
        """
        give_back(self._model.variables, arrays["variables"])
        give_back(self._learner.optimizer.variables, arrays["optimizer"])
        give_back(self._learner.metrics_variables, arrays["metrics"])
        self.steps, self.way, self._trial = values["steps"], values["way"], []
        if self._ahead:
            self._ahead.restore(values["masks"], arrays["ahead"][0], source.inputs)

    # --- chunks -------------------------------------------------------------------------------

    def _due(self, left: int, size: int, source: Source) -> int:
        """Return how many of the rows that are left come next."""
        if left < size:
            return left
        if self._phase.endswith("compiled"):
            return min(self._most_compiled(size, source), self._most_steps, left // size) * size
        if self._ahead and not self._trial:
            return min(max(1, self._ahead.rows_at_once(source.inputs) // size) * size, left)
        return min(min(self._most_steps, _fitting(size, source)) * size, left)

    def _most_compiled(self, size: int, source: Source) -> int:
        """Return for how many steps XLA compiles."""
        return min(MOST_COMPILED, _fitting(size, source), self._call_steps)

    @property
    def _phase(self) -> str:
        return self._trial[0] if self._trial else self.way

    @property
    def _most_steps(self) -> int:
        if self._trial:
            return self.choosing
        return MOST_COMPILED if self.way == "compiled" else self._steps_a_chunk

    def _steps(self, source: Source, batch: Batch, rows: int, size: int) -> None:
        """Train on a batch of many steps in the way that is due."""
        phase = self._phase
        if rows < size:  # the smaller batch that ends an epoch is no trial
            phase = ""
        elif phase.endswith("compiled"):
            try:
                most = self._most_compiled(size, source)
                self._run(self._compiled_steps(batch, most, size), batch, rows // size, phase)
                self._compiles = True
                return
            except CANNOT_COMPILE:
                if self._compiles:
                    raise
                self._trial, self.way = [], "plain"  # XLA cannot do this model: nothing was computed yet
        self._run(self._plain_steps(batch), batch, size, phase if phase.endswith("plain") else "")

    def _plain_steps(self, batch: Batch) -> Any:
        if self._plain is None:
            self._plain = plain_steps(self._learner, self._noise, self._prepare, _signature(batch))
        return self._plain

    def _compiled_steps(self, batch: Batch, most: int, size: int) -> Any:
        if self._compiled is None:
            self._compiled = compiled_steps(
                self._learner, self._noise, self._prepare, _signature(batch), most, size
            )
        return self._compiled

    def _run(self, steps: Any, batch: Batch, argument: int, phase: str) -> None:
        start = _clock()
        done, finite = steps(*batch, tf.constant(argument))
        self._after(int(done), bool(finite))
        self._note(phase, _clock() - start, int(done))

    def _after(self, done: int, finite: bool) -> None:
        self.steps += done
        if not finite:
            raise RunError(
                f"The loss is not a number any more, at training step {self.steps:,}.",
                "Usual causes: too large a learning rate, inputs on very different scales, or a constant column.",
                "Try a tenth of the learning rate, or look at the column findings.",
            )

    def _note(self, phase: str, seconds: float, steps: int) -> None:
        """Keep what a step took, and choose once both ways were tried."""
        if not self._trial or not phase:
            return
        self._seconds[phase] = seconds / max(1, steps)
        self._trial = self._trial[1:]
        if phase == "plain" and self._seconds[phase] * (self._planned - self.steps) < LEAST_SECONDS:
            self._trial, self.way = [], "plain"
        elif not self._trial:
            gain = self._seconds["plain"] / max(self._seconds["compiled"], 1e-9)
            self.way = "compiled" if gain >= LEAST_GAIN else "plain"

    def _pace(self, steps: int, seconds: float) -> None:
        """Let a chunk take about CHUNK_SECONDS; the first call traces, so growth is capped."""
        fitting = int(steps * CHUNK_SECONDS / max(seconds, 1e-6))
        self._steps_a_chunk = max(1, min(fitting, self._steps_a_chunk * 16))

    # --- tensors ------------------------------------------------------------------------------

    def _targets(self, source: Source, rows: Rows) -> tf.Tensor:
        return tf.constant(self._objective.targets(source.targets[rows]))

    def _batch(self, source: Source, rows: Rows, then: Rows) -> Batch:
        y: Any = self._targets(source, rows)
        if source.then is not None:
            y = (y, tf.constant(source.then[rows]))
        weights = [] if source.weights is None else [tf.constant(source.weights[rows])]
        if self._ahead:
            return self._ahead.take(source.inputs, rows, then), y, weights
        return take(source.inputs, rows), y, weights

    def _prepare(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return what the learner takes, for rows of the source."""
        return inputs if self._ahead else self._head_inputs(inputs)

    def _head_inputs(self, inputs: list[tf.Tensor]) -> list[tf.Tensor]:
        if self._trunk is None:
            return cast(inputs, self._head)
        outputs = self._trunk(cast(inputs, self._trunk), training=False)
        return list(keras.tree.flatten(outputs))

    def _make_test(self, source: Source) -> Any:
        one = np.zeros(1, np.int32)
        x, y = specs(take(source.inputs, one)), specs([self._targets(source, one)])[0]

        @graph_function(input_signature=[x, y])  # type: ignore[untyped-decorator]
        def test(x: Any, y: Any) -> None:
            x = self._head_inputs(x)

            def step(begin: tf.Tensor) -> tf.Tensor:
                rows = slice(begin, begin + self._score_batch)
                self._scorer.test_step(([values[rows] for values in x], y[rows]))
                return begin + self._score_batch

            tf.while_loop(lambda begin: begin < tf.shape(y)[0], step, [tf.constant(0)])

        return test

    def _build(self, source: Source) -> None:
        """Make the variables of metrics and optimiser, which a traced loop does not allow."""
        if self._learner.optimizer.built:
            return
        # The model itself is not called: some layers would draw numbers, and ``fit`` would draw others.
        y, y_pred = self._targets(source, np.zeros(1, np.int32)), _blank(self._head.outputs[0])
        for model in {id(m): m for m in (self._learner, self._scorer)}.values():
            model._compile_loss.build(y, y_pred)
            model._compile_metrics.build(y, y_pred)
        self._learner.optimizer.build(self._learner.trainable_variables)


def way_of_run(ways: Sequence[str]) -> str:
    """Return how the steps of a run are computed, given the ways of its fits: compiled if any of them is."""
    return "compiled" if "compiled" in ways else "plain"


def _fitting(size: int, source: Source) -> int:
    """Return how many steps of ``size`` rows go into a chunk."""
    return max(1, CHUNK_BYTES // max(1, size * row_bytes(source.inputs)))


def _signature(batch: Batch) -> Any:
    return tf.nest.map_structure(lambda tensor: specs([tensor])[0], batch)


def _worth_keeping(trunk: keras.Model, rows: int) -> bool:
    """Whether to compute the trunk's outputs once: if a step would feel their cost, and memory allows."""
    text = any(tensor.dtype == "string" for tensor in trunk.inputs)
    if is_preprocessing(trunk) and not text:
        return False  # a chunk at a time it costs next to nothing, and no memory
    if any(None in tensor.shape[1:] for tensor in trunk.outputs):
        return False
    sizes = [np.prod(t.shape[1:], dtype=np.int64) * tf.as_dtype(t.dtype).size for t in trunk.outputs]
    return rows * int(sum(sizes)) < MEMORY_SHARE * available_memory_mb() * 1024**2


def _blank(tensor: Any) -> tf.Tensor:
    return tf.zeros((1, *(size or 1 for size in tensor.shape[1:])), tensor.dtype)


def _logs(model: keras.Model) -> dict[str, float]:
    return {name: float(value) for name, value in model.get_metrics_result().items()}


def _clock() -> float:
    """Return seconds: of the processor where one thread computes, since other processes do not disturb them."""
    if tf.config.threading.get_intra_op_parallelism_threads() == 1:
        return time.process_time()
    return time.perf_counter()

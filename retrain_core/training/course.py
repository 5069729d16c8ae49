"""The course of a run over all its fits: what they share, and what it keeps to go on from."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from retrain_core.errors import RunError
from retrain_core.training.forecast import Forecast
from retrain_core.training.learner import Penalty, Teacher
from retrain_core.training.loop import NOTHING, Loop, Rows, Source
from retrain_core.training.memory import check_batch
from retrain_core.training.objective import Objective
from retrain_core.training.resume import (
    arrays_of,
    bytes_of,
    generator_state,
    give_back,
    global_state,
    set_generator,
    set_global_state,
)
from retrain_core.training.telling import Progress, Report, Telling
from retrain_core.types import Dataset, Limits, Schema
from retrain_core.workers.checkpoints import Moment
from retrain_core.workers.keeper import Keeper


@dataclass(frozen=True)
class Kept:
    """What a fit needs to go on, beside what the run and the loop know.

    Args:
        values: Plain values.
        arrays: Arrays by name.
    """

    values: Mapping[str, Any]
    arrays: Mapping[str, Sequence[NDArray[Any]]] = field(default_factory=dict)


class Course:
    """What the fits of a run share.

    Args:
        schema: How targets are read.
        objective: Loss, metric and optimiser.
        validation: The new-validation rows.
        seed: For shuffling.
        report: Called with the kind and values of each event.
        should_stop: Asked after each chunk of steps.
        limits: A budget of steps, if there is one.
        rehearse: Whether only to do a few steps of each fit and forecast the rest.
        ways: How steps of each fit are computed, if that is known.
        keeper: Writes checkpoints and holds those of an earlier attempt; without one there are none.
        beat: Called between two pieces of long work, as a sign of life.
    """

    def __init__(
        self,
        schema: Schema,
        objective: Objective,
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
        self.schema, self.objective, self.validation = schema, objective, validation
        self.rng = np.random.default_rng(seed)
        self.should_stop, self.beat = should_stop, beat
        self.budget = limits.steps if limits else None
        self.forecast = Forecast() if rehearse else None
        self.best_loss = math.inf
        self.fitted: keras.Model | None = None  # what the last fit in epochs returned
        self.steps = 0
        self.ways: list[str] = []
        self.stopped = False
        self.prequential: float | None = None
        self._keeper = keeper
        self._known_ways = list(ways)
        self._fit = 0
        self._moments = deque(keeper.moments if keeper else ())
        self.telling = Telling(report, "mae" if schema.task == "regression" else "accuracy")
        self.telling.silent = bool(self._moments)  # an earlier attempt has told it all
        self._inside: Mapping[str, Any] = {}  # where in a call of ``train`` the run was cut off

    @property
    def at(self) -> Progress:
        """Where the run is."""
        return self.telling.at

    # --- going on after a cut -------------------------------------------------------------------

    def was_done(self, model: keras.Model) -> bool:
        """Return whether an earlier attempt has done the fit that is due; the model then is as that left it."""
        if not self._moments or not self._moments[0].ended:
            return False
        moment = self._moments.popleft()
        give_back(model.variables, moment.arrays["variables"])
        self._take_up(moment.values)
        self._known_ways = self._known_ways[1:]
        self._fit += 1
        self._silence_ends("after a part of the run")
        return True

    def cut_off(self, loop: Loop, source: Source) -> Moment | None:
        """Return where an earlier attempt was cut off within the fit that begins; the loop then stands there."""
        if not self._moments:
            return None
        moment = self._moments.popleft()
        loop.restore(moment.values["loop"], moment.arrays, source)
        self._take_up(moment.values)
        self._inside = moment.values["inside"]
        self._silence_ends(f"at {self._inside['label']}")
        return moment

    def _take_up(self, values: Mapping[str, Any]) -> None:
        self.telling.at = Progress(**values["at"])
        self.best_loss, self.steps = values["best_loss"], values["steps"]
        self.ways, self.prequential = list(values["ways"]), values["prequential"]
        set_generator(self.rng.bit_generator, values["rng"])
        set_global_state(values["random"])
        self.telling.begin(values["seconds"])

    def _silence_ends(self, where: str) -> None:
        if not self._moments:  # this was the last thing known
            self.telling.silent = False
            self.telling.tell(f"resumed {where}")

    def _values(self) -> dict[str, Any]:
        return {
            "at": asdict(self.at),
            "best_loss": self.best_loss,
            "steps": self.steps,
            "ways": self.ways,
            "prequential": self.prequential,
            "rng": generator_state(self.rng.bit_generator),
            "random": global_state(),
            "seconds": self.telling.seconds(),
        }

    def end(self, loop: Loop, model: keras.Model) -> None:
        """Note that a fit has ended."""
        self.steps += loop.steps
        self.ways.append(loop.way)
        if self._keeper is not None and not self.stopped:
            size = bytes_of(model.variables)
            arrays = {"variables": arrays_of(model.variables)}
            self._keeper.ended(size, Moment(self._fit, True, self._values(), arrays))
        self._fit += 1

    # --- the parts of a fit -----------------------------------------------------------------------

    def loop(
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
        """Return the loop of a fit, the rows to train on and the validation rows.

        Raises:
            RunError: If nothing can learn, or a step does not fit in memory.
        """
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
            rows=rows.rows + self.validation.rows,
            way=self._known_ways.pop(0) if self._known_ways else "",
            cached=self._moments[0].values["loop"]["cached"] if self._moments else None,
            beat=self.beat,
        )
        weights = self.row_weights(rows, weights, balanced)
        then = None if teacher is None else teacher.outputs
        return loop, loop.source(rows, weights, then), loop.source(self.validation)

    def row_weights(
        self, rows: Dataset, weights: NDArray[Any] | None, balanced: bool
    ) -> NDArray[np.float32] | None:
        """Return the weight of each row: as given, times that of its class."""
        if balanced and self.schema.task in ("binary", "multiclass"):
            targets = np.asarray(rows.targets)
            counts = np.bincount(targets, minlength=2)
            by_class = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
            weights = by_class[targets] * (1.0 if weights is None else weights)
        elif balanced:
            self.telling.notice("Classes are not balanced: only a model with one label a row can be.")
        return None if weights is None else np.asarray(weights, np.float32)

    def shuffled(self, rows: int) -> Rows:
        """Return the numbers of all rows, in a random order."""
        return self.rng.permutation(rows).astype(np.int32)

    def train(
        self,
        loop: Loop,
        source: Source,
        order: Rows,
        size: int,
        share: float,
        label: str,
        following: Rows = NOTHING,
        *,
        keep: Callable[[], Kept],
    ) -> dict[str, float]:
        """Train on ``order``, reporting progress over its ``share`` of the run; stop early if asked.

        Args:
            loop: Does the steps.
            source: Rows to train on.
            order: Which of them.
            size: Rows a step.
            share: Of the run.
            label: What to call it.
            following: Rows of the next call, if they are known.
            keep: Returns what the fit needs to go on from here.

        Returns:
            Loss and metric over the rows trained on.
        """
        inside, self._inside = self._inside, {}
        rows, done, begin = self.at.rows, self.at.done, 0
        logs: dict[str, float] = {}
        if inside:
            rows, done, begin = inside["rows"], inside["done"], inside["begin"]
            logs = loop.logs()
            if self.should_stop():  # it was to end before it was cut off: what it has learnt is scored
                self.stopped = True
                return logs
        for logs in loop.train(source, order, size, following, begin):
            self.at.rows = rows + int(logs["rows"])
            self.at.done = done + share * logs["share"]
            self.telling.tell(label, **self.telling.position(logs))
            if self.should_stop():
                self.stopped = True
                break
            if self._keeper is not None and not loop.choosing:
                now = {"rows": rows, "done": done, "begin": int(logs["rows"]), "label": label}
                self._keeper.offer(loop.bytes, lambda now=now: self._moment(loop, now, keep()))  # type: ignore[misc]
        return logs

    def _moment(self, loop: Loop, inside: Mapping[str, Any], kept: Kept) -> Moment:
        values, arrays = loop.kept()
        more = {"loop": values, "inside": inside, "fit": kept.values}
        return Moment(self._fit, False, {**self._values(), **more}, {**arrays, **kept.arrays})

    def steps_of(self, share: float) -> int | None:
        """Return how many steps of the budget are for the next ``share`` of the run; no step is lost by rounding."""
        begun, self.at.share = self.at.share, self.at.share + share
        if self.budget is None:
            return None
        return max(1, round(self.budget * self.at.share) - round(self.budget * begun))

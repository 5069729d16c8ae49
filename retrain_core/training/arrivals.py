"""Training on batches of arrival, in their order: each is scored before it is trained on."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import keras
import numpy as np

from retrain_core.data.stacked import join
from retrain_core.strategies.toolbox import Arrivals, Replay
from retrain_core.training.course import Course, Kept
from retrain_core.training.learner import Penalty, Teacher
from retrain_core.training.loop import NOTHING, Loop, Rows, Source
from retrain_core.training.replay import Reservoir
from retrain_core.types import Dataset
from retrain_core.workers.checkpoints import Moment

CURVE_POINTS = 20  # validation scores along an incremental run


@dataclass
class _Stream:
    """Where a stream of batches is.

    Args:
        memory: What is replayed.
        number: Batches that have been trained on.
        order: Rows to train on after the batch that has arrived; none before it is scored.
        right: Sum of the metric over the rows seen, each scored before it was trained on.
        loss: The same of the loss.
        seen: Rows seen.
    """

    memory: Reservoir | None
    number: int = 0
    order: Rows = field(default_factory=lambda: NOTHING)
    right: float = 0.0
    loss: float = 0.0
    seen: int = 0

    def kept(self) -> Kept:
        values = {name: getattr(self, name) for name in ("number", "right", "loss", "seen")}
        remembered, total = (NOTHING, 0) if self.memory is None else self.memory.kept()
        return Kept({**values, "memory": total}, {"orders": [self.order, remembered]})

    def take_up(self, moment: Moment) -> None:
        values = dict(moment.values["fit"])
        self.order, remembered = moment.arrays["orders"]
        if self.memory is not None:
            self.memory.restore(remembered, values["memory"])
        self.number, self.right = values["number"], values["right"]
        self.loss, self.seen = values["loss"], values["seen"]


def fit_arrivals(
    course: Course,
    model: keras.Model,
    rows: Dataset,
    arrivals: Arrivals,
    *,
    replay: Replay | None = None,
    penalty: Penalty | None = None,
    teacher: Teacher | None = None,
) -> keras.Model:
    """Score each arriving batch, then train on it; return the model after the last one."""
    if course.was_done(model):
        return model
    size = arrivals.batch_size
    extra = 0 if replay is None else max(1, round(size * replay.ratio))
    starts = range(0, rows.rows, arrivals.arrival_rows)
    taken = _rows_by_arrival(rows.rows, arrivals, extra, course.budget)
    planned = sum(-(-count // size) for count in taken)
    both = rows if replay is None else join(rows, replay.old)
    loop, source, validation = course.loop(
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
    if course.forecast is not None:
        _forecast(course, loop, source, validation, arrivals, taken, extra, planned)
        course.end(loop, model)
        return model
    stream = _Stream(None if replay is None else _memory(course, both, rows.rows, replay))
    every = max(1, len(starts) // CURVE_POINTS)
    moment = course.cut_off(loop, source)
    if moment is not None:
        stream.take_up(moment)
    else:
        course.telling.curve_start(loop, validation)
    while stream.number < len(starts):
        number, start = stream.number, starts[stream.number]
        arrived = np.arange(start, min(start + arrivals.arrival_rows, rows.rows), dtype=np.int32)
        if moment is None:
            before = loop.score(source, arrived)
            stream.loss += before["loss"] * len(arrived)
            stream.right += before[course.telling.metric] * len(arrived)
            stream.seen += len(arrived)
            stream.order = _mix(np.resize(arrived, taken[number]), size, extra, stream.memory)
        moment = None
        label = f"batch {number + 1} of {len(starts)}"
        logs = course.train(
            loop, source, stream.order, size + extra, 1 / len(starts), label, keep=stream.kept
        )
        if stream.memory is not None:
            stream.memory.add(arrived)
        if number % every == every - 1 or number == len(starts) - 1 or course.stopped:
            so_far = {
                "prequential_loss": stream.loss / stream.seen,
                f"prequential_{course.telling.metric}": stream.right / stream.seen,
            }
            course.telling.point(logs, loop.score(validation), **so_far)
        stream.number += 1
        if course.stopped:
            break
    loop.finalize()
    course.prequential = stream.right / stream.seen
    course.end(loop, model)
    return model


def _forecast(
    course: Course,
    loop: Loop,
    source: Source,
    validation: Source,
    arrivals: Arrivals,
    taken: list[int],
    extra: int,
    planned: int,
) -> None:
    assert course.forecast is not None
    size = arrivals.batch_size
    course.forecast.in_order(
        loop,
        source,
        validation,
        min(arrivals.arrival_rows, source.rows),
        len(taken),
        size + extra,
        planned,
        sum(count + sum(_replayed(count, size, extra)) for count in taken),
    )


def _rows_by_arrival(rows: int, arrivals: Arrivals, extra: int, budget: int | None) -> list[int]:
    """Return how many rows to train on after each arrival, further passes included and replayed rows not."""
    size, arrival = arrivals.batch_size, arrivals.arrival_rows
    counts = [min(arrival, rows - start) * arrivals.passes for start in range(0, rows, arrival)]
    if budget is None:
        return counts
    steps = max(1, round(budget * size / (size + extra)))  # replayed rows cost as much as new ones
    ends = [steps * number // len(counts) for number in range(len(counts) + 1)]
    return [(end - begin) * size for begin, end in pairwise(ends)]


def _memory(course: Course, both: Dataset, new_rows: int, replay: Replay) -> Reservoir:
    classes = None
    if replay.class_balanced and course.schema.task in ("binary", "multiclass"):
        classes = np.asarray(both.targets, np.int64)
    old = np.arange(new_rows, both.rows, dtype=np.int32)
    return Reservoir(old, replay.memory_rows, classes, course.rng)


def _mix(order: Rows, size: int, extra: int, memory: Reservoir | None) -> Rows:
    """Return rows such that each step holds ``size`` new rows and its share of replayed ones."""
    if memory is None:
        return order
    pieces = [order[:0]]
    for step, replayed in enumerate(_replayed(len(order), size, extra)):
        pieces += [order[step * size : (step + 1) * size], memory.draw(replayed)]
    return np.concatenate(pieces)


def _replayed(rows: int, size: int, extra: int) -> list[int]:
    """Return how many rows are replayed in each step over ``rows`` new ones: ``extra``, in the last one its share."""
    if not extra:
        return []
    return [max(1, round(min(size, rows - start) * extra / size)) for start in range(0, rows, size)]

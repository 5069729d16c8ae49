"""A forecast of what a run will cost, from a few real steps of every fit in it."""

from __future__ import annotations

import time

import numpy as np

from retrain_core.training.loop import Loop, Source, way_of_run
from retrain_core.types import Estimate

LEAST_STEPS = 16  # timed, after the first ones
MOST_SECONDS = 0.5
RANGE = (0.7, 1.6)  # around the forecast: other runs share the machine, caches warm up
MEMORY_SPARE = 1.1


class Forecast:
    """Adds up what the fits of a run will take.

    Attributes:
        ways: How steps are computed, of each fit.
    """

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._spent = 0.0  # in timed steps, which are no part of the real run's preparation
        self._low = self._high = 0.0
        self._rows_low = self._rows_high = 0
        self.ways: list[str] = []

    def fit(
        self,
        loop: Loop,
        source: Source,
        validation: Source,
        size: int,
        epochs: int,
        patience: int,
        steps: int,
    ) -> float:
        """Forecast a fit of at most ``epochs`` and ``steps``; return the validation loss after the few steps."""
        step, _ = self._time_steps(loop, source, size)
        score, loss = self._time_score(loop, validation)
        least = min(epochs, patience + 1) if patience else epochs
        an_epoch = -(-source.rows // size)
        self._low += least * score + min(steps, least * an_epoch) * step
        self._high += (epochs + 1) * score + steps * step
        self._rows_low += _rows(min(steps, least * an_epoch), source.rows, size)
        self._rows_high += _rows(steps, source.rows, size)
        return loss

    def in_order(
        self,
        loop: Loop,
        source: Source,
        validation: Source,
        arrival_rows: int,
        arrivals: int,
        size: int,
        steps: int,
        rows_seen: int,
    ) -> None:
        """Forecast ``arrivals`` batches of ``arrival_rows`` and, in all, ``steps`` that see ``rows_seen`` rows."""
        step, call = self._time_steps(loop, source, size, a_call=max(1, arrival_rows // size))
        score, _ = self._time_score(loop, validation)
        before, _ = self._time_score(loop, source, np.arange(arrival_rows, dtype=np.int32))
        seconds = steps * step + arrivals * (before + call) + min(arrivals, 21) * score
        self._low += seconds
        self._high += seconds
        self._rows_low += rows_seen
        self._rows_high += rows_seen

    def estimate(self, peak_memory_mb: float, energy_joules: float | None = None) -> Estimate:
        """Return the forecast of the whole run from what the rehearsal has used."""
        elapsed = time.perf_counter() - self._started
        preparing = elapsed - self._spent
        low, high = (preparing + self._low) * RANGE[0], (preparing + self._high) * RANGE[1]
        watts = None if energy_joules is None else energy_joules / elapsed
        return Estimate(
            seconds=(round(low, 2), round(high, 2)),
            energy_joules=None if watts is None else (round(low * watts, 1), round(high * watts, 1)),
            peak_memory_mb=round(peak_memory_mb * MEMORY_SPARE),
            rows_seen=(self._rows_low, self._rows_high),
            way=way_of_run(self.ways),
            ways=tuple(self.ways),
        )

    def _time_steps(self, loop: Loop, source: Source, size: int, a_call: int = 0) -> tuple[float, float]:
        """Return seconds a step, and seconds a call of ``a_call`` steps takes beyond them."""
        order = np.arange(source.rows, dtype=np.int32)
        list(loop.train(source, order[:size], size))  # traces
        while loop.choosing:
            list(loop.train(source, np.resize(order, loop.choosing * size), size))
        self.ways.append(loop.way)
        begun, seconds, steps, chunk = (
            time.perf_counter(),
            [],
            0,
            max(1, min(LEAST_STEPS, len(order) // size)),
        )
        while steps < LEAST_STEPS or time.perf_counter() - begun < MOST_SECONDS / 2:
            start = time.perf_counter()
            list(loop.train(source, order[: chunk * size], size))
            seconds.append((time.perf_counter() - start) / chunk)
            steps += chunk
            if time.perf_counter() - begun > MOST_SECONDS:
                break
            chunk = max(1, min(chunk * 2, len(order) // size))
        step = float(np.min(seconds[-3:]))
        call = 0.0
        if a_call:
            start = time.perf_counter()
            list(loop.train(source, order[: a_call * size], size))
            call = max(0.0, time.perf_counter() - start - a_call * step)
        self._spent += time.perf_counter() - begun
        return step, call

    def _time_score(self, loop: Loop, source: Source, rows: np.ndarray | None = None) -> tuple[float, float]:
        loop.score(source, rows)  # traces
        start = time.perf_counter()
        scores = loop.score(source, rows)
        seconds = time.perf_counter() - start
        self._spent += seconds
        return seconds, scores["loss"]


def _rows(steps: int, rows: int, size: int) -> int:
    """Return how many rows ``steps`` see; the last batch of an epoch may be smaller."""
    an_epoch = -(-rows // size)
    return steps // an_epoch * rows + min(steps % an_epoch * size, rows)

"""Every candidate on the same holdout, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from retrain_core.types.data import Holdout
from retrain_core.types.text import Scalar, Task


@dataclass(frozen=True)
class Metric:
    """What accuracy-like number is compared, and which way is better."""

    name: Literal["accuracy", "mae"]
    direction: Literal["max", "min"]


@dataclass(frozen=True)
class Delta:
    """A difference to keep on the same rows, with its 95 % interval."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class CandidateScores:
    """One strategy over its seeds; the fields are those of ``comparison.json``.

    Args:
        status: ``finished`` if at least one seed is, else ``stopped`` if one is, else ``failed``.
        error: Why, if one failed.
        new: Mean over seeds of the scores on the new part, by name; ``None`` if there are none.
        old: The same on the old part.
        interval: 95 % intervals of those means, by part and name.
        per_seed: Scores and status of each seed.
        seconds: Mean training time of a seed.
        peak_memory_mb: Largest resident memory of its workers.
        device: Where it ran.
        model: Path of its model, that of the first seed.
        rows_seen: Mean number of training rows used, counted each time.
        options: What it ran with.
        delta: Difference to keep on the same rows, by part and name: ``value`` and ``interval``.
        prequential: Mean score on arriving batches before training on them, incremental only.
        steps: Mean number of training steps.
        way: How steps were computed, see ``RunResult``.
        shared: Whether the device was shared with another run, which makes times longer.
        forecast: Seconds that were forecast for a seed, least and most; ``None`` if nobody asked.
        cpu_seconds: Mean processor time of a seed.
        energy_joules: Mean energy of the machine while a seed trained; ``None`` where it does not tell.
    """

    status: Literal["finished", "failed", "stopped"]
    error: str | None
    new: Mapping[str, float] | None
    old: Mapping[str, float] | None
    interval: Mapping[str, Mapping[str, tuple[float, float]] | None]
    per_seed: tuple[Mapping[str, Any], ...]
    seconds: float
    peak_memory_mb: float
    device: str
    model: str | None
    rows_seen: int = 0
    options: Mapping[str, Scalar | None] = field(default_factory=dict)
    delta: Mapping[str, Mapping[str, Delta] | None] = field(default_factory=dict)
    prequential: float | None = None
    steps: int = 0
    way: str = "plain"
    shared: bool = False
    forecast: tuple[float, float] | None = None
    cpu_seconds: float = 0.0
    energy_joules: float | None = None


@dataclass(frozen=True)
class Recommendation:
    """What to do, and why."""

    choice: str
    clear: bool
    summary: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Every candidate on the same holdout rows."""

    schema: int
    task: Task
    metric: Metric
    holdout: Holdout
    strategies: Mapping[str, CandidateScores]
    recommendation: Recommendation | None
    old_weight: float = 0.5
    notes: tuple[str, ...] = ()

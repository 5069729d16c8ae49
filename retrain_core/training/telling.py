"""How far a run is, and what it tells of that: progress, and the points of its curve."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from retrain_core.training.loop import Loop, Source

Report = Callable[[str, dict[str, Any]], None]


@dataclass
class Progress:
    """Where a run is, over all its fits."""

    done: float = 0.0
    rows: int = 0
    epoch: int = 0
    share: float = 0.0  # of the run that was begun


class Telling:
    """Tells the events of a run.

    Args:
        report: Called with the kind and values of each event.
        metric: Name of the metric beside the loss.

    Attributes:
        at: Where the run is.
        silent: Whether nothing is told, because an earlier attempt has told it.
    """

    def __init__(self, report: Report, metric: str) -> None:
        self.at, self.silent, self.metric = Progress(), False, metric
        self._report = report
        self.begin()

    def begin(self, seconds: float = 0.0) -> None:
        """Count the time of the run from now on, with ``seconds`` that earlier attempts took."""
        self._started = time.perf_counter() - seconds

    def report(self, kind: str, values: dict[str, Any]) -> None:
        """Tell something, unless an earlier attempt has."""
        if not self.silent:
            self._report(kind, values)

    def notice(self, text: str) -> None:
        """Tell the user something about this run."""
        self.report("notice", {"text": text})

    def tell(self, label: str, **values: Any) -> None:
        """Tell how far the run is."""
        self.report("progress", {**values, "progress": min(self.at.done, 1.0), "label": label})

    def curve_start(self, loop: Loop, validation: Source) -> None:
        """Tell the first point of the curve; a later fit of the same run goes on with it."""
        if self.at.rows:
            return
        scores = loop.score(validation)
        self.report("epoch", {"epoch": 0, "rows_seen": 0, "seconds": self.seconds(), **_prefixed(scores)})

    def point(self, logs: dict[str, float], scores: dict[str, float], **more: Any) -> None:
        """Tell a point of the curve."""
        self.report("epoch", {**self.position(logs), **_prefixed(scores), **more})

    def position(self, logs: dict[str, float]) -> dict[str, Any]:
        """Return loss and metric, and where the run is."""
        scores = {name: logs[name] for name in ("loss", self.metric) if name in logs}
        return {**scores, "rows_seen": self.at.rows, "seconds": self.seconds()}

    def seconds(self) -> float:
        """Return for how long the run has trained, without what it was cut off for."""
        return round(time.perf_counter() - self._started, 3)


def _prefixed(scores: dict[str, float]) -> dict[str, float]:
    return {f"validation_{name}": value for name, value in scores.items()}

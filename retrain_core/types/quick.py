"""A quick look: what was tried on small parts of the rows, and who went on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from retrain_core.types.answer import Wishes
from retrain_core.types.runs import Limits
from retrain_core.types.text import Scalar


@dataclass(frozen=True)
class QuickCandidate:
    """A strategy with options that is tried.

    Args:
        name: What it is called; no two have the same. The old model as it is has the name ``keep``.
        strategy: Name in ``STRATEGIES``.
        options: The fields of that strategy's dataclass, for a run in full.
        device: Where it runs, as asked for.
    """

    name: str
    strategy: str
    options: Mapping[str, Scalar | None]
    device: str = "auto"


@dataclass(frozen=True)
class QuickTry:
    """One candidate in one round.

    Args:
        candidate: Its name.
        run: Id of its run.
        size: Which share of a run in full it is.
        epochs: How many epochs it makes at most; ``None`` if it has none, or a budget of steps.
        gain: How much better than keep it is, in margins; ``None`` if that is not known.
        error: Standard error of the gain.
        expected: The gain to be expected of a run in full, where it makes only some of its epochs; else the gain.
        stays: Whether it goes on; ``None`` until that is decided.
    """

    candidate: str
    run: str
    size: float
    epochs: int | None = None
    gain: float | None = None
    error: float | None = None
    expected: float | None = None
    stays: bool | None = None


@dataclass(frozen=True)
class QuickRung:
    """A round in which those that are left are tried.

    Args:
        new_rows: How many new training rows each uses.
        old_rows: How many old ones a candidate uses that trains on old rows.
        tries: Of each candidate that is left, keep first.
    """

    new_rows: int
    old_rows: int
    tries: tuple[QuickTry, ...]

    @property
    def decided(self) -> bool:
        """Whether it has been decided who goes on."""
        return all(one.stays is not None for one in self.tries)


@dataclass(frozen=True)
class QuickLook:
    """A quick look at an experiment.

    Args:
        candidates: All that are tried, keep first.
        seed: Of its runs.
        wishes: What candidates are weighed by.
        status: Where it is on its way.
        rungs: Those that have begun.
        best: Name of the best candidate so far; empty until a round has told.
        error: Why it failed.
        limits: What a run in full may use.
    """

    candidates: tuple[QuickCandidate, ...]
    seed: int = 0
    wishes: Wishes = field(default_factory=Wishes)
    status: Literal["running", "finished", "stopped", "failed"] = "running"
    rungs: tuple[QuickRung, ...] = ()
    best: str = ""
    error: str = ""
    limits: Limits = field(default_factory=Limits)

    def candidate(self, name: str) -> QuickCandidate:
        """Return the candidate with this name."""
        return next(one for one in self.candidates if one.name == name)

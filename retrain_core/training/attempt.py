"""One attempt at a run: what an earlier one has left for it, and what it leaves itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from retrain_core.types import Locked, RunSpec
from retrain_core.workers import checkpoints
from retrain_core.workers.checkpoints import Moment
from retrain_core.workers.events import EventLog
from retrain_core.workers.keeper import Keeper

CORE = Path(__file__).parents[1]
OWN_CODE = sorted(path for name in ("training", "strategies") for path in (CORE / name).glob("*.py"))
STARTS_AGAIN = "It was cut off, and starts again from the beginning: its checkpoint cannot be used. {}"
GOES_BACK = "It was cut off, and goes on from an earlier checkpoint: the last one cannot be used. {}"


@dataclass(frozen=True)
class Spent:
    """What a run has cost until its checkpoint; what was lost after it does not count.

    Args:
        seconds: Wall time.
        cpu_seconds: Processor time.
        energy_joules: ``None`` where the machine does not tell.
        peak_memory_mb: Largest resident memory of a worker.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    energy_joules: float | None = None
    peak_memory_mb: float = 0.0


@dataclass(frozen=True)
class Attempt:
    """An attempt at a run that may be taken up again.

    Args:
        folder: The run folder.
        identity: Tells checkpoints of this run from those of another.
        log: Its events.
        moments: Where the run was when it was cut off; nothing if it begins.
        spent: What it had cost until then.
        resumed: How often it was taken up again, this time included.
        notice: What to tell about checkpoints that cannot be used.
        locked: What holds of the sandbox.
    """

    folder: Path
    identity: str
    log: EventLog
    moments: tuple[Moment, ...] = ()
    spent: Spent = field(default_factory=Spent)
    resumed: int = 0
    notice: str = ""
    locked: Locked | None = None

    def keeper(self, spent: Callable[[], Mapping[str, Any]]) -> Keeper:
        """Return what writes the checkpoints of this attempt; ``spent`` says what the run has cost so far."""
        return Keeper(
            self.folder,
            self.identity,
            told=lambda: self.log.number,
            flush=self.log.flush,
            spent=spent,
            notice=lambda text: self.log("notice", {"text": text}),
            moments=self.moments,
        )

    def anew(self, why: str) -> Attempt:
        """Return an attempt that starts from the beginning."""
        checkpoints.remove(self.folder)
        self.log.tell_again()
        notice = STARTS_AGAIN.format(why)
        return replace(self, moments=(), spent=Spent(), resumed=0, notice=notice)

    def begin(self, device: str, threads: int) -> None:
        """Tell that it starts, and what holds of the sandbox."""
        taken_up = {"resumed": self.resumed, "seconds": self.spent.seconds} if self.resumed else {}
        self.log("started", {"device": device, "threads": threads, "sandbox": self.locked, **taken_up})
        if self.notice:
            self.log("notice", {"text": self.notice})


def attempt_at(folder: Path, spec: RunSpec, device: str, locked: Locked | None = None) -> Attempt:
    """Return the attempt that begins; it goes on from a checkpoint if there is one that fits.

    Rehearsals, tries of a quick look and probes are short: they begin again.
    """
    identity = _identity(folder, device)
    moments: list[Moment] = []
    why = ""
    if spec.work == "train" and checkpoints.newest(folder) is not None:
        moments, why = checkpoints.read(folder, identity)
    if not moments:
        attempt = Attempt(folder, identity, EventLog(folder, spec.id), locked=locked)
        return attempt.anew(why) if why else attempt
    last = moments[-1].values
    log = EventLog(folder, spec.id, keep=last["events"])
    spent, resumed = Spent(**last["spent"]), checkpoints.count_resumption(folder)
    notice = GOES_BACK.format(why) if why else ""
    return Attempt(folder, identity, log, tuple(moments), spent, resumed, notice, locked)


def _identity(folder: Path, device: str) -> str:
    """Return what a checkpoint has to share with the run that goes on from it."""
    versions = [sys.version, keras.__version__, tf.__version__, np.__version__]
    paths = [folder / "run.json", folder / "inputs" / "question", folder / "inputs" / "schema.json"]
    files = [path.read_bytes() if path.is_file() else b"" for path in paths]
    files += [path.read_bytes() for path in OWN_CODE]  # a newer one may train otherwise
    kind = "gpu" if device.startswith("gpu") else "cpu"  # they round differently
    return checkpoints.identity_of([*files, *(text.encode() for text in [*versions, kind])])

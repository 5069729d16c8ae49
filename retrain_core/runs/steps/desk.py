"""What a runner has before it: the store, its index, and what is under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from retrain_core.runs.index import Index, IndexRow
from retrain_core.runs.names import is_beside
from retrain_core.runs.steps.checking import Checking
from retrain_core.runs.steps.preparing import Preparing
from retrain_core.runs.store import Store
from retrain_core.runs.watch import Work
from retrain_core.types import RunSpec


@dataclass(frozen=True)
class Desk:
    """What all steps look at.

    Args:
        store: The store.
        index: Its index, which this process alone writes.
        preparing: Experiments whose data is read and split.
        checking: Runs that have ended but for the check of their model.
        lanes: CPU runs at a time.
        running: By run folder, what a worker is doing.
    """

    store: Store
    index: Index
    preparing: Preparing
    checking: Checking
    lanes: int
    running: dict[Path, Work] = field(default_factory=dict)

    def under_way(self) -> list[IndexRow]:
        """Return all that waits or is at work."""
        at_work = (work.row for work in self.running.values())
        return [*self.index.rows("queued"), *at_work, *self.checking]

    def runs_to_do(self) -> list[IndexRow]:
        """Return the runs proper that wait or are at work."""
        return [row for row in self.under_way() if not is_beside(row.id)]

    def was_removed(self, row: IndexRow) -> bool:
        """Whether work that has started was removed meanwhile; it may be there anew, and then lacks inputs."""
        return is_beside(row.id) and not (self.store.run_folder(row.experiment, row.id) / "inputs").exists()

    def as_asked(self, row: IndexRow) -> RunSpec:
        """Return what was asked for, after its ``run.json`` says so again: its worker may have made it say something else."""
        text = self.index.asked(row)
        if text is not None:
            self.store.restore_run(row.experiment, row.id, text)
        return self.store.run(row.experiment, row.id)

"""A store that is looked at and never changed, for those who are to see results and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retrain_core.errors import StoreError
from retrain_core.runs.store import Store

# All that does not change the store; whatever else a store can do is refused, what it learns later too.
READS = frozenset(
    {
        "check_there", "count_runs", "described", "draft", "estimates", "experiment", "experiment_folder", "experiments", "file_path", "has_parts",
        "is_prepared", "probes", "read_only", "result", "root", "run", "run_folder", "run_text", "runs", "shift_settings", "split", "tries",
    }
)  # fmt: skip


class ReadOnlyStore(Store):
    """A store whose every write is refused with a ``StoreError``; it is there already.

    Args:
        root: Its folder.
    """

    read_only = True

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        if not (self.root / "experiments").is_dir():
            raise StoreError(
                "There is no store to look at.",
                "It is opened read-only, so none is made.",
                "Start the server once without RETRAIN_READ_ONLY.",
            )

    def __getattribute__(self, name: str) -> Any:
        """Return what reads; refuse what would write."""
        if name in READS or name.startswith("_"):
            return super().__getattribute__(name)
        raise nothing_changes()


def nothing_changes() -> StoreError:
    """Return the refusal of whatever would change a store that is opened read-only."""
    return StoreError(
        "This cannot be done here.",
        "The server is read-only: it shows results, and nothing is uploaded, started, changed or removed.",
        "Ask whoever runs the server for one that is not.",
    )

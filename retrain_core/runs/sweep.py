"""What nobody needs any more is taken away: leftovers of processes that were killed, old uploads, an old bin.

Only the runner sweeps, in the thread that prepares data, so nothing is being prepared meanwhile. What a living process
writes is told by the name of its file.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from retrain_core.files import REMOVED, TEMPORARY, is_abandoned, remove_tree
from retrain_core.limits import BIN_DAYS
from retrain_core.models.checked import SCRATCH
from retrain_core.runs.bin import DAY, empty_old
from retrain_core.runs.store import Store
from retrain_core.runs.uploads import collect_uploads

RUN_FOLDERS = ("runs", "estimates", "diagnosis", "quick")
LEAST_DAYS = 1.0  # that somebody may take over what is entered on the Data page
UNSAVED_MODEL = ".model.tmp.keras"


def sweep(store: Store) -> list[Path]:
    """Take away what nobody needs any more, and return it; what cannot be removed is left for the next time."""
    found = [*leftovers(store.root), *old_drafts(store.root)]
    for path in found:
        remove_tree(path)
    return [*found, *collect_uploads(store.root), *(store.root / "bin" / id for id in empty_old(store))]


def old_drafts(root: Path) -> Iterator[Path]:
    """Yield what was entered on the Data page of the store ``root``, and not changed for as long as the bin keeps things.

    A draft stays when its experiment is made, and refers to its uploads: kept for good, no upload would ever be collected.
    """
    before = time.time() - max(BIN_DAYS.value, LEAST_DAYS) * DAY
    yield from (path for path in (root / "drafts").glob("*.json") if path.lstat().st_mtime < before)


def leftovers(root: Path) -> Iterator[Path]:
    """Yield what processes have left in the store ``root`` that were killed."""
    experiments = [
        path for home in ("experiments", "bin") for path in (root / home).glob("*") if path.is_dir()
    ]
    works = [folder / name for folder in experiments for name in RUN_FOLDERS]
    runs = [run for folder in works for run in folder.glob("*") if run.is_dir()]
    homes = [root / name for name in ("", "files", "drafts", "inbox", "experiments", "bin")]
    for folder in (*homes, *experiments, *works, *runs):
        for path in folder.glob(".*"):
            if path.name.endswith(REMOVED) or (path.name.endswith(TEMPORARY) and is_abandoned(path)):
                yield path
    yield from (folder / "data.tmp" for folder in experiments if (folder / "data.tmp").exists())
    for run in runs:  # what has ended saves no model any more
        if (run / UNSAVED_MODEL).exists() and (run / "result.json").exists():
            yield run / UNSAVED_MODEL
    for path in (
        left for run in runs for left in run.glob(f"{SCRATCH}*")
    ):  # by who checked a model on demand
        if time.time() - path.lstat().st_mtime > DAY:
            yield path
    for path in root.glob("tmp????????"):  # uploads that version 0.1.0 was about to take in
        if path.is_dir() and time.time() - path.stat().st_mtime > DAY:
            yield path

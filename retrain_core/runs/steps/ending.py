"""How work ends: as its worker says, or as the runner has to say in its place; in the run folder and in the index."""

from __future__ import annotations

import os
import sys
from typing import Literal

from retrain_core.errors import InputError, UnreadError
from retrain_core.files import remove_tree
from retrain_core.runs import endings
from retrain_core.runs.candidates import MODEL
from retrain_core.runs.endings import FOLDER_ERRORS
from retrain_core.runs.index import IndexRow
from retrain_core.runs.names import is_beside
from retrain_core.runs.steps.desk import Desk
from retrain_core.types import RunResult
from retrain_core.workers import checkpoints
from retrain_core.workers.disk import FULL, is_full


def end(desk: Desk, row: IndexRow, status: Literal["failed", "stopped"], error: str) -> None:
    """End work whose worker did not write a result; the index says so even if the folder cannot."""
    try:
        desk.store.save_result(row.experiment, row.id, RunResult(status, device=row.device, error=error))
    except FOLDER_ERRORS as trouble:
        print(f"{row.experiment}/{row.id}: no result written: {trouble}", file=sys.stderr)
    else:
        remove_tree(desk.store.run_folder(row.experiment, row.id) / checkpoints.FOLDER)
    desk.index.end(row.experiment, row.id, status, error)


def end_with_result(desk: Desk, row: IndexRow) -> bool:
    """End work as its worker says, if need be once its model was checked; return whether the worker has said anything."""
    result = desk.store.result(row.experiment, row.id)
    if result is None:
        return False
    folder = desk.store.run_folder(row.experiment, row.id)
    remove_tree(folder / checkpoints.FOLDER)  # if its worker could not any more
    has_model = result.model or (result.status == "finished" and os.path.lexists(folder / MODEL))
    if has_model and result.status != "failed" and not is_beside(row.id):
        desk.checking.begin(row)
    else:
        desk.index.end(row.experiment, row.id, result.status, result.error)
    return True


def end_checked(desk: Desk, row: IndexRow, error: BaseException | None) -> None:
    """End a run whose model was checked; one whose model is none that may be used has failed.

    Where that could not be told, as on a full disk, the run has ended as its worker says: its model is checked when
    somebody asks for it.
    """
    result = desk.store.result(row.experiment, row.id)
    if isinstance(error, InputError) and not isinstance(error, UnreadError):
        end(desk, row, "failed", str(error))
    elif result is None:
        end(desk, row, "failed", endings.UNCHECKED)
    else:
        desk.index.end(row.experiment, row.id, result.status, result.error)
        if error is not None:
            print(f"{row.experiment} {row.id}: its model is not checked yet: {error}", file=sys.stderr)


def death(desk: Desk, row: IndexRow, code: int) -> tuple[Literal["failed"], str]:
    """Return how work ends whose worker has ended with an exit code and no result."""
    if code == 1 and is_full(desk.store.root):
        return "failed", FULL
    return "failed", endings.died(code, endings.kind_of(row))

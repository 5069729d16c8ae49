"""The models that runs have trained: written by workers, so trusted no more than what somebody uploads.

Each is checked and written anew, as an uploaded one is, before anything loads it or it is handed out: by the runner before
its run counts as ended, or else, as for a run of an earlier version, when it is first asked for.
"""

from __future__ import annotations

from pathlib import Path

from retrain_core.errors import InputError, ModelError, RetrainError, StoreError, UnreadError
from retrain_core.files import write_atomic
from retrain_core.models import checked_card
from retrain_core.runs.from_worker import AGAIN, MOST_MODEL, opened
from retrain_core.runs.store import Store

MODEL = "model.keras"
CHECKED = "checked"  # a folder of the experiment, which no worker writes: an empty file a run whose model was written anew


def mark_of(store: Store, experiment: str, run: str) -> Path:
    """Return the file that is there once the model of a run was checked."""
    return store.experiment_folder(experiment) / CHECKED / run


def checked_model(store: Store, experiment: str, run: str) -> Path:
    """Return the model that a run has trained, written anew in its place once it was checked.

    Call it when the run's worker has ended; what is there was written by it until then.

    Args:
        store: The store.
        experiment: Id of the experiment.
        run: Id of the run.

    Raises:
        InputError: If there is no model that may be used.
        UnreadError: If that is not known, for another reason than what it holds.
        OSError: If it cannot be opened.
        StoreError: If the new file cannot be written.
    """
    folder, name = store.run_folder(experiment, run), f"{run}.keras"
    path, mark = folder / MODEL, mark_of(store, experiment, run)
    try:
        with opened(path, MOST_MODEL):  # a link would lead the check, and who loads the model, elsewhere
            pass
    except (FileNotFoundError, StoreError) as error:
        why = error.why if isinstance(error, StoreError) else "There is none."
        raise ModelError(f"{name}: The model that was trained cannot be used.", why, AGAIN) from error
    if mark.exists():
        return path
    store.check_changes()
    before = path.lstat().st_ino
    try:
        if checked_card(path, name, rebuild_in=folder).format != "keras":
            raise ModelError(
                f"{name}: The model that was trained cannot be used.", "It is not a .keras file.", AGAIN
            )
    except RetrainError as error:
        if path.lstat().st_ino != before:  # somebody else has just put the new file in its place
            return checked_model(store, experiment, run)
        if isinstance(error, InputError) and not isinstance(error, UnreadError):
            raise ModelError(error.what, error.why, AGAIN) from error  # nobody has chosen that file
        raise
    mark.parent.mkdir(exist_ok=True)
    write_atomic(mark, b"")
    return path

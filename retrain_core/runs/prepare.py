"""Read, encode and split the data of an experiment, once, before anything trains."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from retrain_core.data import encode, read_table, split
from retrain_core.data.gaps import row_notes
from retrain_core.data.groups import groups_of
from retrain_core.data.marks import Rows, marks_of
from retrain_core.data.parts import COLUMNS, GROUPS, save_columns, save_dataset
from retrain_core.data.readers import file_hash
from retrain_core.errors import FileError
from retrain_core.files import put_in_place, remove_tree, remove_whole, write_atomic
from retrain_core.models import checked_card
from retrain_core.models.checked import SCRATCH
from retrain_core.runs.candidates import MODEL, checked_model, mark_of
from retrain_core.runs.experiments import MODEL_FILES, question_hash
from retrain_core.runs.folders import told
from retrain_core.runs.from_worker import opened
from retrain_core.runs.store import Store
from retrain_core.types import Dataset, ExperimentSpec, FileRef, ModelCard, RunSpec, Table, Work, to_json
from retrain_core.workers.checkpoints import newest
from retrain_core.workers.locked import TEMPORARY

MOST_INPUT = 1 << 62  # data is as large as it is
MEASURED: tuple[Work, ...] = ("shift", "explain")  # done on the files, without the split and without a model


def prepare(store: Store, spec: ExperimentSpec) -> None:
    """Write the parts of ``spec`` and the rebuilt model into its ``data`` folder; do nothing if they are there.

    Parts of another question, left by one who changed it while they were being written, are replaced. All are written
    beside it and flushed, then they get its name: whenever this is killed, ``data`` holds what it held, or nothing, or
    all of the new parts. Parts of this question stay as they are if only the model is missing, as earlier versions did not
    rebuild it.

    Raises:
        InputError: If the files do not fit the question.
        StoreError: If the disk is full or cannot be written.
    """
    store.check_changes()
    if store.is_prepared(spec):
        return
    folder = store.experiment_folder(spec.id) / "data"
    if store.has_parts(spec):
        _rebuild_model(store, spec, folder)
        return
    temporary = folder.with_name("data.tmp")
    try:
        with told("The data cannot be prepared.", "Free some room, then start again in a new experiment."):
            remove_whole(temporary)
            temporary.mkdir()  # fails if the experiment is gone
            _write_parts(store, spec, temporary)
            remove_whole(folder)
            put_in_place(temporary, folder)
    except BaseException:
        remove_tree(temporary)  # on a full disk it would take the room that others need
        raise


def _write_parts(store: Store, spec: ExperimentSpec, folder: Path) -> None:
    card = _rebuild_model(store, spec, folder)
    refs = {"new": spec.new, "old": spec.old, "holdout": spec.holdout}
    tables = {
        side: read_table(store.file_path(ref), ref.name) for side, ref in refs.items() if ref is not None
    }
    for side, table in tables.items():
        _check_whole(table, refs[side])
    data: dict[str, Dataset] = {}
    numbers: dict[str, Rows] = {}
    for side, table in tables.items():
        data[side], numbers[side] = encode(spec.schema, table)
    marks = marks_of(spec.split, tables, numbers)
    done = split(spec.schema, **data, settings=spec.split, marks=marks)
    notes = [
        note
        for side, table in tables.items()
        for note in row_notes(spec.schema, side, table, len(numbers[side]))
    ]
    summary = replace(done.summary, notes=(*done.summary.notes, *notes))
    for part, rows in done.parts.items():
        side = "holdout" if part == "new_holdout" and "holdout" in data else part.split("_")[0]
        save_dataset(folder / part, data[side], rows)
        np.save(folder / part / "rows.npy", numbers[side][rows])
        if marks.ids:
            np.save(folder / part / GROUPS, groups_of(marks.ids[side][rows]))
        if part.endswith("holdout"):
            save_columns(folder / part, tables[side], numbers[side][rows])
    for name, value in {"card": card, "schema": spec.schema, "split": summary}.items():
        (folder / f"{name}.json").write_bytes(to_json(value))
    (folder / "question").write_text(question_hash(spec))


def _check_whole(table: Table, ref: FileRef | None) -> None:
    """Refuse a file of the store that is not what was uploaded: somebody changed it, or the disk did."""
    if ref is None or table.sha256 != ref.sha256:
        raise _changed(table.name)


def _changed(name: str) -> FileError:
    return FileError(
        f"{name} has changed since it was uploaded.",
        "Its content in the store is not what it was.",
        "Upload it again, in a new experiment.",
    )


def _rebuild_model(store: Store, spec: ExperimentSpec, folder: Path) -> ModelCard:
    """Check the old model anew and write the file that workers load, which is never the one that was uploaded."""
    path = store.file_path(spec.model)
    if file_hash(path) != spec.model.sha256:
        raise _changed(spec.model.name)
    for left in folder.glob(f"{SCRATCH}*"):  # by an attempt that was cut off
        remove_tree(left)
    return checked_card(path, spec.model.name, rebuild_in=folder)


def link_inputs(store: Store, run: RunSpec) -> Path:
    """Give the run folder links to everything its worker may read, and of an earlier attempt its checkpoint alone."""
    store.check_changes()
    spec = store.experiment(run.experiment)
    folder = store.run_folder(run.experiment, run.id)
    inputs = folder / "inputs"
    goes_on = newest(folder) is not None  # then its times are those of all attempts
    cut_off = ("inputs", TEMPORARY, "model.keras", "scores.npz", *([] if goes_on else ["shared"]))
    for left in cut_off:  # by an earlier attempt
        remove_tree(folder / left)
    mark_of(store, run.experiment, run.id).unlink(missing_ok=True)  # it was of the model that was removed
    for path in folder.iterdir():
        if path.is_symlink() or not (
            path.is_file() or path.is_dir()
        ):  # a worker's: whoever opened it might wait for ever
            path.unlink()
    inputs.mkdir()  # fails if the run folder is being removed
    before = store.run_folder(run.experiment, run.after) if run.after else None
    if run.work in MEASURED:
        _link_tables(store, spec, inputs)
        if before is not None:
            _link(before / "observed.npz", inputs / "observed.npz")
        return folder
    data = store.experiment_folder(run.experiment) / "data"
    # A candidate's model rather than the old one, if the work is about a candidate.
    unused = shutil.ignore_patterns(COLUMNS, GROUPS, *(MODEL_FILES if before is not None else ()))
    shutil.copytree(data, inputs, ignore=unused, copy_function=_link, dirs_exist_ok=True)
    if spec.holdout:  # a file of its own: its row numbers are not those of the new file
        (inputs / "new_holdout" / "rows.npy").unlink(missing_ok=True)
    write_atomic(
        inputs / "schema.json", to_json(spec.schema)
    )  # in today's form, whichever version prepared it
    if before is not None:
        _link(checked_model(store, run.experiment, run.after), inputs / MODEL)
    return folder


def _link_tables(store: Store, spec: ExperimentSpec, inputs: Path) -> None:
    """Give a worker that measures the files themselves: it needs neither the split nor the model."""
    write_atomic(inputs / "question.json", to_json(spec))
    for side, ref in (("old", spec.old), ("new", spec.new)):
        if ref is not None:
            _link(store.file_path(ref), inputs / f"{side}{store.file_path(ref).suffix}")


def _link(source: str | Path, target: str | Path) -> None:
    """Link by name, or copy where the file system has no such links.

    A worker writes its folder, so a hard link would let it change what other runs read too. Where a link leads may be read
    by the worker, so it has to lead to a file: what another worker has left is not followed.
    """
    with opened(Path(source), MOST_INPUT):
        pass
    try:
        os.symlink(os.path.abspath(source), target)
    except OSError:
        shutil.copyfile(source, target)

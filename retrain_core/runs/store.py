"""The store on disk.

store/
├── files/SHA256.EXT            uploads, by content
├── experiments/ID/
│   ├── experiment.json         the question (ExperimentSpec)
│   ├── data/                   the split: card.json, schema.json, split.json, one folder a part; whose it is; and
│   │                           model.keras or model.h5, the old model as it was rebuilt: workers load it, or a
│   │                           candidate's, which was checked and rebuilt in the same way
│   ├── checked/RUN             there once the model.keras of a run was (``candidates.py``); no worker writes here
│   ├── shift.json              how shift is measured, where the user decided it (ShiftSettings)
│   ├── deleted                 there once somebody deleted it, until its runs have ended and it is moved into bin/
│   ├── estimates/RUN/          the same as a run folder, for a rehearsal: a few steps before the first run
│   ├── diagnosis/RUN/          the same, for a probe: a piece of diagnosis, with what it found in files of its own
│   ├── quick/                  a quick look: look.json (QuickLook), and RUN/, the same as a run folder, for each try
│   └── runs/RUN/               the run folder, all that a worker sees
│       ├── run.json            what to do (RunSpec)
│       ├── inputs/             links to data/; what they lead to is read, never written
│       ├── tmp/, checkpoint/    while it lasts: what libraries write; where it was, to go on if it is cut off
│       ├── events.jsonl, worker.log
│       ├── result.json, model.keras, scores.npz
│       ├── shared              there once another run was on the same device
│       └── stop                there once somebody asked the run to stop
├── bin/ID/                     experiments that were deleted, whole, until the bin is emptied
├── drafts/ID.json             what somebody entered on the Data page and has not used yet
├── inbox/ID.TOKEN              experiments of which something is asked, for the runner to look at
├── index.sqlite                status of every run; only the runner writes it
└── devices.json, runner.lock, runner.log
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from retrain_core import limits
from retrain_core.errors import StoreError
from retrain_core.files import remove_tree, remove_whole, write_atomic
from retrain_core.runs.experiments import Experiments, started_already
from retrain_core.runs.folders import opened, read_json, told
from retrain_core.runs.from_worker import MOST_RESULT, read_plain
from retrain_core.runs.names import ESTIMATE, FOLDERS, PROBE, QUICK, RUN_PATTERN, is_beside, is_estimate
from retrain_core.runs.uploads import add_upload, upload_path
from retrain_core.types import FileRef, RunResult, RunSpec, Work, to_json


class Store(Experiments):
    """Paths and small files of one store: uploads, experiments, and their runs; large work is done elsewhere.

    Args:
        root: Its folder, made if it is missing.
    """

    read_only = False  # see ``read_only.py``

    def check_changes(self) -> None:
        """Refuse to go on where nothing may be changed; what changes a store and is none of its methods asks this first.

        Raises:
            StoreError: If the store is read-only.
        """

    # --- files ----------------------------------------------------------------------------------

    def add_file(self, source: Path | BinaryIO, name: str | None = None) -> FileRef:
        """Copy a file into the store, by its content, and return what to call it by.

        Args:
            source: The file, or what was uploaded.
            name: What its owner calls it.

        Raises:
            FileError: If it is larger than an upload may be, or not there.
            StoreError: If the store is full, or cannot be written.
        """
        if isinstance(source, Path):
            with opened(source) as file:
                return self.add_file(file, name or source.name)
        name = name or "upload"
        size = source.seek(0, os.SEEK_END)
        limits.check_size(size, name)
        source.seek(0)
        self.check_room()
        with told(f"{name} cannot be kept."):
            found = add_upload(self.root, source, name)
        self._room.add(size)
        return found

    def file_path(self, ref: FileRef) -> Path:
        """Return where the file is; its name comes from its content, never from its owner."""
        return upload_path(self.root, ref)

    # --- runs -----------------------------------------------------------------------------------

    def run_folder(self, experiment: str, run: str) -> Path:
        """Return the folder of one run or rehearsal.

        Raises:
            StoreError: If an id is not one.
        """
        name = RUN_PATTERN.fullmatch(run)
        if name is None:
            raise StoreError("There is no such run.", "The link is damaged.", "Open the experiment again.")
        return self.experiment_folder(experiment) / FOLDERS.get(name[1], "runs") / run

    def run(self, experiment: str, run: str) -> RunSpec:
        """Return what a run is to do.

        Raises:
            StoreError: If it is not there, cannot be read, or was written for another run.
        """
        path = self.run_folder(experiment, run) / "run.json"
        spec = read_json(path, RunSpec)
        if (spec.experiment, spec.id, spec.rehearse) != (experiment, run, is_estimate(run)):
            raise StoreError(
                f"{path.name} of run '{run}' cannot be used.",
                f"It was written for run '{spec.id}' of experiment {spec.experiment}.",
                "Start the run again in a new experiment.",
            )
        return spec

    def run_text(self, experiment: str, run: str) -> bytes:
        """Return ``run.json`` as it stands.

        Raises:
            StoreError: If it is no plain file.
            OSError: If it is not there, or cannot be read.
        """
        return read_plain(self.run_folder(experiment, run) / "run.json")

    def restore_run(self, experiment: str, run: str, text: bytes) -> None:
        """Have ``run.json`` say again what it said, whatever its worker has put in its place.

        Raises:
            OSError: If it cannot be written.
        """
        with contextlib.suppress(OSError, StoreError):
            if self.run_text(experiment, run) == text:
                return
        path = self.run_folder(experiment, run) / "run.json"
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        write_atomic(path, text)

    def described(self, experiment: str, run: str) -> RunSpec:
        """Return the same; as far as the name of its folder tells if ``run.json`` cannot be read.

        Raises:
            StoreError: If an id is not one.
        """
        try:
            return self.run(experiment, run)
        except StoreError:
            name = RUN_PATTERN.fullmatch(run)
            if name is None:
                raise
            work: Work = "rehearse" if is_estimate(run) else "train"
            return RunSpec(run, experiment, name[2], options={}, seed=int(name[3]), work=work)

    def runs(self, experiment: str) -> list[RunSpec]:
        """Return the runs of an experiment in the order they were asked for.

        A run whose ``run.json`` cannot be read is there too, as far as its folder's name tells: it is shown as failed.
        """
        return self._specs(experiment, "runs")

    def count_runs(self, experiment: str) -> int:
        """Return how many runs an experiment has; reads none of them."""
        return sum(1 for _ in self._folders_of(experiment, "runs"))

    def estimates(self, experiment: str) -> list[RunSpec]:
        """Return the rehearsals of an experiment, alike; they are none of its runs."""
        return self._specs(experiment, FOLDERS[ESTIMATE])

    def probes(self, experiment: str) -> list[RunSpec]:
        """Return the probes of an experiment, alike; they are none of its runs either."""
        return self._specs(experiment, FOLDERS[PROBE])

    def tries(self, experiment: str) -> list[RunSpec]:
        """Return the tries of the quick look at an experiment, alike; they are none of its runs either."""
        return self._specs(experiment, FOLDERS[QUICK])

    def _specs(self, experiment: str, kind: str) -> list[RunSpec]:
        specs = [self.described(experiment, name[0]) for name in self._folders_of(experiment, kind)]
        return sorted(specs, key=lambda spec: (spec.seed, spec.order, spec.id))

    def _folders_of(self, experiment: str, kind: str) -> Iterator[re.Match[str]]:
        """Yield the names of the folders in which there is something to do."""
        with contextlib.suppress(FileNotFoundError):  # they are being removed
            for path in (self.experiment_folder(experiment) / kind).glob("*/run.json"):
                name = RUN_PATTERN.fullmatch(path.parent.name)
                if name is not None and self.run_folder(experiment, name[0]) == path.parent:
                    yield name

    def add_runs(self, runs: Sequence[RunSpec]) -> None:
        """Write runs into their folders, then tell the runner by the inbox.

        Raises:
            StoreError: If one of them exists, or the store is full or cannot be written; then nothing is added.
        """
        self.check_room()
        folders = [self.run_folder(run.experiment, run.id) for run in runs]
        made: list[Path] = []
        with told("The runs cannot be written.", "Free some room, then start them again."):
            try:
                if any(folder.exists() for folder in folders):
                    raise FileExistsError
                for run, folder in zip(runs, folders, strict=True):
                    folder.parent.mkdir(exist_ok=True)  # fails if the experiment is gone
                    folder.mkdir()  # fails if another tab was faster
                    made.append(folder)
                    write_atomic(folder / "run.json", to_json(run))
                for experiment in {run.experiment for run in runs}:
                    self.tell_runner(experiment)
            except OSError as error:
                for folder in made:
                    binned = self.root / "bin" / folder.relative_to(self.root / "experiments")
                    for place in (folder, binned):  # it may have been deleted meanwhile
                        remove_tree(place)
                for run in runs:  # deleted meanwhile, it makes any of these steps fail
                    self.check_there(run.experiment)
                if isinstance(error, FileExistsError):
                    raise started_already() from error
                raise

    def add_beside(self, pieces: Sequence[RunSpec]) -> None:
        """Write work beside the runs into its folders, then tell the runner; those that are there are left alone.

        Raises:
            StoreError: If the store cannot be written.
        """
        with told("What is to be measured cannot be written.", "Free some room, then ask again."):
            for spec in pieces:
                self.check_there(spec.experiment)
                folder = self.run_folder(spec.experiment, spec.id)
                if not (folder / "run.json").exists():
                    folder.parent.mkdir(exist_ok=True)
                    folder.mkdir(exist_ok=True)
                    write_atomic(folder / "run.json", to_json(spec))
            for experiment in {spec.experiment for spec in pieces}:
                self.tell_runner(experiment)

    def remove_beside(self, experiment: str, run: str) -> None:
        """Remove work beside the runs, so that it can be asked for again.

        Raises:
            StoreError: If the store cannot be written.
        """
        folder = self.run_folder(experiment, run)
        if is_beside(run):
            with told("What was measured cannot be removed."):
                remove_whole(folder)

    def result(self, experiment: str, run: str) -> RunResult | None:
        """Return how a run ended, once it has; ``failed`` if its result cannot be read."""
        path = self.run_folder(experiment, run) / "result.json"
        if not os.path.lexists(path):
            return None
        try:
            return read_json(path, RunResult, most=MOST_RESULT)
        except StoreError as error:
            return RunResult("failed", error=str(error))

    def save_result(self, experiment: str, run: str, result: RunResult) -> None:
        """Write how a run ended whose worker could not do it."""
        write_atomic(self.run_folder(experiment, run) / "result.json", to_json(result))

    def request_stop(self, experiment: str, run: str, reason: str = "") -> None:
        """Ask a run to stop; it keeps its best weights, and tells the reason if there is one to tell."""
        path = self.run_folder(experiment, run) / "stop"
        if reason or not path.exists():
            write_atomic(path, reason.encode())

"""The questions of a store: experiments and drafts, each in files of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from retrain_core import limits
from retrain_core.errors import StoreError
from retrain_core.files import remove_whole, write_atomic
from retrain_core.runs import inbox
from retrain_core.runs.folders import read_json, told
from retrain_core.runs.names import FOLDERS, ID_PATTERN
from retrain_core.runs.older import renewed_question, renewed_split
from retrain_core.runs.usage import Room
from retrain_core.types import ExperimentSpec, ShiftSettings, SplitSummary, from_json, to_json

MODEL_FILES = ("model.keras", "model.h5")  # the rebuilt model in data/ is one of them
DELETED = "deleted"  # a file in the folder of an experiment that is to be moved into the bin


def question_hash(spec: ExperimentSpec) -> str:
    """Return a hash of all that decides what the data of an experiment is; its name and note do not."""
    question = from_json(to_json(replace(spec, id="", name="", created=0.0, note="")), dict[str, Any])
    if not spec.schema.fill:
        del question["schema"]["fill"]  # as before there was such a choice
    return hashlib.sha256(to_json(question)).hexdigest()


class Experiments:
    """Paths and small files of the questions in a store; large work is done elsewhere.

    Args:
        root: Its folder, made if it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._room = Room(self.root)
        with told("The store cannot be written.", "Choose another folder, or free some room."):
            for name in ("files", "drafts", "experiments", "inbox", "bin"):
                (self.root / name).mkdir(parents=True, exist_ok=True)

    def check_room(self) -> None:
        """Refuse to write more than the store may hold.

        Raises:
            StoreError: If it holds as much as it may.
        """
        self._room.check()

    # --- drafts ---------------------------------------------------------------------------------

    def save_draft(self, id: str, text: bytes) -> None:
        """Keep what somebody entered, so that a refresh does not lose it.

        Raises:
            StoreError: If the store cannot be written.
        """
        with told("What you entered cannot be kept."):
            write_atomic(self.root / "drafts" / f"{id}.json", text)

    def draft(self, id: str) -> bytes | None:
        """Return what was entered under ``id``, which may come from a URL; ``None`` if there is nothing."""
        path = self.root / "drafts" / f"{id}.json"
        return path.read_bytes() if ID_PATTERN.fullmatch(id) and path.is_file() else None

    def tell_runner(self, experiment: str) -> None:
        """Have the runner look at an experiment."""
        inbox.ask(self.root, experiment)

    # --- experiments ----------------------------------------------------------------------------

    def experiment_folder(self, id: str) -> Path:
        """Return the folder of the experiment ``id``, which may come from a URL.

        Raises:
            StoreError: If ``id`` is not an id.
        """
        if not ID_PATTERN.fullmatch(id):
            raise StoreError(
                "There is no such experiment.", "The link is damaged.", "Open it from the start page."
            )
        return self.root / "experiments" / id

    def save_experiment(self, spec: ExperimentSpec) -> None:
        """Write the question; it may be changed until its first run.

        What was prepared and estimated for the question as it was before is removed; a rehearsal that is under way
        ends, because the runner finds its inputs gone.

        Raises:
            StoreError: If it is another question than the one that the experiment has runs for, if there are as many
                experiments as there may be, or if the store is full or cannot be written.
        """
        folder = self.experiment_folder(spec.id)
        if not folder.exists():
            limits.check_experiments(sum(1 for _ in self._folders()))
            self.check_room()
        changed = self._is_changed(spec)
        if changed and next((folder / "runs").glob("*/run.json"), None):
            raise started_already()
        with told("The experiment cannot be kept."):
            folder.mkdir(exist_ok=True)
            write_atomic(folder / "experiment.json", to_json(spec))
            if changed:
                for name in (*FOLDERS.values(), "data"):
                    remove_whole(folder / name)

    def _is_changed(self, spec: ExperimentSpec) -> bool:
        """Whether something may be there that belongs to another question than ``spec``."""
        if (self.experiment_folder(spec.id) / "data").exists() and not self.has_parts(spec):
            return True
        try:
            return question_hash(self.experiment(spec.id)) != question_hash(spec)
        except StoreError:  # it is new, or damaged
            return True

    def is_prepared(self, spec: ExperimentSpec) -> bool:
        """Whether all that workers need is there: the parts, and the rebuilt model."""
        data = self.experiment_folder(spec.id) / "data"
        return self.has_parts(spec) and any((data / name).is_file() for name in MODEL_FILES)

    def has_parts(self, spec: ExperimentSpec) -> bool:
        """Whether the rows are split, as the question asks that ``spec`` puts."""
        data = self.experiment_folder(spec.id) / "data"
        try:
            return (data / "question").read_text() == question_hash(spec)
        except FileNotFoundError:
            return (
                data.exists()
            )  # prepared before the mark was written: such an experiment has runs and is fixed

    def experiment(self, id: str) -> ExperimentSpec:
        """Return the question.

        Raises:
            StoreError: If it is not there, or cannot be read.
        """
        path = self.experiment_folder(id) / "experiment.json"
        self.check_there(id)
        spec = read_json(path, ExperimentSpec, renew=renewed_question)
        if spec.id != id:
            raise StoreError(
                f"{path.name} of '{id}' cannot be used.",
                f"It was written for experiment {spec.id}.",
                "Start again in a new experiment.",
            )
        return spec

    def check_there(self, id: str) -> None:
        """Refuse to write into an experiment that is not there any more.

        Raises:
            StoreError: If it was deleted.
        """
        if not self.experiment_folder(id).is_dir():
            raise self._gone(id)

    def _gone(self, id: str) -> StoreError:
        """Return what is said of an experiment that is not there."""
        if (self.root / "bin" / id).is_dir():
            return StoreError(
                "This experiment was deleted.", "It is in the bin.", "Restore it on the start page."
            )
        return StoreError(
            "There is no such experiment.",
            "It was deleted, or belongs to another store.",
            "Open the start page.",
        )

    def experiments(self) -> tuple[list[ExperimentSpec], dict[str, StoreError]]:
        """Return every experiment, newest first, and by name of its folder why one cannot be read.

        Those that were deleted are in the bin, or on their way to it.
        """
        found, unreadable = [], {}
        for folder in sorted(self._folders(), reverse=True):
            try:
                if not ID_PATTERN.fullmatch(folder.name):
                    raise _no_experiment(folder.name)
                if not (folder / DELETED).exists():
                    found.append(self.experiment(folder.name))
            except StoreError as error:
                unreadable[folder.name] = error
        return found, unreadable

    def _folders(self) -> Iterator[Path]:
        for folder in (self.root / "experiments").iterdir():
            if folder.is_dir() and not folder.name.startswith("."):
                yield folder

    def split(self, id: str) -> SplitSummary | None:
        """Return how the rows were split, once they are."""
        path = self.experiment_folder(id) / "data" / "split.json"
        return read_json(path, SplitSummary, renew=renewed_split) if path.is_file() else None

    def shift_settings(self, id: str) -> ShiftSettings:
        """Return how shift is measured in an experiment; if nobody has said so, by default, in the split's order of time."""
        path = self.experiment_folder(id) / "shift.json"
        if path.is_file():
            return read_json(path, ShiftSettings)
        return ShiftSettings(time=self.experiment(id).split.time)

    def save_shift_settings(self, id: str, settings: ShiftSettings) -> None:
        """Keep how shift is to be measured; this is no part of the question, so it may change at any time.

        Raises:
            StoreError: If the store cannot be written.
        """
        with told("How shift is to be measured cannot be kept."):
            write_atomic(self.experiment_folder(id) / "shift.json", to_json(settings))


def _no_experiment(name: str) -> StoreError:
    return StoreError(
        f"The folder '{name}' is no experiment.",
        "Its name is not that of one.",
        "Take it out of the store, or give it its name back.",
    )


def started_already() -> StoreError:
    """Return what is said to who would change an experiment that has runs, or start it twice."""
    return StoreError(
        "This experiment has been started already.",
        "It is fixed once it has runs, so that results belong to what is shown beside them.",
        "Reload the page to see its runs, or make a new experiment.",
    )

"""The store on disk.

store/
├── files/SHA256.EXT            uploads, by content
├── experiments/ID/
│   ├── experiment.json         the question (ExperimentSpec)
│   ├── data/                   the split: card.json, schema.json, split.json, one folder a part; and whose it is
│   ├── shift.json              how shift is measured, where the user decided it (ShiftSettings)
│   ├── estimates/RUN/          the same as a run folder, for a rehearsal: a few steps before the first run
│   ├── diagnosis/RUN/          the same, for a probe: a piece of diagnosis, with what it found in files of its own
│   ├── quick/                  a quick look: look.json (QuickLook), and RUN/, the same as a run folder, for each try
│   └── runs/RUN/               the run folder, all that a worker sees
│       ├── run.json            what to do (RunSpec)
│       ├── inputs/             links to data/ and to the old model
│       ├── events.jsonl, worker.log
│       ├── result.json, model.keras, scores.npz
│       ├── shared              there once another run was on the same device
│       └── stop                there once somebody asked the run to stop
├── drafts/ID.json             what somebody entered on the Data page and has not used yet
├── inbox/ID                    experiments with new runs, for the runner to pick up
├── index.sqlite                status of every run; only the runner writes it
└── devices.json, runner.lock, runner.log
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from retrain_core.data.files import write_atomic
from retrain_core.data.readers import file_hash
from retrain_core.errors import StoreError
from retrain_core.types import (
    ExperimentSpec,
    FileRef,
    QuickLook,
    RunResult,
    RunSpec,
    ShiftSettings,
    SplitSummary,
    Work,
    from_json,
    to_json,
)

EXTENSIONS = (".keras", ".h5", ".csv", ".parquet", ".npz")
ID_PATTERN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
# Begin the ids of a rehearsal, of a probe and of a try of a quick look, and of nothing else.
ESTIMATE, PROBE, QUICK = "estimate_", "probe_", "quick_"
FOLDERS = {ESTIMATE: "estimates", PROBE: "diagnosis", QUICK: "quick"}
BESIDE = "|".join(FOLDERS)
RUN_PATTERN = re.compile(rf"({BESIDE})?(?!{BESIDE})([a-z][a-z0-9_]*)-([0-9]+)")
T = TypeVar("T")


def new_id() -> str:
    """Return an id that sorts by time, such as ``20260131-235959-0a1b``."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}"


def is_estimate(run: str) -> bool:
    """Whether an id is that of a rehearsal."""
    return run.startswith(ESTIMATE)


def is_probe(run: str) -> bool:
    """Whether an id is that of a probe."""
    return run.startswith(PROBE)


def is_quick(run: str) -> bool:
    """Whether an id is that of a try of a quick look."""
    return run.startswith(QUICK)


def is_beside(run: str) -> bool:
    """Whether an id is that of work beside the runs, such as a rehearsal, which goes away if the question changes."""
    return run.startswith(tuple(FOLDERS))


def strategy_of(run: str) -> str:
    """Return the strategy in the id of a run or of a rehearsal.

    >>> strategy_of("fine_tune-0"), strategy_of("estimate_fine_tune-123")
    ('fine_tune', 'fine_tune')
    """
    name = RUN_PATTERN.fullmatch(run)
    return name[2] if name else ""


def question_hash(spec: ExperimentSpec) -> str:
    """Return a hash of all that decides what the data of an experiment is; its name and note do not."""
    return hashlib.sha256(to_json(replace(spec, id="", name="", created=0.0, note=""))).hexdigest()


class Store:
    """Paths and small files of one store; large work is done elsewhere.

    Args:
        root: Its folder, made if it is missing.
    """

    read_only = False  # see ``read_only.py``

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        try:
            for name in ("files", "drafts", "experiments", "inbox"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                "The store cannot be written.",
                f"{error.strerror}.",
                "Choose another folder, or free some room.",
            ) from error

    # --- files ----------------------------------------------------------------------------------

    def add_file(self, source: Path, name: str | None = None) -> FileRef:
        """Copy a file into the store, by its content, and return what to call it by."""
        name = name or source.name
        ref = FileRef(file_hash(source), name)
        target = self.file_path(ref)
        if not target.exists():
            temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
            shutil.copyfile(source, temporary)
            temporary.replace(target)
        return ref

    def file_path(self, ref: FileRef) -> Path:
        """Return where the file is; its name comes from its content, never from its owner."""
        extension = Path(ref.name).suffix.lower()
        return self.root / "files" / f"{ref.sha256}{extension if extension in EXTENSIONS else ''}"

    # --- drafts ---------------------------------------------------------------------------------

    def save_draft(self, id: str, text: bytes) -> None:
        """Keep what somebody entered, so that a refresh does not lose it."""
        write_atomic(self.root / "drafts" / f"{id}.json", text)

    def draft(self, id: str) -> bytes | None:
        """Return what was entered under ``id``, which may come from a URL; ``None`` if there is nothing."""
        path = self.root / "drafts" / f"{id}.json"
        return path.read_bytes() if ID_PATTERN.fullmatch(id) and path.is_file() else None

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
            StoreError: If it is another question than the one that the experiment has runs for.
        """
        folder = self.experiment_folder(spec.id)
        folder.mkdir(exist_ok=True)
        changed = self._is_changed(spec)
        if changed and self.runs(spec.id):
            raise _started_already()
        write_atomic(folder / "experiment.json", to_json(spec))
        if changed:
            for name in (*FOLDERS.values(), "data"):
                _remove(folder / name)

    def _is_changed(self, spec: ExperimentSpec) -> bool:
        """Whether something may be there that belongs to another question than ``spec``."""
        if (self.experiment_folder(spec.id) / "data").exists() and not self.is_prepared(spec):
            return True
        try:
            return question_hash(self.experiment(spec.id)) != question_hash(spec)
        except StoreError:  # it is new, or damaged
            return True

    def is_prepared(self, spec: ExperimentSpec) -> bool:
        """Whether the data is there, and is that of the question as ``spec`` puts it."""
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
        if not path.parent.is_dir():
            raise StoreError(
                "There is no such experiment.",
                "It was deleted, or belongs to another store.",
                "Open the start page.",
            )
        spec = _read(path, ExperimentSpec, renew=_renewed)
        if spec.id != id:
            raise StoreError(
                f"{path.name} of '{id}' cannot be used.",
                f"It was written for experiment {spec.id}.",
                "Start again in a new experiment.",
            )
        return spec

    def experiments(self) -> tuple[list[ExperimentSpec], dict[str, StoreError]]:
        """Return every experiment, newest first, and by name of its folder why one cannot be read."""
        found, unreadable = [], {}
        for folder in sorted((self.root / "experiments").iterdir(), reverse=True):
            if not folder.is_dir() or folder.name.startswith("."):
                continue
            try:
                if not ID_PATTERN.fullmatch(folder.name):
                    raise _no_experiment(folder.name)
                found.append(self.experiment(folder.name))
            except StoreError as error:
                unreadable[folder.name] = error
        return found, unreadable

    def split(self, id: str) -> SplitSummary | None:
        """Return how the rows were split, once they are."""
        path = self.experiment_folder(id) / "data" / "split.json"
        return _read(path, SplitSummary, renew=_renewed_split) if path.is_file() else None

    def shift_settings(self, id: str) -> ShiftSettings:
        """Return how shift is measured in an experiment; if nobody has said so, by default, in the split's order of time."""
        path = self.experiment_folder(id) / "shift.json"
        if path.is_file():
            return _read(path, ShiftSettings)
        return ShiftSettings(time=self.experiment(id).split.time)

    def save_shift_settings(self, id: str, settings: ShiftSettings) -> None:
        """Keep how shift is to be measured; this is no part of the question, so it may change at any time."""
        write_atomic(self.experiment_folder(id) / "shift.json", to_json(settings))

    # --- the quick look -------------------------------------------------------------------------

    def look(self, id: str) -> QuickLook | None:
        """Return the quick look at an experiment as it stands, ``None`` if nobody has asked for one.

        Raises:
            StoreError: If it cannot be read.
        """
        path = self._look_path(id)
        return _read(path, QuickLook) if path.is_file() else None

    def has_look(self, id: str) -> bool:
        """Return whether somebody has asked for a quick look."""
        return self._look_path(id).is_file()

    def save_look(self, id: str, look: QuickLook) -> None:
        """Write how a quick look stands now; only the runner does, unless the question was changed meanwhile."""
        if self._look_path(id).is_file():
            write_atomic(self._look_path(id), to_json(look))

    def add_look(self, id: str, look: QuickLook) -> None:
        """Write a quick look in the place of an earlier one and its tries, then tell the runner.

        Raises:
            StoreError: If the store cannot be written.
        """
        path = self._look_path(id)
        try:
            _remove(path.parent)
            path.parent.mkdir(exist_ok=True)
            write_atomic(path, to_json(look))
            write_atomic(self.root / "inbox" / id, b"")
        except OSError as error:
            raise _cannot_ask(error) from error

    def request_stop_of_look(self, id: str) -> None:
        """Ask for the end of a quick look, and tell the runner."""
        (self._look_path(id).parent / "stop").touch()
        write_atomic(self.root / "inbox" / id, b"")

    def stop_of_look_asked(self, id: str) -> bool:
        """Whether somebody has asked for the end of a quick look."""
        return (self._look_path(id).parent / "stop").exists()

    def looks_under_way(self) -> list[str]:
        """Return the experiments whose quick look has not ended; one that cannot be read does not count."""
        found = []
        for path in (self.root / "experiments").glob(f"*/{FOLDERS[QUICK]}/look.json"):
            with contextlib.suppress(StoreError):
                look = self.look(path.parents[1].name)
                if look is not None and look.status == "running":
                    found.append(path.parents[1].name)
        return sorted(found)

    def _look_path(self, id: str) -> Path:
        return self.experiment_folder(id) / FOLDERS[QUICK] / "look.json"

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
        spec = _read(path, RunSpec)
        if (spec.experiment, spec.id, spec.rehearse) != (experiment, run, is_estimate(run)):
            raise StoreError(
                f"{path.name} of run '{run}' cannot be used.",
                f"It was written for run '{spec.id}' of experiment {spec.experiment}.",
                "Start the run again in a new experiment.",
            )
        return spec

    def runs(self, experiment: str) -> list[RunSpec]:
        """Return the runs of an experiment in the order they were asked for.

        A run whose ``run.json`` cannot be read is there too, as far as its folder's name tells: it is shown as failed.
        """
        return self._specs(experiment, "runs")

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
        specs = []
        for path in (self.experiment_folder(experiment) / kind).glob("*/run.json"):
            name = RUN_PATTERN.fullmatch(path.parent.name)
            if name is None or self.run_folder(experiment, name[0]) != path.parent:
                continue
            try:
                specs.append(self.run(experiment, name[0]))
            except StoreError:
                seed = int(name[3])
                work: Work = "rehearse" if is_estimate(name[0]) else "train"
                specs.append(RunSpec(name[0], experiment, name[2], options={}, seed=seed, work=work))
        return sorted(specs, key=lambda spec: (spec.seed, spec.order))

    def add_runs(self, runs: Sequence[RunSpec]) -> None:
        """Write runs into their folders, then tell the runner by the inbox.

        Raises:
            StoreError: If one of them exists, or the store cannot be written; then nothing is added.
        """
        folders = [self.run_folder(run.experiment, run.id) for run in runs]
        made: list[Path] = []
        try:
            if any(folder.exists() for folder in folders):
                raise FileExistsError
            for run, folder in zip(runs, folders, strict=True):
                folder.mkdir(parents=True)  # fails if another tab was faster
                made.append(folder)
                write_atomic(folder / "run.json", to_json(run))
            for experiment in {run.experiment for run in runs}:
                write_atomic(self.root / "inbox" / experiment, b"")
        except OSError as error:
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
            if isinstance(error, FileExistsError):
                raise _started_already() from error
            raise StoreError(
                "The runs cannot be written.", f"{error.strerror}.", "Free some room, then start them again."
            ) from error

    def add_beside(self, pieces: Sequence[RunSpec]) -> None:
        """Write work beside the runs into its folders, then tell the runner; those that are there are left alone.

        Raises:
            StoreError: If the store cannot be written.
        """
        try:
            for spec in pieces:
                folder = self.run_folder(spec.experiment, spec.id)
                if not (folder / "run.json").exists():
                    folder.mkdir(parents=True, exist_ok=True)
                    write_atomic(folder / "run.json", to_json(spec))
            for experiment in {spec.experiment for spec in pieces}:
                write_atomic(self.root / "inbox" / experiment, b"")
        except OSError as error:
            raise _cannot_ask(error) from error

    def remove_beside(self, experiment: str, run: str) -> None:
        """Remove work beside the runs, so that it can be asked for again."""
        folder = self.run_folder(experiment, run)
        if is_beside(run):
            _remove(folder)

    def result(self, experiment: str, run: str) -> RunResult | None:
        """Return how a run ended, once it has; ``failed`` if its result cannot be read."""
        path = self.run_folder(experiment, run) / "result.json"
        if not path.is_file():
            return None
        try:
            return _read(path, RunResult)
        except StoreError as error:
            return RunResult("failed", error=str(error))

    def save_result(self, experiment: str, run: str, result: RunResult) -> None:
        """Write how a run ended whose worker could not do it."""
        write_atomic(self.run_folder(experiment, run) / "result.json", to_json(result))

    def request_stop(self, experiment: str, run: str) -> None:
        """Ask a run to stop; it keeps its best weights."""
        (self.run_folder(experiment, run) / "stop").touch()


def _no_experiment(name: str) -> StoreError:
    return StoreError(
        f"The folder '{name}' is no experiment.",
        "Its name is not that of one.",
        "Take it out of the store, or give it its name back.",
    )


def _cannot_ask(error: OSError) -> StoreError:
    return StoreError(
        "What is to be measured cannot be written.",
        f"{error.strerror}.",
        "Free some room, then ask again.",
    )


def _started_already() -> StoreError:
    return StoreError(
        "This experiment has been started already.",
        "It is fixed once it has runs, so that results belong to what is shown beside them.",
        "Reload the page to see its runs, or make a new experiment.",
    )


def _remove(folder: Path) -> None:
    """Remove a folder that a worker may be writing into: renamed first, so that it is gone at once and whole."""
    gone = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.removed")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return
    except OSError:  # Windows does not rename what is open
        gone = folder
    shutil.rmtree(gone, ignore_errors=True)


def _renewed(text: bytes) -> bytes:
    """Return a question as it is written now; version 0.1.0 knew one label column, and of the split only its seed.

    >>> from_json(_renewed(b'{"schema": {"label": "y"}, "split_seed": 3}'), dict)
    {'schema': {'labels': ['y']}, 'split': {'seed': 3}}
    """
    question = from_json(text, dict[str, Any])
    schema = question.get("schema")
    if isinstance(schema, dict) and "label" in schema:
        schema["labels"] = [schema.pop("label")]
    if "split_seed" in question:
        question["split"] = {"seed": question.pop("split_seed")}
    return to_json(question)


def _renewed_split(text: bytes) -> bytes:
    """Return how rows were split as it is written now; before, only the new part of the holdout was counted by label.

    >>> from_json(_renewed_split(b'{"holdout": {}, "held_labels": {"a": 3}}'), dict)
    {'holdout': {'labels': {'new': {'a': 3}}}}
    """
    split = from_json(text, dict[str, Any])
    if "held_labels" in split:
        split["holdout"]["labels"] = {"new": split.pop("held_labels")}
    return to_json(split)


def _read(path: Path, kind: type[T], renew: Callable[[bytes], bytes] = bytes) -> T:
    """Return what a file of the store holds, which ``renew`` brings into today's form."""
    try:
        return from_json(renew(path.read_bytes()), kind)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise StoreError(
            f"{path.name} of '{path.parent.name}' cannot be read.",
            f"{reason}.",
            "Start again in a new experiment.",
        ) from error

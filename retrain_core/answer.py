"""Everything known about one experiment, put together for the page, the report and the command line."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from retrain_core.compare import compare
from retrain_core.data.files import write_atomic
from retrain_core.errors import StoreError
from retrain_core.report import render
from retrain_core.report.content import ReportContent
from retrain_core.runs.outcomes import load_outcomes
from retrain_core.runs.probes import sensitivities, shift_of
from retrain_core.runs.state import read_events
from retrain_core.runs.store import Store
from retrain_core.types import (
    Comparison,
    ExperimentSpec,
    ModelCard,
    Outcome,
    Schema,
    SplitSummary,
    from_json,
    to_json,
)

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "scipy")


@dataclass(frozen=True)
class HeldRows:
    """The held-out rows of one file, counted from 0 without the header."""

    file: str
    sha256: str
    rows: tuple[int, ...]


def answer(store: Store, experiment: str, old_weight: float) -> ReportContent:
    """Return the comparison of an experiment whose runs have ended, with all that explains it.

    Raises:
        StoreError: If it has not been run.
    """
    spec, split = store.experiment(experiment), store.split(experiment)
    outcomes = load_outcomes(store, experiment)
    if split is None or not outcomes:
        raise StoreError(
            "This experiment has no results.",
            "None of its runs has ended with one.",
            "Look at the Train page.",
        )
    card = from_json((store.experiment_folder(experiment) / "data" / "card.json").read_bytes(), ModelCard)
    shift = shift_of(store, experiment) if spec.old is not None else None
    folders = {outcome.spec.id: store.run_folder(experiment, outcome.spec.id) for outcome in outcomes}
    events = {run: read_events(folder / "events.jsonl") for run, folder in folders.items()}
    return ReportContent(
        spec=spec,
        card=card,
        split=split,
        comparison=_compare(outcomes, split, spec.schema, old_weight),
        shift=shift,
        sensitivities=sensitivities(store, experiment),
        complete=len(outcomes) == len(store.runs(experiment)),
        curves={run: tuple(e.values for e in found if e.kind == "epoch") for run, found in events.items()},
        versions={name: metadata.version(name) for name in PACKAGES},
        outcomes=outcomes,
    )


def weigh(content: ReportContent, old_weight: float) -> ReportContent:
    """Return the same answer for another weight of the old rows; no file is read again."""
    return replace(
        content, comparison=_compare(content.outcomes, content.split, content.spec.schema, old_weight)
    )


def _compare(
    outcomes: Sequence[Outcome], split: SplitSummary, schema: Schema, old_weight: float
) -> Comparison:
    found = compare(outcomes, split.holdout, schema.task, old_weight)
    added = [name for name in schema.new_classes if split.held_labels.get(name)]
    if not added:
        return found
    rows = sum(split.held_labels[name] for name in added)
    note = (
        f"{rows:,} of {split.holdout.new_rows:,} new rows have a label that the old model does not know "
        f"({', '.join(added)}): they count as wrong for keep."
    )
    return replace(found, notes=(*found.notes, note))


def write_answer(store: Store, content: ReportContent, out: Path) -> None:
    """Write ``comparison.json``, ``models/NAME.keras``, ``report.html`` and ``holdout_rows.json`` into ``out``."""
    models = out / "models"
    models.mkdir(parents=True, exist_ok=True)
    for name, candidate in content.comparison.strategies.items():
        if candidate.model is not None:
            shutil.copyfile(model_path(store, content, name), out / candidate.model)
    write_atomic(out / "comparison.json", to_json(content.comparison))
    write_atomic(out / "report.html", render(content).encode())
    write_atomic(out / "holdout_rows.json", to_json(holdout_rows(store, content.spec)))


def holdout_rows(store: Store, spec: ExperimentSpec) -> dict[str, HeldRows]:
    """Return which rows of which file were held out, by part, so that anybody can score on them again."""
    data = store.experiment_folder(spec.id) / "data"
    files = {"new": spec.holdout or spec.new, "old": spec.old}
    return {
        part: HeldRows(ref.name, ref.sha256, tuple(np.load(data / f"{part}_holdout" / "rows.npy").tolist()))
        for part, ref in files.items()
        if ref is not None
    }


def model_path(store: Store, content: ReportContent, strategy: str) -> Path:
    """Return the model of a strategy: that of its first seed."""
    seeds = content.comparison.strategies[strategy].per_seed
    run = next(seed["run"] for seed in seeds if seed["new"] is not None)
    return store.run_folder(content.spec.id, run) / "model.keras"

"""Everything known about one experiment, put together for the page, the report and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from retrain_core.answer_command import commands
from retrain_core.compare import compare
from retrain_core.compare.evidence import Evidence, Held, gather
from retrain_core.data import read_table
from retrain_core.data.parts import SCORED_PARTS, load_dataset, load_groups, looked_at, sample_of
from retrain_core.diagnosis import learning_curve, machine
from retrain_core.errors import StoreError
from retrain_core.files import write_atomic
from retrain_core.machine import available_memory_mb, total_memory_mb
from retrain_core.report import render
from retrain_core.report.content import Commands, ReportContent
from retrain_core.runs.candidates import checked_model, mark_of
from retrain_core.runs.client import known_devices
from retrain_core.runs.events import read_events
from retrain_core.runs.from_worker import MOST_MODEL, copy_plain, read_plain
from retrain_core.runs.outcomes import load_outcomes
from retrain_core.runs.probes import measured_curves, plan_report, sensitivities, shift_of, unreadable
from retrain_core.runs.quick import has_chosen
from retrain_core.runs.state import probe_states
from retrain_core.runs.store import Store
from retrain_core.types import (
    Comparison,
    ExperimentSpec,
    Level,
    ModelCard,
    Schema,
    ScoredSide,
    SplitSummary,
    Table,
    Wishes,
    from_json,
    to_json,
)
from retrain_core.types.text import counted

PACKAGES = ("tensorflow", "keras", "numpy", "pandas", "scipy")


@dataclass(frozen=True)
class HeldRows:
    """The held-out rows of one file, counted from 0 without the header."""

    file: str
    sha256: str
    rows: tuple[int, ...]


BY_VALIDATION = "A quick look chose by the validation rows, so they are not weighed: new rows are those of the holdout alone."


def evidence_of(store: Store, experiment: str) -> Evidence:
    """Return what the runs of an experiment that have ended have told: all that is compared follows from it.

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
    quick = has_chosen(store, experiment, [outcome.spec for outcome in outcomes])
    return gather(outcomes, split.holdout, spec.schema, _held(store, spec, quick=quick))


def compared(
    store: Store, experiment: str, wishes: Wishes, level: Level | None, evidence: Evidence
) -> Comparison:
    """Return the comparison alone, which takes nearly all the time that an answer takes; no file of rows is read.

    Args:
        store: The store.
        experiment: Its id.
        wishes: What the user wants of the next model.
        level: How much the data has moved, as far as it is known.
        evidence: What its runs have told.
    """
    spec, split = store.experiment(experiment), store.split(experiment)
    assert split is not None
    quick = has_chosen(store, experiment, [outcome.spec for outcome in evidence.outcomes])
    notes = (*_notes(split, spec.schema), *([BY_VALIDATION] if quick else []))
    return replace(compare(evidence, wishes, level, notes), warnings=split.warnings)


def answer(
    store: Store,
    experiment: str,
    wishes: Wishes,
    evidence: Evidence | None = None,
    comparison: Comparison | None = None,
) -> ReportContent:
    """Return the comparison of an experiment whose runs have ended, with all that explains it.

    Args:
        store: The store.
        experiment: Its id.
        wishes: What the user wants of the next model.
        evidence: What its runs have told, if that was read before.
        comparison: What ``compared`` made of it under these wishes, if that is known.

    Raises:
        StoreError: If it has not been run.
    """
    evidence = evidence or evidence_of(store, experiment)
    outcomes = evidence.outcomes
    spec, split = store.experiment(experiment), store.split(experiment)
    assert split is not None
    card = from_json((store.experiment_folder(experiment) / "data" / "card.json").read_bytes(), ModelCard)
    shift = shift_of(store, experiment) if spec.old is not None else None
    folders = {outcome.spec.id: store.run_folder(experiment, outcome.spec.id) for outcome in outcomes}
    probes = {probe.id: probe for probe in plan_report(store, spec)}
    states = probe_states(store, experiment, list(probes))
    errors = {id: state.error for id, state in states.items() if state.error} | unreadable(
        store, list(probes.values())
    )
    events = {run: read_events(folder / "events.jsonl") for run, folder in folders.items()}
    level = shift.overall.level if shift else None
    comparison = comparison or compared(store, experiment, wishes, level, evidence)
    return ReportContent(
        spec=spec,
        card=card,
        split=split,
        comparison=comparison,
        shift=shift,
        sensitivities=sensitivities(store, experiment),
        learning_curves=tuple(
            learning_curve(
                points, strategy=name, metric=comparison.metric.name, rows_now=split.rows["new_train"]
            )
            for name, points in measured_curves(store, experiment).items()
        ),
        errors={(probes[id].work, probes[id].strategy): error for id, error in errors.items()},
        machine=machine(known_devices(store), total_memory_mb(), available_memory_mb()),
        complete=len(outcomes) == len(store.runs(experiment)),
        curves={run: tuple(e.values for e in found if e.kind == "epoch") for run, found in events.items()},
        versions={name: metadata.version(name) for name in PACKAGES},
        evidence=evidence,
        quick=has_chosen(store, experiment, [outcome.spec for outcome in outcomes]),
    )


def _held(store: Store, spec: ExperimentSpec, *, quick: bool) -> dict[ScoredSide, Held]:
    """Return the rows that candidates are scored on, by part.

    Rows that told when to stop are no substitute for those of the holdout if these are later ones or a file of their own, or
    if a quick look has chosen by them what was run.
    """
    held: dict[ScoredSide, Held] = {}
    apart = spec.split.time is not None or spec.holdout is not None or quick
    for side, part in SCORED_PARTS.items():
        folder = store.experiment_folder(spec.id) / "data" / part
        if not folder.is_dir() or (side == "validation" and apart):
            continue
        data, groups = load_dataset(folder), load_groups(folder)
        if side not in ("new", "old") and groups is not None:
            groups = np.unique(groups[sample_of(len(groups))], return_inverse=True)[1]
        held[side] = Held(
            np.array(looked_at(side, data).targets), groups
        )  # a copy: what is kept holds no file
    return held


def _notes(split: SplitSummary, schema: Schema) -> tuple[str, ...]:
    """Return what is to be known of the new classes."""
    labels = split.holdout.labels.get("new", {})
    added = [name for name in schema.new_classes if labels.get(name)]
    if not added:
        return ()
    rows = sum(labels[name] for name in added)
    have, count = ("has", "it counts") if rows == 1 else ("have", "they count")
    return (
        f"{rows:,} of {counted(split.holdout.new_rows, 'new row')} {have} a label that the old model does not know "
        f"({', '.join(added)}): {count} as wrong for keep.",
    )


def write_answer(store: Store, content: ReportContent, out: Path) -> None:
    """Write ``comparison.json``, ``models/NAME.keras``, ``report.html`` and ``holdout_rows.json`` into ``out``."""
    models = out / "models"
    models.mkdir(parents=True, exist_ok=True)
    for name, candidate in content.comparison.strategies.items():
        if candidate.model is not None:
            copy_plain(model_path(store, content, name), out / candidate.model)
    write_atomic(out / "comparison.json", to_json(content.comparison))
    content = replace(content, commands=commands_of(store, content))
    write_atomic(out / "report.html", render(content).encode())
    write_atomic(out / "holdout_rows.json", to_json(holdout_rows(store, content.spec)))


def commands_of(store: Store, content: ReportContent, tables: Mapping[str, Table] | None = None) -> Commands:
    """Return the commands that do the same as an experiment.

    Args:
        store: The store.
        content: The experiment and its answer.
        tables: Its data files by role; read if not given.
    """
    spec = content.spec
    if tables is None:
        refs = {"new": spec.new, "old": spec.old}
        tables = {role: read_table(store.file_path(ref), ref.name) for role, ref in refs.items() if ref}
    return commands(content, store.runs(spec.id), store.shift_settings(spec.id), tables)


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
    """Return the model of a strategy, as it was checked: that of its first seed.

    Raises:
        RetrainError: If it is not to be handed out.
    """
    return checked_model(store, content.spec.id, _run_of(content, strategy))


def is_checked(store: Store, content: ReportContent, strategy: str) -> bool:
    """Whether the model of a strategy can be handed out as it is."""
    return mark_of(store, content.spec.id, _run_of(content, strategy)).exists()


def _run_of(content: ReportContent, strategy: str) -> str:
    """Return the run whose model stands for a strategy."""
    seeds = content.comparison.strategies[strategy].per_seed
    run: str = next((seed["run"] for seed in seeds if seed["new"] is not None), seeds[0]["run"])
    return run


def model_bytes(store: Store, content: ReportContent, strategy: str) -> bytes:
    """Return the file of a strategy's model.

    Raises:
        RetrainError: If it is not to be handed out.
    """
    return read_plain(model_path(store, content, strategy), MOST_MODEL)

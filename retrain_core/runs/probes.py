"""Pieces of diagnosis: what is asked for, and what has been found.

A probe is worked off like a run, in a folder of its own, beside the runs: it needs none, and outlives a refresh as they do.

``shift``        the files, column by column and all together; waits for no device
``observe``      what the old model makes of the rows of both sides
``explain``      what was observed, measured: the shift as the model sees it
``sensitivity``  one model on disturbed rows
``train``        a strategy on a part of the new rows, for the learning curve
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from numpy.typing import NDArray

from retrain_core.diagnosis import subsample_sizes
from retrain_core.errors import StoreError
from retrain_core.machine import usable_cores
from retrain_core.runs.client import ensure_runner
from retrain_core.runs.from_worker import MOST_SENSITIVITY, read_array, read_found
from retrain_core.runs.index import read_runs
from retrain_core.runs.names import FOLDERS, PROBE
from retrain_core.runs.placement import MEASURE
from retrain_core.runs.plan import Options
from retrain_core.runs.prepare import link_inputs
from retrain_core.runs.store import Store
from retrain_core.types import (
    CurvePoint,
    ExperimentSpec,
    ModelShift,
    RunSpec,
    Sensitivity,
    ShiftReport,
    ShiftSettings,
    Work,
    to_json,
)
from retrain_core.workers import measuring
from retrain_core.workers.files import IMAGES, MODEL, REPORT

CURVE_SEEDS = (0, 1)
SENSITIVITY = "sensitivity.json"
FOUND: Mapping[Work, tuple[str, type[Any]]] = {
    "shift": (REPORT, ShiftReport),
    "explain": (MODEL, ModelShift),
    "sensitivity": (SENSITIVITY, Sensitivity),
}  # what pages and reports show, by file; a damaged one is left out, and ``unreadable`` says why
MOST_IMAGES = 256 * 1024**2
T = TypeVar("T")

# --- what is asked for ----------------------------------------------------------------------------


def plan_shift(experiment: str, settings: ShiftSettings, *, model: bool = True) -> list[RunSpec]:
    """Return the probes that tell how the data has moved; with ``model``, as the old model sees it too."""
    shift = _probe(experiment, "shift", _number(settings), device=MEASURE, shift=settings)
    if not model:
        return [shift]
    observe = _probe(experiment, "observe", 0)
    timeless = replace(settings, time=None)  # what the model sees has no order
    explain = _probe(
        experiment, "explain", _number(timeless), device=MEASURE, shift=timeless, after=observe.id
    )
    return [shift, observe, explain]


def plan_sensitivity(store: Store, experiment: str) -> list[RunSpec]:
    """Return the probes that disturb the rows for the old model, and for one model of each strategy that is run.

    It is that of the first seed; a run that has ended without a model is passed over.
    """
    probes = {"keep": _probe(experiment, "sensitivity", 0, name="sensitivity_keep")}
    for place, run in enumerate(store.runs(experiment), start=1):
        result = store.result(experiment, run.id)
        if run.strategy not in probes and (result is None or result.model):
            probes[run.strategy] = _probe(
                experiment,
                "sensitivity",
                run.seed,
                name=f"sensitivity_{run.strategy}",
                strategy=run.strategy,
                after=run.id,
                order=place,
            )
    return list(probes.values())


def plan_report(store: Store, spec: ExperimentSpec) -> list[RunSpec]:
    """Return the probes that the report of an experiment with runs shows: how the data has moved, how sensitive each model is."""
    moved = plan_shift(spec.id, store.shift_settings(spec.id)) if spec.old is not None else []
    return [*moved, *plan_sensitivity(store, spec.id)]


def plan_curve(experiment: str, strategy: str, options: Options, rows: int) -> list[RunSpec]:
    """Return runs of a strategy on growing parts of the new training rows.

    Args:
        experiment: Its id.
        strategy: Name in ``STRATEGIES``.
        options: Its options.
        rows: New training rows there are.
    """
    setting = hashlib.sha256(to_json(sorted(options.items()))).hexdigest()[:6]
    return [
        _probe(
            experiment,
            "train",
            seed,
            name=f"curve_{strategy}_{size}_{setting}",
            strategy=strategy,
            options=options,
            new_rows=size,
            order=place,
        )
        for seed in CURVE_SEEDS
        for place, size in enumerate(subsample_sizes(rows))
    ]


def request_probes(store: Store, probes: Sequence[RunSpec], *, again: bool = False) -> None:
    """Hand probes of one experiment to the runner; what is there or on its way is left alone.

    Args:
        store: The store.
        probes: As planned above.
        again: Whether to try those again that failed, or whose findings cannot be read.

    Raises:
        StoreError: If the store cannot be written.
    """
    missing = []
    known = (
        {row.id for row in read_runs(store.root / "index.sqlite", probes[0].experiment)[0]}
        if probes
        else set()
    )
    for spec in probes:
        result = store.result(spec.experiment, spec.id)
        if result is not None and again and (result.status != "finished" or unreadable(store, [spec])):
            store.remove_beside(spec.experiment, spec.id)
            result = None
        waits = bool(spec.after) and store.result(spec.experiment, spec.after) is None
        asked = (store.run_folder(spec.experiment, spec.id) / "run.json").exists()
        if result is None and not (asked and (waits or spec.id in known)):
            missing.append(spec)  # or lost by a runner that was killed
    if missing:
        store.check_room()
        store.add_beside(missing)
        ensure_runner(store)


def measure_here(store: Store, spec: ExperimentSpec) -> None:
    """Measure how the data has moved in this very process, if that is not known; for programs without a runner."""
    if spec.old is None or known_shift(store, spec.id, store.shift_settings(spec.id)):
        return
    shift = plan_shift(spec.id, store.shift_settings(spec.id))[0]
    store.add_beside([shift])
    measuring.run(link_inputs(store, shift), MEASURE, usable_cores())


def _probe(
    experiment: str,
    work: Work,
    number: int,
    *,
    name: str = "",
    strategy: str = "keep",
    options: Options | None = None,
    device: str = "auto",
    shift: ShiftSettings | None = None,
    after: str = "",
    new_rows: int | None = None,
    order: int = 0,
) -> RunSpec:
    return RunSpec(
        id=f"{PROBE}{name or work}-{number}",
        experiment=experiment,
        strategy=strategy,
        options=options or {},
        seed=number if work == "train" else 0,
        device=device,
        work=work,
        shift=shift,
        after=after,
        new_rows=new_rows,
        order=order,
    )


def _number(settings: ShiftSettings) -> int:
    """Return a number that is the same for the same settings."""
    ordered = replace(settings, readings=dict(sorted(settings.readings.items())))
    return int.from_bytes(hashlib.sha256(to_json(ordered)).digest()[:6])


# --- what has been found --------------------------------------------------------------------------


def known_shift(store: Store, experiment: str, settings: ShiftSettings) -> tuple[tuple[str, int], ...]:
    """Return the probes that have told how the data has moved, and when; empty if there is no report yet."""
    shift, _, explain = plan_shift(experiment, settings)
    known = []
    for probe in (shift, explain):
        with contextlib.suppress(FileNotFoundError):
            path = store.run_folder(experiment, probe.id) / FOUND[probe.work][0]
            known.append((probe.id, path.lstat().st_mtime_ns))
    return tuple(known) if known and known[0][0] == shift.id else ()


def known_probes(store: Store, experiment: str) -> tuple[tuple[str, int], ...]:
    """Return the probes that have ended and when, and how shift is measured: what an answer shows follows from it."""
    paths = (
        (spec.id, store.run_folder(experiment, spec.id) / "result.json") for spec in store.probes(experiment)
    )
    ended = tuple((id, path.stat().st_mtime_ns) for id, path in paths if path.is_file())
    return (*ended, ("settings", _number(store.shift_settings(experiment))))


def shift_of(store: Store, experiment: str, settings: ShiftSettings | None = None) -> ShiftReport | None:
    """Return how the data of an experiment has moved as far as it is known; ``None`` if nothing is."""
    shift = plan_shift(experiment, settings or store.shift_settings(experiment))[0]
    report = _found(store, shift, ShiftReport)
    return report and replace(report, model=model_shift_of(store, experiment, settings))


def model_shift_of(store: Store, experiment: str, settings: ShiftSettings | None = None) -> ModelShift | None:
    """Return the shift as the old model sees it; ``None`` if that is not known."""
    explain = plan_shift(experiment, settings or store.shift_settings(experiment))[-1]
    return _found(store, explain, ModelShift)


def _found(store: Store, probe: RunSpec, kind: type[T]) -> T | None:
    """Return what a probe has found; ``None`` if that is not there yet, or damaged."""
    with contextlib.suppress(StoreError):
        path = store.run_folder(probe.experiment, probe.id) / FOUND[probe.work][0]
        return read_found(path, kind)
    return None


def unreadable(store: Store, probes: Sequence[RunSpec]) -> dict[str, str]:
    """Return by id why what probes have found cannot be read; those that can be, or have not ended, are left out."""
    why = {}
    for probe in probes:
        result = store.result(probe.experiment, probe.id)
        if probe.work in FOUND and result is not None and result.status == "finished":
            name, kind = FOUND[probe.work]
            try:
                read_found(store.run_folder(probe.experiment, probe.id) / name, kind)
            except StoreError as error:
                why[probe.id] = str(error)
    return why


def unusual_images(store: Store, spec: ExperimentSpec) -> NDArray[Any] | None:
    """Return the new images that look least like the old ones to the model, in the order of ``ModelShift.unusual``."""
    explain = plan_shift(spec.id, store.shift_settings(spec.id))[-1]
    with contextlib.suppress(StoreError, FileNotFoundError):  # without them the page names the rows
        return read_array(store.run_folder(spec.id, explain.id) / IMAGES, MOST_IMAGES)
    return None


def known_sensitivities(store: Store, experiment: str) -> tuple[str, ...]:
    """Return the ids of the probes that have told what disturbed rows cost a model."""
    folder = store.experiment_folder(experiment) / FOLDERS[PROBE]
    return tuple(sorted(path.parent.name for path in folder.glob(f"*/{SENSITIVITY}")))


def sensitivities(store: Store, experiment: str) -> tuple[Sensitivity, ...]:
    """Return what disturbed rows cost each model that was looked at, the old model first."""
    found = []
    for id in known_sensitivities(store, experiment):
        with contextlib.suppress(StoreError):  # a damaged one costs itself
            spec = store.run(experiment, id)
            told = read_found(store.run_folder(experiment, id) / SENSITIVITY, Sensitivity, MOST_SENSITIVITY)
            found.append((spec.order, replace(told, model=spec.strategy)))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


def measured_curves(store: Store, experiment: str) -> dict[str, tuple[CurvePoint, ...]]:
    """Return the points of each learning curve that was asked for, by strategy."""
    strategies = dict.fromkeys(probe.strategy for probe in store.probes(experiment) if probe.work == "train")
    points = {name: curve_points(store, asked_curve(store, experiment, name)) for name in strategies}
    return {name: found for name, found in points.items() if found}


def asked_curve(store: Store, experiment: str, strategy: str) -> list[RunSpec]:
    """Return the runs of the strategy's learning curve that were asked for.

    They are those with the options that its run has, if there are any; else those with other options.
    """
    asked = [p for p in store.probes(experiment) if p.work == "train" and p.strategy == strategy]
    wanted = candidate_options(store, experiment, strategy)
    options = (
        wanted if any(probe.options == wanted for probe in asked) else asked[-1].options if asked else {}
    )
    return [probe for probe in asked if probe.options == options]


def candidate_options(store: Store, experiment: str, strategy: str) -> Options:
    """Return the options that a strategy's run has; none if it is not run."""
    return next((run.options for run in store.runs(experiment) if run.strategy == strategy), {})


def curve_points(store: Store, runs: Sequence[RunSpec]) -> tuple[CurvePoint, ...]:
    """Return what runs on parts of the rows have scored, as far as they have.

    Args:
        store: The store.
        runs: As ``plan_curve`` returns them.
    """
    points = []
    for run in runs:
        result = store.result(run.experiment, run.id)
        new = result.new if result else None
        metric = None if new is None else new.accuracy if new.accuracy is not None else new.mae
        if new is not None and metric is not None and run.new_rows:
            points.append(CurvePoint(run.new_rows, run.seed, new.loss, metric))
    return tuple(points)

"""An experiment of the app as commands that do the same."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence

from retrain_core.data.names import label_list
from retrain_core.data.typed import read_as
from retrain_core.errors import DataError
from retrain_core.report.content import Commands, ReportContent
from retrain_core.runs.settings import DEVICE, write_settings
from retrain_core.strategies import SHARED_OPTIONS
from retrain_core.types import (
    ExperimentSpec,
    Limits,
    RunSpec,
    Schema,
    ShiftSettings,
    SplitSettings,
    Stakes,
    Table,
    Thresholds,
    Wishes,
)

RUN = ("python", "-m", "retrain_core")
OUT = ("--out", "result")

WITHOUT_LOOK = (
    "It makes no quick look, so the validation rows are weighed too: the recommendation may differ."
)


def commands(
    content: ReportContent, runs: Sequence[RunSpec], settings: ShiftSettings, tables: Mapping[str, Table]
) -> Commands:
    """Return the commands that do what was done in the app, with as few options as that takes.

    Args:
        content: The experiment and its answer.
        runs: All its runs.
        settings: How its shift was measured.
        tables: Its data files, by role.
    """
    spec = content.spec
    reading, unsaid = _reading(content, tables, spec.split.columns)
    lines = [
        _line(
            "compare",
            _files(spec, ("model", "new", "old", "holdout")),
            reading,
            _split(spec.split),
            _compare(content, runs),
        )
    ]
    if spec.old is not None and settings != ShiftSettings(time=spec.split.time):
        files = _files(spec, ("model", "new", "old"))
        apart = () if settings.time is None else (settings.time,)
        reading, unsaid_there = _reading(content, tables, apart)
        lines.append(_line("shift", files, reading, _shift(settings)))
        unsaid = list(dict.fromkeys([*unsaid, *unsaid_there]))
    looked = [WITHOUT_LOOK] if content.quick else []
    return Commands(tuple(lines), (*_same_names(spec), *unsaid, *_unsaid_of_runs(spec, runs), *looked))


def _line(command: str, *options: Sequence[tuple[str, str]]) -> str:
    """Return a command; a value that begins like an option stands behind an equals sign."""
    words = [*RUN, command]
    for name, value in (pair for part in options for pair in part):
        words += [f"{name}={value}"] if value.startswith("-") else [name, value] if value else [name]
    return shlex.join([*words, *OUT])


def _files(spec: ExperimentSpec, roles: Sequence[str]) -> list[tuple[str, str]]:
    refs = [(role, getattr(spec, role)) for role in roles]
    return [(f"--{role}", ref.name) for role, ref in refs if ref is not None]


def _same_names(spec: ExperimentSpec) -> list[str]:
    names = Counter(name for _, name in _files(spec, ("model", "new", "old", "holdout")))
    return [
        f"{count} of the files are called {name}: give them names of their own first."
        for name, count in names.items()
        if count > 1
    ]


# --- how the files are read -----------------------------------------------------------------------


def _reading(
    content: ReportContent, tables: Mapping[str, Table], apart: Sequence[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the options that say how the files are read, those columns apart, and in a sentence what they cannot say."""
    schema, new, old = content.spec.schema, tables["new"], tables.get("old")

    def read(said: Mapping[str, str]) -> Schema | None:
        try:
            return read_as(content.card, new, old, apart=apart, **said)  # type: ignore[arg-type]
        except DataError:
            return None

    said = _all_said(schema)
    found = read(said)
    if found == schema:
        for name in list(said):
            fewer = {key: value for key, value in said.items() if key != name}
            if (name != "label" or new.flattened or new.arrays) and read(fewer) == schema:
                said = fewer
    return [(f"--{name}", value) for name, value in said.items()], _unsaid(schema, found)


def _all_said(schema: Schema) -> dict[str, str]:
    columns = schema.bindings[0].columns if len(schema.bindings) == 1 else ()
    said = {
        "label": label_list(schema.labels),
        "columns": label_list(columns),
        "classes": label_list(schema.classes),
    }
    if schema.task != "regression":
        said["outputs"] = "logits" if schema.from_logits else "probabilities"
    said["task"] = schema.task
    said["gaps"] = "fill" if schema.fill else ""
    return {name: value for name, value in said.items() if value}


def _unsaid(schema: Schema, found: Schema | None) -> list[str]:
    if found == schema:
        return []
    titles = {
        "labels": "the label columns",
        "bindings": "the columns of the inputs",
        "classes": "the labels in the order of the outputs",
        "loss": "the loss",
        "fill": "what fills in gaps",
    }
    parts = [
        title for name, title in titles.items() if found and getattr(found, name) != getattr(schema, name)
    ]
    return [
        f"It reads the files otherwise than the app did: {', '.join(parts) or 'the reading cannot be said'}."
    ]


# --- what was run ---------------------------------------------------------------------------------


def _compare(content: ReportContent, runs: Sequence[RunSpec]) -> list[tuple[str, str]]:
    first, strategies = runs[0], list(dict.fromkeys(run.strategy for run in runs))
    shared = {name: run.options[name] for run in runs for name in SHARED_OPTIONS if name in run.options}
    options = [("--strategies", ",".join(strategies))]
    options += [
        (f"--{name.replace('_', '-')}", str(shared[name]))
        for name in ("epochs", "batch_size")
        if name in shared
    ]
    options += [("--balanced", "")] if shared.get("balanced") else []
    options += [("--steps", str(first.limits.steps))] if first.limits.steps else []
    options += [("--device", first.device)] if first.device != "auto" else []
    options += [("--set", text) for text in (*write_settings(runs, shared), *_devices(runs))]
    options += [("--forecast", "")] if any(run.forecast for run in runs) else []
    seeds = _seeds(runs)
    options += [("--seed", str(seeds[0])), ("--seeds", str(len(seeds)))]
    return [*options, *_wishes(content.comparison.wishes)]


def _wishes(wishes: Wishes) -> list[tuple[str, str]]:
    """Return what the user wants of the next model, as far as it is not what everybody gets."""
    usual = Wishes()
    options = [("--old-weight", _exact(wishes.old_weight))]
    options += [("--score", wishes.score)] if wishes.score else []
    options += [
        (f"--{name.replace('_', '-')}", _exact(getattr(wishes, name)))
        for name in ("margin", "most_forgetting", "most_seconds")
        if getattr(wishes, name) != getattr(usual, name)
    ]
    options += [] if wishes.old_seen else [("--old-unseen", "")]
    return options + ([] if wishes.stakes is None else _stakes(wishes.stakes))


def _stakes(stakes: Stakes) -> list[tuple[str, str]]:
    """Return what a better model is worth."""
    return [
        ("--value", _exact(stakes.value)),
        ("--predictions-a-day", _exact(stakes.a_day)),
        ("--days", _exact(stakes.days)),
        ("--hour-price", _exact(stakes.an_hour)),
    ]


def _exact(value: float) -> str:
    """Return a number with all its digits.

    >>> _exact(0.0012345678), _exact(90.0)
    ('0.0012345678', '90')
    """
    return repr(float(value)).removesuffix(".0")


def _split(split: SplitSettings) -> list[tuple[str, str]]:
    named = (("--time", split.time), ("--id", split.id))
    return [(option, column) for option, column in named if column is not None]


def _devices(runs: Sequence[RunSpec]) -> list[str]:
    """Return the settings of strategies that ran elsewhere than keep, which runs where all do."""
    devices = {run.strategy: run.device for run in runs}
    return [f"{name}.{DEVICE}={device}" for name, device in devices.items() if device != runs[0].device]


def _seeds(runs: Sequence[RunSpec]) -> list[int]:
    return sorted({run.seed for run in runs})


def _unsaid_of_runs(spec: ExperimentSpec, runs: Sequence[RunSpec]) -> list[str]:
    seeds, limits = _seeds(runs), runs[0].limits
    found = []
    if limits.seconds is not None:
        found.append(f"It has no time limit; here each run had {limits.seconds / 60:g} min.")
    if limits.memory_mb is not None:
        found.append(f"It has no memory limit; here each run had {limits.memory_mb:,.0f} MB.")
    if limits.silence_seconds != Limits().silence_seconds:
        said = "none" if limits.silence_seconds is None else f"{limits.silence_seconds / 60:g} min"
        found.append(f"Its limit on silence is the usual one; here it was {said}.")
    if seeds != list(range(seeds[0], seeds[0] + len(seeds))):
        found.append(f"It counts seeds up from the first one; here they were {', '.join(map(str, seeds))}.")
    if spec.split.seed != seeds[0]:
        found.append(
            f"It splits the rows by the first seed; here the seed of the split was {spec.split.seed}."
        )
    return found


def _shift(settings: ShiftSettings) -> list[tuple[str, str]]:
    options = [("--time", settings.time)] if settings.time is not None else []
    options += [("--read", f"{column}={reading}") for column, reading in settings.readings.items()]
    usual = Thresholds()
    for name in ("alpha", "minor", "major"):
        value = getattr(settings.thresholds, name)
        options += [(f"--{name}", _exact(value))] if value != getattr(usual, name) else []
    return options

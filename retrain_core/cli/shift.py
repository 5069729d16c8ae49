"""``shift``: how new data differs from old."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from retrain_core.cli.reading import (
    data_arguments,
    experiment_of,
    make_folder,
    schema_of,
    tell_notes,
    writing,
)
from retrain_core.cli.waiting import work_until
from retrain_core.errors import DataError, RetrainError
from retrain_core.files import remove_tree, write_atomic
from retrain_core.types import (
    ModelShift,
    Reading,
    ShiftReport,
    ShiftSettings,
    SplitSettings,
    Thresholds,
    to_json,
)


def add(commands: Any) -> None:
    """Add the command to the parser's."""
    shift = commands.add_parser("shift", help="measure how new data differs from old; writes shift.json")
    usual = Thresholds()
    data_arguments(shift, old_required=True)
    shift.add_argument(
        "--model",
        type=Path,
        help="the old model; its inputs say which columns matter, and it looks at the rows. Without it, --columns, "
        "--classes, --outputs and --task have no effect",
    )
    shift.add_argument(
        "--time", metavar="COL", help="the column that says when a row came, or '(order in the file)'"
    )
    shift.add_argument(
        "--read",
        action="append",
        default=[],
        metavar="COL=KIND",
        help=f"how a column is read, such as code=categorical; may be given again. Kinds: {', '.join(get_args(Reading))}",
    )
    shift.add_argument(
        "--alpha", type=float, help=f"adjusted p-value below which a movement is real ({usual.alpha})"
    )
    shift.add_argument(
        "--minor", type=float, help=f"effect from which it matters, in standard deviations ({usual.minor})"
    )
    shift.add_argument("--major", type=float, help=f"effect from which it matters much ({usual.major})")
    shift.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Measure the shift and write ``shift.json``."""
    from retrain_core.data import chosen_labels, read_table
    from retrain_core.models import checked_card
    from retrain_core.shift import shift_json
    from retrain_core.shift.frames import label_names
    from retrain_core.shift.whole import measure_shift

    settings = _shift_settings(options)
    make_folder(options.out)
    old, new = read_table(options.old), read_table(options.new)
    schema, task = None, None
    if options.model:
        schema = schema_of(options, checked_card(options.model), new, old, _apart(options))
        labels, task = label_names(schema), schema.task
    elif options.label:
        labels = chosen_labels(new, options.label)
    else:
        labels = ("y",) if "y" in new.columns else new.flattened.get("y", ())
    report = measure_shift(old, new, schema=schema, labels=labels, task=task, settings=settings)
    if not options.model:  # else they are told where the model looks at the rows
        tell_notes(old, new)
    _tell_readings(report, settings)
    if options.model:
        report = replace(report, model=_seen_by_model(options, settings))
    with writing(options.out):
        write_atomic(options.out / "shift.json", to_json(shift_json(report)))
    print(report.overall.summary)


def _shift_settings(options: argparse.Namespace) -> ShiftSettings:
    """Return what the options say about how shift is measured."""
    usual = Thresholds()
    readings: dict[str, Reading] = {}
    for text in options.read:
        name, equals, kind = text.rpartition("=")
        if not equals or kind not in get_args(Reading):
            raise DataError(
                f"--read {text} cannot be read.",
                f"It has the form COLUMN=KIND; a kind is one of: {', '.join(get_args(Reading))}.",
                "Correct it.",
            )
        readings[name] = kind
    thresholds = Thresholds(
        usual.alpha if options.alpha is None else options.alpha,
        usual.minor if options.minor is None else options.minor,
        usual.major if options.major is None else options.major,
    )
    if not 0 < thresholds.alpha < 1 or not 0 <= thresholds.minor <= thresholds.major:
        raise DataError(
            "The thresholds do not fit together.",
            "--alpha lies between 0 and 1, --minor is at least 0, and --major at least --minor.",
            "Correct them.",
        )
    return ShiftSettings(thresholds, readings, options.time)


def _apart(options: argparse.Namespace) -> tuple[str, ...]:
    return () if options.time is None else (options.time,)


def _tell_readings(report: ShiftReport, settings: ShiftSettings) -> None:
    """Tell on standard error which columns are not read as asked.

    Raises:
        DataError: If a column that is to be read in some way is none of both files.
    """
    from retrain_core.shift.wording import listed

    columns = {column.name: column for column in (*report.columns, *report.labels, *report.others)}
    for name, wanted in settings.readings.items():
        if name not in columns:
            raise DataError(
                f"--read {name}={wanted} names no column of both files.",
                f"Theirs are: {listed(list(columns), 12)}.",
                "Correct it.",
            )
        found = columns[name]
        if found.reading != wanted:
            why = " ".join(finding.text for finding in found.findings if finding.what == "reading")
            told = why or f"It is read as {found.reading}. {found.reason}"
            print(f"note: --read {name}={wanted} is not followed. {told}", file=sys.stderr)


def _seen_by_model(options: argparse.Namespace, settings: ShiftSettings) -> ModelShift | None:
    """Return the shift as the old model sees it; ``None``, and why on standard error, if that cannot be told."""
    from retrain_core.runs.names import new_id
    from retrain_core.runs.probes import model_shift_of, plan_shift, unreadable
    from retrain_core.runs.runner import Runner
    from retrain_core.runs.state import probe_states
    from retrain_core.runs.store import Store

    root = Path(tempfile.mkdtemp(prefix=".store-", dir=options.out))
    try:
        store = Store(root)
        spec = experiment_of(store, options, new_id(), SplitSettings(), _apart(options))
        _, *probes = plan_shift(spec.id, settings)
        runner = Runner(store)
        try:
            store.add_beside(probes)
            work_until(lambda: all(one.done for one in probe_states(store, spec.id).values()), runner)
        finally:
            runner.close()
        errors = [one.error for one in probe_states(store, spec.id).values() if one.error]
        for error in dict.fromkeys([*errors, *unreadable(store, probes).values()]):
            print(f"note: what the model sees is not known: {error}", file=sys.stderr)
        return model_shift_of(store, spec.id, settings)
    except RetrainError as error:
        print(f"note: what the model sees is not known: {error}", file=sys.stderr)
        return None
    finally:
        remove_tree(root)

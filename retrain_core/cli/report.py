"""``report``: the report of an experiment that was made in the app."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrain_core.cli.reading import wish_arguments, wishes_of, writing
from retrain_core.errors import DataError, FileError, StoreError
from retrain_core.files import write_atomic

if TYPE_CHECKING:
    from retrain_core.runs.store import Store


def add(commands: Any) -> None:
    """Add the command to the parser's."""
    report = commands.add_parser("report", help="write the report of an experiment in a store")
    report.add_argument("--store", type=Path, required=True)
    report.add_argument("--experiment", required=True)
    wish_arguments(report)
    report.add_argument("--out", type=Path, required=True, help="the HTML file")
    report.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Write the report of an experiment in a store."""
    from retrain_core.answer import answer, commands_of
    from retrain_core.report import render
    from retrain_core.runs.probes import measure_here

    wishes_of(options)
    store = _open_store(options)
    if options.out.is_dir() or not options.out.parent.is_dir():
        why = "It is a folder." if options.out.is_dir() else "Its folder does not exist."
        raise FileError(f"--out {options.out} cannot be written.", why, "Name an HTML file.")
    try:
        spec = store.experiment(options.experiment)
        measure_here(store, spec)
        content = answer(store, options.experiment, wishes_of(options, spec.schema.task))
        content = replace(content, commands=commands_of(store, content))
    except StoreError as error:  # such as an experiment without results
        raise DataError(error.what, error.why, error.next_step) from error
    html = render(content)
    with writing(options.out):
        write_atomic(options.out, html.encode())
    print(options.out)


def _open_store(options: argparse.Namespace) -> Store:
    """Return the store that ``--store`` names if the experiment is in it; nothing is made."""
    from retrain_core.runs.store import Store

    if not (options.store / "experiments").is_dir():
        raise FileError(
            f"--store {options.store} is no store.",
            "It has no folder 'experiments'." if options.store.is_dir() else "There is no such folder.",
            "Give the folder that the app keeps its experiments in.",
        )
    store = Store(options.store)
    found, unreadable = store.experiments()
    if options.experiment in unreadable:
        raise unreadable[options.experiment]
    ids = [spec.id for spec in found]
    if options.experiment not in ids:
        known = ", ".join(ids[:5]) or "none"
        raise DataError(
            f"--experiment {options.experiment} is not in {options.store}.",
            f"The newest there: {known}.",
            "Copy the id from the address of its page.",
        )
    return store

"""The command line: inspect, shift, compare, report, runner.

Exit 0: done. Exit 2: the input is at fault. Exit 1: our fault.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from retrain_core.errors import DataError, InputError, RetrainError
from retrain_core.types import ExperimentSpec, ShiftReport, Table, to_json

if TYPE_CHECKING:
    from retrain_core.runs.runner import Runner
    from retrain_core.runs.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RetrainError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    except Exception as error:
        traceback.print_exc()
        print(f"error: this is our fault: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m retrain_core", description="Compare ways to update a Keras model."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    inspect = commands.add_parser("inspect", help="say what a model file is, as JSON")
    inspect.add_argument("model", type=Path, metavar="MODEL")
    inspect.set_defaults(command=_inspect)

    shift = commands.add_parser("shift", help="measure how new data differs from old")
    _data_arguments(shift, old_required=True)
    shift.add_argument("--model", type=Path, help="the old model; its inputs say which columns matter")
    shift.set_defaults(command=_shift)

    compare = commands.add_parser("compare", help="run the strategies and compare them on one holdout")
    compare.add_argument("--model", type=Path, required=True, help="the old model (.keras or .h5)")
    _data_arguments(compare, old_required=False)
    compare.add_argument("--holdout", type=Path, help="rows to score on instead of a part of NEW")
    compare.add_argument(
        "--strategies", default="keep,fine_tune,incremental,full_retrain", metavar="NAME,NAME"
    )
    compare.add_argument("--epochs", type=int, help="most epochs of the strategies that have epochs")
    compare.add_argument("--batch-size", type=int, help="rows a training step")
    compare.add_argument("--seed", type=int, default=0, help="first seed, and the seed of the split")
    compare.add_argument("--seeds", type=int, default=1, help="runs a strategy, each with a seed of its own")
    compare.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N")
    compare.add_argument(
        "--old-weight", type=float, default=0.5, help="weight of the old part in the score, 0 to 1"
    )
    compare.set_defaults(command=_compare)

    report = commands.add_parser("report", help="write the report of an experiment in a store")
    report.add_argument("--store", type=Path, required=True)
    report.add_argument("--experiment", required=True)
    report.add_argument("--old-weight", type=float, default=0.5)
    report.add_argument("--out", type=Path, required=True, help="the HTML file")
    report.set_defaults(command=_report)

    runner = commands.add_parser("runner", help="work off the queue of a store (the app starts it by itself)")
    runner.add_argument("--store", type=Path, required=True)
    runner.add_argument("--idle-seconds", type=float, default=3600.0, help="end after this long without work")
    runner.set_defaults(command=_runner)
    return parser


def _data_arguments(parser: argparse.ArgumentParser, *, old_required: bool) -> None:
    parser.add_argument("--new", type=Path, required=True, help="the new data (CSV, Parquet or NPZ)")
    parser.add_argument(
        "--old", type=Path, required=old_required, help="the data the old model was trained on"
    )
    parser.add_argument("--label", help="the label column; `y` for NPZ")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")


def _inspect(options: argparse.Namespace) -> None:
    from retrain_core.models import read_card

    sys.stdout.buffer.write(to_json(read_card(options.model)) + b"\n")


def _shift(options: argparse.Namespace) -> None:
    from retrain_core.data import read_table
    from retrain_core.shift import shift_json

    report = _shift_report(read_table(options.old), read_table(options.new), options)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "shift.json").write_bytes(to_json(shift_json(report)))
    print(report.overall.summary)


def _shift_report(old: Table, new: Table, options: argparse.Namespace) -> ShiftReport:
    """Measure the model's columns if a model is given, else all that the files hold."""
    from retrain_core.data import infer_schema
    from retrain_core.models import read_card
    from retrain_core.shift import shift_report
    from retrain_core.shift.frames import feature_frame

    schema, task, label = None, None, options.label or ("y" if "y" in new.columns else None)
    if options.model:
        schema = infer_schema(read_card(options.model), new, old, label=options.label)
        label, task = schema.label, schema.task
    if label is not None and label not in new.columns:
        names = ", ".join(map(str, new.columns.columns[:12]))
        raise DataError(
            f"{new.name} has no column '{label}'.",
            f"It is needed as the label. Its columns are: {names}.",
            "Choose another with --label.",
        )
    return shift_report(feature_frame(old, schema), feature_frame(new, schema), label=label, task=task)


def _compare(options: argparse.Namespace) -> None:
    from retrain_core.answer import answer, write_answer
    from retrain_core.runs.plan import plan_runs
    from retrain_core.runs.runner import Runner
    from retrain_core.runs.store import Store

    _check_compare(options)
    options.out.mkdir(parents=True, exist_ok=True)
    store = Store(options.out / ".store")
    spec = _experiment(store, options)
    shared = {"epochs": options.epochs, "batch_size": options.batch_size}
    runs = plan_runs(
        spec.id,
        {name.strip(): {} for name in options.strategies.split(",") if name.strip()},
        seeds=range(options.seed, options.seed + options.seeds),
        device=options.device,
        shared={key: value for key, value in shared.items() if value is not None},
    )
    runner = Runner(store)
    try:
        store.add_runs(runs)
        _wait(store, spec.id, runner)
    finally:
        runner.close()
    content = answer(store, spec.id, options.old_weight)
    write_answer(store, content, options.out)
    shutil.rmtree(store.root)
    recommendation = content.comparison.recommendation
    if recommendation is None:
        keep = content.comparison.strategies["keep"]
        raise DataError(
            "The old model could not be scored.", keep.error or "", "Without it nothing can be compared."
        )
    print(recommendation.summary)


def _check_compare(options: argparse.Namespace) -> None:
    if not 0 <= options.old_weight <= 1:
        raise DataError(
            f"--old-weight is {options.old_weight}.", "It is a share.", "Give a number from 0 to 1."
        )
    if options.seeds < 1:
        raise DataError(
            f"--seeds is {options.seeds}.", "Each strategy runs at least once.", "Give 1 or more."
        )


def _experiment(store: Store, options: argparse.Namespace) -> ExperimentSpec:
    from retrain_core.data import check, infer_schema, read_table
    from retrain_core.models import read_card
    from retrain_core.runs.store import new_id

    card = read_card(options.model)
    paths = {"new": options.new, "old": options.old, "holdout": options.holdout}
    tables = {role: read_table(path) for role, path in paths.items() if path is not None}
    schema = infer_schema(card, tables["new"], tables.get("old"), label=options.label)
    for finding in check(card, schema, tables):
        if finding.status == "error":
            raise DataError(finding.title, finding.detail)
        if finding.status == "warning":
            print(f"note: {finding.title}. {finding.detail}", file=sys.stderr)
    refs = {role: store.add_file(path) for role, path in paths.items() if path is not None}
    spec = ExperimentSpec(
        id=new_id(),
        name=options.new.stem,
        created=time.time(),
        model=store.add_file(options.model),
        new=refs["new"],
        old=refs.get("old"),
        holdout=refs.get("holdout"),
        schema=schema,
        split_seed=options.seed,
    )
    store.save_experiment(spec)
    return spec


def _wait(store: Store, experiment: str, runner: Runner) -> None:
    """Work until every run has ended, telling on standard error what happens."""
    from retrain_core.runs.state import experiment_status, run_states

    told: dict[str, str] = {}
    next_look = 0.0
    while True:
        runner.step()
        time.sleep(0.02)
        if time.monotonic() < next_look:
            continue
        next_look = time.monotonic() + 0.3
        status, error = experiment_status(store, experiment)
        if status == "failed":
            raise DataError(error or "The data could not be prepared.")
        states = run_states(store, experiment)
        for state in states:
            line = state.status if state.done or not state.label else state.label
            if told.get(state.spec.id) != line:
                told[state.spec.id] = line
                print(f"{state.spec.id}: {line}{f' ({state.error})' if state.error else ''}", file=sys.stderr)
        if status == "ready" and all(state.done for state in states):
            return


def _report(options: argparse.Namespace) -> None:
    from retrain_core.answer import answer
    from retrain_core.report import render
    from retrain_core.runs.store import Store

    if not options.store.is_dir():
        raise DataError(
            f"There is no store in {options.store}.", "The folder does not exist.", "Check the path."
        )
    content = answer(Store(options.store), options.experiment, options.old_weight)
    options.out.write_text(render(content), encoding="utf-8")
    print(options.out)


def _runner(options: argparse.Namespace) -> None:
    from retrain_core.runs.runner import main as serve

    serve(options.store, options.idle_seconds)


if __name__ == "__main__":
    sys.exit(main())

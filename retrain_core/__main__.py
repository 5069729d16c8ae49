"""The command line: inspect, shift, compare, report, runner.

Exit 0: done. Exit 2: the input is at fault. Exit 1: our fault.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from retrain_core.errors import DataError, FileError, InputError, RetrainError, RunError, StoreError
from retrain_core.types import (
    ExperimentSpec,
    Limits,
    ModelCard,
    ModelShift,
    Reading,
    RunSpec,
    Schema,
    ShiftSettings,
    Table,
    Task,
    Thresholds,
    to_json,
)

if TYPE_CHECKING:
    from retrain_core.runs.forecasts import EstimateState
    from retrain_core.runs.runner import Runner
    from retrain_core.runs.store import Store

TICK_SECONDS, LOOK_SECONDS = 0.02, 0.3
MOST_SEED = 2**32 - 1  # Keras takes no larger one


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

    shift = commands.add_parser("shift", help="measure how new data differs from old; writes shift.json")
    usual = Thresholds()
    _data_arguments(shift, old_required=True)
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
    shift.set_defaults(command=_shift)

    compare = commands.add_parser(
        "compare",
        help="run the strategies and compare them on one holdout; writes the scores, the models and the report",
    )
    compare.add_argument("--model", type=Path, required=True, help="the old model (.keras or .h5)")
    _data_arguments(compare, old_required=False)
    compare.add_argument("--holdout", type=Path, help="rows to score on instead of a part of NEW")
    compare.add_argument(
        "--strategies",
        default="keep,fine_tune,incremental,full_retrain",
        metavar="NAME,NAME",
        help="those to run (%(default)s); keep is always run, the README lists all",
    )
    compare.add_argument("--epochs", type=int, help="most epochs of the strategies that have epochs")
    compare.add_argument("--batch-size", type=int, help="rows a training step")
    compare.add_argument("--balanced", action="store_true", help="let classes weigh alike in the loss")
    compare.add_argument(
        "--steps", type=int, help="training steps that each strategy does, instead of its epochs"
    )
    compare.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME.OPTION=VALUE",
        help="an option of one strategy, or its device, such as fine_tune.trainable_layers=2; may be given again",
    )
    compare.add_argument(
        "--forecast", action="store_true", help="say what each strategy will cost before anything is trained"
    )
    compare.add_argument(
        "--seed", type=int, default=0, help="first seed, and the seed of the split (%(default)s)"
    )
    compare.add_argument(
        "--seeds", type=int, default=1, help="runs a strategy, each with a seed of its own (%(default)s)"
    )
    compare.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (%(default)s)")
    compare.add_argument(
        "--old-weight",
        type=float,
        default=0.5,
        help="weight of the old part in the score, 0 to 1 (%(default)s)",
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
    parser.add_argument(
        "--label", help="the label column, or several separated by commas; may be left out for NPZ"
    )
    parser.add_argument(
        "--columns",
        metavar="COL,COL",
        help="the columns that the model takes, in its order, if a file holds others too",
    )
    parser.add_argument(
        "--classes",
        metavar="NAME,NAME",
        help="the labels in the order of the model's outputs; behind them, labels that are new to it",
    )
    parser.add_argument(
        "--outputs",
        choices=("probabilities", "logits"),
        help="what the model's outputs are; scores with the border at 0 count as logits",
    )
    parser.add_argument("--task", choices=get_args(Task), help="what the model predicts")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write into")


def _inspect(options: argparse.Namespace) -> None:
    from retrain_core.models import read_card

    sys.stdout.buffer.write(to_json(read_card(options.model)) + b"\n")


def _shift(options: argparse.Namespace) -> None:
    from retrain_core.data import chosen_labels, read_table
    from retrain_core.models import read_card
    from retrain_core.shift import shift_json
    from retrain_core.shift.frames import label_names
    from retrain_core.shift.whole import measure_shift

    settings = _shift_settings(options)
    _make_folder(options.out)
    old, new = read_table(options.old), read_table(options.new)
    schema, task = None, None
    if options.model:
        schema = _schema(options, read_card(options.model), new, old)
        labels, task = label_names(schema), schema.task
    elif options.label:
        labels = chosen_labels(new, options.label)
    else:
        labels = ("y",) if "y" in new.columns else new.flattened.get("y", ())
    report = measure_shift(old, new, schema=schema, labels=labels, task=task, settings=settings)
    if options.model:
        report = replace(report, model=_seen_by_model(options, settings))
    (options.out / "shift.json").write_bytes(to_json(shift_json(report)))
    print(report.overall.summary)


def _schema(options: argparse.Namespace, card: ModelCard, new: Table, old: Table | None) -> Schema:
    """Return how the files become arrays; a column that says when a row came is no input unless the model needs it."""
    from retrain_core.data.typed import read_as

    said = {name: getattr(options, name) for name in ("label", "columns", "classes", "outputs", "task")}
    time = getattr(options, "time", None)
    if time is not None and options.columns is None:
        with contextlib.suppress(DataError):
            return read_as(card, _without(new, time), None if old is None else _without(old, time), **said)
    return read_as(card, new, old, **said)


def _without(table: Table, column: str) -> Table:
    return replace(table, columns=table.columns.drop(columns=column, errors="ignore"))


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


def _seen_by_model(options: argparse.Namespace, settings: ShiftSettings) -> ModelShift | None:
    """Return the shift as the old model sees it; ``None``, and why on standard error, if that cannot be told."""
    from retrain_core.runs.probes import model_shift_of, plan_shift
    from retrain_core.runs.runner import Runner
    from retrain_core.runs.state import probe_states
    from retrain_core.runs.store import Store, new_id

    root = Path(tempfile.mkdtemp(prefix=".store-", dir=options.out))
    try:
        store = Store(root)
        spec = _experiment(store, options, new_id())
        _, *probes = plan_shift(spec.id, settings)
        runner = Runner(store)
        try:
            store.add_beside(probes)
            _work_until(lambda: all(one.done for one in probe_states(store, spec.id).values()), runner)
        finally:
            runner.close()
        errors = dict.fromkeys(one.error for one in probe_states(store, spec.id).values() if one.error)
        for error in errors:
            print(f"note: what the model sees is not known: {error}", file=sys.stderr)
        return model_shift_of(store, spec.id, settings)
    except RetrainError as error:
        print(f"note: what the model sees is not known: {error}", file=sys.stderr)
        return None
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _compare(options: argparse.Namespace) -> None:
    from retrain_core.runs.plan import plan_runs
    from retrain_core.runs.settings import read_settings
    from retrain_core.runs.store import Store, new_id

    _check_compare(options)
    shared = {
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "balanced": options.balanced or None,
    }
    names = [name.strip() for name in options.strategies.split(",") if name.strip()]
    chosen, devices = read_settings(options.set, names)
    runs = plan_runs(
        new_id(),
        chosen,
        seeds=range(options.seed, options.seed + options.seeds),
        device=options.device,
        devices=devices,
        shared={key: value for key, value in shared.items() if value is not None},
        limits=Limits(steps=options.steps),
    )
    _make_folder(options.out)
    root = Path(tempfile.mkdtemp(prefix=".store-", dir=options.out))
    try:
        print(_compare_in(Store(root), runs, options))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _compare_in(store: Store, runs: Sequence[RunSpec], options: argparse.Namespace) -> str:
    """Do the runs in ``store``, write the answer into ``--out`` and return it in a sentence."""
    from retrain_core.answer import answer, write_answer
    from retrain_core.report.facts import undisturbed
    from retrain_core.runs.outcomes import crashed
    from retrain_core.runs.prepare import prepare
    from retrain_core.runs.probes import plan_report
    from retrain_core.runs.runner import Runner

    spec = _experiment(store, options, runs[0].experiment)
    runner = Runner(store)
    try:
        prepare(store, spec)  # not by the runner, so that an error keeps its kind and its exit code
        if options.forecast:
            runs = _forecast(store, runs, runner)
        store.add_runs(runs)
        store.add_beside(plan_report(store, spec))
        _wait(store, spec.id, runner)
    finally:
        runner.close()
    content = answer(store, spec.id, options.old_weight)
    write_answer(store, content, options.out)
    for sentence in undisturbed(content):
        print(f"note: {sentence}", file=sys.stderr)
    if content.comparison.recommendation is None:
        keep = content.comparison.strategies["keep"]
        ours = any(crashed(store, spec.id, run.id) for run in runs if run.strategy == "keep")
        raise (RunError if ours else DataError)(
            "The old model could not be scored.", keep.error or "", "Without it nothing can be compared."
        )
    return content.comparison.recommendation.summary


def _check_compare(options: argparse.Namespace) -> None:
    _check_old_weight(options)
    if options.seeds < 1:
        raise DataError(
            f"--seeds is {options.seeds}.", "Each strategy runs at least once.", "Give 1 or more."
        )
    if options.steps is not None and options.steps < 1:
        raise DataError(
            f"--steps is {options.steps}.", "Each strategy does at least one step.", "Give 1 or more."
        )
    if options.seed < 0 or options.seed + options.seeds - 1 > MOST_SEED:
        raise DataError(
            f"--seed is {options.seed}.",
            f"Seeds count up from it, and lie between 0 and {MOST_SEED}.",
            "Give a number in that range.",
        )


def _check_old_weight(options: argparse.Namespace) -> None:
    if not 0 <= options.old_weight <= 1:
        raise DataError(
            f"--old-weight is {options.old_weight}.", "It is a share.", "Give a number from 0 to 1."
        )


def _make_folder(out: Path) -> None:
    """Make the folder that ``--out`` names, and see that it can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        why = "There is a file of that name" if isinstance(error, FileExistsError) else error.strerror
        raise FileError(f"--out {out} cannot be used as a folder.", f"{why}.", "Choose another.") from error


def _experiment(store: Store, options: argparse.Namespace, id: str) -> ExperimentSpec:
    from retrain_core.data import check, read_table
    from retrain_core.models import read_card

    card = read_card(options.model)
    paths = {"new": options.new, "old": options.old, "holdout": getattr(options, "holdout", None)}
    tables = {role: read_table(path) for role, path in paths.items() if path is not None}
    schema = _schema(options, card, tables["new"], tables.get("old"))
    for finding in check(card, schema, tables):
        if finding.status == "error":
            raise DataError(finding.title, finding.detail)
        if finding.status == "warning":
            print(f"note: {finding.title}. {finding.detail}", file=sys.stderr)
    refs = {role: store.add_file(path) for role, path in paths.items() if path is not None}
    spec = ExperimentSpec(
        id=id,
        name=options.new.stem,
        created=time.time(),
        model=store.add_file(options.model),
        new=refs["new"],
        old=refs.get("old"),
        holdout=refs.get("holdout"),
        schema=schema,
        split_seed=getattr(options, "seed", 0),
    )
    store.save_experiment(spec)
    return spec


def _forecast(store: Store, runs: Sequence[RunSpec], runner: Runner) -> Sequence[RunSpec]:
    """Rehearse the runs, tell on standard error what they will cost, and return them with that."""
    from retrain_core.runs.forecasts import estimates, with_forecasts
    from retrain_core.runs.plan import plan_estimates

    rehearsals = plan_estimates(runs)
    store.add_beside(rehearsals)
    told: set[str] = set()

    def look() -> bool:
        for id, state in estimates(store, runs[0].experiment).items():
            if state.done and id not in told:
                told.add(id)
                print(f"{state.spec.strategy}: {_cost(state)}", file=sys.stderr)
        return len(told) == len(rehearsals)

    _work_until(look, runner)
    return with_forecasts(store, runs)


def _cost(state: EstimateState) -> str:
    """Return what one run of a strategy will cost, as far as a rehearsal could find out."""
    if state.estimate is None:
        return f"no forecast ({state.error})"
    (low, high), (least, most) = state.estimate.seconds, state.estimate.rows_seen
    rows = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    joules = state.estimate.energy_joules
    energy = "energy unknown" if joules is None else f"{joules[0]:.0f} to {joules[1]:.0f} J"
    advice = f". {state.estimate.advice}" if state.estimate.advice else ""
    return (
        f"forecast {low:.1f} to {high:.1f} s, {state.estimate.peak_memory_mb:,.0f} MB, {rows} rows, "
        f"{energy}{advice}"
    )


def _wait(store: Store, experiment: str, runner: Runner) -> None:
    """Work until every run has ended, telling on standard error what happens."""
    from retrain_core.runs.state import experiment_status, probe_states, run_states

    told: dict[str, str] = {}

    def look() -> bool:
        status, error = experiment_status(store, experiment)
        if status == "failed":
            raise RunError(error or "The data could not be prepared.")
        states = run_states(store, experiment)
        for state in states:
            line = state.status if state.done or not state.label else state.label
            if told.get(state.spec.id) != line:
                told[state.spec.id] = line
                print(f"{state.spec.id}: {line}{f' ({state.error})' if state.error else ''}", file=sys.stderr)
        probes = probe_states(store, experiment).values()
        return status == "ready" and all(state.done for state in (*states, *probes))

    _work_until(look, runner)


def _work_until(look: Callable[[], bool], runner: Runner) -> None:
    """Let the runner work until ``look``, asked now and then, finds that all is done."""
    next_look = 0.0
    while True:
        runner.step()
        time.sleep(TICK_SECONDS)
        if time.monotonic() >= next_look:
            if look():
                return
            next_look = time.monotonic() + LOOK_SECONDS


def _report(options: argparse.Namespace) -> None:
    from retrain_core.answer import answer, commands_of
    from retrain_core.report import render
    from retrain_core.runs.probes import measure_here

    _check_old_weight(options)
    store = _open_store(options)
    if options.out.is_dir() or not options.out.parent.is_dir():
        why = "It is a folder." if options.out.is_dir() else "Its folder does not exist."
        raise FileError(f"--out {options.out} cannot be written.", why, "Name an HTML file.")
    try:
        measure_here(store, store.experiment(options.experiment))
        content = answer(store, options.experiment, options.old_weight)
        content = replace(content, commands=commands_of(store, content))
    except StoreError as error:  # such as an experiment without results
        raise DataError(error.what, error.why, error.next_step) from error
    try:
        options.out.write_text(render(content), encoding="utf-8")
    except OSError as error:
        raise FileError(
            f"--out {options.out} cannot be written.", f"{error.strerror}.", "Choose another."
        ) from error
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


def _runner(options: argparse.Namespace) -> None:
    from retrain_core.runs.runner import main as serve

    serve(options.store, options.idle_seconds)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, it tidies up all the same
    sys.exit(main())

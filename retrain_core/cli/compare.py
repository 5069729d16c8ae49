"""``compare``: run the strategies and compare them on one holdout."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrain_core.cli.quick import best_by_quick_look
from retrain_core.cli.reading import (
    data_arguments,
    experiment_of,
    make_folder,
    tell,
    wish_arguments,
    wishes_of,
    writing,
)
from retrain_core.cli.waiting import work_until
from retrain_core.errors import DataError, RunError
from retrain_core.files import remove_tree
from retrain_core.types import (
    Comparison,
    Limits,
    RunSpec,
    SplitSettings,
    SplitSummary,
)
from retrain_core.types.text import counted, spanned

if TYPE_CHECKING:
    from retrain_core.runs.forecasts import EstimateState
    from retrain_core.runs.runner import Runner
    from retrain_core.runs.store import Store

MOST_SEED = 2**32 - 1  # Keras takes no larger one


def add(commands: Any) -> None:
    """Add the command to the parser's."""
    compare = commands.add_parser(
        "compare",
        help="run the strategies and compare them on one holdout; writes the scores, the models and the report",
    )
    compare.add_argument("--model", type=Path, required=True, help="the old model (.keras or .h5)")
    data_arguments(compare, old_required=False)
    compare.add_argument("--holdout", type=Path, help="rows to score on instead of a part of NEW")
    compare.add_argument(
        "--time",
        metavar="COL",
        help="the column that says when a row came, or '(order in the file)': the latest rows are held out",
    )
    compare.add_argument(
        "--id",
        metavar="COL",
        help="the column that says whose a row is: nobody's rows are trained on and held out",
    )
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
        "--quick",
        nargs="?",
        const="strategies",
        choices=("strategies", "options"),
        help="first try all on part of the rows and epochs, then run the best and keep in full; 'options' tries other learning rates too",
    )
    compare.add_argument(
        "--seed", type=int, default=0, help="first seed, and the seed of the split (%(default)s)"
    )
    compare.add_argument(
        "--seeds", type=int, default=1, help="runs a strategy, each with a seed of its own (%(default)s)"
    )
    compare.add_argument("--device", default="auto", help="auto, cpu, gpu or gpu:N (%(default)s)")
    wish_arguments(compare)
    compare.set_defaults(command=run)


def run(options: argparse.Namespace) -> None:
    """Run the strategies and write what came of it."""
    from retrain_core.runs.names import new_id
    from retrain_core.runs.plan import plan_runs
    from retrain_core.runs.settings import read_settings
    from retrain_core.runs.store import Store
    from retrain_core.sandbox.least import require_here

    _check_compare(options)
    require_here()
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
    make_folder(options.out)
    root = Path(tempfile.mkdtemp(prefix=".store-", dir=options.out))
    try:
        print(_compare_in(Store(root), runs, options))
    finally:
        remove_tree(root)


def _compare_in(store: Store, runs: Sequence[RunSpec], options: argparse.Namespace) -> str:
    """Do the runs in ``store``, write the answer into ``--out`` and return it in a sentence."""
    from retrain_core.answer import answer, write_answer
    from retrain_core.report.diagnosis_facts import undisturbed
    from retrain_core.runs.outcomes import crashed
    from retrain_core.runs.prepare import prepare
    from retrain_core.runs.probes import plan_report
    from retrain_core.runs.runner import Runner

    split = SplitSettings(options.seed, options.time, options.id)
    spec = experiment_of(store, options, runs[0].experiment, split, split.columns)
    wishes = wishes_of(options, spec.schema.task)
    runner = Runner(store)
    try:
        prepare(store, spec)  # not by the runner, so that an error keeps its kind and its exit code
        _tell_split(store.split(spec.id))
        if options.quick:
            runs = best_by_quick_look(store, runs, runner, wishes, vary=options.quick == "options")
        if options.forecast:
            runs = _forecast(store, runs, runner)
        store.add_runs(runs)
        store.add_beside(plan_report(store, spec))
        _wait(store, spec.id, runner)
    finally:
        runner.close()
    content = answer(store, spec.id, wishes)
    with writing(options.out):
        write_answer(store, content, options.out)
    for sentence in undisturbed(content):
        print(f"note: {sentence}", file=sys.stderr)
    if content.comparison.recommendation is None:
        keep = content.comparison.strategies["keep"]
        ours = any(crashed(store, spec.id, run.id) for run in runs if run.strategy == "keep")
        raise (RunError if ours else DataError)(
            "The old model could not be scored.", keep.error or "", "Without it nothing can be compared."
        )
    return _told(content.comparison, options.out)


def _told(comparison: Comparison, out: Path) -> str:
    """Return what to do, how sure that is, and where the rest is."""
    from retrain_core.compare.basis_words import no_rival, resamples
    from retrain_core.data.doubts import SEEN

    found = comparison.recommendation
    assert found is not None
    sure = "Clear" if found.clear else "Not certain"
    same = f"{sure}; the same choice in {100 * found.stability:.0f} % of {resamples(comparison.strategies)}."
    lines = [found.summary, no_rival(found) or same]
    lines += [f"Doubtful: {doubt}" for doubt in found.doubts]
    lines += [f"Doubtful: {one.title}. {one.detail}" for one in comparison.warnings if one != SEEN]
    return "\n".join(
        [*lines, f"Written: {out / 'report.html'}, comparison.json, models/, holdout_rows.json."]
    )


def _tell_split(split: SplitSummary | None) -> None:
    """Say on standard error what was done to split the rows, and what nobody can do anything about."""
    from retrain_core.data.doubts import SEEN

    if split is not None:
        for note in split.notes:
            print(f"note: {note}", file=sys.stderr)
        if SEEN in split.warnings:
            tell(SEEN)


def _check_compare(options: argparse.Namespace) -> None:
    wishes_of(options)
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

    work_until(look, runner)
    return with_forecasts(store, runs)


def _cost(state: EstimateState) -> str:
    """Return what one run of a strategy will cost, as far as a rehearsal could find out."""
    if state.estimate is None:
        return f"no forecast ({state.error})"
    (low, high), (least, most) = state.estimate.seconds, state.estimate.rows_seen
    rows = counted(most, "row") if least == most else f"{least:,} to {most:,} rows"
    joules = state.estimate.energy_joules
    energy = "energy unknown" if joules is None else f"{spanned(*(f'{end:.0f}' for end in joules))} J"
    advice = f". {state.estimate.advice}" if state.estimate.advice else ""
    return (
        f"forecast {spanned(f'{low:.1f}', f'{high:.1f}')} s, {state.estimate.peak_memory_mb:,.0f} MB, {rows}, "
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

    work_until(look, runner)

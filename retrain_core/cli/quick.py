"""``compare --quick``: a quick look, told round by round, and what it leaves to be run in full."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retrain_core.cli.waiting import work_until
from retrain_core.errors import RunError
from retrain_core.types import QuickLook, QuickRung, QuickTry, RunSpec, Wishes
from retrain_core.types.text import counted

if TYPE_CHECKING:
    from retrain_core.runs.runner import Runner
    from retrain_core.runs.store import Store


def best_by_quick_look(
    store: Store, runs: Sequence[RunSpec], runner: Runner, wishes: Wishes, *, vary: bool
) -> list[RunSpec]:
    """Do a quick look at ``runs``, telling it on standard error; return those of keep and of the best candidate.

    Raises:
        RunError: If it cannot tell which is the best.
    """
    from retrain_core.runs import looks
    from retrain_core.runs.quick import plan_quick_look, quick_in_full, quick_title
    from retrain_core.runs.quick_compute import seconds_of

    experiment, told = runs[0].experiment, 0
    looks.add(store, experiment, plan_quick_look(runs, wishes, vary=vary))

    def look_on() -> bool:
        nonlocal told
        look = looks.read(store, experiment)
        assert look is not None
        for number, rung in enumerate(look.rungs[told:], start=told + 1):
            if rung.decided:
                told = number
                print("\n".join(round_lines(look, rung, number)), file=sys.stderr)
        return look.status != "running"

    work_until(look_on, runner)
    look = looks.read(store, experiment)
    chosen = quick_in_full(look) if look is not None and look.status == "finished" else None
    if look is None or chosen is None:
        raise RunError(
            "The quick look found nothing to run in full.",
            look.error if look is not None and look.error else "None of the strategies could be trained.",
            "Run compare without --quick: it says why each one failed.",
        )
    print(f"quick look: run in full: keep, {quick_title(chosen)}", file=sys.stderr)
    took, in_full = seconds_of(store, experiment, look, len({run.seed for run in runs}))
    if in_full <= took:
        print(
            f"note: The quick look took about {took:.0f} s, and all runs in full would take about {in_full:.0f} s: here compare "
            "without --quick tells more, and sooner.",
            file=sys.stderr,
        )
    return [
        run if run.strategy == "keep" else replace(run, options=chosen.options)
        for run in runs
        if run.strategy in ("keep", chosen.strategy)
    ]


def round_lines(look: QuickLook, rung: QuickRung, number: int) -> list[str]:
    """Return what is said of a round: its rows, and each candidate's gain over keep."""
    from retrain_core.runs.quick import quick_title

    old = f" and {rung.old_rows:,} old" if rung.old_rows else ""
    last = number == len(look.rungs) and look.status != "running"
    lines = [f"quick look: round {number}, {rung.new_rows:,} new{old} rows"]
    for one in rung.tries:
        epochs = "" if one.epochs is None else f", {counted(one.epochs, 'epoch')}"
        end = "" if last else ", goes on" if one.stays else ", out"
        lines.append(f"  {quick_title(look.candidate(one.candidate))}{epochs}: {_gain(one)}{end}")
    return lines


def _gain(one: QuickTry) -> str:
    """Return what a candidate gains over keep; keep is what the others are held against."""
    if one.gain is None or one.error is None:
        return "failed"
    if one.candidate == "keep":
        return "gain 0"
    expected = "" if one.expected in (None, one.gain) else f", in full {one.expected:+.1f}"
    return f"gain {one.gain:+.1f} ± {one.error:.1f} margins{expected}"

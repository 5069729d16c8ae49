"""A quick look: which candidate promises most, found with a part of the compute of all runs in full.

Its state is one file, ``quick/look.json``, which only the runner changes once it is written (:mod:`quick_rounds`); each
try is worked off like a run, in a folder beside it. It is none of the experiment's runs, and no try sees a row of the
holdout: scores on it stay those of candidates that were chosen without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retrain_core.errors import StoreError
from retrain_core.runs import looks
from retrain_core.runs.client import ensure_runner
from retrain_core.runs.store import Store
from retrain_core.sandbox.least import require_here
from retrain_core.strategies import STRATEGIES, options_of
from retrain_core.types import QuickCandidate, QuickLook, RunSpec, Wishes

KEEP = "keep"
RATES = (0.3, 3.0)  # times the rate that was chosen
VARIED: Mapping[str, Callable[[Any], list[Any]]] = {
    "rate": lambda rate: [rate * factor for factor in RATES],
    "trainable_layers": lambda count: [2 * count],
}


def plan_quick_look(
    runs: Sequence[RunSpec], wishes: Wishes | None = None, *, vary: bool = False
) -> QuickLook:
    """Return a quick look at what ``runs`` would do in full, with the first of their seeds.

    Args:
        runs: As ``plan_runs`` returns them.
        wishes: What candidates are weighed by.
        vary: Whether other learning rates, and more layers that learn, are tried too.
    """
    first = [run for run in runs if run.seed == runs[0].seed]
    candidates = [one for run in first for one in _candidates(run, vary=vary)]
    return QuickLook(tuple(candidates), runs[0].seed, wishes or Wishes(), limits=runs[0].limits)


def _candidates(run: RunSpec, *, vary: bool) -> list[QuickCandidate]:
    found = [QuickCandidate(run.strategy, run.strategy, run.options, run.device)]
    if not vary or run.strategy == KEEP:
        return found
    for option in options_of(STRATEGIES[run.strategy]):
        others = VARIED.get(option.name, lambda chosen: [])
        for value in others(run.options.get(option.name, option.default)):
            if (option.low or value) <= value <= (option.high or value):
                options = {**run.options, option.name: value}
                name = f"{run.strategy} {option.name}={value:g}"
                found.append(QuickCandidate(name, run.strategy, options, run.device))
    return found


def start_quick_look(store: Store, experiment: str, look: QuickLook) -> None:
    """Hand a quick look to the runner, in the place of an earlier one.

    Raises:
        RunError: If the sandbox of this machine is weaker than its owner asks for.
        StoreError: If the store cannot be written.
    """
    require_here()
    looks.add(store, experiment, look)
    ensure_runner(store)


def stop_quick_look(store: Store, experiment: str) -> None:
    """Ask a quick look to end with what it knows; nothing happens if there is none that goes on."""
    try:
        look = looks.read(store, experiment)
    except StoreError:  # the runner cannot read it either
        return
    if look is not None and look.status == "running":
        looks.ask_stop(store, experiment)
        for one in look.rungs[-1].tries if look.rungs else ():
            store.request_stop(experiment, one.run)


def quick_in_full(look: QuickLook) -> QuickCandidate | None:
    """Return the candidate to run in full beside keep, ``None`` if none could be trained.

    It is the best one; if that is keep, the best of the others, so that there is something to hold it against.
    """
    ranked = ranking(look)
    return next((look.candidate(name) for name in ranked if name != KEEP), None)


def ranking(look: QuickLook) -> dict[str, float]:
    """Return what the candidates of the last round that has told are expected to gain in full, the best first."""
    for rung in reversed(look.rungs):
        known = {one.candidate: one.expected or 0.0 for one in rung.tries if one.gain is not None}
        if rung.decided and known:
            return dict(sorted(known.items(), key=lambda item: -item[1]))
    return {}


def has_chosen(store: Store, experiment: str, runs: Sequence[RunSpec]) -> bool:
    """Return whether a quick look may have chosen what was run: whether some candidate that it has tried is none of ``runs``."""
    if not looks.exists(store, experiment):
        return False
    try:
        look = looks.read(store, experiment)
    except StoreError:  # nobody knows what it has tried
        return True
    done = [(run.strategy, run.options) for run in runs]
    return (
        look is not None
        and bool(look.rungs)
        and any((one.strategy, one.options) not in done for one in look.candidates)
    )


def quick_verdict(look: QuickLook) -> str:
    """Return what a quick look has found, in a sentence or two; empty if it has told nothing.

    Candidates that are less than a margin apart are not told apart: less does not matter.
    """
    expected = {name: gain for name, gain in ranking(look).items() if name != KEEP}
    if not expected:
        return ""
    best, *others = expected
    title = quick_title(look.candidate(best))
    if expected[best] < 1:
        return f"Nothing that was tried promises to be materially better than keep. {title} comes closest."
    ties = [quick_title(look.candidate(name)) for name in others if expected[best] - expected[name] < 1]
    also = f" Hardly behind it: {', '.join(ties)}." if ties else ""
    return f"Best: {title}. Run it in full: it should then be {expected[best]:.1f} margins better than keep.{also}"


def quick_title(candidate: QuickCandidate) -> str:
    """Return what to call a candidate: its strategy, and the option that sets it apart.

    >>> quick_title(QuickCandidate("fine_tune rate=0.3", "fine_tune", {"rate": 0.3}))
    'Fine-tune (rate 0.3)'
    """
    _, _, option = candidate.name.partition(" ")
    title = STRATEGIES[candidate.strategy].title
    return f"{title} ({option.replace('_', ' ').replace('=', ' ')})" if option else title

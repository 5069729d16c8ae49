"""From choices to specs: one run a strategy and seed, and one rehearsal a strategy."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from retrain_core.errors import DataError
from retrain_core.runs.names import ESTIMATE
from retrain_core.strategies import SHARED_OPTIONS, STRATEGIES, make_strategy, options_of
from retrain_core.types import Limits, RunSpec, Scalar, to_json

Options = Mapping[str, Scalar | None]
DEVICES = "auto, cpu, gpu or gpu:N"
DEVICE_PATTERN = re.compile(r"auto|cpu|gpu(:(0|[1-9][0-9]*))?")


def plan_runs(
    experiment: str,
    strategies: Mapping[str, Options],
    *,
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    devices: Mapping[str, str] | None = None,
    shared: Options | None = None,
    limits: Limits | None = None,
) -> list[RunSpec]:
    """Return the runs of an experiment; keep is always among them.

    Args:
        experiment: Its id.
        strategies: Options by strategy name.
        seeds: One run a strategy and seed.
        device: ``auto`` (any free GPU, the CPU if there is none), ``cpu``, ``gpu`` (any free one) or ``gpu:N``.
        devices: The same by strategy name, for those that are to run elsewhere than on ``device``.
        shared: Options for every strategy that has them, unless it sets its own.
        limits: What each run may use.

    Raises:
        DataError: If a strategy, an option or a device is unknown or out of bounds.
    """
    devices = devices or {}
    for name in (device, *devices.values()):
        if not DEVICE_PATTERN.fullmatch(name):
            raise DataError(f"There is no device '{name}'.", f"It can be {DEVICES}.", "Choose one of these.")
    for name in devices:
        make_strategy(name, {})  # refuses a name that is none
    asked = {"keep": {}, **strategies}
    order = [name for name in STRATEGIES if name in asked] + [
        name for name in asked if name not in STRATEGIES
    ]
    runs = []
    for seed in seeds:
        for place, name in enumerate(order):
            options = {**_shared_options(name, shared or {}), **asked[name]}
            make_strategy(name, options)  # refuses what is wrong before anything starts
            runs.append(
                RunSpec(
                    id=f"{name}-{seed}",
                    experiment=experiment,
                    strategy=name,
                    options=options,
                    seed=seed,
                    device=devices.get(name, device),
                    limits=limits or Limits(),
                    order=place,
                )
            )
    return runs


def plan_estimates(runs: Sequence[RunSpec]) -> list[RunSpec]:
    """Return the rehearsals of ``runs``: one a strategy, as a step takes as long with any seed.

    Keep has none: it trains nothing.
    """
    return [
        dataclasses.replace(run, id=estimate_id(run), work="rehearse")
        for run in runs
        if run.strategy != "keep" and run.seed == runs[0].seed
    ]


def estimate_id(run: RunSpec) -> str:
    """Return the id of the rehearsal that tells what ``run`` will cost; the same settings give the same id."""
    strategy = make_strategy(run.strategy, run.options)
    options = dataclasses.asdict(cast(Any, strategy))  # those that were left at their default included
    settings = to_json([run.strategy, sorted(options.items()), run.device, run.limits])
    return f"{ESTIMATE}{run.strategy}-{int.from_bytes(hashlib.sha256(settings).digest()[:6])}"


def start_order(runs: Sequence[RunSpec]) -> list[RunSpec]:
    """Return runs in the order to start them: keep, which all others are read against, then the longest first.

    A long run that starts last leaves all lanes but its own without work. How long a run takes is the most that was
    forecast for it. Those without a forecast go before all that have one, for they may be the longest, the last of the
    table of strategies first. Equals stay in the order they were asked for.

    Source: Graham (1969), SIAM Journal on Applied Mathematics 17(2), 416: longest first is within 4/3 of the best.

    >>> [run.strategy for run in start_order(plan_runs("e", {"fine_tune": {}, "incremental": {}, "full_retrain": {}}))]
    ['keep', 'full_retrain', 'incremental', 'fine_tune']
    """
    place = {name: number for number, name in enumerate(STRATEGIES)}

    def key(run: RunSpec) -> tuple[bool, float, int]:
        if run.forecast is not None:
            return run.strategy != "keep", -run.forecast.seconds[1], 0
        return run.strategy != "keep", -math.inf, -place.get(run.strategy, -1)

    return sorted(runs, key=key)


def _shared_options(name: str, shared: Options) -> dict[str, Scalar | None]:
    known = {item.name for item in options_of(STRATEGIES[name])} if name in STRATEGIES else set()
    return {key: value for key, value in shared.items() if key in known and key in SHARED_OPTIONS}

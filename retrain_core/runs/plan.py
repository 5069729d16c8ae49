"""From choices to specs: one experiment, and one run a strategy and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrain_core.errors import DataError
from retrain_core.strategies import SHARED_OPTIONS, STRATEGIES, make_strategy, options_of
from retrain_core.types import Limits, RunSpec, Scalar

Options = Mapping[str, Scalar | None]
DEVICES = "auto, cpu, gpu or gpu:N"


def plan_runs(
    experiment: str,
    strategies: Mapping[str, Options],
    *,
    seeds: Sequence[int] = (0,),
    device: str = "auto",
    shared: Options | None = None,
    limits: Limits | None = None,
) -> list[RunSpec]:
    """Return the runs of an experiment; keep is always among them.

    Args:
        experiment: Its id.
        strategies: Options by strategy name.
        seeds: One run a strategy and seed.
        device: ``auto``, ``cpu``, ``gpu`` or ``gpu:N``.
        shared: Options for every strategy that has them, unless it sets its own.
        limits: What each run may use.

    Raises:
        DataError: If a strategy, an option or the device is unknown or out of bounds.
    """
    if device not in ("auto", "cpu", "gpu") and not device.removeprefix("gpu:").isdigit():
        raise DataError(f"There is no device '{device}'.", f"It can be {DEVICES}.", "Choose one of these.")
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
                    device=device,
                    limits=limits or Limits(),
                    order=place,
                )
            )
    return runs


def _shared_options(name: str, shared: Options) -> dict[str, Scalar | None]:
    known = {item.name for item in options_of(STRATEGIES[name])} if name in STRATEGIES else set()
    return {key: value for key, value in shared.items() if key in known and key in SHARED_OPTIONS}

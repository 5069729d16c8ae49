"""Options of single strategies as text, for the command line: ``NAME.OPTION=VALUE``."""

from __future__ import annotations

from collections.abc import Sequence

from retrain_core.errors import DataError
from retrain_core.runs.plan import Options
from retrain_core.strategies import STRATEGIES, options_of
from retrain_core.types import RunSpec, Scalar

DEVICE = "device"
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read_settings(
    texts: Sequence[str], strategies: Sequence[str]
) -> tuple[dict[str, dict[str, Scalar | None]], dict[str, str]]:
    """Return the options of each of ``strategies``, and the device of those that have one of their own.

    Args:
        texts: Such as ``fine_tune.trainable_layers=2`` or ``ewc.device=cpu``.
        strategies: Names of the strategies that are run.

    Raises:
        DataError: If one cannot be read, or belongs to a strategy that is not run.

    >>> read_settings(["fine_tune.rate=0.5", "fine_tune.device=cpu"], ["fine_tune", "ewc"])
    ({'fine_tune': {'rate': 0.5}, 'ewc': {}}, {'fine_tune': 'cpu'})
    """
    options: dict[str, dict[str, Scalar | None]] = {name: {} for name in strategies}
    devices: dict[str, str] = {}
    for text in texts:
        target, equals, value = text.partition("=")
        name, dot, option = target.strip().partition(".")
        if not equals or not dot or not option:
            raise DataError(
                f"--set {text} cannot be read.", "It has the form NAME.OPTION=VALUE.", "Correct it."
            )
        if name not in options:
            raise DataError(
                f"--set {text}: '{name}' is not run.",
                f"Run are: {', '.join(strategies)}.",
                "Add it to --strategies.",
            )
        if option == DEVICE:
            devices[name] = value.strip()
        else:
            options[name][option] = _value(name, option, value.strip())
    return options, devices


def write_settings(runs: Sequence[RunSpec], shared: Options) -> list[str]:
    """Return the texts for what ``runs`` set otherwise than by default or for all."""
    texts: list[str] = []
    for run in {run.strategy: run for run in runs}.values():
        if run.strategy not in STRATEGIES:
            continue
        for option in options_of(STRATEGIES[run.strategy]):
            value = run.options.get(option.name, option.default)
            if value != shared.get(option.name, option.default):
                texts.append(f"{run.strategy}.{option.name}={value}")
    return texts


def _value(name: str, option: str, text: str) -> Scalar:
    known = {item.name: item.kind for item in options_of(STRATEGIES[name])} if name in STRATEGIES else {}
    kind = known.get(option, str)  # an unknown option is refused by the strategy
    try:
        return FLAGS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise DataError(
            f"--set {name}.{option}={text} cannot be read.", f"It has to be {wanted}.", "Correct it."
        ) from error

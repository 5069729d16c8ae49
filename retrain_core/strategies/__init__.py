"""The ways to get the next model. Adding one is one file and one line in ``STRATEGIES``."""

from collections.abc import Mapping

from retrain_core.errors import DataError
from retrain_core.strategies.blend import Blend
from retrain_core.strategies.ewc import Elastic
from retrain_core.strategies.fine_tune import FineTune
from retrain_core.strategies.full_retrain import FullRetrain
from retrain_core.strategies.incremental import Incremental
from retrain_core.strategies.keep import Keep
from retrain_core.strategies.l2_sp import L2SP
from retrain_core.strategies.lp_ft import HeadFirst
from retrain_core.strategies.lwf import WithoutForgetting
from retrain_core.strategies.options import Option, Strategy, check_bounds, option, options_of
from retrain_core.strategies.recalibrate import Recalibrate
from retrain_core.strategies.replay import ReplayOld
from retrain_core.strategies.retrain_new import RetrainNew
from retrain_core.strategies.retrain_recent import RetrainRecent
from retrain_core.strategies.shrink_perturb import ShrinkPerturb
from retrain_core.strategies.surgical import Surgical
from retrain_core.strategies.toolbox import Model, Toolbox
from retrain_core.types import Scalar, Task

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy
    for strategy in (
        Keep,
        Recalibrate,
        FineTune,
        HeadFirst,
        L2SP,
        Surgical,
        Blend,
        Incremental,
        ReplayOld,
        WithoutForgetting,
        Elastic,
        FullRetrain,
        RetrainNew,
        RetrainRecent,
        ShrinkPerturb,
    )
}

AFRESH = tuple(
    strategy.name for strategy in (FullRetrain, RetrainNew, RetrainRecent)
)  # keep nothing of the old weights
WITHOUT_OLD = (RetrainNew.name,)  # of these: have never been trained on an old row
CHOOSE_BY_VALIDATION = (Surgical.name,)  # train several models and keep the one that validates best
SHARED_OPTIONS = ("epochs", "batch_size", "balanced")  # one setting for all strategies that have the field


def unfit(strategy: type[Strategy], task: Task, *, has_old: bool, new_classes: bool = False) -> str:
    """Return why ``strategy`` cannot be run on a question, empty if it can.

    >>> unfit(STRATEGIES["ewc"], "binary", has_old=False)
    'Needs old data. Old rows say which weights matter.'
    """
    if strategy.needs_old and not has_old:
        return f"Needs old data. {strategy.without_old}"
    if task not in strategy.tasks:
        return "The model predicts numbers; this is for probabilities."
    if new_classes and not strategy.learns_classes:
        return "The new data has classes that the model does not know; this cannot teach them."
    return ""


def make_strategy(name: str, options: Mapping[str, Scalar | None]) -> Strategy:
    """Return the strategy called ``name`` with ``options``; an option it does not have is an error.

    Raises:
        DataError: If the name or an option is unknown, or an option is out of bounds.
    """
    if name not in STRATEGIES:
        raise DataError(
            f"There is no strategy '{name}'.", f"There are: {', '.join(STRATEGIES)}.", "Choose among these."
        )
    known = {item.name for item in options_of(STRATEGIES[name])}
    unknown = sorted(set(options) - known)
    if unknown:
        raise DataError(
            f"{STRATEGIES[name].title} has no option '{unknown[0]}'.",
            f"It has: {', '.join(sorted(known))}.",
            "Leave it out.",
        )
    strategy = STRATEGIES[name](**options)
    check_bounds(strategy)
    return strategy


__all__ = [
    "SHARED_OPTIONS",
    "STRATEGIES",
    "Model",
    "Option",
    "Strategy",
    "Toolbox",
    "check_bounds",
    "make_strategy",
    "option",
    "options_of",
    "unfit",
]

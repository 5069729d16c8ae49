"""How a model was compiled, and the kind of problem that follows from it and from its output."""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.errors import ModelError
from retrain_core.models.allowed import LOSS_ALIASES, LOSSES, OPTIMIZERS
from retrain_core.models.config import RECOMPILE
from retrain_core.models.parsing import Json
from retrain_core.models.wording import quoted
from retrain_core.types import Finding, Task, TensorSpec

YES_OR_NO = frozenset({"binary_crossentropy", "binary_focal_crossentropy", "hinge", "squared_hinge"})
CLASSES = frozenset(
    {
        *("categorical_crossentropy", "categorical_focal_crossentropy", "sparse_categorical_crossentropy"),
        *("categorical_generalized_cross_entropy", "categorical_hinge"),
    }
)
NUMBERS = frozenset(
    {
        *("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "huber", "log_cosh"),
        *("mean_squared_logarithmic_error", "poisson", "cosine_similarity", "kl_divergence"),
    }
)
WITHOUT_LOGITS = frozenset(
    {"hinge", "squared_hinge", "categorical_hinge", "categorical_generalized_cross_entropy"}
)


@dataclass(frozen=True)
class Compiled:
    """How a model was compiled; all ``None`` if it was not. Fields as in ``ModelCard``."""

    loss: str | None = None
    from_logits: bool | None = None
    optimizer: str | None = None
    learning_rate: float | None = None


def compiled(config: object) -> Compiled:
    """Return what ``compile_config`` or the ``training_config`` of an ``.h5`` file says.

    Raises:
        ModelError: If the loss or optimizer is not built into Keras.

    >>> how = compiled({"loss": "mse", "optimizer": "adam"})
    >>> how.loss, how.from_logits, how.optimizer
    ('mean_squared_error', None, 'Adam')
    """
    if not isinstance(config, dict) or not config:
        return Compiled()
    name, settings = _loss(config.get("loss"))
    optimizer, learning_rate = _optimizer(config.get("optimizer") or config.get("optimizer_config"))
    logits = (
        bool(settings.get("from_logits", False)) if name in (YES_OR_NO | CLASSES) - WITHOUT_LOGITS else None
    )
    return Compiled(name, logits, optimizer, learning_rate)


def _loss(value: object) -> tuple[str | None, Json]:
    """Return the loss by its function's name, and its settings; neither if the model was not compiled."""
    while isinstance(value, (list, dict)) and len(value) == 1:  # one loss, given by list or by output name
        value = value[0] if isinstance(value, list) else next(iter(value.values()))
    settings: Json = {}
    if isinstance(value, dict):
        inner = value.get("config")
        settings = inner if isinstance(inner, dict) else {}
        value = inner if value.get("class_name") == "function" else value.get("class_name")
    if value is None:
        return None, {}
    name = LOSSES.get(str(value)) or LOSS_ALIASES.get(str(value)) or str(value)
    if name not in LOSSES.values():
        raise ModelError(
            f"The model was compiled with the loss {quoted(value)}, which is not built into Keras.",
            "A custom loss is code of its own, which is not run here.",
            RECOMPILE,
        )
    return name, settings


def _optimizer(value: object) -> tuple[str | None, float | None]:
    if isinstance(value, str):
        known = next((name for name in OPTIMIZERS if name.lower() == value.lower()), None)
        if known is None:
            raise ModelError(
                f"The model was compiled with the optimizer {quoted(value)}, which is not built into Keras.",
                "A custom optimizer is code of its own, which is not run here.",
                RECOMPILE,
            )
        return known, None
    if not isinstance(value, dict):
        return None, None
    config = value.get("config")
    config = config if isinstance(config, dict) else {}
    if value.get("class_name") == "LossScaleOptimizer":  # what mixed precision wraps around another one
        return _optimizer(config.get("inner_optimizer"))
    rate = config.get("learning_rate", config.get("lr"))
    # Keras keeps 0.001 as a float32; seven digits bring back what was meant.
    constant = float(f"{rate:.7g}") if isinstance(rate, (int, float)) else None
    return str(value.get("class_name")).removeprefix("Custom>"), constant


def units_of(output: TensorSpec) -> int | None:
    """Return how many values the model gives an example, ``None`` if that cannot be told."""
    return output.shape[-1] if output.shape else 1


def task_of(activation: str | None, output: TensorSpec, how: Compiled) -> tuple[Task | None, str]:
    """Guess the kind of problem.

    Args:
        activation: Of the output.
        output: Its shape.
        how: Loss and logits.

    Returns:
        The task and one sentence why; ``None`` and what has to be asked if it cannot be told.

    >>> task_of("softmax", TensorSpec("y", (3,), "float32"), Compiled())
    ('multiclass', 'The output is a softmax over 3 classes.')
    """
    units = units_of(output)
    several = units is not None and units > 1
    if how.loss in CLASSES or (activation == "softmax" and how.loss not in NUMBERS):
        return _classes(units, activation, how)
    if how.loss in YES_OR_NO and several:
        return (
            "multilabel",
            f"The loss {how.loss} on {units} units can mean several labels an example, each yes or no.",
        )
    if how.loss in YES_OR_NO:
        return "binary", f"The model was compiled with the loss {how.loss}."
    if activation == "sigmoid" and how.loss not in NUMBERS:
        if several:
            return (
                "multilabel",
                f"The output is {units} sigmoid units: several labels an example, each yes or no.",
            )
        return "binary", "The output is one sigmoid unit."
    if how.loss in NUMBERS and activation in ("sigmoid", "softmax"):
        return None, (
            f"The output is a {activation}, and the loss {how.loss} fits numbers as well as classes: the labels tell."
        )
    if how.loss in NUMBERS:
        values = f" for {units} values an example" if several else ""
        return "regression", f"The model was compiled with the loss {how.loss}{values}."
    if how.loss is None:
        ending = f"is {activation}" if activation else "has an activation that cannot be told"
        return None, (
            f"The output {ending}, and the model was saved without a loss: say whether it predicts a value or "
            "class scores (logits)."
        )
    return (
        None,
        f"The loss {how.loss} does not tell the task: say whether it is regression or classification.",
    )


def _classes(units: int | None, activation: str | None, how: Compiled) -> tuple[Task | None, str]:
    reason = f"The model was compiled with the loss {how.loss}" if how.loss else "The output is a softmax"
    if units == 1:
        return None, f"{reason}, but it has one output unit: say which task it is."
    if units is None:
        return "multiclass", f"{reason}."
    classes = f"over {units} classes" if activation == "softmax" and not how.loss else f"for {units} classes"
    return "binary" if units == 2 else "multiclass", f"{reason} {classes}."


def compile_findings(activation: str | None, output: TensorSpec, how: Compiled) -> list[Finding]:
    """Return what deserves attention about loss and output together."""
    found = []
    squashed = activation in ("sigmoid", "softmax")
    if how.loss is None:
        found.append(
            Finding("warning", "Saved without a loss", "The loss is chosen from the task; check it.")
        )
    if how.from_logits and squashed:
        title = "Loss expects logits, output is a probability"
        found.append(
            Finding("warning", title, f"The output is a {activation}, and the loss has from_logits=True.")
        )
    elif how.from_logits is False and activation == "linear":
        title = "Loss expects probabilities, output is linear"
        found.append(Finding("warning", title, f"The loss {how.loss} was compiled without from_logits=True."))
    if how.loss == "huber":
        found.append(
            Finding(
                "warning",
                "The delta of the Huber loss is 1",
                "Keras does not save it, so that is the default.",
            )
        )
    units, (task, _) = units_of(output) or 1, task_of(activation, output, how)
    if units > 1 and task in ("multilabel", "regression"):
        title = f"{units} {'labels' if task == 'multilabel' else 'values'} an example"
        found.append(Finding("ok", title, "Each output unit is compared with a label column of its own."))
    return found

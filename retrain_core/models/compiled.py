"""How a model was compiled, and the kind of problem that follows from it and from its output."""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.errors import ModelError
from retrain_core.models.allowed import LOSS_ALIASES, LOSSES, OPTIMIZERS
from retrain_core.models.config import RECOMPILE
from retrain_core.models.wording import quoted
from retrain_core.types import Finding, Task, TensorSpec

BINARY = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
MULTICLASS = frozenset(
    {
        *("categorical_crossentropy", "categorical_focal_crossentropy", "sparse_categorical_crossentropy"),
        "categorical_generalized_cross_entropy",
    }
)
REGRESSION = frozenset(
    {
        *("mean_squared_error", "mean_absolute_error", "mean_absolute_percentage_error", "huber", "log_cosh"),
        *("mean_squared_logarithmic_error", "poisson", "cosine_similarity"),
    }
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

    >>> compiled({"loss": "mse", "optimizer": "adam"})
    Compiled(loss='mean_squared_error', from_logits=None, optimizer='Adam', learning_rate=None)
    """
    if not isinstance(config, dict) or not config:
        return Compiled()
    loss, from_logits = _loss(config.get("loss"))
    optimizer, learning_rate = _optimizer(config.get("optimizer") or config.get("optimizer_config"))
    return Compiled(loss, from_logits, optimizer, learning_rate)


def _loss(value: object) -> tuple[str | None, bool | None]:
    while isinstance(value, (list, dict)) and len(value) == 1:  # one loss, given by list or by output name
        value = value[0] if isinstance(value, list) else next(iter(value.values()))
    logits: object = False
    if isinstance(value, dict):
        inner = value.get("config")
        logits = inner.get("from_logits", False) if isinstance(inner, dict) else False
        value = inner if value.get("class_name") == "function" else value.get("class_name")
    if value is None:
        return None, None
    name = LOSSES.get(str(value)) or LOSS_ALIASES.get(str(value)) or str(value)
    if name not in LOSSES.values():
        raise ModelError(
            f"The model was compiled with the loss {quoted(value)}, which is not built into Keras.",
            "A custom loss is code of its own, which is not run here.",
            RECOMPILE,
        )
    return name, bool(logits) if name in BINARY | MULTICLASS else None


def _optimizer(value: object) -> tuple[str | None, float | None]:
    if isinstance(value, str):
        return next((name for name in OPTIMIZERS if name.lower() == value.lower()), None), None
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
    if how.loss in MULTICLASS or (activation == "softmax" and how.loss not in REGRESSION):
        return _classes(units, activation, how)
    if how.loss in BINARY and units not in (1, None):
        return (
            None,
            f"The loss {how.loss} on {units} units can mean several labels an example; say which task it is.",
        )
    if how.loss in BINARY:
        return "binary", f"The model was compiled with the loss {how.loss}."
    if activation == "sigmoid" and units == 1:
        return "binary", "The output is one sigmoid unit."
    if how.loss in REGRESSION:
        return "regression", f"The model was compiled with the loss {how.loss}."
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
    if how.loss in REGRESSION and (units_of(output) or 1) > 1:
        title = f"{units_of(output)} values an example"
        found.append(Finding("warning", title, "Regression is supported for one value an example."))
    return found

"""Which Keras losses fit which task, and how the outputs that they train are read."""

from __future__ import annotations

from dataclasses import dataclass

from retrain_core.types import ModelCard, Task

# Two classes of two output units are several classes as far as the loss is concerned.
EACH_UNIT: tuple[Task, ...] = ("binary", "multilabel", "multiclass")
CLASSES: tuple[Task, ...] = ("multiclass",)
NUMBERS: tuple[Task, ...] = ("regression",)


@dataclass(frozen=True)
class LossInfo:
    """What a loss is good for.

    Args:
        class_name: Its class in ``keras.losses``.
        tasks: The tasks it fits.
        takes_logits: Whether it can be told that the outputs are logits.
        takes_scores: Whether it takes outputs on a scale of their own with the border at 0.
        each_row: Whether it has a value for a single row; else scores show the task's default loss.
    """

    class_name: str
    tasks: tuple[Task, ...]
    takes_logits: bool = False
    takes_scores: bool = False
    each_row: bool = True


LOSSES: dict[str, LossInfo] = {
    "binary_crossentropy": LossInfo("BinaryCrossentropy", EACH_UNIT, takes_logits=True),
    "binary_focal_crossentropy": LossInfo("BinaryFocalCrossentropy", EACH_UNIT, takes_logits=True),
    "hinge": LossInfo("Hinge", EACH_UNIT, takes_scores=True),
    "squared_hinge": LossInfo("SquaredHinge", EACH_UNIT, takes_scores=True),
    "sparse_categorical_crossentropy": LossInfo("SparseCategoricalCrossentropy", CLASSES, takes_logits=True),
    "categorical_crossentropy": LossInfo("CategoricalCrossentropy", CLASSES, takes_logits=True),
    "categorical_focal_crossentropy": LossInfo("CategoricalFocalCrossentropy", CLASSES, takes_logits=True),
    "categorical_generalized_cross_entropy": LossInfo("CategoricalGeneralizedCrossEntropy", CLASSES),
    "categorical_hinge": LossInfo("CategoricalHinge", CLASSES, takes_scores=True),
    "kl_divergence": LossInfo("KLDivergence", CLASSES + NUMBERS),
    "cosine_similarity": LossInfo("CosineSimilarity", CLASSES + NUMBERS),
    "mean_squared_error": LossInfo("MeanSquaredError", EACH_UNIT + NUMBERS),
    "mean_absolute_error": LossInfo("MeanAbsoluteError", EACH_UNIT + NUMBERS),
    "huber": LossInfo("Huber", EACH_UNIT + NUMBERS),
    "log_cosh": LossInfo("LogCosh", EACH_UNIT + NUMBERS),
    "mean_absolute_percentage_error": LossInfo("MeanAbsolutePercentageError", NUMBERS),
    "mean_squared_logarithmic_error": LossInfo("MeanSquaredLogarithmicError", NUMBERS),
    "poisson": LossInfo("Poisson", NUMBERS),
    "dice": LossInfo("Dice", EACH_UNIT, each_row=False),
    "tversky": LossInfo("Tversky", EACH_UNIT, each_row=False),
}
SQUASHED = ("sigmoid", "hard_sigmoid", "softmax")  # outputs between 0 and 1
DEFAULT_LOSSES: dict[Task, str] = {
    "binary": "binary_crossentropy",
    "multilabel": "binary_crossentropy",
    "multiclass": "sparse_categorical_crossentropy",
    "regression": "mean_squared_error",
}


def choose_loss(compiled: str | None, task: Task, units: int, *, from_logits: bool) -> str:
    """Return the loss to train and score with: the model's own if it fits, else the task's default.

    Args:
        compiled: The loss that the model was compiled with.
        task: Kind of problem.
        units: Output units.
        from_logits: Whether the outputs are logits or scores.

    >>> choose_loss("huber", "regression", 1, from_logits=False), choose_loss("huber", "binary", 1, from_logits=True)
    ('huber', 'binary_crossentropy')
    """
    if compiled is not None and not why_not(compiled, task, units, from_logits=from_logits):
        return compiled
    return DEFAULT_LOSSES[_kind(task, units)]


def why_not(loss: str, task: Task, units: int, *, from_logits: bool) -> str:
    """Return why a loss cannot be used, as the end of a sentence; empty if it can.

    >>> why_not("poisson", "binary", 1, from_logits=False)
    'does not fit two classes from 1 output unit'
    """
    info = LOSSES[loss]
    if _kind(task, units) not in info.tasks:
        return f"does not fit {KINDS[task]} from {units} output unit{'s'[: units > 1]}"
    if from_logits and not (info.takes_logits or info.takes_scores):
        return "does not take logits"
    return ""


KINDS: dict[Task, str] = {
    "binary": "two classes",
    "multiclass": "several classes",
    "multilabel": "several labels a row",
    "regression": "a number",
}


def reads_logits(card: ModelCard, task: Task, units: int) -> bool:
    """Return whether the outputs look like logits, or like other scores with the border at 0."""
    if task == "regression":
        return False
    info = LOSSES.get(card.loss or "")
    fits = info is not None and _kind(task, units) in info.tasks
    if info is not None and fits and info.takes_scores:
        return card.output_activation not in SQUASHED
    if card.from_logits is not None:
        return card.from_logits
    if info is not None and fits and not info.takes_logits:
        return False
    return card.output_activation in (None, "linear")


def takes_scores(loss: str) -> bool:
    """Return whether a loss takes scores that are neither probabilities nor logits.

    >>> takes_scores("hinge"), takes_scores("binary_crossentropy")
    (True, False)
    """
    return LOSSES[loss].takes_scores


def _kind(task: Task, units: int) -> Task:
    return "multiclass" if task == "binary" and units > 1 else task

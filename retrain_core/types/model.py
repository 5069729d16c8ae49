"""What a model file says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retrain_core.types.data import Finding
from retrain_core.types.text import Task


@dataclass(frozen=True)
class TensorSpec:
    """A model's input or output, without the batch axis."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True)
class LayerCard:
    """One layer as the file describes it."""

    name: str
    class_name: str
    parameters: int
    trainable: bool
    summary: str = ""


@dataclass(frozen=True)
class ModelCard:
    """What a model file says about itself, read without loading it.

    Args:
        format: Container of the file.
        name: The model's own name.
        sha256: Hash of the file's bytes.
        inputs: In the order the model takes them.
        outputs: In the order the model gives them.
        layers: From input to output; nested models are one entry each.
        parameters: Weights in the file, optimiser state not counted.
        output_activation: Activation of the last layer, ``None`` if it has none or cannot be told.
        loss: Keras name of the compiled loss, ``None`` if the model was saved uncompiled.
        from_logits: Whether the compiled loss says so; ``None`` if unknown, or a loss that cannot say it.
        optimizer: Keras class name of the compiled optimiser.
        learning_rate: Its learning rate, if constant.
        task: First guess of the kind of problem.
        task_reason: Why, in one sentence.
        keras_version: Version that wrote the file.
        findings: What was checked and what deserves attention.
    """

    format: Literal["keras", "h5"]
    name: str
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layers: tuple[LayerCard, ...]
    parameters: int
    output_activation: str | None
    loss: str | None
    from_logits: bool | None
    optimizer: str | None
    learning_rate: float | None
    task: Task | None
    task_reason: str
    keras_version: str
    findings: tuple[Finding, ...] = ()

    @property
    def depth(self) -> int:
        """How many layers there are: input layers do not count, a nested model counts as one."""
        return sum(layer.class_name != "InputLayer" for layer in self.layers)

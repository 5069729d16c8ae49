"""What a training step needs in memory, told before the first one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from retrain_core.errors import RunError
from retrain_core.machine import available_memory_mb
from retrain_core.training.graph import functional

COPIES = 2.5  # of each activation: kept for the gradient, its gradient, and what lies between
SAFE_SHARE = 0.9  # of the memory that is free
SCORE_BATCH = 1024
SCORE_BYTES = 256 * 1024**2


@contextmanager
def exhaustion_told() -> Iterator[None]:
    """Turn TensorFlow's error for exhausted memory into Python's, which whoever waits for this run knows."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise MemoryError(str(error).split("\n")[0]) from error


def check_batch(model: keras.Model, batch_size: int) -> None:
    """See that a step fits in memory.

    Raises:
        RunError: If it does not; it names a batch size that does.
    """
    advice = advise(model, batch_size, available_memory_mb())
    if advice:
        raise RunError("The run does not fit in memory.", *advice)


def advise(model: keras.Model, batch_size: int, available_mb: float) -> tuple[str, str] | None:
    """Return why a step of ``batch_size`` rows does not fit and what to do; ``None`` if it fits."""
    available = available_mb * SAFE_SHARE * 1024**2
    fixed, a_row = fixed_bytes(model), row_bytes(model)
    needed = fixed + a_row * batch_size
    if needed <= available:
        return None
    why = f"A step of {batch_size:,} rows needs about {needed / 1024**3:.1f} GB; {available_mb / 1024:.1f} GB are free."
    fitting = int((available - fixed) // max(a_row, 1))
    if fitting < 1:
        return why, "Use a machine with more memory, or a smaller model."
    return why, f"Choose a batch size of {2 ** int(np.log2(fitting)):,} or less."


def score_batch(model: keras.Model) -> int:
    """Return how many rows to score at once: fewer than usual if their layers' outputs would fill the memory."""
    return max(1, min(SCORE_BATCH, int(SCORE_BYTES // max(row_bytes(model), 1))))


def row_bytes(model: keras.Model) -> float:
    """Return the bytes that one row of a batch needs: every layer's output, as often as a step holds it."""
    sizes = [
        np.prod([size or 1 for size in tensor.shape[1:]], dtype=np.float64) * tf.as_dtype(tensor.dtype).size
        for tensor in [*functional(model).inputs, *_activations(model)]
        if tensor.dtype != "string"
    ]
    return COPIES * float(sum(sizes))


def _activations(model: keras.Model) -> Iterator[Any]:
    """Yield what each call of a layer gives, those inside nested models at each of their calls."""
    for depth in functional(model)._nodes_by_depth.values():
        for node in depth:
            if isinstance(node.operation, keras.Model):
                yield from _activations(node.operation)
            elif not node.is_input:
                yield from node.outputs


def fixed_bytes(model: keras.Model) -> float:
    """Return the bytes that do not depend on the batch: weights, gradients, optimiser state, best weights."""
    learning = sum(float(np.prod(weight.shape)) for weight in model.trainable_weights)
    return 4.0 * float(model.count_params() + 4 * learning)

"""The head of a model as it is trained: Keras' own ``train_step``, with what a strategy adds to the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf
from numpy.typing import NDArray

Penalty = Callable[[], tf.Tensor]


@dataclass(frozen=True)
class Teacher:
    """The old model's outputs for the training rows, to be kept close to.

    Args:
        outputs: Shape ``(rows, units)``, aligned with the training rows.
        weight: Of the distance, beside the loss on the labels.
        temperature: Softens the probabilities of both; not used for regression.
        task: Says which distance: of one distribution, of one a unit, or of numbers.
        from_logits: Whether outputs are logits.
    """

    outputs: NDArray[Any]
    weight: float
    temperature: float
    task: str
    from_logits: bool

    def distance(self, then: tf.Tensor, now: tf.Tensor) -> tf.Tensor:
        """Return the mean distance of new outputs from old ones over the rows of a batch.

        Source: Li and Hoiem (2016), ECCV; the factor T^2 is that of Hinton et al. (2015).
        """
        then, now = tf.cast(then, tf.float32), tf.cast(now[:, : then.shape[1]], tf.float32)
        if self.task == "regression":
            return self.weight * tf.reduce_mean(tf.square(now - then))
        t = self.temperature
        if self.task == "multilabel" or then.shape[1] == 1:
            target = tf.sigmoid(_logit(then, self.from_logits) / t)
            rows = tf.nn.sigmoid_cross_entropy_with_logits(target, _logit(now, self.from_logits) / t)
        else:
            target = tf.nn.softmax(_log(then, self.from_logits) / t)
            rows = tf.nn.softmax_cross_entropy_with_logits(target, _log(now, self.from_logits) / t)
        return self.weight * t**2 * tf.reduce_mean(rows)


class Learner(keras.Model):  # type: ignore[misc]
    """A functional model with a penalty and a teacher; with neither, its steps are exactly those of ``fit``."""

    penalties: Sequence[Penalty] = ()
    teacher: Teacher | None = None

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return Keras' loss and, in training, what the strategy adds to it."""
        labels, then = y if isinstance(y, tuple) else (y, None)
        loss = super().compute_loss(x, labels, y_pred, sample_weight, training)
        if training and then is not None and self.teacher is not None:
            loss += self.teacher.distance(then, y_pred)
        if training:
            for penalty in self.penalties:
                loss += penalty()
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the metrics on the labels alone."""
        return super().compute_metrics(x, y[0] if isinstance(y, tuple) else y, y_pred, sample_weight)


def pull(variables: Sequence[Any], anchors: Sequence[Any], strengths: Sequence[Any]) -> Penalty:
    """Return half the squared distance of variables from their anchors, each weight with its strength.

    Args:
        variables: What learns.
        anchors: Arrays of the variables' shapes: where they are pulled to.
        strengths: A number, or an array of that shape, a variable.

    Source: L2-SP (Li et al. 2018, ICML) with one strength for all; EWC (Kirkpatrick et al. 2017, PNAS) with the
    Fisher information of each weight.
    """
    fixed = [
        (variable, tf.constant(anchor, tf.float32), tf.constant(strength, tf.float32))
        for variable, anchor, strength in zip(variables, anchors, strengths, strict=True)
    ]

    def penalty() -> tf.Tensor:
        return tf.add_n([tf.reduce_sum(s * tf.square(tf.cast(v, tf.float32) - a)) / 2 for v, a, s in fixed])

    return penalty


def _log(outputs: tf.Tensor, from_logits: bool) -> tf.Tensor:
    """Return logits up to a constant a row, which softmax does not see."""
    return outputs if from_logits else tf.math.log(tf.clip_by_value(outputs, 1e-7, 1.0))


def _logit(outputs: tf.Tensor, from_logits: bool) -> tf.Tensor:
    if from_logits:
        return outputs
    clipped = tf.clip_by_value(outputs, 1e-7, 1 - 1e-7)
    return tf.math.log(clipped) - tf.math.log1p(-clipped)

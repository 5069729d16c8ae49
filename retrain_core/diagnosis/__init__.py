"""The other three questions, and where all four point to; pure functions of what was measured elsewhere.

``volume`` and ``learning_curve`` tell how much new data there is and what more would bring; ``machine`` and ``affordable``
what there is to compute on and what fits a budget; ``robustness`` and ``importance`` how much disturbed rows cost a model, by
the table ``DISTURBANCES``; ``first_guess`` which strategy the evidence points to.
"""

from retrain_core.diagnosis.disturb import DISTURBANCES
from retrain_core.diagnosis.first_guess import first_guess
from retrain_core.diagnosis.learning_curve import learning_curve, subsample_sizes
from retrain_core.diagnosis.resources import affordable, machine
from retrain_core.diagnosis.sensitivity import importance, robustness
from retrain_core.diagnosis.sensitivity_words import WHISKERS, better_without, no_better_than_one_class
from retrain_core.diagnosis.volume import used_rows, volume, volume_of

__all__ = [
    "DISTURBANCES",
    "WHISKERS",
    "affordable",
    "better_without",
    "first_guess",
    "importance",
    "learning_curve",
    "machine",
    "no_better_than_one_class",
    "robustness",
    "subsample_sizes",
    "used_rows",
    "volume",
    "volume_of",
]

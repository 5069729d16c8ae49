"""The other three questions, and where all four point to.

``volume`` and ``learning_curve`` tell how much new data there is and what more would buy, ``machine`` and ``affordable``
what there is to compute on and what fits a budget, ``first_guess`` which strategy the evidence points to. All are pure
functions of what was measured elsewhere.
"""

from retrain_core.diagnosis.first_guess import first_guess
from retrain_core.diagnosis.resources import affordable, machine
from retrain_core.diagnosis.volume import learning_curve, subsample_sizes, volume

__all__ = ["affordable", "first_guess", "learning_curve", "machine", "subsample_sizes", "volume"]

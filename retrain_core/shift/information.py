"""How much a set of values tells about the side a row is from, in nats: one scale for inputs, labels and both.

It is the Jensen-Shannon divergence between the sides, which is the information that the values hold about a fair coin
that drew the side. Like the Kullback-Leibler divergence it obeys the chain rule, so the shift of inputs and label together
is that of the inputs plus that of the label given the inputs. Unlike it, it stays finite where one side has values that the
other lacks, which is where shifts are largest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.chances import chance_if_equal, side_chances
from retrain_core.shift.estimate import Values
from retrain_core.shift.features import Features


def information(chance: Values, side: NDArray[np.int64]) -> float:
    """Return what held-out chances tell about the side, in nats: from 0 to ln 2.

    Args:
        chance: Chance of being a new row, by a model that has not seen the row, shape ``(rows,)``.
        side: 0 for an old row, 1 for a new one, shape ``(rows,)``.

    Source: Lin (1991), IEEE Transactions on Information Theory 37(1), 145-151.

    >>> information(np.array([0.5, 0.5]), np.array([0, 1]))
    0.0
    """
    fair = chance_if_equal(chance, float(side.mean()))
    told = [np.log(np.where(side == 1, fair, 1 - fair)[side == which]).mean() for which in (0, 1)]
    return float(max(0.0, np.log(2) + np.mean(told)))


def feature_information(features: Features) -> float:
    """Return what the features tell about the side, in nats; 0 if there are none."""
    if not features.matrix.shape[1]:
        return 0.0
    return information(side_chances(features, features.folds()), features.side)

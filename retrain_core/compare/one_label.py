"""One class or label against all others: what is asked of two classes can then be asked of each of many."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retrain_core.compare.predicted import Predicted


def against_rest(predicted: Predicted, label: int, *, decided: bool = False) -> Predicted:
    """Return the question whether a row has one label, as a problem of two classes.

    A row is right if what the model says of this label is right. The loss is still that of the whole row.

    Args:
        predicted: What a model predicts for several classes or labels.
        label: Number of the class or label.
        decided: Whether what the model decides takes the place of its probabilities. The likeliest of many classes may have
            a probability below a half, so scores of decisions are those of the whole problem only this way.
    """
    said, came = predicted.decided[:, label], predicted.labels[:, label]
    chances = said.astype(np.float64) if decided else predicted.chances[:, label]
    return replace(
        predicted,
        task="binary",
        targets=came.astype(np.int32),
        outputs=chances[:, None],
        metric=np.equal(said, came).astype(np.float64),
        from_logits=False,
    )

"""All checks that look at rows as a whole, asked once: inputs, label given inputs, inputs given label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain_core.shift.chances import calibrated, side_scores
from retrain_core.shift.columns import ColumnPair
from retrain_core.shift.concept import ConceptCheck, check_concept, concept_obstacle
from retrain_core.shift.estimate import Estimate, Values
from retrain_core.shift.features import (
    Features,
    build_features,
    join_features,
    keep_rows,
    sample_rows,
    sampled,
)
from retrain_core.shift.given_label import check_given_label, label_strata
from retrain_core.shift.information import feature_information, information
from retrain_core.shift.labels import MOST_LABELS, labels_target
from retrain_core.shift.multivariate import DomainCheck, check_domain


@dataclass(frozen=True)
class Labelled:
    """The rows that have all labels.

    Args:
        features: Their columns, labels left out.
        labels: Their labels as features.
        chance: Chance that each is a new one, given its columns.
        concept: Whether P(y given x) changed; ``None`` if there is an obstacle.
        obstacle: What it is, as a clause; nothing if there is none.
        given_label: How well old and new rows of like label can be told apart; ``None`` if there are too few.
    """

    features: Features
    labels: Features
    chance: Values
    concept: ConceptCheck | None
    obstacle: str
    given_label: Estimate | None

    def information(self) -> dict[str, float]:
        """Return what inputs, labels, and both tell about the side, in nats: ``x``, ``y`` and ``x, y``."""
        return {
            "x": information(self.chance, self.features.side),
            "y": feature_information(self.labels),
            "x, y": feature_information(join_features(self.features, self.labels)),
        }


@dataclass(frozen=True)
class Together:
    """What all columns together, and with the labels, tell about old and new rows.

    Args:
        rows: Which old and which new rows were looked at.
        features: Their columns, labels left out.
        scores: How much each looks like a new row, by models that have not seen it.
        chance: The same as the chance that it is one.
        domain: Whether they can be told apart; ``None`` if there is too little to tell.
        labelled: The same rows with their labels; ``None`` if labels are not to be looked at.
    """

    rows: tuple[NDArray[np.intp], NDArray[np.intp]]
    features: Features
    scores: Values
    chance: Values
    domain: DomainCheck | None
    labelled: Labelled | None

    @property
    def concept(self) -> ConceptCheck | None:
        """Whether P(y given x) changed; ``None`` if it cannot be told."""
        return None if self.labelled is None else self.labelled.concept


def check_together(
    pairs: Sequence[ColumnPair], labels: Sequence[ColumnPair], sizes: tuple[int, int]
) -> Together:
    """Ask everything that takes rows as a whole, of at most 5 000 rows a side.

    Args:
        pairs: The columns, labels left out.
        labels: The labels that both sides have; none if they are not to be looked at.
        sizes: How many old and new rows there are.
    """
    rows = sample_rows(*sizes)
    features = build_features(pairs, rows)
    domain = check_domain(features)
    scores: Values = np.zeros(len(features.side))
    chance: Values = np.full(len(features.side), features.side.mean())
    if domain is not None:
        folds = features.folds()
        scores = side_scores(features, folds)
        chance = calibrated(scores, features.side, folds)
    labelled = _check_labelled(features, labels, rows, chance) if labels else None
    return Together(rows, features, scores, chance, domain, labelled)


def _check_labelled(
    features: Features,
    labels: Sequence[ColumnPair],
    rows: tuple[NDArray[np.intp], NDArray[np.intp]],
    chance: Values,
) -> Labelled:
    labels = labels[:MOST_LABELS]
    target = labels_target(labels, rows)
    there = np.flatnonzero(np.isfinite(target).all(axis=1))
    kept, target = keep_rows(features, there), target[there]
    answers = keep_rows(build_features(labels, rows, inputs=False), there)
    if obstacle := concept_obstacle(kept, target):
        return Labelled(kept, answers, chance[there], None, obstacle, None)
    if len(there) < len(features.side):  # who has a label may be another matter on each side
        folds = kept.folds()
        chance = calibrated(side_scores(kept, folds), kept.side, folds)
    concept = check_concept(kept, target, chance)
    one = labels[0] if len(labels) == 1 and labels[0].kind == "categorical" else None
    strata = label_strata(answers, None if one is None else sampled(one, rows)[there])
    return Labelled(kept, answers, chance, concept, "", check_given_label(kept, answers, strata))

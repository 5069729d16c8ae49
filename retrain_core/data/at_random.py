"""Parts drawn at random: groups of rows that belong together, in the same shares of every class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retrain_core.data.groups import Keys, Ties, groups, tied, without_inputs
from retrain_core.data.part_of import (
    ALIKE,
    DROPPED,
    HOLDOUT,
    HOLDOUT_SHARE,
    TRAIN,
    VALIDATION,
    VALIDATION_SHARE,
    PartOf,
    copies_note,
    left_out_as_copies,
    or_id,
)
from retrain_core.types import Dataset, SplitSettings
from retrain_core.types.text import counted

LEAST_GROUPS = 20  # with fewer groups than this, rows with equal inputs cannot be kept together
LEAST_IN_STRATUM = 5  # smaller classes are split as one: a fifth of each would be no row
HEAVY = 0.05  # share of the rows from which a group of one id is trained on, not held out


def at_random(
    data: Mapping[str, Dataset], ties: Ties, settings: SplitSettings
) -> tuple[dict[str, PartOf], list[str]]:
    """Return the part of each row, drawn at random, and what was done."""
    rng, named = np.random.default_rng(settings.seed), settings.id is not None
    own = ties.get("holdout", ties["new"][:0])
    free = np.flatnonzero(~tied(ties["new"], own))
    drawn = {"new": ties["new"][free]}
    if "old" in data:
        drawn["old"] = ties["old"]
    keys, loose = _groups(drawn, named)
    notes = [*copies_note(len(ties["new"]) - len(free), settings), *_alike_note(keys, loose, settings)]

    new_part = np.full(len(ties["new"]), DROPPED)
    held = 0.0 if "holdout" in data else HOLDOUT_SHARE
    strata = _strata(data["new"])[free]
    new_part[free] = _assign(loose["new"], strata, held, VALIDATION_SHARE, rng, by_rows=named)
    if "old" not in data:
        return {"new": new_part}, notes
    keys = keys if "holdout" in data and not named else loose
    old_part = _assign(keys["old"], _strata(data["old"]), HOLDOUT_SHARE, 0.0, rng, by_rows=named)
    _follow(old_part, keys["old"], keys["new"], new_part[free])
    old_part[tied(ties["old"], own)] = DROPPED
    left_out = int((old_part == DROPPED).sum())
    if left_out:
        notes.append(
            f"{left_out_as_copies(left_out, 'old row')} of new rows kept for early stopping"
            f"{' or of holdout rows' if 'holdout' in data else ''}{or_id(settings.id)}."
        )
    return {"new": new_part, "old": old_part}, notes


def _groups(ties: Ties, named: bool) -> tuple[dict[str, Keys], dict[str, Keys]]:
    """Return the groups of tied rows; and those that can be shared out, in which copies stand apart if need be."""
    keys = groups(ties)
    _, sizes = np.unique(keys["new"], return_counts=True)
    if len(sizes) >= LEAST_GROUPS and not (named and sizes.max() > sizes.sum() / 2):
        return keys, keys
    loose = groups(without_inputs(ties))
    return keys, loose if len(np.unique(loose["new"])) > len(sizes) else keys


def _alike_note(keys: Mapping[str, Keys], loose: Mapping[str, Keys], settings: SplitSettings) -> list[str]:
    if loose is not keys:
        return [ALIKE]
    repeated = len(keys["new"]) - len(np.unique(keys["new"]))
    same = "the same inputs" if settings.id is None else f"the inputs or the '{settings.id}'"
    as_another = "as another" if settings.id is None else "of another"
    return (
        [
            f"{counted(repeated, 'new row')} {'has' if repeated == 1 else 'have'} {same} {as_another}; such rows stay in one part."
        ]
        if repeated
        else []
    )


def _strata(data: Dataset) -> NDArray[np.int64]:
    """Return the stratum of each row: its class, its labels together, or the fifth that its number lies in."""
    if data.task == "multilabel":
        return _combinations(np.asarray(data.targets))
    if data.task != "regression":
        return data.targets.astype(np.int64)
    values = np.asarray(data.targets)
    if values.ndim > 1:  # several numbers: the mean of them all, each on its own scale
        spread = values.std(axis=0)
        values = ((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)).mean(axis=1)
    return np.searchsorted(np.quantile(values, [0.2, 0.4, 0.6, 0.8]), values).astype(np.int64)


def _combinations(labels: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the same number for rows with the same labels; rare combinations go by their rarest label.

    With many labels most combinations are rare, and a label that few rows have must not miss a part by chance.

    Source: Sechidis, Tsoumakas and Vlahavas (2011), ECML PKDD (what labels ask of a split).
    """
    _, combination, sizes = np.unique(labels, axis=0, return_inverse=True, return_counts=True)
    frequency = np.where(labels == 1, labels.sum(axis=0, dtype=np.int64), len(labels) + 1)
    rarest = len(sizes) + frequency.argmin(axis=1)
    return np.where(sizes[combination] < LEAST_IN_STRATUM, rarest, combination).astype(np.int64)


def _assign(
    keys: Keys,
    strata: NDArray[np.int64],
    held: float,
    validation: float,
    rng: np.random.Generator,
    *,
    by_rows: bool = False,
) -> PartOf:
    """Return TRAIN, VALIDATION or HOLDOUT for each row, equal for equal keys, in the same shares in every stratum.

    Strata too small to share out are taken together. Shares are those of groups, or ``by_rows`` of the rows in them:
    groups of one id may be large, and the largest are trained on.
    """
    _, first, group, rows = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    weight = rows if by_rows else np.ones(len(rows))
    part = np.full(len(first), TRAIN)
    _, stratum_of, sizes = np.unique(strata[first], return_inverse=True, return_counts=True)
    stratum_of[sizes[stratum_of] < LEAST_IN_STRATUM] = -1
    for stratum in np.unique(stratum_of):
        members = rng.permutation(np.flatnonzero(stratum_of == stratum))
        total = weight[members].sum()
        members = members[np.argsort(weight[members] > HEAVY * total, kind="stable")]
        middles = np.cumsum(weight[members]) - weight[members] / 2
        ends = np.round(np.array([held, held + validation]) * total)
        part[members[middles < ends[1]]] = VALIDATION
        part[members[middles < ends[0]]] = HOLDOUT
    return part[group]


def _follow(
    old_part: PartOf,
    old_keys: Keys,
    new_keys: Keys,
    new_part: PartOf,
) -> None:
    """Put copies across the two sides in the same part; the new side decides.

    A copy of a new validation row is left out: trained on, it would hide overfitting from early stopping; held
    out, early stopping would have seen it.
    """
    for part, becomes in ((HOLDOUT, HOLDOUT), (VALIDATION, DROPPED), (TRAIN, TRAIN)):
        old_part[np.isin(old_keys, new_keys[new_part == part])] = becomes

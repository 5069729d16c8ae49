"""What other tools would say by their default rules, so that a team can reconcile their verdicts with ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from retrain_core.shift import evidently_rule, nannyml_rule
from retrain_core.shift.tallies import ColumnTally
from retrain_core.shift.threads import for_each
from retrain_core.types import PeerVerdict

DRIFT_SHARE = 0.5  # of the columns, from which Evidently calls the data set drifted


def peer_verdicts(old: pd.DataFrame, new: pd.DataFrame) -> tuple[PeerVerdict, ...]:
    """Return the verdicts of Evidently 0.7 and NannyML 0.13 by their default rules.

    Args:
        old: Rows the model was trained on; both tools call them the reference.
        new: Rows that arrived, in the order of the file, which NannyML's chunks follow.

    Returns:
        One a column of both tables and tool, in the order of the columns, then Evidently's on the data set as a
        whole (column ``""``). NannyML gives none on the whole.

    Source: Evidently 0.7.23, ``DataDriftPreset``; NannyML 0.13.1, ``UnivariateDriftCalculator``.

    >>> rows = pd.DataFrame({"x": range(100)})
    >>> [(v.peer, v.column, v.drifted) for v in peer_verdicts(rows, rows + 40)]
    [('Evidently', 'x', True), ('NannyML', 'x', True), ('Evidently', '', True)]
    """
    shared = [name for name in old.columns if name in new.columns]
    both = for_each(lambda name: _verdicts(old[name], new[name]), shared, len(old) + len(new))
    whole = _whole([evidently for evidently, _ in both])
    return (*(verdict for verdicts in both for verdict in verdicts), whole)


def _verdicts(old: pd.Series[Any], new: pd.Series[Any]) -> tuple[PeerVerdict, PeerVerdict]:
    tally = ColumnTally(old, new)
    return evidently_rule.verdict(tally), nannyml_rule.verdict(tally)


def _whole(columns: Sequence[PeerVerdict]) -> PeerVerdict:
    """Return Evidently's verdict on the data set; ``None`` if columns that are not judged here could turn it."""
    rule = "half of the columns drift"
    counted = [column for column in columns if column.rule not in evidently_rule.LEFT_OUT]
    unknown = sum(column.drifted is None for column in counted)
    least = sum(column.drifted is True for column in counted) / max(len(counted), 1)
    most = least + unknown / max(len(counted), 1)
    if not counted:
        return PeerVerdict(evidently_rule.PEER, "", None, None, DRIFT_SHARE, f"{rule}; it would judge none")
    if any(column.rule in evidently_rule.STOPS for column in counted):
        return PeerVerdict(
            evidently_rule.PEER, "", None, None, DRIFT_SHARE, f"{rule}; it stops with an error"
        )
    decided = least >= DRIFT_SHARE or most < DRIFT_SHARE
    if unknown:
        rule += f"; {unknown} of {len(counted)} not repeated here"
    return PeerVerdict(
        evidently_rule.PEER,
        "",
        least >= DRIFT_SHARE if decided else None,
        None if unknown else least,
        DRIFT_SHARE,
        rule,
    )

"""Tables beside the columns: the questions behind the kind of shift, the newest rows, and other tools' verdicts."""

from __future__ import annotations

from typing import Any

import pandas as pd

from retrain_core.shift.wording import chance
from retrain_core.types import JointShift, PeerVerdict, ShiftKinds, ShiftReport

QUESTIONS = {
    "x": "inputs, P(x)",
    "y": "label, P(y)",
    "y|x": "label given the inputs, P(y given x)",
    "x|y": "inputs given the label, P(x given y)",
}
INPUTS_FIRST, LABEL_FIRST = "share, inputs first (%)", "share, label first (%)"
WORDS = {True: "drift", False: "no drift", None: "not judged"}
WHOLE = "whole data set"


def kinds_table(kinds: ShiftKinds) -> pd.DataFrame:
    """Return the four questions that tell kinds of shift apart, a row each.

    The shift of inputs and label together can be taken apart in two ways; the shares of each add up to 100 %. Without
    shares, the columns for them are left out.
    """
    rows = []
    for name, what in QUESTIONS.items():
        test = kinds.tests.get(name)
        row: dict[str, Any] = {"what": what, "moved": "cannot be told"}
        if test is not None:
            low, high = test.interval or (None, None)
            share = None if test.share is None else round(100 * test.share)
            row |= {
                "moved": "yes" if test.moved else "no",
                "effect (sd)": test.effect,
                "95 % from": low,
                "95 % to": high,
                "p": chance(test.p).removeprefix("p ").removeprefix("= "),
                INPUTS_FIRST: share if name in ("x", "y|x") else None,
                LABEL_FIRST: share if name in ("y", "x|y") else None,
            }
        rows.append(row)
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def newest_table(joint: JointShift) -> pd.DataFrame:
    """Return the new rows that look least like old ones, with their values in the columns that drive the difference."""
    return pd.DataFrame(
        [
            {"row": row.row + 1, "like an old row (%)": 100 * row.likeness, **row.values}
            for row in joint.newest
        ]
    )


def peer_table(report: ShiftReport) -> pd.DataFrame:
    """Return our level of each column beside the verdicts of other tools' default rules; the whole data set first."""
    peers = list(dict.fromkeys(verdict.peer for verdict in report.peers))
    found = {(verdict.peer, verdict.column): verdict for verdict in report.peers}
    levels = {"": report.overall.level or "none"} | {column.name: column.level for column in report.columns}
    rows = []
    for name, level in levels.items():
        row: dict[str, Any] = {"column": name or WHOLE, "this tool": level}
        verdicts = {peer: found.get((peer, name)) for peer in peers}
        row |= {peer: WORDS[verdict.drifted if verdict else None] for peer, verdict in verdicts.items()}
        row |= {f"{peer}: rule": _rule(verdict) for peer, verdict in verdicts.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def _rule(verdict: PeerVerdict | None) -> str | None:
    if verdict is None or verdict.value is None:
        return verdict.rule if verdict else None
    return f"{verdict.rule}: {verdict.value:.3g}"
